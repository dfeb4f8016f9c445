//! The gate: what a method's maps must pass before anybody is shown one.
//!
//! - The network must tell its classes apart; else every map is a picture of noise, however true to the network.
//! - Where values claim to add up, they must, within [`ADDITIVITY`] of the score's range.
//! - With new random weights the maps must change (Adebayo and others, “Sanity checks for saliency maps”, NeurIPS 2018): a map
//!   that does not shows the picture, not the network. See [`randomised`].
//! - Covering what a map names first must make the score fall faster, and showing it first make it rise faster, than the same in
//!   random orders (Petsiuk, Das and Saenko, “RISE”, BMVC 2018): a test over pictures. See [`orders`].

pub mod orders;
pub mod randomised;

use serde::{Deserialize, Serialize};

use super::{ExplainError, Map, Method, Subject};
use orders::RandomOrders;
use randomised::{MOST_ALIKE, Randomised, randomise};

/// By which share of the score's range a sum may miss.
pub const ADDITIVITY: f64 = 0.01;
/// How probable so many right answers may be for somebody who always names the most frequent class.
pub const LEVEL: f64 = 0.05;

/// How often the network was right on pictures that it was judged on before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Competence {
    /// Right answers.
    pub right: usize,
    /// Pictures.
    pub of: usize,
    /// How many of them are of the most frequent class.
    pub most_frequent: usize,
}

/// What the gate measured of one method, and whether its maps may be shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passport {
    /// The largest miss as a share of the score's range; none where a method does not claim to add up.
    pub additivity: Option<f64>,
    /// How alike the maps stayed when layers got random weights, from the last one down.
    pub randomised: Vec<Randomised>,
    /// The mean score while tiles are covered, by the map and in random order, as shares of the score's range. Lower is better.
    pub deletion: [f64; 2],
    /// The same while tiles are shown. Higher is better.
    pub insertion: [f64; 2],
    /// The probability that random orders do as well: of deletion, and of insertion.
    pub p_values: [f64; 2],
    /// What the maps did not pass, in whole sentences; empty where they may be shown.
    pub failures: Vec<String>,
}

impl Passport {
    /// Whether the maps may be shown.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// A picture, a class that it is asked about, and the map of that.
pub struct Sight<'a> {
    /// As the network's input.
    pub picture: &'a [f32],
    /// What is asked for: best the class that the network names.
    pub class: usize,
    /// The map.
    pub map: &'a Map,
}

impl Competence {
    /// Why there is nothing to explain, if so.
    pub fn failure(&self) -> Option<String> {
        let Competence { right, of, most_frequent } = *self;
        let p = at_least(right, of, most_frequent as f64 / of.max(1) as f64);
        (p > LEVEL).then(|| {
            format!(
                "The network is right on {right} of {of} pictures, and naming the most frequent class on {most_frequent}: it \
                 has learned nothing that a map could show. Train it longer, or on pictures that hold the answer."
            )
        })
    }
}

/// The probability of `right` or more successes among `of`, each with probability `share`.
pub(in crate::explain) fn at_least(right: usize, of: usize, share: f64) -> f64 {
    if right == 0 || share >= 1.0 {
        return 1.0;
    }
    // Terms are built up from their logarithms: none is too large or too small.
    let (mut log_term, mut sum) = (of as f64 * (1.0 - share).ln(), 0.0);
    for k in 0..=of {
        sum += if k >= right { log_term.exp() } else { 0.0 };
        log_term += ((of - k) as f64 / (k + 1) as f64).ln() + (share / (1.0 - share)).ln();
    }
    sum.min(1.0)
}

/// Holds a method to all of it. `sights` are a few pictures with their maps, `orders` those of the same pictures; `tell` hears what
/// is being done.
///
/// # Errors
/// When the person asked to stop, or the network gives up.
pub fn check(
    method: &Method,
    subject: &Subject<'_>,
    (sights, orders): (&[Sight<'_>], &RandomOrders),
    competence: Competence,
    tell: &dyn Fn(&str),
) -> Result<Passport, ExplainError> {
    let additivity = method.adds_up.then(|| worst_gap(subject, sights));
    let randomised = randomise(method, subject, sights, tell)?;
    tell("gate: covering and showing what the maps name");
    let [deletion, insertion] = orders.test(subject, sights)?;
    let mut passport = Passport {
        additivity,
        randomised,
        deletion: deletion.areas,
        insertion: insertion.areas,
        p_values: [deletion.p, insertion.p],
        failures: Vec::new(),
    };
    let reasons = [competence.failure(), passport.misses(), passport.stays(), passport.is_like_chance()];
    passport.failures = reasons.into_iter().flatten().collect();
    Ok(passport)
}

impl Passport {
    fn misses(&self) -> Option<String> {
        let gap = self.additivity.filter(|gap| gap.is_nan() || *gap > ADDITIVITY)?;
        Some(format!(
            "The parts miss the whole by {:.1} % of the score's range; {:.0} % is allowed.",
            100.0 * gap,
            100.0 * ADDITIVITY
        ))
    }

    fn stays(&self) -> Option<String> {
        let Randomised { layers, alike, .. } =
            self.randomised.last().filter(|last| last.alike > MOST_ALIKE)?;
        let of_layers = if *layers == 1 { "in its only layer" } else { &format!("in all {layers} layers") };
        Some(format!(
            "With random weights {of_layers} the maps stay as they are (rank correlation of their sizes {alike:.2}; at most \
             {MOST_ALIKE} is allowed): they show the pictures, not what the network learned."
        ))
    }

    fn is_like_chance(&self) -> Option<String> {
        let [deletion, insertion] = self.p_values;
        (deletion > orders::LEVEL + 1e-9 || insertion > orders::LEVEL + 1e-9).then(|| {
            format!(
                "It is not shown that what the maps name counts more than chance: covering it first leaves {:.2} of the score's range \
                 (random orders {:.2}, p = {deletion:.3}), showing it first gives {:.2} (random orders {:.2}, p = {insertion:.3}). Both \
                 must be better than all {} random orders of every kind (p = {}).",
                self.deletion[0],
                self.deletion[1],
                self.insertion[0],
                self.insertion[1],
                orders::ORDERS,
                orders::LEVEL
            )
        })
    }
}

fn worst_gap(subject: &Subject<'_>, sights: &[Sight<'_>]) -> f64 {
    let share = |sight: &Sight<'_>| match sight.map.gap {
        Some(gap) => f64::from(gap.abs()) / f64::from(subject.range(sight.class)).max(1e-9),
        None => f64::NAN,
    };
    // What is not a number must not pass for nothing.
    sights
        .iter()
        .map(share)
        .fold(0.0, |worst, share| if share > worst || share.is_nan() { share } else { worst })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binomial_tails_are_those_of_the_books() {
        assert!((at_least(8, 10, 0.5) - 56.0 / 1024.0).abs() < 1e-12);
        assert_eq!(at_least(0, 10, 0.5), 1.0);
    }

    #[test]
    fn a_network_that_knows_nothing_is_told_so() {
        let failure = Competence { right: 11, of: 100, most_frequent: 10 }.failure().unwrap();
        assert!(failure.starts_with("The network is right on 11 of 100 pictures"), "{failure}");
        assert_eq!(Competence { right: 30, of: 100, most_frequent: 10 }.failure(), None);
    }
}
