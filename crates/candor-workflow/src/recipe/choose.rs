//! What candor chooses where the person left something open, and why.
//!
//! With an architecture named, everything else is as in its source. With none, the pictures decide. Every choice is
//! told with its reason and the flag that overrides it.

use candor_core::{Channels, Preprocessing};
use candor_data::augment::Augmentation;
use candor_data::prepare::Survey;
use candor_engine::architecture::Architecture;
use serde::{Deserialize, Serialize};

/// A choice that candor made for the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What was chosen, in the words of the recipe: `preprocessing.height`.
    pub setting: String,
    /// What it was set to.
    pub value: String,
    /// Why.
    pub reason: String,
    /// What overrides it: `--height 96 --width 96`.
    pub flag: String,
}

impl Choice {
    pub(super) fn new(setting: &str, value: impl ToString, reason: impl Into<String>, flag: &str) -> Choice {
        Choice {
            setting: setting.to_owned(),
            value: value.to_string(),
            reason: reason.into(),
            flag: flag.to_owned(),
        }
    }

    /// For people, in a line.
    pub fn sentence(&self) -> String {
        let Choice { setting, value, reason, flag } = self;
        let name = setting.rsplit('.').next().unwrap_or(setting).replace('_', " ");
        format!("{name}: {value}, because {reason}. To choose yourself: {flag}")
    }
}

/// What the choices depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Classes.
    pub classes: usize,
    /// Pictures to learn from, about.
    pub training_pictures: usize,
    /// Pictures that choose the best epoch, about.
    pub validation_pictures: usize,
    /// Sizes and colour.
    pub survey: Survey,
}

/// Input sides that the architectures work well with.
const SIDES: [usize; 5] = [28, 32, 48, 64, 96];

/// So many pictures are shown to the network in all, as far as the limits of [`epochs`] allow.
const PICTURES_SHOWN: usize = 200_000;

/// Fewer validation pictures than this cannot say when a training has gone far enough: a run of bad luck looks the same.
const FEW_TO_STOP: usize = 20;

/// Below so many training pictures, variants of them help.
const FEW_PICTURES: usize = 2_000;

/// Height and width of the input.
pub(super) fn input_size(facts: &Facts, named: Option<&Architecture>) -> (usize, usize, String) {
    let Survey { median_width: width, median_height: height, one_size, .. } = facts.survey;
    if one_size && (1..=128).contains(&width.max(height)) {
        return (height, width, format!("all pictures are {width}×{height}"));
    }
    if let Some(architecture) = named
        && let candor_engine::Shape::Image { height, width, .. } = architecture.input
    {
        return (height, width, format!("{} has it so in its source", architecture.name));
    }
    let side = square_side(width.min(height), facts.training_pictures);
    (
        side,
        side,
        format!("half of the pictures are at least {width}×{height}, and larger inputs train slower"),
    )
}

fn square_side(shorter: usize, training_pictures: usize) -> usize {
    let most = if training_pictures >= 5_000 { 96 } else { 64 };
    let fitting = SIDES.into_iter().rfind(|&side| side <= shorter.min(most));
    fitting.unwrap_or(shorter.max(SIDES[0]))
}

/// Grey or colour.
pub(super) fn channels(facts: &Facts) -> (Channels, &'static str) {
    match facts.survey.all_grey {
        true => (Channels::Grey, "all pictures are grey"),
        false => (Channels::Rgb, "there are colours in the pictures"),
    }
}

/// The architecture's name.
pub(super) fn architecture(input: &Preprocessing) -> (&'static str, String) {
    let (height, width) = (input.height, input.width);
    match height.min(width) {
        ..10 => ("linear", format!("{width}×{height} is too small for convolutions with pooling")),
        10..=40 => ("mnist-cnn", format!("it suits small inputs such as {width}×{height}")),
        _ => ("simple-cnn", format!("it suits photographs at {width}×{height} and trains quickly")),
    }
}

/// How training pictures are varied, where the pictures decide.
pub(super) fn augmentation(facts: &Facts, input: &Preprocessing) -> (Augmentation, String) {
    let count = facts.training_pictures;
    if count >= FEW_PICTURES {
        return (
            Augmentation::default(),
            format!("{count} pictures to learn from are enough without variants"),
        );
    }
    // Digits and letters change their meaning in a mirror; photographs of things and people seldom do.
    let horizontal_flip = input.height.min(input.width) > 40;
    let varied = Augmentation {
        rotation_degrees: 10.0,
        zoom: 0.1,
        shift: 0.1,
        horizontal_flip,
        factor: 3,
        ..Augmentation::default()
    };
    (
        varied,
        format!(
            "{count} pictures to learn from are few, and variants of them make it harder to learn them by heart"
        ),
    )
}

/// Passes over the training pictures, between 10 and 100.
pub(super) fn epochs(facts: &Facts, factor: usize) -> (usize, String) {
    let an_epoch = (facts.training_pictures * factor).max(1);
    let epochs = (PICTURES_SHOWN / an_epoch).clamp(10, 100);
    (epochs, format!("an epoch shows {an_epoch} pictures, and the best epoch is kept"))
}

/// The architecture's batch size, smaller where an epoch would else have fewer than ten steps.
pub(super) fn batch_size(usual: usize, facts: &Facts, factor: usize) -> usize {
    let mut size = usual;
    while size > 8 && facts.training_pictures * factor < 10 * size {
        size /= 2;
    }
    size
}

/// After how many epochs without a better one a training ends; none where it is too short, or cannot be told.
pub(super) fn early_stopping(facts: &Facts, epochs: usize) -> Option<(usize, String)> {
    if epochs <= 20 {
        return None;
    }
    Some(match facts.validation_pictures {
        0 => return None,
        few @ 1..FEW_TO_STOP => {
            (0, format!("{few} validation pictures are too few to say that a training has gone far enough"))
        }
        _ => {
            let reason = "further epochs seldom help after so many without a better one";
            ((epochs / 4).max(10), reason.to_owned())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(width: usize, height: usize, one_size: bool, training_pictures: usize) -> Facts {
        let survey = Survey { median_width: width, median_height: height, one_size, ..Survey::default() };
        Facts { classes: 2, training_pictures, validation_pictures: training_pictures / 7, survey }
    }

    #[test]
    fn the_input_follows_the_pictures() {
        let cases = [
            (facts(28, 28, true, 7_000), (28, 28)),
            (facts(8, 8, true, 1_000), (8, 8)),
            (facts(96, 64, true, 1_000), (64, 96)),
            (facts(4000, 3000, true, 28), (64, 64)),
            (facts(300, 200, false, 900), (64, 64)),
            (facts(300, 200, false, 9_000), (96, 96)),
            (facts(50, 70, false, 9_000), (48, 48)),
            (facts(20, 20, false, 100), (28, 28)),
        ];
        for (facts, expected) in cases {
            let (height, width, _) = input_size(&facts, None);
            assert_eq!((height, width), expected, "{facts:?}");
        }
    }

    #[test]
    fn few_pictures_are_shown_more_often_and_in_smaller_batches() {
        assert_eq!(epochs(&facts(1, 1, true, 28), 3).0, 100);
        assert_eq!(epochs(&facts(1, 1, true, 10_000), 1).0, 20);
        assert_eq!(epochs(&facts(1, 1, true, 1_000_000), 1).0, 10);
        assert_eq!(batch_size(32, &facts(1, 1, true, 28), 3), 8);
        assert_eq!(batch_size(128, &facts(1, 1, true, 7_000), 1), 128);
    }

    #[test]
    fn a_choice_is_told_with_its_reason_and_its_flag() {
        let choice = Choice::new("training.batch_size", 8, "there are few pictures", "--batch-size");
        let sentence = "batch size: 8, because there are few pictures. To choose yourself: --batch-size";
        assert_eq!(choice.sentence(), sentence);
    }
}
