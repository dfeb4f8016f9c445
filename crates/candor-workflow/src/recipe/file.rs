//! The recipe as a person types it: every key may be left out, and no key may be misspelt.

use std::path::{Path, PathBuf};

use candor_core::{Channels, Fit};
use candor_data::augment::Edge;
use candor_engine::{FairnessDefinition, Loss, NamedLayer, OptimizerKind, Precision};
use serde::{Deserialize, Serialize};
use toml::{Spanned, Table, Value};

use super::error::in_words;
use super::{ClassWeights, FairnessWord, Freeze, Keep, RecipeError, RecipeKey};

/// A recipe file, or the flags that stand for one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecipeFile {
    /// What the classifier is for, in the person's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The name of one of candor's architectures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// How much wider or narrower its layers are than as published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width_multiplier: Option<f32>,
    /// A network of the person's own, instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkFile>,
    /// `[preprocessing]`
    pub preprocessing: PreprocessingFile,
    /// `[split]`
    pub split: SplitFile,
    /// `[training]`
    pub training: TrainingFile,
    /// `[augmentation]`
    pub augmentation: AugmentationFile,
    /// `[fairness]`
    pub fairness: FairnessFile,
}

/// `[[network.layers]]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkFile {
    /// From the input to the answer.
    pub layers: Vec<LayerText>,
}

/// One layer as it was typed. It is read in a second step, so that an error can say which layer it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LayerText(Table);

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)+
        }
    };
}

section! {
    /// `[preprocessing]`
    PreprocessingFile {
        /// Rows of the input.
        height: usize,
        /// Columns of the input.
        width: usize,
        /// Grey or RGB.
        channels: Channels,
        /// How other proportions are treated.
        fit: Fit,
    }
}

section! {
    /// `[split]`
    SplitFile {
        /// Share to learn from.
        train: f64,
        /// Share that chooses the best epoch.
        validation: f64,
        /// Share to be judged on.
        test: f64,
        /// Decides who comes where.
        seed: u64,
    }
}

section! {
    /// `[training]`
    TrainingFile {
        /// Passes over the training pictures.
        epochs: usize,
        /// Pictures a step.
        batch_size: usize,
        /// What learning multiplies.
        precision: Precision,
        /// What is made smaller.
        loss: Loss,
        /// Share of the truth that is spread over all classes.
        label_smoothing: f32,
        /// Of the focal loss.
        focal_gamma: f32,
        /// What each class counts.
        class_weights: ClassWeights,
        /// Of everything random but the split.
        seed: u64,
        /// Patience in epochs, 0 for none.
        early_stopping: usize,
        /// What makes an epoch the best.
        keep: Keep,
        /// The length that gradients are shortened to, 0 for none.
        clip_norm: f32,
        /// Share of the past in the averaged weights, 0 for none.
        ema: f32,
        /// Layers that do not learn.
        freeze: Freeze,
        /// Different variants of each picture, 0 for new ones every epoch.
        variants: usize,
        /// A run or model file to begin with.
        init: PathBuf,
        /// `[training.optimizer]`
        optimizer: OptimizerFile,
        /// `[training.schedule]`
        schedule: ScheduleFile,
    }
}

section! {
    /// `[training.optimizer]`; which keys go with which kind is checked when the recipe is resolved.
    OptimizerFile {
        /// `adam`, `sgd` and so on.
        kind: OptimizerKind,
        /// Step size.
        learning_rate: f32,
        /// Of `sgd` and `rmsprop`.
        momentum: f32,
        /// Of `sgd`.
        nesterov: bool,
        /// Of `sgd`.
        decay: f32,
        /// Of `adam`, `adamw` and `lion`.
        beta1: f32,
        /// Of `adam`, `adamw` and `lion`.
        beta2: f32,
        /// Of `rmsprop`.
        rho: f32,
        /// Of `adam`, `adamw` and `rmsprop`.
        epsilon: f32,
        /// Of all.
        weight_decay: f32,
    }
}

section! {
    /// `[training.schedule]`; which keys go with which kind is checked when the recipe is resolved.
    ScheduleFile {
        /// `constant`, `cosine`, `one-cycle`, `inverse-time` or `step`.
        kind: ScheduleKind,
        /// Of `cosine` and `one-cycle`.
        warmup: f32,
        /// Of `inverse-time`.
        decay: f32,
        /// Of `step`.
        every: f32,
        /// Of `step`.
        factor: f32,
    }
}

section! {
    /// `[augmentation]`
    AugmentationFile {
        /// ± degrees.
        rotation_degrees: f64,
        /// 1 ± this share.
        zoom: f64,
        /// ± this share of a side.
        shift: f64,
        /// Mirrored left to right.
        horizontal_flip: bool,
        /// Times 1 ± this share.
        brightness: f64,
        /// Pictures an epoch sees for each training picture.
        factor: usize,
        /// What lies beyond the edge.
        edge: Edge,
    }
}

section! {
    /// `[fairness]`
    FairnessFile {
        /// The column whose groups are meant.
        attribute: String,
        /// What is to be alike.
        definition: FairnessDefinition,
        /// By which means.
        method: FairnessWord,
        /// Of `penalty`.
        weight: f32,
        /// Of `group-dro`.
        step_size: f32,
    }
}

/// How the learning rate changes while training goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// Not at all.
    Constant,
    /// Falls along half a cosine.
    Cosine,
    /// Rises, then falls.
    OneCycle,
    /// Divided by a number that grows evenly.
    InverseTime,
    /// Falls in steps.
    Step,
}

impl RecipeFile {
    /// Reads the recipe file at `path`.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or has a key or value that a recipe does not have; names key and line.
    pub fn read(path: &Path) -> Result<RecipeFile, RecipeError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| RecipeError::Unreadable { path: path.to_owned(), source })?;
        RecipeFile::parse(&text).map_err(|error| error.in_file(path))
    }

    /// Reads a recipe from TOML text.
    ///
    /// # Errors
    /// As [`RecipeFile::read`].
    pub fn parse(text: &str) -> Result<RecipeFile, RecipeError> {
        let file: RecipeFile = toml::from_str(text)?;
        file.layers().map_err(|error| error.with_line(|number| line_of_layer(text, number)))?;
        Ok(file)
    }

    /// The recipe that the flags stand for: pairs of a recipe key and what was typed for it.
    ///
    /// # Errors
    /// Names the flag whose value cannot be right.
    pub fn from_flags<'a>(
        flags: impl IntoIterator<Item = (&'a RecipeKey, &'a str)>,
    ) -> Result<RecipeFile, RecipeError> {
        let mut all = Table::new();
        for (key, typed) in flags {
            let mut one = Table::new();
            key.insert_into(&mut one, typed);
            // Alone first, so that the error belongs to this flag.
            let file: RecipeFile =
                one.clone().try_into().map_err(|error: toml::de::Error| RecipeError::Flag {
                    flag: key.flag,
                    typed: typed.to_owned(),
                    reason: in_words(error.message()),
                })?;
            file.layers()?;
            merge(&mut all, one);
        }
        Ok(all.try_into()?)
    }

    /// This recipe with everything that `flags` say put over it.
    pub fn with(&self, flags: &RecipeFile) -> RecipeFile {
        let mut base = self.clone();
        if flags.architecture.is_some() {
            base.network = None;
        }
        if flags.network.is_some() {
            base.network = None;
            base.architecture = None;
        }
        // Momentum says nothing about Adam: another kind of optimiser starts from its own defaults.
        let kind = |file: &RecipeFile| file.training.optimizer.as_ref().and_then(|optimizer| optimizer.kind);
        if kind(flags).is_some() && kind(flags) != kind(&base) {
            base.training.optimizer = None;
        }
        let schedule = |file: &RecipeFile| file.training.schedule.as_ref().and_then(|schedule| schedule.kind);
        if schedule(flags).is_some() && schedule(flags) != schedule(&base) {
            base.training.schedule = None;
        }
        let mut table = base.to_table();
        merge(&mut table, flags.to_table());
        table.try_into().expect("two valid recipes make a valid one")
    }

    /// The layers of the person's own network.
    ///
    /// # Errors
    /// Names the first layer that is none.
    pub fn layers(&self) -> Result<Option<Vec<NamedLayer>>, RecipeError> {
        let Some(network) = &self.network else { return Ok(None) };
        let layers = network.layers.iter().enumerate().map(|(index, text)| text.read(index));
        layers.collect::<Result<_, _>>().map(Some)
    }

    fn to_table(&self) -> Table {
        Table::try_from(self).expect("a recipe file holds nothing that TOML cannot say")
    }
}

impl LayerText {
    fn read(&self, index: usize) -> Result<NamedLayer, RecipeError> {
        self.0.clone().try_into().map_err(|error: toml::de::Error| RecipeError::Layer {
            number: index + 1,
            line: None,
            reason: in_words(error.message()),
        })
    }
}

/// The line on which the `number`-th layer begins, both counted from 1.
fn line_of_layer(text: &str, number: usize) -> Option<usize> {
    #[derive(Deserialize)]
    struct Located {
        network: Layers,
    }
    #[derive(Deserialize)]
    struct Layers {
        layers: Vec<Spanned<Table>>,
    }
    let located: Located = toml::from_str(text).ok()?;
    let start = located.network.layers.get(number - 1)?.span().start;
    Some(text[..start].matches('\n').count() + 1)
}

/// Puts what `over` says over `base`, table by table.
fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (Some(Value::Array(below)), Value::Array(above)) if key == "layers" => below.extend(above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::KEYS;

    fn error(text: &str) -> String {
        RecipeFile::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_mistake_is_named_with_its_key_and_line() {
        let cases = [
            ("[training]\nepohcs = 3\n", &["line 2", "epohcs", "epochs"][..]),
            ("[training]\nepochs = \"three\"\n", &["line 2", "epochs = \"three\"", "a whole number"]),
            ("[preprocessing]\nchannels = \"blue\"\n", &["line 2", "blue", "grey"]),
            ("[training]\nprecision = \"fp16\"\n", &["line 2", "fp16", "f32", "bf16"]),
            ("arhitecture = \"linear\"\n", &["line 1", "arhitecture"]),
            (
                "[[network.layers]]\nkind = \"flatten\"\n[[network.layers]]\nkind = \"dense\"\nunit = 3\n",
                &["layer 2", "line 3", "unit"],
            ),
            ("[[network.layers]]\nkind = \"convolution\"\n", &["layer 1", "line 1", "convolution", "conv2d"]),
            ("[training\n", &["line 1"]),
        ];
        for (text, needles) in cases {
            let message = error(text);
            for needle in needles {
                assert!(message.contains(needle), "{needle} is missing in: {message}");
            }
        }
    }

    #[test]
    fn flags_lie_over_the_file() {
        let file = RecipeFile::parse(
            "[training]\nepochs = 3\nbatch_size = 8\n[training.optimizer]\nkind = \"adam\"\nbeta1 = 0.5\n",
        )
        .unwrap();
        let key = |name: &str| KEYS.iter().find(|key| key.key == name).unwrap();
        let flags = RecipeFile::from_flags([
            (key("training.epochs"), "9"),
            (key("training.optimizer.kind"), "sgd"),
            (key("training.optimizer.learning_rate"), "1"),
            (key("split.train"), ".8"),
        ])
        .unwrap();
        let both = file.with(&flags);
        assert_eq!((both.training.epochs, both.training.batch_size), (Some(9), Some(8)));
        let optimizer = both.training.optimizer.unwrap();
        assert_eq!((optimizer.kind, optimizer.beta1), (Some(OptimizerKind::Sgd), None));
        assert_eq!((optimizer.learning_rate, both.split.train), (Some(1.0), Some(0.8)));
    }

    #[test]
    fn layers_can_be_typed_as_flags_one_by_one() {
        let layer = KEYS.iter().find(|key| key.flag == "layer").unwrap();
        let typed = ["kind = \"flatten\"", "kind = \"dense\", units = 2, activation = \"softmax\""];
        let flags = RecipeFile::from_flags(typed.map(|text| (layer, text))).unwrap();
        assert_eq!(flags.layers().unwrap().unwrap().len(), 2);
        let named = RecipeFile { architecture: Some("linear".into()), ..RecipeFile::default() };
        assert_eq!(named.with(&flags).architecture, None);
    }

    #[test]
    fn a_flag_that_cannot_be_right_is_named() {
        let epochs = KEYS.iter().find(|key| key.flag == "epochs").unwrap();
        let message = RecipeFile::from_flags([(epochs, "ten")]).unwrap_err().to_string();
        assert!(message.starts_with("--epochs ten: "), "{message}");
    }
}
