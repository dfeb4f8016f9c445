//! Every key of a recipe with its flag: the one list that the command line and its help are made from.

use toml::{Table, Value};

/// A key of a recipe file and the flag that says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecipeKey {
    /// In the file, tables joined by dots: `training.optimizer.learning_rate`.
    pub key: &'static str,
    /// On the command line, without the dashes.
    pub flag: &'static str,
    /// What stands for the value in the help.
    pub value: &'static str,
    /// The words that are allowed, where they can be listed.
    pub words: &'static [&'static str],
    /// One line about it.
    pub help: &'static str,
}

macro_rules! keys {
    ($($key:literal $flag:literal $value:literal [$($word:literal)*] $help:literal)+) => {
        &[$(RecipeKey { key: $key, flag: $flag, value: $value, words: &[$($word),*], help: $help }),+]
    };
}

/// All of them, in the order of a recipe file.
pub const KEYS: &[RecipeKey] = keys! {
    "purpose" "purpose" "TEXT" []
        "What the classifier is for, in your words; the audit looks up what the law says of such a use"
    "architecture" "architecture" "NAME" [] "The network: one of `candor models`"
    "width_multiplier" "width-multiplier" "NUMBER" []
        "mobilenet-v2: make all layers wider or narrower by this factor [default: 1]"
    "network.layers" "layer" "LAYER" []
        "A layer of your own network, as in a recipe: 'kind = \"dense\", units = 10'; repeat it from input to answer"
    "preprocessing.height" "height" "PIXELS" [] "Rows of the network's input"
    "preprocessing.width" "width" "PIXELS" [] "Columns of the network's input"
    "preprocessing.channels" "channels" "COLOUR" ["grey" "rgb"] "What the network sees of the colours"
    "preprocessing.fit" "fit" "HOW" ["stretch" "crop"]
        "How a picture of other proportions fits in: all of it, or the middle"
    "split.train" "train-share" "SHARE" [] "Share of the pictures to learn from [default: 0.7]"
    "split.validation" "validation-share" "SHARE" [] "Share that chooses the best epoch [default: 0.1]"
    "split.test" "test-share" "SHARE" [] "Share that the model is judged on [default: 0.2]"
    "split.seed" "split-seed" "NUMBER" [] "Decides which picture comes where [default: the value of --seed]"
    "training.epochs" "epochs" "NUMBER" [] "Passes over the training pictures, at most"
    "training.batch_size" "batch-size" "NUMBER" [] "Pictures a step"
    "training.precision" "precision" "WHAT" ["f32" "bf16"]
        "What learning multiplies: numbers of 32 bits, or rounded to 16, as processors with bf16 do; no faster yet [default: f32]"
    "training.loss" "loss" "LOSS" ["cross-entropy" "binary-cross-entropy" "mean-squared-error" "focal"]
        "What training makes smaller"
    "training.label_smoothing" "label-smoothing" "SHARE" []
        "cross-entropies: share of the truth that is spread over all classes [default: 0]"
    "training.focal_gamma" "focal-gamma" "NUMBER" []
        "focal: how far it looks away from what is right already [default: 2]"
    "training.class_weights" "class-weights" "WEIGHTS" []
        "What each class counts: `balanced` for rare ones as much as frequent ones, or one number a class as in 1,2.5,1"
    "training.seed" "seed" "NUMBER" [] "Of everything random: the same seed gives the same model [default: 1]"
    "training.early_stopping" "early-stopping" "EPOCHS" []
        "Stop after so many epochs without a better one on validation; 0 never stops early"
    "training.keep" "keep" "WHICH" ["accuracy" "loss" "last"]
        "Which epoch becomes the model: the best by validation accuracy or loss, or the last [default: accuracy]"
    "training.clip_norm" "clip-norm" "NUMBER" []
        "Shorten gradients that are longer than this, all of them together; 0 never does [default: 0]"
    "training.ema" "ema" "SHARE" []
        "Keep a moving average of the weights as the model, with this share of the past, such as 0.999; 0 for none [default: 0]"
    "training.freeze" "freeze" "LAYERS" []
        "Layers that keep their weights: 'up to conv5_2'; what they make of a picture is computed once and kept"
    "training.variants" "variants" "NUMBER" []
        "Different variants of each picture in the whole training; 0 makes new ones every epoch [default: with --freeze the value of --factor, else 0]"
    "training.init" "init" "MODEL" []
        "Begin with the weights of this run or model file where names and shapes agree"
    "training.optimizer.kind" "optimizer" "KIND" ["sgd" "adam" "adamw" "rmsprop" "lion"]
        "How the loss is made smaller"
    "training.optimizer.learning_rate" "learning-rate" "NUMBER" [] "Size of a step"
    "training.optimizer.momentum" "momentum" "SHARE" [] "sgd, rmsprop: how much of the last step goes into the next"
    "training.optimizer.nesterov" "nesterov" "BOOL" ["true" "false"] "sgd: look ahead along the momentum"
    "training.optimizer.decay" "decay" "NUMBER" [] "sgd: step t uses the learning rate / (1 + decay × t)"
    "training.optimizer.beta1" "beta1" "SHARE" []
        "adam, adamw, lion: share of the past in the mean gradient"
    "training.optimizer.beta2" "beta2" "SHARE" []
        "adam, adamw: share of the past in the mean squared gradient; lion: in the mean gradient that is kept"
    "training.optimizer.rho" "rho" "SHARE" [] "rmsprop: share of the past in the mean squared gradient"
    "training.optimizer.epsilon" "epsilon" "NUMBER" []
        "adam, adamw, rmsprop: keeps the division finite"
    "training.optimizer.weight_decay" "weight-decay" "NUMBER" []
        "Pull weights towards zero; adamw, lion: beside the gradient, the others: as part of it"
    "training.schedule.kind" "schedule" "KIND" ["constant" "cosine" "one-cycle" "inverse-time" "step"]
        "How the learning rate changes on the way [default: constant]"
    "training.schedule.warmup" "warmup" "SHARE" []
        "cosine, one-cycle: share of the training over which the learning rate rises"
    "training.schedule.decay" "schedule-decay" "NUMBER" []
        "inverse-time: the learning rate ends at 1 / (1 + this) of itself"
    "training.schedule.every" "schedule-every" "SHARE" []
        "step: share of the training after which the learning rate falls"
    "training.schedule.factor" "schedule-factor" "SHARE" [] "step: what it is multiplied by"
    "augmentation.rotation_degrees" "rotation-degrees" "DEGREES" [] "Turn training pictures by up to ± this"
    "augmentation.zoom" "zoom" "SHARE" [] "Zoom training pictures by 1 ± up to this"
    "augmentation.shift" "shift" "SHARE" [] "Shift training pictures by up to ± this share of a side"
    "augmentation.horizontal_flip" "horizontal-flip" "BOOL" ["true" "false"]
        "Mirror every second training picture left to right"
    "augmentation.brightness" "brightness" "SHARE" [] "Make training pictures lighter or darker by up to this"
    "augmentation.factor" "factor" "NUMBER" [] "Variants of each training picture that an epoch sees"
    "augmentation.edge" "edge" "HOW" ["nearest" "reflect"] "What fills the corners of a turned picture"
    "fairness.attribute" "fairness-attribute" "COLUMN" []
        "Treat the groups of this column of the source alike: age, sex, camera"
    "fairness.definition" "fairness-definition" "WHAT" ["equal-accuracy" "demographic-parity" "equalized-odds"]
        "What is to be alike: right answers, answers, or answers given what is true [default: equal-accuracy]"
    "fairness.method" "fairness-method" "HOW" ["penalty" "group-dro"]
        "Add the groups' gap to the loss, or weigh the groups' losses, the worst most [default: penalty]"
    "fairness.weight" "fairness-weight" "NUMBER" []
        "penalty: how much the squared gap counts beside the loss [default: 10]"
    "fairness.step_size" "fairness-step-size" "NUMBER" []
        "group-dro: how fast the worst group takes over [default: 0.01]"
};

impl RecipeKey {
    /// The section of the file that it stands in; empty for the top.
    pub fn section(&self) -> &'static str {
        self.key.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// Whether the flag may stand more than once.
    pub fn repeats(&self) -> bool {
        self.flag == "layer"
    }

    /// Puts what was typed for the flag into a recipe's table.
    pub(super) fn insert_into(&self, table: &mut Table, typed: &str) {
        let (sections, last) = self.key.rsplit_once('.').unwrap_or(("", self.key));
        let mut inner = table;
        for section in sections.split('.').filter(|section| !section.is_empty()) {
            let below = inner.entry(section).or_insert_with(|| Value::Table(Table::new()));
            inner = below.as_table_mut().expect("a section is a table");
        }
        inner.insert(last.to_owned(), self.value_of(typed));
    }

    /// TOML where it is TOML, else the text itself: `--optimizer sgd` needs no quotes.
    fn value_of(&self, typed: &str) -> Value {
        // People write `.8` and `1`; TOML wants `0.8` and, for a share, `1.0`.
        if let (true, Ok(number)) = (self.is_real(), typed.trim().parse::<f64>()) {
            return Value::Float(number);
        }
        let parse = |text: &str| toml::from_str::<Table>(&format!("value = {text}"));
        let value = match self.repeats() {
            true => parse(&format!("[{{ {} }}]", typed.trim().trim_matches(['{', '}']))),
            false => parse(typed),
        };
        let text = || Value::String(typed.to_owned());
        match value.ok().and_then(|mut table| table.remove("value")) {
            Some(value) if !self.takes_text() => value,
            _ => text(),
        }
    }

    fn is_real(&self) -> bool {
        matches!(self.value, "SHARE" | "DEGREES")
            || matches!(
                self.flag,
                "learning-rate"
                    | "decay"
                    | "epsilon"
                    | "weight-decay"
                    | "clip-norm"
                    | "focal-gamma"
                    | "schedule-decay"
                    | "fairness-weight"
                    | "fairness-step-size"
            )
    }

    fn takes_text(&self) -> bool {
        matches!(self.value, "NAME" | "LAYERS" | "MODEL" | "TEXT" | "COLUMN")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use candor_engine::{Loss, OptimizerKind, Precision};

    use super::*;
    use crate::recipe::{Facts, RecipeFile, resolve};

    fn leaves(prefix: &str, value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Table(table) => table.iter().for_each(|(key, below)| {
                let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                leaves(&path, below, found);
            }),
            _ => drop(found.insert(prefix.to_owned())),
        }
    }

    #[test]
    fn the_list_is_complete_and_nothing_in_it_is_made_up() {
        let mut saved = BTreeSet::from(["network.layers".to_owned()]);
        let kinds = [
            "",
            "[training.optimizer]\nkind = \"sgd\"\nlearning_rate = 0.1",
            "[training.optimizer]\nkind = \"rmsprop\"",
            "[training.schedule]\nkind = \"inverse-time\"",
            "[training]\nfreeze = \"up to conv2d_1\"\ninit = \"other-run\"",
            "[training.schedule]\nkind = \"cosine\"",
            "purpose = \"sort household waste\"",
            "[training.schedule]\nkind = \"step\"",
            "architecture = \"mobilenet-v2\"\nwidth_multiplier = 0.5",
            "[fairness]\nattribute = \"sex\"",
            "[fairness]\nattribute = \"sex\"\nmethod = \"group-dro\"",
        ];
        for typed in kinds {
            let (recipe, _) = resolve(&RecipeFile::parse(typed).unwrap(), &Facts::default()).unwrap();
            let table: Table = toml::from_str(&recipe.to_toml()).unwrap();
            leaves("", &Value::Table(table), &mut saved);
        }
        let listed: BTreeSet<String> = KEYS.iter().map(|key| key.key.to_owned()).collect();
        assert_eq!(saved, listed);
        let flags: BTreeSet<_> = KEYS.iter().map(|key| key.flag).collect();
        assert_eq!(flags.len(), KEYS.len(), "two keys share a flag");
    }

    #[test]
    fn the_words_are_those_of_the_engine() {
        let words = |name: &str| KEYS.iter().find(|key| key.key == name).unwrap().words;
        let kinds: Vec<&str> = OptimizerKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(words("training.optimizer.kind"), kinds);
        assert_eq!(words("training.loss"), Loss::ALL.map(Loss::name));
        assert_eq!(words("training.precision"), Precision::ALL.map(Precision::name));
    }

    #[test]
    fn every_listed_word_is_accepted() {
        for key in KEYS {
            for word in key.words {
                RecipeFile::from_flags([(key, *word)]).unwrap();
            }
        }
    }
}
