//! Groups of people or things: how differently they are treated, and what it costs to treat them alike.

use candor_workflow::{
    AccuracyChange, FairnessFigures, FairnessFrontier, FrontierRun, GapChange, Scale, count, p_value,
};

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
        let mut table = Table::new(&[
            "",
            ">accuracy (95% interval)",
            ">gap, points (95% interval)",
            ">p of its change",
            "run",
        ]);
        for (place, run) in self.runs.iter().enumerate() {
            let mark = if self.suggestion == Some(place) { "→ " } else { "  " };
            let name =
                run.run.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let accuracy = Scale::PerCent.write_both(run.accuracy, run.interval);
            let p = run.change.as_ref().map_or_else(String::new, |change| p_value(change.outcome.p));
            table.row([format!("{mark}{}", strength(run)), accuracy, gap(run), p, name]);
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
            "The smallest gap for at most two points of accuracy, among those that chance does not explain: {}. {} It was chosen \
             on these validation pictures, so evaluate it on the test split before you claim it: candor evaluate {}",
            strength(run),
            run.change.as_ref().map_or_else(String::new, change_in_words),
            run.run.display()
        ),
        None => format!(
            "No training is suggested: none made the gap smaller, by more than chance explains, for at most two points of \
             accuracy.{} Collect more and better pictures of the group with more errors, or try the other \
             --fairness-method (penalty, group-dro).",
            detectable(frontier)
        ),
    }
}

/// `The gap is 12.3 points smaller (p = .004). “few”: +8.1 points (2.0 to 14.2). “many”: …`
fn change_in_words(change: &GapChange) -> String {
    let points = |share: f64| format!("{:+.1}", 100.0 * share);
    let group = |group: &AccuracyChange| {
        let (low, high) = (points(group.interval.low), points(group.interval.high));
        format!("“{}” {} points ({low} to {high})", group.name, points(group.change))
    };
    let groups: Vec<String> = change.groups.iter().map(group).collect();
    format!(
        "The gap is {:.1} points smaller (p {}). Change in accuracy: {}.",
        100.0 * change.reduction,
        p_value(change.outcome.p),
        groups.join(", ")
    )
}

/// What reduction could be detected, where none was found.
fn detectable(frontier: &FairnessFrontier) -> String {
    let changes: Vec<&GapChange> = frontier.runs.iter().filter_map(|run| run.change.as_ref()).collect();
    match changes.iter().filter_map(|change| change.detectable).reduce(f64::max) {
        Some(coarsest) => {
            let points = (100.0 * coarsest).ceil();
            format!(" On these pictures only a reduction of {points:.0} points or more could be detected.")
        }
        None if changes.is_empty() => {
            " The groups have too few validation pictures to be compared.".to_owned()
        }
        None => " On these pictures no reduction could be detected.".to_owned(),
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
