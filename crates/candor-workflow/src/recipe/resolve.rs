//! From what was typed to what it means.

use candor_core::{Fit, Preprocessing, Seed};
use candor_data::augment::Augmentation;
use candor_engine::architecture::Architecture;
use candor_engine::{NamedLayer, Optimizer};

use super::choose;
use super::fairness::fairness;
use super::file::AugmentationFile;
use super::settings::{check, optimizer, schedule, split};
use super::{Choice, Facts, Keep, NetworkRecipe, Recipe, RecipeError, RecipeFile, TrainingRecipe};
use super::{find_architecture, loss_for, usual_focal_gamma};

/// Fills in what `typed` leaves out, from the named architecture's source or from the pictures, and checks the whole.
///
/// # Errors
/// Names the key whose value cannot be followed.
pub fn resolve(typed: &RecipeFile, facts: &Facts) -> Result<(Recipe, Vec<Choice>), RecipeError> {
    let mut resolver = Resolver { typed, facts, choices: Vec::new() };
    let recipe = resolver.recipe()?;
    check(&recipe)?;
    Ok((recipe, resolver.choices))
}

struct Resolver<'a> {
    typed: &'a RecipeFile,
    facts: &'a Facts,
    choices: Vec<Choice>,
}

impl Resolver<'_> {
    fn recipe(&mut self) -> Result<Recipe, RecipeError> {
        let layers = self.typed.layers()?;
        if layers.is_some() && self.typed.architecture.is_some() {
            return Err(RecipeError::TwoNetworks);
        }
        let named = self.typed.architecture.as_deref().map(find_architecture).transpose()?;
        let preprocessing = self.preprocessing(named);
        let free = named.is_none() && layers.is_none();
        let (network, source) = self.network(named, layers.as_deref(), &preprocessing)?;
        let augmentation = self.augmentation(free, &preprocessing);
        let training = self.training(free, source, layers.as_deref(), &augmentation)?;
        let split = split(&self.typed.split, training.seed)?;
        let width_multiplier = self.typed.width_multiplier.unwrap_or(1.0);
        let purpose = self.typed.purpose.clone();
        let fairness = fairness(&self.typed.fairness)?;
        Ok(Recipe {
            purpose,
            width_multiplier,
            network,
            preprocessing,
            split,
            training,
            augmentation,
            fairness,
        })
    }

    fn choose(&mut self, setting: &str, value: impl ToString, reason: impl Into<String>, flag: &str) {
        self.choices.push(Choice::new(setting, value, reason, flag));
    }

    fn preprocessing(&mut self, named: Option<&Architecture>) -> Preprocessing {
        let typed = &self.typed.preprocessing;
        let (mut height, mut width) = (typed.height.or(typed.width), typed.width.or(typed.height));
        if height.is_none() {
            let (rows, columns, reason) = choose::input_size(self.facts, named);
            (height, width) = (Some(rows), Some(columns));
            self.choose("preprocessing.size", format!("{columns}×{rows}"), reason, "--width and --height");
        }
        let channels = typed.channels.unwrap_or_else(|| {
            let (channels, reason) = choose::channels(self.facts);
            let colour = if channels.count() == 1 { "grey" } else { "rgb" };
            self.choose("preprocessing.channels", colour, reason, "--channels");
            channels
        });
        Preprocessing {
            height: height.unwrap_or_default(),
            width: width.unwrap_or_default(),
            channels,
            fit: typed.fit.unwrap_or(Fit::Stretch),
        }
    }

    fn network(
        &mut self,
        named: Option<&'static Architecture>,
        layers: Option<&[NamedLayer]>,
        input: &Preprocessing,
    ) -> Result<(NetworkRecipe, Option<&'static Architecture>), RecipeError> {
        if let Some(layers) = layers {
            return Ok((NetworkRecipe::Network { layers: layers.to_vec() }, None));
        }
        let architecture = match named {
            Some(architecture) => architecture,
            None => {
                let (name, reason) = choose::architecture(input);
                self.choose("architecture", name, reason, "--architecture");
                find_architecture(name)?
            }
        };
        Ok((NetworkRecipe::Architecture(architecture.name.to_owned()), Some(architecture)))
    }

    fn augmentation(&mut self, free: bool, input: &Preprocessing) -> Augmentation {
        let typed = &self.typed.augmentation;
        let nothing_typed = *typed == AugmentationFile::default();
        let base = match free && nothing_typed {
            true => {
                let (augmentation, reason) = choose::augmentation(self.facts, input);
                self.choose(
                    "augmentation",
                    describe(&augmentation),
                    reason,
                    "--factor, --rotation-degrees, --zoom, --shift, --horizontal-flip",
                );
                augmentation
            }
            false => Augmentation::default(),
        };
        Augmentation {
            rotation_degrees: typed.rotation_degrees.unwrap_or(base.rotation_degrees),
            zoom: typed.zoom.unwrap_or(base.zoom),
            shift: typed.shift.unwrap_or(base.shift),
            horizontal_flip: typed.horizontal_flip.unwrap_or(base.horizontal_flip),
            brightness: typed.brightness.unwrap_or(base.brightness),
            factor: typed.factor.unwrap_or(base.factor),
            edge: typed.edge.unwrap_or(base.edge),
        }
    }

    fn training(
        &mut self,
        free: bool,
        source: Option<&Architecture>,
        layers: Option<&[NamedLayer]>,
        augmentation: &Augmentation,
    ) -> Result<TrainingRecipe, RecipeError> {
        let typed = &self.typed.training;
        let epochs = self.epochs(free, source, augmentation.factor);
        let early_stopping = typed.early_stopping.unwrap_or_else(|| self.early_stopping(free, epochs));
        let batch_size =
            typed.batch_size.unwrap_or_else(|| self.batch_size(free, source, augmentation.factor));
        let loss = || match source {
            Some(architecture) => (architecture.loss)(self.facts.classes),
            None => loss_for(layers.unwrap_or_default()),
        };
        let usual = source.map_or_else(Optimizer::default, |architecture| (architecture.optimizer)());
        Ok(TrainingRecipe {
            epochs,
            batch_size,
            precision: typed.precision.unwrap_or_default(),
            loss: typed.loss.unwrap_or_else(loss),
            seed: Seed(typed.seed.unwrap_or(1)),
            early_stopping,
            keep: typed.keep.unwrap_or(Keep::Accuracy),
            label_smoothing: typed.label_smoothing.unwrap_or_default(),
            focal_gamma: typed.focal_gamma.unwrap_or_else(usual_focal_gamma),
            class_weights: typed.class_weights.clone().unwrap_or_default(),
            clip_norm: typed.clip_norm.unwrap_or_default(),
            ema: typed.ema.unwrap_or_default(),
            freeze: typed.freeze.clone(),
            variants: typed.variants.unwrap_or_else(|| self.variants(augmentation)),
            // Whoever resumes may stand in another folder.
            init: typed.init.as_ref().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone())),
            optimizer: optimizer(&typed.optimizer.clone().unwrap_or_default(), usual)?,
            schedule: schedule(&typed.schedule.clone().unwrap_or_default())?,
        })
    }

    /// With frozen layers as many as an epoch shows, so that what they compute can be kept.
    fn variants(&mut self, augmentation: &Augmentation) -> usize {
        let variants = augmentation.factor;
        if self.typed.training.freeze.is_none() {
            return 0;
        }
        if !augmentation.is_none() {
            let reason = "what frozen layers make of a variant is computed once and kept";
            self.choose("training.variants", variants, reason, "--variants");
        }
        variants
    }

    fn epochs(&mut self, free: bool, source: Option<&Architecture>, factor: usize) -> usize {
        if let Some(epochs) = self.typed.training.epochs {
            return epochs;
        }
        let (epochs, reason) = match source {
            Some(architecture) if !free => {
                (architecture.epochs, format!("{} has it so in its source", architecture.name))
            }
            _ => choose::epochs(self.facts, factor),
        };
        self.choose("training.epochs", epochs, reason, "--epochs");
        epochs
    }

    fn early_stopping(&mut self, free: bool, epochs: usize) -> usize {
        let choice = if free { choose::early_stopping(self.facts, epochs) } else { None };
        let Some((patience, reason)) = choice else { return 0 };
        self.choose("training.early_stopping", patience, reason, "--early-stopping");
        patience
    }

    fn batch_size(&mut self, free: bool, source: Option<&Architecture>, factor: usize) -> usize {
        let usual = source.map_or(32, |architecture| architecture.batch_size);
        if !free {
            return usual;
        }
        let size = choose::batch_size(usual, self.facts, factor);
        let reason = match size == usual {
            true => "the architecture is usually trained so",
            false => "an epoch should have at least ten steps",
        };
        self.choose("training.batch_size", size, reason, "--batch-size");
        size
    }
}

/// `3× (rotation ±10°, zoom ±10%, shift ±10%, mirrored)`, or `none`.
pub(crate) fn describe(augmentation: &Augmentation) -> String {
    let per_cent = |share: f64| format!("{}%", (share * 100.0).round());
    let mut parts = Vec::new();
    if augmentation.rotation_degrees > 0.0 {
        parts.push(format!("rotation ±{}°", augmentation.rotation_degrees));
    }
    for (name, share) in [("zoom", augmentation.zoom), ("shift", augmentation.shift)] {
        if share > 0.0 {
            parts.push(format!("{name} ±{}", per_cent(share)));
        }
    }
    if augmentation.horizontal_flip {
        parts.push("mirrored".to_owned());
    }
    if augmentation.brightness > 0.0 {
        parts.push(format!("brightness ±{}", per_cent(augmentation.brightness)));
    }
    match parts.is_empty() {
        true => "none".to_owned(),
        false => format!("{}× ({})", augmentation.factor, parts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use candor_core::Channels;
    use candor_data::prepare::Survey;
    use candor_engine::Loss;
    use candor_engine::optimizer::Sgd;

    use super::*;

    fn photos(training_pictures: usize) -> Facts {
        let survey = Survey { median_width: 640, median_height: 480, ..Survey::default() };
        Facts { classes: 4, training_pictures, validation_pictures: training_pictures / 7, survey }
    }

    fn resolved(text: &str, facts: &Facts) -> Result<(Recipe, Vec<Choice>), RecipeError> {
        resolve(&RecipeFile::parse(text)?, facts)
    }

    #[test]
    fn with_nothing_typed_the_pictures_decide_and_every_choice_is_told() {
        let (recipe, choices) = resolved("", &photos(28)).unwrap();
        assert_eq!(recipe.network_name(), "simple-cnn");
        let input = recipe.preprocessing;
        assert_eq!((input.height, input.width, input.channels), (64, 64, Channels::Rgb));
        assert_eq!((recipe.augmentation.factor, recipe.training.epochs), (3, 100));
        let settings: Vec<&str> = choices.iter().map(|choice| choice.setting.as_str()).collect();
        let told = ["preprocessing.size", "preprocessing.channels", "architecture", "augmentation"];
        assert_eq!(settings[..4], told);
    }

    #[test]
    fn few_validation_pictures_stop_no_training() {
        for (training_pictures, patience) in [(28, 0), (400, 25)] {
            let (recipe, choices) = resolved("", &photos(training_pictures)).unwrap();
            assert_eq!((recipe.training.epochs, recipe.training.early_stopping), (100, patience));
            assert!(choices.iter().any(|choice| choice.setting == "training.early_stopping"));
        }
    }

    #[test]
    fn a_named_architecture_is_trained_as_in_its_source() {
        let (recipe, _) = resolved("architecture = \"face-mlp\"", &photos(28)).unwrap();
        assert_eq!((recipe.training.epochs, recipe.training.batch_size), (10, 32));
        assert_eq!((recipe.training.loss, recipe.training.early_stopping), (Loss::MeanSquaredError, 0));
        let sgd = Sgd { learning_rate: 0.1, momentum: 0.9, nesterov: true, decay: 1e-6, weight_decay: 0.0 };
        assert_eq!(recipe.training.optimizer, sgd.into());
        assert!(recipe.augmentation.is_none());
    }

    #[test]
    fn what_is_saved_resolves_to_itself() {
        for text in [
            "",
            "architecture = \"face-mlp\"\n[training]\nseed = 7",
            "[fairness]\nattribute = \"sex\"\nweight = 0.1",
            "[[network.layers]]\nkind = \"flatten\"\n[[network.layers]]\nkind = \"dense\"\nunits = 4\nactivation = \"softmax\"",
        ] {
            let (recipe, _) = resolved(text, &photos(900)).unwrap();
            let saved = recipe.to_toml();
            let (again, choices) =
                resolved(&saved, &Facts::default()).unwrap_or_else(|e| panic!("{e}\n{saved}"));
            assert_eq!(again, recipe, "{saved}");
            assert_eq!(choices, [], "{saved}");
            assert_eq!(toml::from_str::<Recipe>(&saved).unwrap(), recipe);
        }
    }

    #[test]
    fn what_cannot_be_followed_is_named() {
        let cases = [
            (
                "architecture = \"alexnet\"",
                "there is no architecture called \"alexnet\": choose one of linear",
            ),
            ("[training]\nepochs = 0", "training.epochs = 0, but it must be at least 1"),
            ("[augmentation]\nzoom = 1.5", "augmentation.zoom = 1.5, but"),
            ("[split]\nvalidation = 1.5", "split.validation = 1.5, but it must be from 0 to 1"),
            (
                "[split]\ntrain = 0.75\ntest = 0.5",
                "the shares of the split = 1.25 in all, but it must be at most 1",
            ),
            (
                "[training.optimizer]\nkind = \"adam\"\nmomentum = 0.9",
                "momentum does not go with the optimizer adam",
            ),
            ("[training.optimizer]\nlearning_rate = -1.0", "training.optimizer.learning_rate = -1, but"),
            (
                "architecture = \"linear\"\n[[network.layers]]\nkind = \"flatten\"",
                "both an architecture and layers",
            ),
        ];
        for (text, start) in cases {
            let message = resolved(text, &photos(900)).unwrap_err().to_string();
            assert!(message.starts_with(start), "{message}");
        }
    }

    #[test]
    fn a_network_that_answers_for_another_number_of_classes_is_refused() {
        let text = "[[network.layers]]\nkind = \"flatten\"\n[[network.layers]]\nkind = \"dense\"\nunits = 3";
        let (recipe, _) = resolved(text, &photos(900)).unwrap();
        assert!(recipe.build(3).is_ok());
        let message = recipe.build(2).unwrap_err().to_string();
        assert!(message.contains("3 outputs") && message.contains("2 classes"), "{message}");
    }
}
