//! Every single figure of a judged subset in words: the same list on the page and in the terminal.

use candor_analysis::evaluate::{Interval, Score};

use crate::SubsetEvaluation;
use crate::figures::Scale;

/// Stands where there is nothing to say.
const NOTHING: &str = "–";

/// One figure, written with the digits that its interval supports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureLine {
    /// What it is.
    pub name: String,
    /// Its value; or, as an error, why there is none.
    pub value: Result<String, String>,
    /// Its 95 % interval, `–` where there is none.
    pub interval: String,
    /// What naming classes without looking would give, `–` where that cannot be said.
    pub without_looking: String,
}

/// Accuracy, balanced accuracy, short lists, kappa, Matthews correlation, the areas under the curves, log loss, Brier
/// score and calibration error, in this order.
pub fn figure_list(judged: &SubsetEvaluation) -> Vec<FigureLine> {
    let (figures, intervals) = (&judged.evaluation, &judged.intervals);
    let classes = figures.classes.len() as f64;
    let (accuracy, balanced) = (&figures.accuracy, figures.balanced_accuracy);
    let mut lines = vec![
        share(
            "Accuracy",
            accuracy.value,
            judged.part_in_training.is_none().then(|| judged.accuracy_interval()),
            Some(figures.majority_baseline.accuracy),
        ),
        share("Balanced accuracy", balanced, intervals.balanced_accuracy, Some(1.0 / classes)),
    ];
    lines.extend(figures.top_k_accuracy.iter().zip(&intervals.top_k_accuracy).map(|(top, &interval)| {
        let name = format!("Class among the first {}", top.k);
        share(&name, top.hits.value, interval, Some(top.k as f64 / classes))
    }));
    let (roc_auc, precision) = (figures.roc_auc.macro_mean, figures.average_precision.macro_mean);
    let error = figures.calibration.expected_error;
    lines.extend([
        score("Cohen's kappa", figures.cohen_kappa, intervals.cohen_kappa, 0.0),
        plain("Matthews correlation", figures.matthews_correlation, intervals.matthews_correlation, 0.0),
        score("ROC AUC, macro", roc_auc, intervals.roc_auc, 0.5),
        score("Average precision, macro", precision, intervals.average_precision, 1.0 / classes),
        plain("Log loss, nats", figures.log_loss, intervals.log_loss, classes.ln()),
        plain("Brier score", figures.brier_score, intervals.brier_score, 1.0 - 1.0 / classes),
        share("Expected calibration error", error, intervals.calibration_error, None),
    ]);
    lines
}

/// A value with the digits that its interval supports. Where there is none nothing says how many are worth printing:
/// two of a number, none of a share in per cent.
pub(crate) fn written(scale: Scale, value: f64, interval: Option<Interval>) -> String {
    scale.write(value, interval.unwrap_or(Interval { low: 0.0, high: 0.05 }))
}

fn share(name: &str, value: f64, interval: Option<Interval>, guess: Option<f64>) -> FigureLine {
    line(name, Scale::PerCent, Ok(value), interval, guess)
}

fn plain(name: &str, value: f64, interval: Option<Interval>, guess: f64) -> FigureLine {
    line(name, Scale::Plain, Ok(value), interval, Some(guess))
}

fn score(name: &str, score: Score, interval: Option<Interval>, guess: f64) -> FigureLine {
    let why = || score.undefined().map_or_else(|| NOTHING.to_owned(), |reason| reason.to_string());
    line(name, Scale::Plain, score.value().ok_or_else(why), interval, Some(guess))
}

fn line(
    name: &str,
    scale: Scale,
    value: Result<f64, String>,
    interval: Option<Interval>,
    guess: Option<f64>,
) -> FigureLine {
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    FigureLine {
        name: name.to_owned(),
        value: value.map(|value| written(scale, value, interval)),
        interval: or_nothing(interval.map(|interval| scale.write_interval(interval))),
        without_looking: or_nothing(guess.map(|guess| written(scale, guess, None))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_analysis::LabelledPredictions;
    use candor_core::Subset;

    fn lines(truth: Vec<usize>, probabilities: Vec<f32>) -> Vec<FigureLine> {
        let classes = vec!["fork".to_owned(), "scissors".to_owned()];
        let predictions = LabelledPredictions::new(classes, truth, probabilities).unwrap();
        figure_list(&SubsetEvaluation::alone(Subset::Test, None, &predictions))
    }

    fn line_of<'a>(lines: &'a [FigureLine], name: &str) -> &'a FigureLine {
        lines.iter().find(|line| line.name == name).unwrap()
    }

    #[test]
    fn each_figure_stands_beside_what_not_looking_gives() {
        let rows: Vec<[f32; 2]> =
            (0..40).map(|i| if i % 5 == 0 { [0.25, 0.75] } else { [0.75, 0.25] }).collect();
        let lines = lines((0..40).map(|i| usize::from(i % 4 == 0)).collect(), rows.concat());
        let accuracy = line_of(&lines, "Accuracy");
        assert_eq!((accuracy.value.as_deref(), accuracy.without_looking.as_str()), (Ok("65%"), "75%"));
        assert_eq!(accuracy.interval, "49% to 78%");
        assert_eq!(line_of(&lines, "Log loss, nats").without_looking, "0.69");
        assert_eq!(line_of(&lines, "Expected calibration error").without_looking, "–");
    }

    #[test]
    fn what_cannot_be_measured_says_why() {
        let lines = lines(vec![0, 0], vec![1.0, 0.0, 1.0, 0.0]);
        let kappa = line_of(&lines, "Cohen's kappa");
        assert!(kappa.value.as_ref().unwrap_err().contains("chance would do as well"));
        assert_eq!((line_of(&lines, "Brier score").interval.as_str(), kappa.interval.as_str()), ("–", "–"));
    }
}
