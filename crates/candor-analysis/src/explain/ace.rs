//! Concepts: which recurring parts of a class's pictures does the network use?
//!
//! ACE (Ghorbani, Wexler, Zou and Kim, “Towards automatic concept-based explanations”, NeurIPS 2019): the pictures of a class are cut
//! into patches of several sizes, patches that look alike to the network are put together, and each such concept is asked for how
//! many pictures the score of the class rises when there is more of it (TCAV; Kim and others, ICML 2018). The same is asked of
//! patches drawn at random, and a concept that does not differ from those is none.
//!
//! Three things are done otherwise, because these networks are small, know places, and are not trained on enlarged parts: a patch
//! stays in its place, with the mean picture around it, and is described by the mean of the feature maps where it lies; scores
//! are asked for at the places where the concept's patches lie; and the direction of a concept is the difference of the means,
//! which follows the concept and not the noise around it (Pahde and others, “Navigating neural space”, 2022).

mod clusters;
mod patches;
mod tcav;

use serde::{Deserialize, Serialize};

use super::grad_cam::target;
use super::{ExplainError, Subject};
use crate::interval::holm;
use clusters::clusters;
use patches::Described;
pub use patches::Patch;
use tcav::Tcav;

/// Its name on the command line, beside those of the methods that draw maps.
pub const ID: &str = "ace";
/// What people call it.
pub const TITLE: &str = "Concepts (ACE)";
/// What it shows, in plain words.
pub const SHOWS: &str = "Parts that recur in the pictures of a class, as rows of patches: for how many pictures the score of the class \
                         rises when there is more of them, held against parts drawn at random.";
/// When it misleads.
pub const MISLEADS: &str = "The patches are found by colour, and put together by what one layer makes of them: what it calls one concept \
                            may be two for a person, or none. It names what the score depends on, not what makes the class. Alone, \
                            with the mean picture around it, a patch is something that the network has never seen.";
/// After whom.
pub const REFERENCE: &str = "Ghorbani, Wexler, Zou and Kim, “Towards automatic concept-based explanations”, NeurIPS 2019; Kim and others, \
                             “Interpretability beyond feature attribution: quantitative testing with concept activation vectors”, ICML \
                             2018.";

/// Corrected p-values up to this are taken for more than chance.
pub const LEVEL: f64 = 0.05;
/// Pictures of the class that it needs.
pub const FEWEST_PICTURES: usize = 10;
/// Groups that the patches are put into, at most.
const CLUSTERS: usize = 20;
/// A concept recurs: its patches come from this share of the pictures at least.
const RECURS: f64 = 0.1;
/// Patches nearest to the middle of a group that stand for it.
const TYPICAL: usize = 40;

/// What stands for a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concepts {
    /// The class.
    pub class: usize,
    /// The layer whose feature maps were looked at.
    pub layer: String,
    /// Pictures of the class.
    pub pictures: usize,
    /// Patches that they were cut into.
    pub patches: usize,
    /// The concepts, those first that the score depends on most; what does not differ from chance comes last.
    pub concepts: Vec<Concept>,
}

/// Patches that look alike to the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concept {
    /// The most typical patches, at most one of a picture before each picture had its turn.
    pub typical: Vec<Patch>,
    /// The pictures of the class that it occurs in, ascending.
    pub found_in: Vec<usize>,
    /// Share of the pictures whose score rises with more of it: the mean over draws of random patches, in 0..=1.
    pub score: f64,
    /// The same of random patches in its place.
    pub random_score: f64,
    /// How much of the score comes with it, in points, beside random patches in its place.
    pub pull: f64,
    /// The probability of such a difference between `score` and `random_score` by chance: Welch's t-test, two-sided, Holm's
    /// correction.
    pub p: f64,
}

impl Concept {
    /// Whether it differs from random patches.
    pub fn is_significant(&self) -> bool {
        self.p <= LEVEL
    }

    /// Whether more of it raises the score, oftener than more of anything.
    pub fn speaks_for(&self) -> bool {
        self.score > self.random_score
    }
}

impl Concepts {
    /// Those that differ from chance.
    pub fn significant(&self) -> impl Iterator<Item = &Concept> {
        self.concepts.iter().filter(|concept| concept.is_significant())
    }

    /// Why some are not shown; none where all are.
    pub fn refusal(&self) -> Option<String> {
        let refused: Vec<&Concept> =
            self.concepts.iter().filter(|concept| !concept.is_significant()).collect();
        let lowest = refused.iter().map(|concept| concept.p).fold(f64::INFINITY, f64::min);
        (!refused.is_empty()).then(|| {
            format!(
                "{} of {} groups of patches do not differ from patches drawn at random (the lowest p is {lowest:.2}, at most {LEVEL} \
                 is allowed): they are not shown.",
                refused.len(),
                self.concepts.len()
            )
        })
    }
}

/// The concepts of `class` in its `pictures`, inputs one behind the other. The subject's background stands for random pictures:
/// two or three times as many as for maps are better.
///
/// # Errors
/// When there are fewer than [`FEWEST_PICTURES`], the network has no feature maps, the person asked to stop, or the classifier
/// gives up.
pub fn concepts(subject: &Subject<'_>, pictures: &[f32], class: usize) -> Result<Concepts, ExplainError> {
    let count = pictures.len() / subject.input_len();
    if count < FEWEST_PICTURES {
        return Err(ExplainError::TooFewPictures { class, pictures: count, fewest: FEWEST_PICTURES });
    }
    let layers = subject.network.layers();
    let (layer, maps) = target(&layers).ok_or(ExplainError::NoFeatureMaps)?;
    let of_class = patches::describe(subject, pictures, (layer, maps))?;
    let random = patches::describe(subject, subject.background, (layer, maps))?;
    let tcav = Tcav::new(subject, pictures, class, (layer, maps), &random)?;
    let least = ((count as f64 * RECURS).ceil() as usize).max(3);
    let seed = subject.seed.derive("explain").derive(ID).at(class as u64);
    let groups = clusters(&of_class, CLUSTERS, seed);
    let mut found = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        subject.go_on()?;
        let found_in = pictures_of(group, &of_class);
        if found_in.len() < least {
            continue;
        }
        let typical = typical(group, &of_class);
        let tested = tcav.test(&typical, seed.derive("draws").at(number as u64));
        let typical = typical.into_iter().map(|described| described.patch.clone()).collect();
        let tcav::Tested { score, random_score, pull, p } = tested;
        found.push(Concept { typical, found_in, score, random_score, pull, p });
    }
    let corrected = holm(&found.iter().map(|concept| concept.p).collect::<Vec<_>>());
    found.iter_mut().zip(corrected).for_each(|(concept, p)| concept.p = p);
    let rank =
        |concept: &Concept| (concept.is_significant() && concept.speaks_for(), concept.is_significant());
    found.sort_by(|a, b| rank(b).cmp(&rank(a)).then(b.pull.abs().total_cmp(&a.pull.abs())));
    Ok(Concepts { class, layer: layer.to_owned(), pictures: count, patches: of_class.len(), concepts: found })
}

/// Ascending, each once.
fn pictures_of(group: &[usize], all: &[Described]) -> Vec<usize> {
    let mut pictures: Vec<usize> = group.iter().map(|&at| all[at].patch.picture).collect();
    pictures.sort_unstable();
    pictures.dedup();
    pictures
}

/// The first of a group, which comes with the nearest to its middle first, so that every picture has its turn.
fn typical<'a>(group: &[usize], all: &'a [Described]) -> Vec<&'a Described> {
    let mut taken: Vec<&Described> = Vec::new();
    let mut left: Vec<usize> = group.to_vec();
    while taken.len() < TYPICAL && !left.is_empty() {
        let mut seen = std::collections::HashSet::new();
        let (now, later): (Vec<usize>, Vec<usize>) =
            left.into_iter().partition(|&at| seen.insert(all[at].patch.picture));
        taken.extend(now.into_iter().map(|at| &all[at]));
        left = later;
    }
    taken.truncate(TYPICAL);
    taken
}

#[cfg(test)]
mod tests;
