//! Groups of people or things: how differently they are treated, and what it costs to treat them alike.

use candor_workflow::{FairnessFigures, FairnessFrontier, FrontierRun, Scale, count};

use super::Words;
use super::table::{Table, WIDTH, wrapped};

/// Every group with its accuracy, then the gap; ends with an empty line.
pub fn groups(figures: &FairnessFigures) -> String {
    let mut table = Table::new(&[figures.gaps.attribute.as_str(), ">pictures", ">accuracy (95% interval)"]);
    for group in &figures.gaps.groups {
        let few = if group.too_few { " (too few to compare)" } else { "" };
        let accuracy = Scale::PerCent.write_both(group.accuracy, group.interval);
        table.row([format!("{}{few}", group.name), count(group.pictures as u64), accuracy]);
    }
    let gap = wrapped(&figures.gap_in_words(), WIDTH);
    format!("Groups of “{}” on {}\n\n{table}\n{gap}\n\n", figures.gaps.attribute, figures.subset)
}

impl Words for FairnessFrontier {
    fn words(&self) -> String {
        let mut table = Table::new(&["", ">accuracy (95% interval)", ">gap, points (95% interval)", "run"]);
        for (place, run) in self.runs.iter().enumerate() {
            let mark = if self.suggestion == Some(place) { "→ " } else { "  " };
            let name =
                run.run.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let accuracy = Scale::PerCent.write_both(run.accuracy, run.interval);
            table.row([format!("{mark}{}", strength(run)), accuracy, gap(run), name]);
        }
        format!(
            "What fairness costs, between the groups of “{}” on validation\n\n{table}\n{}\n\nDrawn in {}\n",
            self.attribute,
            wrapped(&lesson(self), WIDTH),
            self.plot.display()
        )
    }
}

fn lesson(frontier: &FairnessFrontier) -> String {
    match frontier.suggestion.map(|place| &frontier.runs[place]) {
        Some(run) => format!(
            "The smallest gap for at most two points of accuracy: {}. It was chosen on these validation pictures, so judge it on \
             the test split before you claim it: candor evaluate {}",
            strength(run),
            run.run.display()
        ),
        None => "No training made the gap smaller for at most two points of accuracy: collect more and better pictures of the \
                 group that it fails, or try the other --fairness-method (penalty, group-dro)."
            .to_owned(),
    }
}

fn strength(run: &FrontierRun) -> String {
    run.strength.map_or_else(|| "without".to_owned(), |strength| strength.to_string())
}

fn gap(run: &FrontierRun) -> String {
    let points = |share: f64| format!("{:.1}", 100.0 * share);
    run.fairness.gap().map_or_else(
        || "too few pictures".to_owned(),
        |gap| {
            let (low, high) = (points(gap.interval.low), points(gap.interval.high));
            format!("{} ({low} to {high})", points(gap.size))
        },
    )
}
