//! From what was typed to what it means.

use std::path::{Path, PathBuf};

use candor_core::{Fit, Preprocessing, Seed};
use candor_data::augment::Augmentation;
use candor_data::split::Fractions;
use candor_engine::architecture::{self, Architecture};
use candor_engine::{EngineError, NamedLayer, Optimizer, Schedule};
use thiserror::Error;

use super::choose;
use super::file::{AugmentationFile, OptimizerFile, OptimizerKind, ScheduleFile, ScheduleKind, SplitFile};
use super::{Choice, Facts, Keep, NetworkRecipe, Recipe, RecipeFile, SplitRecipe, TrainingRecipe};
use super::{find_architecture, loss_for};

/// A recipe that cannot be followed, and what in it is wrong.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum RecipeError {
    #[error("{}: the recipe cannot be read", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{}: {error}", path.display())]
    InFile { path: PathBuf, error: Box<RecipeError> },
    #[error("{}", in_words(&.0.to_string()))]
    Toml(#[from] toml::de::Error),
    #[error("--{flag} {typed}: {reason}")]
    Flag { flag: &'static str, typed: String, reason: String },
    #[error("network layer {number}{}: {reason}", line.map_or_else(String::new, |line| format!(" (line {line})")))]
    Layer { number: usize, line: Option<usize>, reason: String },
    #[error("both an architecture and layers of your own are given: leave one of them out")]
    TwoNetworks,
    #[error("there is no architecture called \"{0}\": choose one of {names}", names = names())]
    Architecture(String),
    #[error("{key} = {value}, but it must be {needs}")]
    Value { key: &'static str, value: String, needs: &'static str },
    #[error("{key} does not go with the optimizer {kind}: leave it out, or choose another optimizer")]
    Optimizer { key: &'static str, kind: &'static str },
    #[error("{key} does not go with the schedule {kind}: leave it out, or choose another schedule")]
    Schedule { key: &'static str, kind: &'static str },
    #[error(transparent)]
    Network(#[from] EngineError),
    #[error(
        "the network ends in {units} outputs, but there are {classes} classes: its last layer needs {classes} units{}",
        if *classes == 2 { " (or one with a sigmoid)" } else { "" }
    )]
    Outputs { units: usize, classes: usize },
}

impl RecipeError {
    pub(super) fn in_file(self, path: &Path) -> RecipeError {
        RecipeError::InFile { path: path.to_owned(), error: Box::new(self) }
    }

    pub(super) fn with_line(self, find: impl Fn(usize) -> Option<usize>) -> RecipeError {
        match self {
            RecipeError::Layer { number, reason, .. } => {
                RecipeError::Layer { number, line: find(number), reason }
            }
            other => other,
        }
    }
}

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
        Ok(Recipe { network, preprocessing, split, training, augmentation })
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
            loss: typed.loss.unwrap_or_else(loss),
            seed: Seed(typed.seed.unwrap_or(1)),
            early_stopping,
            keep: typed.keep.unwrap_or(Keep::Accuracy),
            optimizer: optimizer(typed.optimizer.clone().unwrap_or_default(), usual)?,
            schedule: schedule(&typed.schedule.clone().unwrap_or_default())?,
        })
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
        if !free || !self.facts.validation || epochs <= 20 {
            return 0;
        }
        let patience = (epochs / 4).max(10);
        let reason = "further epochs seldom help after so many without a better one";
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

/// Shares that were not typed take what is left, in the proportion of their usual values.
fn split(typed: &SplitFile, seed: Seed) -> Result<SplitRecipe, RecipeError> {
    let usual = Fractions::default();
    let parts = [
        ("split.train", typed.train, usual.train),
        ("split.validation", typed.validation, usual.validation),
        ("split.test", typed.test, usual.test),
    ];
    let outside = parts
        .iter()
        .filter_map(|&(key, typed, _)| Some((key, typed?)))
        .find(|(_, share)| !(0.0..=1.0).contains(share));
    if let Some((key, share)) = outside {
        return Err(RecipeError::Value { key, value: share.to_string(), needs: "from 0 to 1" });
    }
    let left = 1.0 - parts.iter().filter_map(|part| part.1).sum::<f64>();
    let open: f64 = parts.iter().filter(|part| part.1.is_none()).map(|part| part.2).sum();
    if left < -1e-9 {
        let value = format!("{} in all", 1.0 - left);
        return Err(RecipeError::Value { key: "the shares of the split", value, needs: "at most 1" });
    }
    let [train, validation, test] = match typed {
        SplitFile { train: None, validation: None, test: None, .. } => {
            [usual.train, usual.validation, usual.test]
        }
        _ => parts.map(|(_, typed, usual)| typed.unwrap_or(left * usual / open)),
    };
    Ok(SplitRecipe { train, validation, test, seed: typed.seed.map_or(seed, Seed) })
}

/// The typed settings over those of the architecture's optimiser, where it is of the same kind.
fn optimizer(typed: OptimizerFile, usual: Optimizer) -> Result<Optimizer, RecipeError> {
    let kind = typed.kind.unwrap_or(match usual {
        Optimizer::Adam { .. } => OptimizerKind::Adam,
        Optimizer::Sgd { .. } => OptimizerKind::Sgd,
    });
    let base = match (kind, usual) {
        (OptimizerKind::Adam, Optimizer::Adam { .. }) | (OptimizerKind::Sgd, Optimizer::Sgd { .. }) => usual,
        (OptimizerKind::Adam, _) => Optimizer::default(),
        (OptimizerKind::Sgd, _) => Optimizer::sgd(0.01),
    };
    let stray = |kind, keys: &[(&'static str, bool)]| match keys.iter().find(|key| key.1) {
        Some(&(key, _)) => Err(RecipeError::Optimizer { key, kind }),
        None => Ok(()),
    };
    match base {
        Optimizer::Adam { learning_rate, beta1, beta2, epsilon } => {
            let (momentum, nesterov) = (typed.momentum.is_some(), typed.nesterov.is_some());
            let decay = typed.decay.is_some();
            stray("adam", &[("momentum", momentum), ("nesterov", nesterov), ("decay", decay)])?;
            Ok(Optimizer::Adam {
                learning_rate: typed.learning_rate.unwrap_or(learning_rate),
                beta1: typed.beta1.unwrap_or(beta1),
                beta2: typed.beta2.unwrap_or(beta2),
                epsilon: typed.epsilon.unwrap_or(epsilon),
            })
        }
        Optimizer::Sgd { learning_rate, momentum, nesterov, decay } => {
            let (beta1, beta2) = (typed.beta1.is_some(), typed.beta2.is_some());
            stray("sgd", &[("beta1", beta1), ("beta2", beta2), ("epsilon", typed.epsilon.is_some())])?;
            Ok(Optimizer::Sgd {
                learning_rate: typed.learning_rate.unwrap_or(learning_rate),
                momentum: typed.momentum.unwrap_or(momentum),
                nesterov: typed.nesterov.unwrap_or(nesterov),
                decay: typed.decay.unwrap_or(decay),
            })
        }
    }
}

/// The typed schedule; what is left out takes the usual values.
fn schedule(typed: &ScheduleFile) -> Result<Schedule, RecipeError> {
    let kind = typed.kind.unwrap_or(ScheduleKind::Constant);
    let (name, allowed): (_, &[&str]) = match kind {
        ScheduleKind::Constant => ("constant", &[]),
        ScheduleKind::Cosine => ("cosine", &["warmup"]),
        ScheduleKind::OneCycle => ("one-cycle", &["warmup"]),
        ScheduleKind::Step => ("step", &["every", "factor"]),
    };
    let given = [("warmup", typed.warmup), ("every", typed.every), ("factor", typed.factor)];
    if let Some((key, _)) = given.iter().find(|(key, value)| value.is_some() && !allowed.contains(key)) {
        return Err(RecipeError::Schedule { key, kind: name });
    }
    Ok(match kind {
        ScheduleKind::Constant => Schedule::Constant,
        ScheduleKind::Cosine => Schedule::Cosine { warmup: typed.warmup.unwrap_or(0.0) },
        ScheduleKind::OneCycle => Schedule::OneCycle { warmup: typed.warmup.unwrap_or(0.3) },
        ScheduleKind::Step => {
            Schedule::Step { every: typed.every.unwrap_or(1.0 / 3.0), factor: typed.factor.unwrap_or(0.1) }
        }
    })
}

fn check(recipe: &Recipe) -> Result<(), RecipeError> {
    let Recipe { preprocessing: input, training, augmentation, .. } = recipe;
    let whole = |key, value: usize, least| (key, value >= least, value.to_string(), "at least 1");
    let share =
        |key, value: f64| (key, (0.0..1.0).contains(&value), value.to_string(), "at least 0 and below 1");
    let rate = training.optimizer.learning_rate();
    let checks = [
        whole("preprocessing.height", input.height, 1),
        whole("preprocessing.width", input.width, 1),
        whole("training.epochs", training.epochs, 1),
        whole("training.batch_size", training.batch_size, 1),
        whole("augmentation.factor", augmentation.factor, 1),
        share("augmentation.zoom", augmentation.zoom),
        share("augmentation.shift", augmentation.shift),
        share("augmentation.brightness", augmentation.brightness),
        (
            "augmentation.rotation_degrees",
            (0.0..=180.0).contains(&augmentation.rotation_degrees),
            augmentation.rotation_degrees.to_string(),
            "from 0 to 180",
        ),
        (
            "training.optimizer.learning_rate",
            rate > 0.0 && rate.is_finite(),
            rate.to_string(),
            "a number above 0",
        ),
    ];
    match checks.into_iter().find(|check| !check.1) {
        Some((key, _, value, needs)) => Err(RecipeError::Value { key, value, needs }),
        None => Ok(()),
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

/// What the TOML reader says, in the words of a recipe instead of Rust's.
pub(super) fn in_words(message: &str) -> String {
    let words = [("expected usize", "expected a whole number"), ("expected u64", "expected a whole number")];
    let more = [("expected f64", "expected a number"), ("expected f32", "expected a number")];
    let plain = message.trim_end().to_owned();
    words.iter().chain(&more).fold(plain, |text, (rust, plain)| text.replace(rust, plain))
}

fn names() -> String {
    architecture::ALL.iter().map(|architecture| architecture.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use candor_core::Channels;
    use candor_data::prepare::Survey;
    use candor_engine::Loss;

    use super::*;

    fn photos(training_pictures: usize) -> Facts {
        let survey = Survey { median_width: 640, median_height: 480, ..Survey::default() };
        Facts { classes: 4, training_pictures, validation: true, survey }
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
    fn a_named_architecture_is_trained_as_in_its_source() {
        let (recipe, _) = resolved("architecture = \"face-mlp\"", &photos(28)).unwrap();
        assert_eq!((recipe.training.epochs, recipe.training.batch_size), (10, 32));
        assert_eq!((recipe.training.loss, recipe.training.early_stopping), (Loss::MeanSquaredError, 0));
        let sgd = Optimizer::Sgd { learning_rate: 0.1, momentum: 0.9, nesterov: true, decay: 1e-6 };
        assert_eq!(recipe.training.optimizer, sgd);
        assert!(recipe.augmentation.is_none());
    }

    #[test]
    fn what_is_saved_resolves_to_itself() {
        for text in [
            "",
            "architecture = \"face-mlp\"\n[training]\nseed = 7",
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
    fn shares_that_were_not_typed_take_what_is_left() {
        let shares = |text: &str| {
            let split = resolved(text, &photos(900)).unwrap().0.split;
            [split.train, split.validation, split.test].map(|share| (share * 1000.0).round() / 1000.0)
        };
        assert_eq!(shares(""), [0.7, 0.1, 0.2]);
        assert_eq!(shares("[split]\ntest = 0.3\nvalidation = 0.0"), [0.7, 0.0, 0.3]);
        assert_eq!(shares("[split]\ntest = 0.6"), [0.35, 0.05, 0.6]);
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
