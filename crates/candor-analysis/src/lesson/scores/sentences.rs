//! What came of scores, in whole sentences.

use super::{Interval, LEVEL, Scored, Scores, ShapiroWilk, Standing};
use crate::lesson::{written, written_p};

impl Scores {
    /// What came of it, in whole sentences.
    pub fn sentences(&self) -> Vec<String> {
        let mut all = vec![self.spread(), self.who(), self.fits()];
        all.extend(self.cases());
        all
    }

    fn spread(&self) -> String {
        format!(
            "{} entities, mean {}, standard deviation {}.",
            self.entities.len(),
            written(self.mean),
            written(self.standard_deviation)
        )
    }

    fn who(&self) -> String {
        let of = |standing: Standing| self.entities.iter().filter(move |entity| entity.standing == standing);
        let n = self.entities.len();
        let can_be = format!(
            "With {n} entities no Z-score can be beyond ±{:.2}, and one is clear from ±{:.2} on.",
            self.largest_possible_z, self.clear_z
        );
        let clear: Vec<String> = of(Standing::OutOfLine).map(in_words).collect();
        let unsure: Vec<String> = of(Standing::Unsure).map(in_words).collect();
        let mut text = match clear.as_slice() {
            [] => "Nobody is clearly out of line.".to_owned(),
            some => format!("Out of line, and more than chance explains: {}.", some.join(", ")),
        };
        if !unsure.is_empty() {
            text += &format!(
                " Beyond two standard deviations, but among {n} somebody often is: {}.",
                unsure.join(", ")
            );
        }
        text + " " + &can_be
    }

    fn fits(&self) -> String {
        let Some(ShapiroWilk { w, p }) = self.normality else {
            return "There are too many values for the test of Shapiro and Wilk.".to_owned();
        };
        let found = format!("The test of Shapiro and Wilk finds W = {w:.3}, p {}", written_p(p));
        match p < LEVEL {
            true => format!(
                "{found}: the normal curve does not fit. Z-scores may be compared, but not be read as probabilities; the \
                 percentiles hold."
            ),
            false if self.entities.len() < 20 => format!(
                "{found}: nothing speaks against the normal curve, but so few values could hardly speak against it."
            ),
            false => format!("{found}: nothing speaks against the normal curve."),
        }
    }

    fn cases(&self) -> Option<String> {
        let overall = self.overall_share?;
        let known = self.entities.iter().filter_map(|entity| Some((entity, entity.interval?)));
        let (swings, stands): (Vec<_>, Vec<_>) = known.partition(|(_, interval)| interval.contains(overall));
        let names = |some: &[(&Scored, Interval)]| {
            some.iter().map(|(entity, _)| entity.name.clone()).collect::<Vec<_>>().join(", ")
        };
        let all = written(overall);
        Some(match (stands.as_slice(), swings.len()) {
            ([], _) => format!(
                "The share of all cases is {all}, and with its few cases each entity may have just that."
            ),
            (some, 0) => format!(
                "The share of all cases is {all}; with their cases none would swing there by chance: {}.",
                names(some)
            ),
            (some, others) => format!(
                "The share of all cases is {all}. Taken alone, too far from it for the chance in their cases: {}. The \
                 other {others} may have just that share.",
                names(some)
            ),
        })
    }
}

fn in_words(entity: &Scored) -> String {
    format!("{} (Z = {:+.2}, p {})", entity.name, entity.z, written_p(entity.p))
}
