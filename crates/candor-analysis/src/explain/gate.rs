//! The gate: what a method's maps must pass before anybody is shown one.
//!
//! - The network must tell its classes apart; else every map is a picture of noise, however true to the network.
//! - Where values claim to add up, they must, within [`ADDITIVITY`] of the score's range.
//! - With new random weights the maps must change (Adebayo and others, “Sanity checks for saliency maps”, NeurIPS 2018): a map
//!   that does not shows the picture, not the network.
//! - Covering what a map names first must make the score fall faster, and showing it first make it rise faster, than the same in
//!   random order (Petsiuk, Das and Saenko, “RISE”, BMVC 2018).

use serde::{Deserialize, Serialize};

use super::{ExplainError, Map, Method, Subject};

/// By which share of the score's range a sum may miss.
pub const ADDITIVITY: f64 = 0.01;
/// How alike maps before and after the weights were randomised may be: Spearman's rank correlation, a mean over pictures.
pub const MOST_ALIKE: f64 = 0.5;
/// How probable so many right answers may be for somebody who always names the most frequent class.
pub const LEVEL: f64 = 0.05;

/// Tiles beside each other along the shorter side that are covered or shown at a time; steps; and random orders.
const TILES: usize = 7;
const STEPS: usize = 10;
const ORDERS: u64 = 5;

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
    /// How alike the maps stayed when layers got random weights, from the last one down: how many layers, and the mean rank
    /// correlation.
    pub randomised: Vec<(usize, f64)>,
    /// The mean score while tiles are covered, by the map and in random order, as shares of the score's range. Lower is better.
    pub deletion: [f64; 2],
    /// The same while tiles are shown. Higher is better.
    pub insertion: [f64; 2],
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
fn at_least(right: usize, of: usize, share: f64) -> f64 {
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

/// Holds a method to all of it. `sights` are a few pictures with their maps; `tell` hears what is being done.
///
/// # Errors
/// When the person asked to stop, or the network gives up.
pub fn check(
    method: &Method,
    subject: &Subject<'_>,
    sights: &[Sight<'_>],
    competence: Competence,
    tell: &dyn Fn(&str),
) -> Result<Passport, ExplainError> {
    let additivity = method.adds_up.then(|| worst_gap(subject, sights));
    let randomised = randomise(method, subject, sights, tell)?;
    tell("gate: covering and showing what the maps name");
    let [deletion, insertion] = cover_and_show(subject, sights)?;
    let mut failures: Vec<String> = competence.failure().into_iter().collect();
    if let Some(gap) = additivity.filter(|gap| gap.is_nan() || *gap > ADDITIVITY) {
        failures.push(format!(
            "The parts miss the whole by {:.1} % of the score's range; {:.0} % are allowed.",
            100.0 * gap,
            100.0 * ADDITIVITY
        ));
    }
    if let Some((layers, alike)) = randomised.last().filter(|(_, alike)| *alike > MOST_ALIKE) {
        failures.push(format!(
            "With random weights in all {layers} layers the maps stay as they are (rank correlation {alike:.2}; at most \
             {MOST_ALIKE} is allowed): they show the pictures, not what the network learned."
        ));
    }
    if deletion[0] >= deletion[1] || insertion[0] <= insertion[1] {
        failures.push(format!(
            "What the maps name is no better than chance: covering it first leaves {:.2} of the score's range (random order \
             {:.2}), showing it first gives {:.2} (random order {:.2}).",
            deletion[0], deletion[1], insertion[0], insertion[1]
        ));
    }
    Ok(Passport { additivity, randomised, deletion, insertion, failures })
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

/// How alike maps stay when the last layer, the upper half, and all layers get random weights.
fn randomise(
    method: &Method,
    subject: &Subject<'_>,
    sights: &[Sight<'_>],
    tell: &dyn Fn(&str),
) -> Result<Vec<(usize, f64)>, ExplainError> {
    let layers: Vec<String> = subject
        .network
        .layers()
        .into_iter()
        .filter(|layer| layer.is_trained)
        .map(|layer| layer.name)
        .collect();
    let mut counts = vec![1, layers.len().div_ceil(2), layers.len()];
    counts.retain(|&count| count > 0);
    counts.dedup();
    let pictures: Vec<f32> = sights.iter().flat_map(|sight| sight.picture).copied().collect();
    let alike = |count: usize| {
        tell(&format!("gate: random weights in {count} of {} layers", layers.len()));
        let seed = subject.seed.derive("explain").derive("randomised");
        let network = subject.network.randomised(&layers[layers.len() - count..], seed)?;
        let subject = subject.before(&*network, &pictures)?;
        let mut sum = 0.0;
        for sight in sights {
            let map = &method.explain(&subject, sight.picture, &[sight.class])?[0];
            sum += rank_correlation(&sight.map.values, &map.values);
        }
        Ok((count, sum / sights.len() as f64))
    };
    counts.into_iter().map(alike).collect()
}

/// The areas under deletion and insertion curves, by the map and in random order.
fn cover_and_show(subject: &Subject<'_>, sights: &[Sight<'_>]) -> Result<[[f64; 2]; 2], ExplainError> {
    let mut areas = [[0.0; 2]; 2];
    for sight in sights {
        let tiles = Tiles::of(subject.size());
        let mut orders = vec![tiles.order(sight.map)];
        for number in 0..ORDERS {
            let mut order = orders[0].clone();
            order.sort_unstable();
            subject.seed_of("gate", sight.picture).at(number).rng().shuffle(&mut order);
            orders.push(order);
        }
        for (number, order) in orders.iter().enumerate() {
            let (which, share) = if number == 0 { (0, 1.0) } else { (1, 1.0 / ORDERS as f64) };
            let weight = share / sights.len() as f64 / f64::from(subject.range(sight.class)).max(1e-9);
            for (curve, starts_whole) in [(0, true), (1, false)] {
                let inputs = tiles.mixed(subject, sight.picture, order, starts_whole);
                let scores = subject.scores(&inputs, sight.class)?;
                let mean = scores.iter().map(|&score| f64::from(score)).sum::<f64>() / scores.len() as f64;
                areas[curve][which] += weight * (mean - subject.background_score(sight.class));
            }
        }
    }
    Ok(areas)
}

/// A picture cut into squares: single pixels in random order would make a noise that no order by meaning makes.
struct Tiles {
    height: usize,
    width: usize,
    side: usize,
    columns: usize,
    count: usize,
}

impl Tiles {
    fn of((height, width): (usize, usize)) -> Tiles {
        let side = (height.min(width) / TILES).max(1);
        let columns = width.div_ceil(side);
        Tiles { height, width, side, columns, count: columns * height.div_ceil(side) }
    }

    fn tile(&self, pixel: usize) -> usize {
        let (y, x) = (pixel / self.width, pixel % self.width);
        y / self.side * self.columns + x / self.side
    }

    /// Tiles by the evidence in them, the strongest first.
    fn order(&self, map: &Map) -> Vec<usize> {
        let mut sums = vec![0.0; self.count];
        map.values.iter().enumerate().for_each(|(pixel, value)| sums[self.tile(pixel)] += f64::from(*value));
        let mut order: Vec<usize> = (0..self.count).collect();
        order.sort_by(|&a, &b| sums[b].total_cmp(&sums[a]).then(a.cmp(&b)));
        order
    }

    /// The picture with more and more tiles replaced by the background's mean; or the mean with more and more of the picture.
    fn mixed(&self, subject: &Subject<'_>, picture: &[f32], order: &[usize], starts_whole: bool) -> Vec<f32> {
        let channels = picture.len() / (self.height * self.width);
        let mut rank = vec![0; self.count];
        order.iter().enumerate().for_each(|(place, &tile)| rank[tile] = place);
        let (from, to) = if starts_whole { (picture, subject.mean()) } else { (subject.mean(), picture) };
        let step = |step: usize| {
            let changed = step * self.count / STEPS;
            let value = |at: usize| if rank[self.tile(at / channels)] < changed { to[at] } else { from[at] };
            (0..picture.len()).map(value).collect::<Vec<f32>>()
        };
        (1..STEPS).flat_map(step).collect()
    }
}

/// Spearman's rank correlation, equal values with their mean rank; 0 where one side has only one value.
pub(super) fn rank_correlation(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let spread = (product(&a, &a) * product(&b, &b)).sqrt();
    if spread > 0.0 { product(&a, &b) / spread } else { 0.0 }
}

fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let same = order[start..].iter().take_while(|&&at| values[at] == values[order[start]]).count();
        let rank = start as f64 + (same as f64 - 1.0) / 2.0;
        order[start..start + same].iter().for_each(|&at| ranks[at] = rank);
        start += same;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_and_tails_are_those_of_the_books() {
        assert!((rank_correlation(&[1.0, 2.0, 3.0, 4.0], &[10.0, 20.0, 30.0, 40.0]) - 1.0).abs() < 1e-12);
        assert!((rank_correlation(&[1.0, 2.0, 3.0], &[3.0, 1.0, 2.0]) + 0.5).abs() < 1e-12);
        assert_eq!(rank_correlation(&[1.0, 1.0], &[1.0, 2.0]), 0.0);
        assert_eq!(ranks(&[5.0, 1.0, 5.0]), [1.5, 0.0, 1.5]);
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
