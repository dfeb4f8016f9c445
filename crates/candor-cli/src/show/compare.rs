//! Runs beside each other.

use candor_workflow::{
    ComparedPair, RunComparison, accuracy_with_interval, count, p_value, per_cent, points_with_interval,
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
    let mut table = Table::new(&["", "points (95% interval)", ">p"]);
    for pair in &comparison.pairs {
        let name = format!("{} less {}", letter(pair.second), letter(pair.first));
        let points = pair.difference.as_ref().map_or_else(|| "no interval".to_owned(), points_with_interval);
        let points = points.replace("95% interval ", "");
        table.row([&name, &points, &p_value(pair.test.p)]);
    }
    let corrected = match comparison.pairs.len() {
        1 => String::new(),
        pairs => format!("p-values are corrected for {pairs} pairs (step-down maxT).\n"),
    };
    format!("{table}{corrected}")
}

fn conclusion(comparison: &RunComparison) -> String {
    let clear: Vec<(usize, usize)> = comparison
        .pairs
        .iter()
        .filter_map(|pair| pair.winner().map(|winner| (winner, pair.first + pair.second - winner)))
        .collect();
    let limit = limit(comparison);
    match comparison.best {
        Some(best) => {
            let others: Vec<String> =
                (0..comparison.runs.len()).filter(|&run| run != best).map(letter).collect();
            format!("Run {} is clearly better than {}.", letter(best), listed(&others))
        }
        None if clear.is_empty() => format!("No run is clearly better than another. {limit}"),
        None => {
            let words: Vec<String> = clear
                .iter()
                .map(|&(winner, loser)| {
                    format!("{} is clearly better than {}", letter(winner), letter(loser))
                })
                .collect();
            format!("{}. The other pairs do not differ clearly. {limit}", words.join(", "))
        }
    }
}

/// What could be detected in the pairs that do not differ clearly.
fn limit(comparison: &RunComparison) -> String {
    let unclear: Vec<&ComparedPair> =
        comparison.pairs.iter().filter(|pair| pair.winner().is_none()).collect();
    let coarsest = unclear.iter().map(|pair| pair.detectable).reduce(|a, b| Some(a?.max(b?))).flatten();
    match coarsest.map(|share| (100.0 * share).ceil()) {
        None => "With so few pictures no difference could have been detected.".to_owned(),
        Some(1.0) => "Only differences of 1 point or more could be detected.".to_owned(),
        Some(points) => format!("Only differences of {points:.0} points or more could be detected."),
    }
}

/// `A`, `A and B`, `A, B and C`
fn listed(names: &[String]) -> String {
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// A, B, C … and numbers after Z.
fn letter(place: usize) -> String {
    u8::try_from(place)
        .ok()
        .filter(|&place| place < 26)
        .map_or_else(|| (place + 1).to_string(), |place| char::from(b'A' + place).to_string())
}
