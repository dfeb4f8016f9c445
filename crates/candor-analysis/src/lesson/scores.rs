//! Who is out of line? Percentiles and Z-scores among comparable entities, and how sure they are.
//!
//! A Z-score says by how many standard deviations a value lies from the mean. Read as a probability it needs two things that
//! are rarely checked: that the values are normal, and that there are enough of them. Both are checked here: by the test of
//! Shapiro and Wilk, and by holding each value against the others with Student's t, corrected for asking of every one.

mod sentences;
mod shapiro_wilk;

use serde::Serialize;
use thiserror::Error;

use super::Lesson;
use crate::evaluate::Interval;
use crate::interval::holm;
use crate::interval::normal::normal_density;
use crate::interval::student::{two_sided_p, two_sided_quantile};

pub use shapiro_wilk::ShapiroWilk;

pub(super) static LESSON: Lesson = Lesson {
    id: "scores",
    title: "Who is out of line?",
    shows: "Values of comparable entities as percentiles (0 the lowest, 100 the highest) and as Z-scores (standard deviations \
            from the mean), beside the normal curve that a Z-score takes for granted, and how sure it is that somebody is out \
            of line.",
    misleads: "A percentile always has somebody at 0 and somebody at 100, however alike all are. A Z-score of few values cannot be \
               large, and one odd value makes the standard deviation grow that it is measured by. Entities with few cases swing \
               by chance alone. Out of line is not the same as in the wrong.",
    questions: &[
        "Who would stand at percentile 0 if all did equally well? What does a ranking do to them?",
        "Are these entities comparable at all? What differs between them besides what is measured?",
        "Cover the value that is farthest out. How do mean, standard deviation and the other Z-scores change?",
        "How many more entities, or cases, would it take to be sure?",
        "What follows for the one who is out of line, and who decides that? What if it was chance?",
    ],
    reference: "F. E. Grubbs, “Sample criteria for testing outlying observations”, Annals of Mathematical Statistics 21, 1950; \
                S. S. Shapiro and M. B. Wilk, Biometrika 52, 1965; D. J. Spiegelhalter, “Funnel plots for comparing \
                institutional performance”, Statistics in Medicine 24, 2005.",
};

/// Entities that a Z-score needs: with two, both are always equally far from the mean.
pub const FEWEST: usize = 3;
/// Against which a corrected p-value is held.
const LEVEL: f64 = 0.05;
/// Z-scores that people look up from.
const REMARKABLE: f64 = 2.0;

/// A value of somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    /// Who.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of how many cases the value is a share, where that is known: value is in 0..=1 then.
    pub cases: Option<u64>,
}

/// Values without scores.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum ScoresError {
    #[error("scores need at least {FEWEST} comparable entities, and there {}", match entities { 1 => "is one".into(), n => format!("are {n}") })]
    TooFew { entities: usize },
    #[error("all {entities} values are {value}: nobody is out of line")]
    AllAlike { entities: usize, value: f64 },
    #[error("the value of \"{name}\" is {value}: as a share of {cases} cases it has to lie between 0 and 1")]
    NoShare { name: String, value: f64, cases: u64 },
    #[error("\"{name}\" has 0 cases: a share of nothing is none")]
    NoCases { name: String },
}

/// How sure it is that an entity is out of line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Within two standard deviations, and no surprise.
    InLine,
    /// Beyond two standard deviations, but so would be somebody by chance.
    Unsure,
    /// Farther out than chance explains.
    OutOfLine,
}

/// An entity with its scores.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scored {
    /// Who.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Share of the others below, equals half, in 0..=100.
    pub percentile: f64,
    /// Standard deviations from the mean.
    pub z: f64,
    /// The probability that somebody among so many lies so far from the others, if all come from one normal distribution
    /// (Student's t against the others, Holm's correction).
    pub p: f64,
    /// What to make of it.
    pub standing: Standing,
    /// Cases behind the value, where they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cases: Option<u64>,
    /// Where the share would lie, 95 times out of 100, had the same entity as many other cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

/// A column of the histogram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Lower end, which belongs to it.
    pub low: f64,
    /// Upper end, which belongs to the next one; to this one if it is the last.
    pub high: f64,
    /// Entities in it.
    pub count: usize,
}

/// Scores among comparable entities.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// The entities, the largest value first; of equals in the order of the file.
    pub entities: Vec<Scored>,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (n − 1).
    pub standard_deviation: f64,
    /// The largest Z-score that so few entities can have: (n − 1)/√n.
    pub largest_possible_z: f64,
    /// From which Z-score on it would be clear.
    pub clear_z: f64,
    /// Whether the values look normal; none of more than 5000.
    pub normality: Option<ShapiroWilk>,
    /// How many values lie where.
    pub histogram: Vec<Bin>,
    /// All cases together, and the share of all, where cases are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overall_share: Option<f64>,
}

/// Scores of comparable entities.
///
/// # Errors
/// When there are fewer than [`FEWEST`], all have one value, or a value is no share of its cases.
pub fn score(entities: &[Entity]) -> Result<Scores, ScoresError> {
    check(entities)?;
    let values: Vec<f64> = entities.iter().map(|entity| entity.value).collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let standard_deviation = (squares / (n - 1.0)).sqrt();
    let z = |value: f64| (value - mean) / standard_deviation;
    let p: Vec<f64> = values.iter().map(|&value| chance(z(value), n)).collect();
    let overall = overall_share(entities);
    let scored = entities.iter().zip(holm(&p)).map(|(entity, p)| Scored {
        name: entity.name.clone(),
        value: entity.value,
        percentile: percentile(entity.value, &values),
        z: z(entity.value),
        p,
        standing: match () {
            () if p < LEVEL => Standing::OutOfLine,
            () if z(entity.value).abs() >= REMARKABLE => Standing::Unsure,
            () => Standing::InLine,
        },
        cases: entity.cases,
        interval: entity.cases.map(|cases| Interval::of_share(entity.value, cases as usize)),
    });
    let mut scored: Vec<Scored> = scored.collect();
    scored.sort_by(|a, b| b.value.total_cmp(&a.value));
    Ok(Scores {
        entities: scored,
        mean,
        standard_deviation,
        largest_possible_z: (n - 1.0) / n.sqrt(),
        clear_z: clear_z(n),
        normality: ShapiroWilk::of(&values),
        histogram: histogram(&values),
        overall_share: overall,
    })
}

impl Scores {
    /// How many entities a column of the histogram would hold at `value`, were the values normal.
    pub fn expected(&self, value: f64) -> f64 {
        let width = self.histogram[0].high - self.histogram[0].low;
        let density = normal_density((value - self.mean) / self.standard_deviation) / self.standard_deviation;
        self.entities.len() as f64 * width * density
    }
}

fn check(entities: &[Entity]) -> Result<(), ScoresError> {
    if entities.len() < FEWEST {
        return Err(ScoresError::TooFew { entities: entities.len() });
    }
    for Entity { name, value, cases } in entities {
        match *cases {
            Some(0) => return Err(ScoresError::NoCases { name: name.clone() }),
            Some(cases) if !(0.0..=1.0).contains(value) => {
                return Err(ScoresError::NoShare { name: name.clone(), value: *value, cases });
            }
            _ => {}
        }
    }
    let value = entities[0].value;
    match entities.iter().all(|entity| entity.value == value) {
        true => Err(ScoresError::AllAlike { entities: entities.len(), value }),
        false => Ok(()),
    }
}

/// Share of the others that lie below, equals counted half, in 0..=100.
fn percentile(value: f64, all: &[f64]) -> f64 {
    let below = all.iter().filter(|&&other| other < value).count() as f64;
    let equal = all.iter().filter(|&&other| other == value).count() as f64 - 1.0;
    100.0 * (below + 0.5 * equal) / (all.len() as f64 - 1.0)
}

/// The probability that one value chosen beforehand lies so far from the others: Student's t of it against mean and standard
/// deviation of the others, n − 2 degrees of freedom.
fn chance(z: f64, n: f64) -> f64 {
    let rest = (n - 1.0).powi(2) - n * z * z;
    // All others are alike: nothing is farther out than that.
    let t = if rest <= 0.0 { f64::INFINITY } else { z.abs() * (n * (n - 2.0) / rest).sqrt() };
    two_sided_p(t, n - 2.0)
}

/// The Z-score from which on the most extreme of n is clear (Grubbs, two-sided).
fn clear_z(n: f64) -> f64 {
    let t = two_sided_quantile(LEVEL / n, n - 2.0);
    (n - 1.0) / n.sqrt() * (t * t / (n - 2.0 + t * t)).sqrt()
}

fn overall_share(entities: &[Entity]) -> Option<f64> {
    let known: Vec<(f64, f64)> =
        entities.iter().filter_map(|entity| Some((entity.value, entity.cases? as f64))).collect();
    let cases: f64 = known.iter().map(|(_, cases)| cases).sum();
    (cases > 0.0).then(|| known.iter().map(|(share, cases)| share * cases).sum::<f64>() / cases)
}

/// Columns of equal width over the range: √n of them, from 4 to 30.
fn histogram(values: &[f64]) -> Vec<Bin> {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let count = ((values.len() as f64).sqrt().ceil() as usize).clamp(4, 30);
    let width = (high - low) / count as f64;
    let mut counts = vec![0; count];
    values.iter().for_each(|value| counts[(((value - low) / width) as usize).min(count - 1)] += 1);
    let bin = |(at, count): (usize, usize)| {
        let end = |at: usize| low + at as f64 * width;
        Bin { low: end(at), high: end(at + 1), count }
    };
    counts.into_iter().enumerate().map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entities(values: &[f64]) -> Vec<Entity> {
        let entity = |(at, &value): (usize, &f64)| Entity { name: format!("e{at}"), value, cases: None };
        values.iter().enumerate().map(entity).collect()
    }

    #[test]
    fn percentiles_run_from_0_to_100_and_equals_share_theirs() {
        let scores = score(&entities(&[1.0, 2.0, 2.0, 4.0, 9.0])).unwrap();
        let found: Vec<f64> = scores.entities.iter().map(|entity| entity.percentile).collect();
        assert_eq!(found, [100.0, 75.0, 37.5, 37.5, 0.0]);
        assert_eq!(scores.histogram.iter().map(|bin| bin.count).sum::<usize>(), 5);
    }

    #[test]
    fn one_far_value_is_clear_and_the_largest_of_five_never_reaches_two() {
        let scores = score(&entities(&[2.1, 2.3, 2.2, 2.0, 2.4, 2.2, 6.0, 2.1])).unwrap();
        let first = &scores.entities[0];
        assert_eq!((first.value, first.standing), (6.0, Standing::OutOfLine));
        assert!(first.z < scores.largest_possible_z && first.z > scores.clear_z);
        // Grubbs' critical value of 8 at .05, two-sided.
        assert!((scores.clear_z - 2.1266).abs() < 1e-3, "{}", scores.clear_z);
        let text = scores.sentences().join("\n");
        assert!(text.contains("Out of line, and more than chance explains: e6"), "{text}");
        assert!(text.contains("the normal curve does not fit"), "{text}");
        let few = score(&entities(&[1.0, 1.1, 0.9, 1.05, 3.0])).unwrap();
        assert!((few.largest_possible_z - 1.788_854).abs() < 1e-6);
        assert!(few.entities.iter().all(|entity| entity.z.abs() < few.largest_possible_z + 1e-9));
        let apart = score(&entities(&[1.0, 1.0, 1.0, 5.0])).unwrap();
        assert_eq!((apart.entities[0].p, apart.entities[0].standing), (0.0, Standing::OutOfLine));
    }

    #[test]
    fn twice_the_standard_deviation_is_no_surprise_among_many() {
        let mut values: Vec<f64> = (0..60).map(|at| f64::from(at % 21) - 10.0).collect();
        values.push(16.0);
        let scores = score(&entities(&values)).unwrap();
        assert_eq!(scores.entities[0].standing, Standing::Unsure, "{:?}", scores.entities[0]);
        assert!(scores.sentences()[1].starts_with("Nobody is clearly out of line. Beyond two"), "{scores:?}");
    }

    #[test]
    fn few_cases_swing_by_chance() {
        let rows = [("a", 0.25, 4), ("b", 0.08, 900), ("c", 0.2, 900), ("d", 0.11, 800)];
        let entity =
            |(name, value, cases): (&str, f64, u64)| Entity { name: name.into(), value, cases: Some(cases) };
        let scores = score(&rows.map(entity)).unwrap();
        let text = scores.sentences().join("\n");
        assert!(text.contains("for the chance in their cases: c, b. The other 2"), "{text}");
        let error = |entity: Entity| {
            let rest = entities(&[0.1, 0.2]);
            score(&[&[entity], rest.as_slice()].concat()).unwrap_err().to_string()
        };
        let share = Entity { name: "a".into(), value: 12.0, cases: Some(40) };
        assert!(error(share).contains("has to lie between 0 and 1"));
        assert!(error(Entity { name: "a".into(), value: 0.0, cases: Some(0) }).contains("0 cases"));
    }

    #[test]
    fn what_has_no_scores_is_refused() {
        let error = |values: &[f64]| score(&entities(values)).unwrap_err().to_string();
        assert_eq!(error(&[1.0, 2.0]), "scores need at least 3 comparable entities, and there are 2");
        assert_eq!(error(&[2.0; 4]), "all 4 values are 2: nobody is out of line");
    }
}
