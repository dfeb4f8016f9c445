//! What single sections of a recipe mean: split, optimiser, schedule; and what no recipe may say.

use candor_core::Seed;
use candor_data::split::Fractions;
use candor_engine::{Optimizer, Schedule};
use toml::Table;

use super::file::{OptimizerFile, ScheduleFile, ScheduleKind, SplitFile};
use super::{Recipe, RecipeError, SplitRecipe};

/// Shares that were not typed take what is left, in the proportion of their usual values.
pub(super) fn split(typed: &SplitFile, seed: Seed) -> Result<SplitRecipe, RecipeError> {
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
pub(super) fn optimizer(typed: &OptimizerFile, usual: Optimizer) -> Result<Optimizer, RecipeError> {
    let kind = typed.kind.unwrap_or(usual.kind());
    let base = if kind == usual.kind() { usual } else { kind.usual() };
    let mut settings = Table::try_from(base).expect("an optimiser holds nothing that TOML cannot say");
    let typed = Table::try_from(typed).expect("a recipe file holds nothing that TOML cannot say");
    if let Some(key) = typed.keys().find(|key| !settings.contains_key(*key)) {
        return Err(RecipeError::Optimizer { key: key.clone(), kind: kind.name() });
    }
    settings.extend(typed);
    Ok(settings.try_into()?)
}

/// The typed schedule; what is left out takes the usual values.
pub(super) fn schedule(typed: &ScheduleFile) -> Result<Schedule, RecipeError> {
    let kind = typed.kind.unwrap_or(ScheduleKind::Constant);
    let (name, allowed): (_, &[&str]) = match kind {
        ScheduleKind::Constant => ("constant", &[]),
        ScheduleKind::Cosine => ("cosine", &["warmup"]),
        ScheduleKind::OneCycle => ("one-cycle", &["warmup"]),
        ScheduleKind::InverseTime => ("inverse-time", &["decay"]),
        ScheduleKind::Step => ("step", &["every", "factor"]),
    };
    let given =
        [("warmup", typed.warmup), ("decay", typed.decay), ("every", typed.every), ("factor", typed.factor)];
    if let Some((key, _)) = given.iter().find(|(key, value)| value.is_some() && !allowed.contains(key)) {
        return Err(RecipeError::Schedule { key, kind: name });
    }
    Ok(match kind {
        ScheduleKind::Constant => Schedule::Constant,
        ScheduleKind::Cosine => Schedule::Cosine { warmup: typed.warmup.unwrap_or(0.0) },
        ScheduleKind::OneCycle => Schedule::OneCycle { warmup: typed.warmup.unwrap_or(0.3) },
        ScheduleKind::InverseTime => Schedule::InverseTime { decay: typed.decay.unwrap_or(9.0) },
        ScheduleKind::Step => {
            Schedule::Step { every: typed.every.unwrap_or(1.0 / 3.0), factor: typed.factor.unwrap_or(0.1) }
        }
    })
}

/// Refuses values that no recipe can mean; names the first.
pub(super) fn check(recipe: &Recipe) -> Result<(), RecipeError> {
    let Recipe { preprocessing: input, training, augmentation, .. } = recipe;
    let whole = |key, value: usize, least| (key, value >= least, value.to_string(), "at least 1");
    let share =
        |key, value: f64| (key, (0.0..1.0).contains(&value), value.to_string(), "at least 0 and below 1");
    let rate = training.optimizer.learning_rate();
    let not_negative = |key, value: f32| {
        (key, value >= 0.0 && value.is_finite(), value.to_string(), "a number that is not negative")
    };
    let checks = [
        whole("preprocessing.height", input.height, 1),
        whole("preprocessing.width", input.width, 1),
        whole("training.epochs", training.epochs, 1),
        whole("training.batch_size", training.batch_size, 1),
        whole("augmentation.factor", augmentation.factor, 1),
        share("training.label_smoothing", training.label_smoothing.into()),
        share("training.ema", training.ema.into()),
        not_negative("training.focal_gamma", training.focal_gamma),
        not_negative("training.clip_norm", training.clip_norm),
        not_negative("training.optimizer.weight_decay", training.optimizer.weight_decay()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_that_were_not_typed_take_what_is_left() {
        let shares = |text: &str| {
            let typed: SplitFile = toml::from_str(text).unwrap();
            let split = split(&typed, Seed(1)).unwrap();
            [split.train, split.validation, split.test].map(|share| (share * 1000.0).round() / 1000.0)
        };
        assert_eq!(shares(""), [0.7, 0.1, 0.2]);
        assert_eq!(shares("test = 0.3\nvalidation = 0.0"), [0.7, 0.0, 0.3]);
        assert_eq!(shares("test = 0.6"), [0.35, 0.05, 0.6]);
    }
}
