//! How a model was judged, in short: the report's three lines, and its figures with their intervals.

use candor_workflow::{Scale, SubsetEvaluation, Summary, count, figure_list};

use super::table::{Table, WIDTH, shortened, wrapped};

/// More classes than this, and only those that are found least often are shown.
const MOST_CLASSES: usize = 12;
/// Characters of a class's name.
const NAME: usize = 14;
/// The column of the sentences of the three lines.
const INDENT: usize = 20;

/// The three lines, each sentence beside its question.
pub fn summary(summary: &Summary) -> String {
    let lines = [
        ("What was learned", &summary.learned),
        ("How sure that is", &summary.certainty),
        ("Look at this first", &summary.look_first),
    ];
    let indented = |(question, sentence): (&str, &String)| {
        let gap = format!("\n{:INDENT$}", "");
        format!("{question:<INDENT$}{}\n", wrapped(sentence, WIDTH - INDENT).replace('\n', &gap))
    };
    lines.map(indented).concat()
}

/// Every figure with its interval, and those of the classes.
pub fn figures(judged: &SubsetEvaluation) -> String {
    let mut table = Table::new(&[judged.subset.name(), ">value", ">95% interval", ">without looking"]);
    for line in figure_list(judged) {
        let value = line.value.unwrap_or_else(|_| "none".to_owned());
        table.row([line.name, value, line.interval, line.without_looking]);
    }
    format!("{table}\n{}", classes(judged))
}

/// The classes, of many the ones that are found least often.
fn classes(judged: &SubsetEvaluation) -> String {
    let scores = &judged.evaluation.classification_report.classes;
    let mut shown: Vec<usize> = (0..scores.len()).collect();
    if scores.len() > MOST_CLASSES {
        shown.sort_by(|&a, &b| scores[a].recall.total_cmp(&scores[b].recall));
        shown.retain(|&class| !scores[class].recall_undefined);
        shown.truncate(MOST_CLASSES);
    }
    let mut table = Table::new(&["class", ">precision", ">recall", ">F1", ">pictures"]);
    for &class in &shown {
        let (scores, intervals) = (&scores[class], &judged.intervals.classes[class]);
        let written = |value, interval, undefined| match (undefined, interval) {
            (true, _) => "–".to_owned(),
            (false, None) => format!("{:.0}%", 100.0 * value),
            (false, Some(interval)) => {
                let range = Scale::PerCent.write_interval(interval).replace("% to ", "–");
                format!("{} ({range})", Scale::PerCent.write(value, interval))
            }
        };
        table.row([
            shortened(&scores.class, NAME),
            written(scores.precision, intervals.precision, scores.precision_undefined),
            written(scores.recall, intervals.recall, scores.recall_undefined),
            written(scores.f1, intervals.f1, scores.precision_undefined && scores.recall_undefined),
            count(scores.support),
        ]);
    }
    let more = match scores.len() - shown.len() {
        0 => String::new(),
        more => format!("Those that are found least often; {more} more are in the report.\n"),
    };
    format!("{table}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_stand_beside_their_question() {
        let sentence = "many words in one sentence ".repeat(5);
        let lines = summary(&Summary {
            learned: sentence.clone(),
            certainty: "Quite.".to_owned(),
            look_first: sentence,
        });
        assert!(lines.lines().all(|line| line.chars().count() <= WIDTH), "{lines}");
        assert_eq!(lines.lines().filter(|line| !line.starts_with(' ')).count(), 3, "{lines}");
    }
}
