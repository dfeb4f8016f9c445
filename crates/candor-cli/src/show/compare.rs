//! Runs beside each other.

use candor_workflow::{
    ComparedPair, RunComparison, Verdict, accuracy_with_interval, count, p_value, per_cent,
    points_with_interval,
};

use super::Words;
use super::table::{Table, WIDTH, shortened, wrapped};

/// Characters of a run's name.
const NAME: usize = 24;

impl Words for RunComparison {
    fn words(&self) -> String {
        let pairs = if self.pairs.is_empty() { String::new() } else { format!("\n{}", pairs(self)) };
        let looks = self.looks.map_or_else(String::new, |looks| {
            wrapped(&format!("Looks at these test pictures so far, by all runs in these folders: {looks}. Each one makes the figures a little too good."), WIDTH) + "\n"
        });
        format!(
            "On {} {} pictures\n\n{}{pairs}\n{}\n{looks}",
            count(self.pictures as u64),
            self.subset,
            runs(self),
            wrapped(&conclusion(self), WIDTH)
        )
    }
}

fn runs(comparison: &RunComparison) -> Table {
    // Wilson's interval is for independent pictures: too narrow where those of one group err together.
    let grouped = comparison.groups < comparison.pictures;
    let heading = if grouped { ">accuracy" } else { ">accuracy (95% interval)" };
    let mut table = Table::new(&["", "run", "network", ">seed", heading, ">loss"]);
    for (place, run) in comparison.runs.iter().enumerate() {
        let accuracy = match grouped {
            true => per_cent(run.accuracy.value, run.accuracy.pictures),
            false => accuracy_with_interval(&run.accuracy),
        };
        let (name, seed) = (shortened(&run.run.display().to_string(), NAME), run.seed.to_string());
        let loss = format!("{:.3}", run.log_loss);
        table.row([&letter(place), &name, &shortened(&run.architecture, 12), &seed, &accuracy, &loss]);
    }
    table
}

/// Second less first, with p-values corrected for the number of pairs.
fn pairs(comparison: &RunComparison) -> String {
    let mut table = Table::new(&["", "points (95% interval)", ">p bootstrap", ">p McNemar"]);
    for pair in &comparison.pairs {
        let name = format!("{} less {}", letter(pair.second), letter(pair.first));
        let points = pair.difference.as_ref().map_or_else(|| "no interval".to_owned(), points_with_interval);
        let points = points.replace("95% interval ", "");
        let bootstrap = pair.bootstrap_p_holm.map_or_else(String::new, p_value);
        table.row([&name, &points, &bootstrap, &p_value(pair.mcnemar_p_holm)]);
    }
    let corrected = match comparison.pairs.len() {
        1 => "",
        _ => "p-values by Holm's correction for so many pairs.\n",
    };
    format!("{table}{corrected}")
}

fn conclusion(comparison: &RunComparison) -> String {
    let best = letter(comparison.best);
    let beaten: Vec<String> =
        comparison.pairs.iter().filter_map(|pair| loser(pair, comparison.best)).map(letter).collect();
    match beaten.len() {
        0 => format!(
            "Run {best} has the most right answers, but these pictures do not tell it clearly from any other."
        ),
        all if all + 1 == comparison.runs.len() => {
            format!("Run {best} is clearly better than {}.", beaten.join(", "))
        }
        _ => format!(
            "Run {best} has the most right answers; it is clearly better than {}, and not clearly than the others.",
            beaten.join(", ")
        ),
    }
}

/// The run that `best` clearly beats in this pair.
fn loser(pair: &ComparedPair, best: usize) -> Option<usize> {
    match pair.verdict {
        Verdict::Better if pair.second == best => Some(pair.first),
        Verdict::Worse if pair.first == best => Some(pair.second),
        _ => None,
    }
}

/// A, B, C … and numbers after Z.
fn letter(place: usize) -> String {
    u8::try_from(place)
        .ok()
        .filter(|&place| place < 26)
        .map_or_else(|| (place + 1).to_string(), |place| char::from(b'A' + place).to_string())
}
