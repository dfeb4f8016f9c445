//! What each epoch brought.

use candor_engine::Loss;
use serde::{Deserialize, Serialize};

use super::Finish;

/// One epoch's figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean over the epoch, measured while learning: with dropout, and before the epoch has ended.
    pub train: Figures,
    /// After the epoch, where there are validation pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Figures>,
    /// At the end of the epoch.
    pub learning_rate: f64,
    /// Wall-clock time, validation included.
    pub seconds: f64,
    /// Pictures learned from, variants included, in a second of learning.
    pub images_per_second: f64,
}

/// Loss and accuracy on some pictures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The loss that was trained on, a mean over the pictures.
    pub loss: f64,
    /// Share of right answers, in 0..=1.
    pub accuracy: f64,
}

/// Sums up loss and right answers of batches of different sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Totals {
    loss: f64,
    correct: u64,
    pub pictures: u64,
}

impl Totals {
    pub fn add(&mut self, outcome: candor_engine::StepOutcome, pictures: usize) {
        self.loss += f64::from(outcome.loss) * pictures as f64;
        self.correct += outcome.correct as u64;
        self.pictures += pictures as u64;
    }

    pub fn figures(&self) -> Figures {
        let pictures = (self.pictures as f64).max(1.0);
        Figures { loss: self.loss / pictures, accuracy: self.correct as f64 / pictures }
    }
}

/// `history.json`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// What the loss is.
    pub loss: Loss,
    /// The epoch that was kept, counted from 1.
    pub best_epoch: Option<usize>,
    /// Why the training ended, once it has.
    pub finished: Option<Finish>,
    /// One entry an epoch.
    pub epochs: Vec<EpochRecord>,
}

impl History {
    /// Time of all epochs.
    pub fn seconds(&self) -> f64 {
        self.epochs.iter().map(|epoch| epoch.seconds).sum()
    }

    /// Pictures learned from in a second: the middle one of the epochs.
    pub fn images_per_second(&self) -> f64 {
        let mut rates: Vec<f64> = self.epochs.iter().map(|epoch| epoch.images_per_second).collect();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or_default()
    }

    /// As the report draws it.
    pub(crate) fn for_report(&self) -> candor_report::History {
        let loss_name = match self.loss {
            Loss::CrossEntropy => "categorical cross-entropy",
            Loss::BinaryCrossEntropy => "binary cross-entropy",
            Loss::MeanSquaredError => "mean squared error",
            Loss::Focal => "focal loss",
        };
        candor_report::History {
            loss_name: loss_name.to_owned(),
            epochs: self.epochs.iter().map(epoch_for_report).collect(),
            best_epoch: self.best_epoch,
        }
    }
}

fn epoch_for_report(record: &EpochRecord) -> candor_report::Epoch {
    let scores = |figures: Figures| candor_report::Scores { loss: figures.loss, accuracy: figures.accuracy };
    candor_report::Epoch {
        epoch: record.epoch,
        train: scores(record.train),
        validation: record.validation.map(scores),
        learning_rate: Some(record.learning_rate),
        seconds: record.seconds,
    }
}

#[cfg(test)]
mod tests {
    use candor_engine::StepOutcome;

    use super::*;

    #[test]
    fn batches_count_by_their_pictures() {
        let mut totals = Totals::default();
        totals.add(StepOutcome { loss: 1.0, correct: 3 }, 3);
        totals.add(StepOutcome { loss: 5.0, correct: 0 }, 1);
        assert_eq!(totals.figures(), Figures { loss: 2.0, accuracy: 0.75 });
    }
}
