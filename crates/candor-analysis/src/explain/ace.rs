//! Concepts: which recurring parts of a class's pictures does the network use?
//!
//! ACE (Ghorbani, Wexler, Zou and Kim, “Towards automatic concept-based explanations”, NeurIPS 2019): the pictures of a class are cut
//! into patches of several sizes, patches that look alike to the network are put together, and each such concept is asked for how
//! many pictures the score of the class rises when there is more of it (TCAV; Kim and others, ICML 2018), and by how much.
//!
//! What the score does with the parts of a class must differ from what it does with the parts of pictures drawn at random, found in
//! the same way ([`RandomParts`]). The paper compares with random *sets* of patches; these point nowhere, so that any part differs from
//! them, before a network with random weights, too. And the share of pictures is 0 or 1 for nearly every direction where the last
//! layers are nearly linear, so that the test compares the effect, in points.
//!
//! Three more things are done otherwise, because these networks are small, know places, and are not trained on enlarged parts: a
//! patch stays in its place, with the mean picture around it, and is described by the mean of the feature maps where it lies; scores
//! are asked for at the places where the concept's patches lie; and the direction of a concept is the difference of the means,
//! which follows the concept and not the noise around it (Pahde and others, “Navigating neural space”, 2022).

mod clusters;
mod groups;
mod patches;
mod random_parts;
mod tcav;

use serde::{Deserialize, Serialize};

use super::grad_cam::target;
use super::{ExplainError, Subject};
pub use patches::Patch;
pub use random_parts::RandomParts;
use random_parts::{Part, by_picture, extremes, parts};
use tcav::Tcav;

/// Its name on the command line, beside those of the methods that draw maps.
pub const ID: &str = "ace";
/// What people call it.
pub const TITLE: &str = "Concepts (ACE)";
/// What it shows, in plain words.
pub const SHOWS: &str = "Parts that recur in the pictures of a class, a row of patches each. A part speaks for the class when more of it \
                         raises the score, and against the class when more of it lowers the score, by more than the parts of \
                         pictures drawn at random do.";
/// When it misleads.
pub const MISLEADS: &str = "The patches are found by colour, and put together by what one layer makes of them: what it calls one concept \
                            may be two for a person, or none. It names what the score depends on, not what makes the class. The \
                            network has never seen a patch alone, with the mean picture around it. A part that other classes have \
                            as often is not found, although the score may depend on it.";
/// After whom.
pub const REFERENCE: &str = "Ghorbani, Wexler, Zou and Kim, “Towards automatic concept-based explanations”, NeurIPS 2019; Kim and others, \
                             “Interpretability beyond feature attribution: quantitative testing with concept activation vectors”, ICML \
                             2018.";

/// Corrected p-values up to this are taken for more than chance.
pub const LEVEL: f64 = 0.05;
/// Pictures of the class that it needs, and random pictures of other classes.
pub const FEWEST_PICTURES: usize = 10;
/// See [`FEWEST_PICTURES`].
pub const FEWEST_OTHERS: usize = 15;

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
    /// Random pictures of other classes.
    pub others: usize,
    /// What an effect must lie outside of to be significant: what the strongest parts of random pictures reach by chance, in points.
    pub random_effects: [f64; 2],
    /// The smallest p-value that could have come out.
    pub smallest_p: f64,
    /// The concepts: what speaks for the class, what speaks against it, and what does not differ from chance; the strongest first.
    pub concepts: Vec<Concept>,
}

/// Patches that look alike to the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concept {
    /// The most typical patches, at most one of a picture before each picture had its turn.
    pub typical: Vec<Patch>,
    /// The pictures of the class that it occurs in, ascending.
    pub found_in: Vec<usize>,
    /// Share of the pictures whose score rises with more of it, in 0..=1: the mean over draws of its patches and of random ones.
    pub score: f64,
    /// How much the score rises with it, in points, compared with random patches in its place. Below 0 it falls.
    pub pull: f64,
    /// The pull times the share of the pictures that have it, in points.
    pub effect: f64,
    /// The probability that the parts of pictures drawn at random reach such an effect: two-sided, for all concepts of the class
    /// together.
    pub p: f64,
}

impl Concept {
    /// Whether it differs from the parts of random pictures.
    pub fn is_significant(&self) -> bool {
        self.p <= LEVEL
    }

    /// Whether more of it raises the score.
    pub fn speaks_for(&self) -> bool {
        self.pull > 0.0
    }
}

impl Concepts {
    /// Those that differ from chance: first those that speak for the class.
    pub fn significant(&self) -> impl Iterator<Item = &Concept> {
        self.concepts.iter().filter(|concept| concept.is_significant())
    }

    /// How many speak for the class, how many speak against it, and how many do not differ from chance.
    pub fn counts(&self) -> [usize; 3] {
        let count =
            |is: &dyn Fn(&Concept) -> bool| self.concepts.iter().filter(|concept| is(concept)).count();
        let speaks_for = count(&|concept| concept.is_significant() && concept.speaks_for());
        let significant = count(&Concept::is_significant);
        [speaks_for, significant - speaks_for, self.concepts.len() - significant]
    }

    /// What was found, in whole sentences.
    pub fn summary(&self) -> String {
        let [speak_for, speak_against, rest] = self.counts();
        let speak = |count: usize, what: &str| match count {
            0 => format!("none speaks {what}"),
            1 => format!("1 speaks {what}"),
            more => format!("{more} speak {what}"),
        };
        let parts = match self.concepts.len() {
            0 => return "No part recurs in enough of its pictures.".to_owned(),
            1 => "1 part recurs".to_owned(),
            more => format!("{more} parts recur"),
        };
        let head =
            format!("{parts}: {}, {}", speak(speak_for, "for the class"), speak(speak_against, "against it"));
        if rest == 0 {
            return head + ".";
        }
        let lowest =
            self.concepts.iter().filter(|c| !c.is_significant()).map(|c| c.p).fold(f64::INFINITY, f64::min);
        let differ =
            if rest == 1 { "1 was not significant" } else { &format!("{rest} were not significant") };
        let [low, high] = self.random_effects;
        format!(
            "{head}. {differ} (lowest p = {lowest:.2}; at most {LEVEL} is allowed): the parts of pictures drawn at random have effects of \
             {low:+.2} to {high:+.2} points (pull × share of the pictures), and only stronger ones could be detected."
        )
    }
}

/// The concepts of `class` in its `pictures`, inputs one behind the other, compared with `random` pictures: those of the subject's
/// background, of which 100 and more are better.
///
/// # Errors
/// When there are fewer than [`FEWEST_PICTURES`] or [`FEWEST_OTHERS`], the network has no feature maps, the person asked to stop, or
/// the classifier gives up.
pub fn concepts(
    subject: &Subject<'_>,
    pictures: &[f32],
    class: usize,
    random: &RandomParts,
) -> Result<Concepts, ExplainError> {
    let count = pictures.len() / subject.input_len();
    if count < FEWEST_PICTURES {
        return Err(ExplainError::TooFewPictures { class, pictures: count, fewest: FEWEST_PICTURES });
    }
    let others = random.without(class);
    if others.len() < FEWEST_OTHERS {
        return Err(ExplainError::TooFewOthers { pictures: others.len(), fewest: FEWEST_OTHERS });
    }
    let layers = subject.network.layers();
    let (layer, maps) = target(&layers).ok_or(ExplainError::NoFeatureMaps)?;
    let described = patches::describe(subject, pictures, (layer, maps))?;
    let patches = described.len();
    let of_class = by_picture(described, count);
    let of_class: Vec<&[patches::Described]> = of_class.iter().map(Vec::as_slice).collect();
    let tcav = Tcav::new(subject, pictures, class, (layer, maps))?;
    let seed = subject.seed.derive("explain").derive(ID).at(class as u64);
    let all = [of_class.as_slice(), others.as_slice()].concat();
    let extremes = extremes(&tcav, &all, count, seed.derive("random"), &|| subject.go_on())?;
    let concept = |part: Part<'_>| Concept {
        typical: part.group.typical.iter().map(|described| described.patch.clone()).collect(),
        score: tcav.score(&part.group.typical, &others, part.seed),
        found_in: part.group.found_in,
        pull: part.pull,
        effect: part.effect,
        p: extremes.p_value(part.effect),
    };
    let mut found: Vec<Concept> = parts(&tcav, &of_class, &others, seed).into_iter().map(concept).collect();
    let rank =
        |concept: &Concept| (concept.is_significant() && concept.speaks_for(), concept.is_significant());
    found.sort_by(|a, b| rank(b).cmp(&rank(a)).then(b.effect.abs().total_cmp(&a.effect.abs())));
    Ok(Concepts {
        class,
        layer: layer.to_owned(),
        pictures: count,
        patches,
        others: others.len(),
        random_effects: extremes.range(LEVEL),
        smallest_p: random_parts::smallest_p(),
        concepts: found,
    })
}

#[cfg(test)]
mod tests;
