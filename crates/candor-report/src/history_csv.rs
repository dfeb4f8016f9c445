//! The history as a table: one row an epoch.

use std::fmt::Write;

use crate::{Epoch, History};

const HEADER: &str =
    "epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,learning_rate,seconds\n";

/// CSV with a header and one row an epoch. What was not measured is left empty.
pub fn history_csv(history: &History) -> String {
    history.epochs.iter().fold(HEADER.to_owned(), |mut text, epoch| {
        writeln!(text, "{}", row(epoch)).expect("writing to a string cannot fail");
        text
    })
}

fn row(epoch: &Epoch) -> String {
    let validation = epoch.validation;
    let cells = [
        Some(epoch.train.loss),
        Some(epoch.train.accuracy),
        validation.map(|scores| scores.loss),
        validation.map(|scores| scores.accuracy),
        epoch.learning_rate,
        Some(epoch.seconds),
    ];
    let cells = cells.map(|cell| cell.map_or_else(String::new, |value| value.to_string()));
    format!("{},{}", epoch.epoch, cells.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scores;

    #[test]
    fn what_was_not_measured_is_empty() {
        let scores = |loss, accuracy| Scores { loss, accuracy };
        let first = Epoch {
            epoch: 1,
            train: scores(0.5, 0.75),
            validation: Some(scores(0.625, 0.5)),
            learning_rate: Some(0.001),
            seconds: 1.5,
        };
        let second = Epoch { epoch: 2, validation: None, learning_rate: None, ..first };
        let history =
            History { loss_name: "cross-entropy".into(), epochs: vec![first, second], best_epoch: None };
        let text = history_csv(&history);
        let rows: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(rows, ["1,0.5,0.75,0.625,0.5,0.001,1.5", "2,0.5,0.75,,,,1.5"]);
        assert_eq!(text.lines().next().unwrap().split(',').count(), 7);
    }
}
