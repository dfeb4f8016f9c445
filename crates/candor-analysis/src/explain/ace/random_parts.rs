//! What chance does: parts that recur in pictures drawn at random, found in the same way as a class's.
//!
//! The pictures of the class and random pictures of the other classes are put together, and as many as the class has are drawn from
//! them, again and again. If the class's pictures were drawn like the others, each draw, and the class itself, would have the
//! strongest part of all with the same probability: a permutation test of pictures, exact for any number of parts (maxT: Westfall
//! and Young, “Resampling-based multiple testing”, 1993).
//!
//! A draw holds some of the class's pictures, and finds what recurs in them. What is compared is therefore the *effect* of a part,
//! which is its pull times the share of the pictures that have it: a part of the class is rarer in a draw.

use candor_core::{Rng, Seed};
use rayon::prelude::*;

use super::super::grad_cam::target;
use super::super::{ExplainError, Subject};
use super::groups::{Group, Member, groups};
use super::patches::{Described, describe};
use super::tcav::Tcav;

/// Draws of random pictures. The smallest p-value is 2 / (`DRAWS` + 1).
pub(super) const DRAWS: usize = 199;

/// Patches, picture by picture.
pub(super) type OfPictures = Vec<Vec<Described>>;

/// Random pictures, cut into patches and described by the network. The same for all classes.
pub struct RandomParts {
    /// The class of each picture.
    classes: Vec<usize>,
    patches: OfPictures,
}

impl RandomParts {
    /// Of the subject's background, whose pictures are of these classes.
    ///
    /// # Errors
    /// When the network has no feature maps, the person asked to stop, or the classifier gives up.
    ///
    /// # Panics
    /// When there is not one class for each picture of the background.
    pub fn of(subject: &Subject<'_>, classes: &[usize]) -> Result<RandomParts, ExplainError> {
        assert_eq!(classes.len(), subject.background.len() / subject.input_len(), "a class for each picture");
        let layers = subject.network.layers();
        let (layer, maps) = target(&layers).ok_or(ExplainError::NoFeatureMaps)?;
        let patches = by_picture(describe(subject, subject.background, (layer, maps))?, classes.len());
        Ok(RandomParts { classes: classes.to_vec(), patches })
    }

    /// The patches of the pictures of other classes.
    pub(super) fn without(&self, class: usize) -> Vec<&[Described]> {
        let others = self.classes.iter().zip(&self.patches).filter(|(of, _)| **of != class);
        others.map(|(_, patches)| patches.as_slice()).collect()
    }
}

/// All patches by the picture that they are of.
pub(super) fn by_picture(all: Vec<Described>, pictures: usize) -> OfPictures {
    let mut patches = vec![Vec::new(); pictures];
    for described in all {
        patches[described.patch.picture].push(described);
    }
    patches
}

/// A part and what it does to the score.
pub(super) struct Part<'a> {
    pub group: Group<'a>,
    pub pull: f64,
    /// The pull times the share of the pictures that have it.
    pub effect: f64,
    /// Where its directions came from.
    pub seed: Seed,
}

/// The parts that recur in some pictures, with directions that start from patches of others.
pub(super) fn parts<'a>(
    tcav: &Tcav,
    pictures: &[&'a [Described]],
    others: &[&'a [Described]],
    seed: Seed,
) -> Vec<Part<'a>> {
    let members = pictures
        .iter()
        .enumerate()
        .flat_map(|(picture, patches)| patches.iter().map(move |described| Member { picture, described }));
    let members: Vec<Member<'a>> = members.collect();
    let part = |(at, group): (usize, Group<'a>)| {
        let seed = seed.derive("draws").at(at as u64);
        let pull = tcav.pull(&group.typical, others, seed);
        let effect = pull * group.found_in.len() as f64 / pictures.len() as f64;
        Part { group, pull, effect, seed }
    };
    groups(&members, pictures.len(), seed).into_iter().enumerate().map(part).collect()
}

/// The strongest effects of the parts of each draw: `count` pictures of `all`, directions from the rest.
pub(super) fn extremes(
    tcav: &Tcav,
    all: &[&[Described]],
    count: usize,
    seed: Seed,
    go_on: &(dyn Fn() -> Result<(), ExplainError> + Sync),
) -> Result<Extremes, ExplainError> {
    let of_draw = |draw: usize| {
        go_on()?;
        let seed = seed.at(draw as u64);
        let (drawn, rest) = divided(all, count, &mut seed.derive("pictures").rng());
        let effects = parts(tcav, &drawn, &rest, seed).into_iter().map(|part| part.effect);
        // Nothing that recurs has no effect.
        Ok(effects.fold([0.0_f64; 2], |[low, high], effect| [low.min(effect), high.max(effect)]))
    };
    let ends: Vec<[f64; 2]> = (0..DRAWS).into_par_iter().map(of_draw).collect::<Result<_, ExplainError>>()?;
    let sorted = |end: usize| {
        let mut values: Vec<f64> = ends.iter().map(|ends| ends[end]).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    Ok(Extremes { lowest: sorted(0), highest: sorted(1) })
}

/// `count` of all, drawn by lot, and the rest.
fn divided<'a>(
    all: &[&'a [Described]],
    count: usize,
    rng: &mut Rng,
) -> (Vec<&'a [Described]>, Vec<&'a [Described]>) {
    let mut order = all.to_vec();
    rng.shuffle(&mut order);
    let rest = order.split_off(count);
    (order, rest)
}

/// The ends that the parts of random pictures reach, ascending.
pub(super) struct Extremes {
    lowest: Vec<f64>,
    highest: Vec<f64>,
}

impl Extremes {
    /// How probable it is that the parts of random pictures reach this effect or a stronger one of its sign, all parts of a class
    /// taken together; doubled because either sign would count.
    pub fn p_value(&self, effect: f64) -> f64 {
        let beyond = if effect > 0.0 {
            self.highest.iter().filter(|&&high| high >= effect).count()
        } else {
            self.lowest.iter().filter(|&&low| low <= effect).count()
        };
        (2.0 * (beyond + 1) as f64 / (self.highest.len() + 1) as f64).min(1.0)
    }

    /// What an effect must lie outside of to be significant at `level`.
    pub fn range(&self, level: f64) -> [f64; 2] {
        let draws = self.highest.len();
        // So many draws may go beyond.
        let beyond = (level / 2.0 * (draws + 1) as f64 + 1e-9) as usize;
        match beyond.checked_sub(1) {
            Some(beyond) => [self.lowest[beyond], self.highest[draws - 1 - beyond]],
            None => [f64::NEG_INFINITY, f64::INFINITY],
        }
    }
}

/// The smallest p-value that can come out.
pub(super) fn smallest_p() -> f64 {
    2.0 / (DRAWS + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_count_draws_and_the_range_is_where_they_cross_the_level() {
        let values: Vec<f64> = (0..199).map(f64::from).collect();
        let extremes =
            Extremes { lowest: values.iter().rev().map(|value| -value).collect(), highest: values };
        assert_eq!((extremes.p_value(500.0), extremes.p_value(-500.0)), (0.01, 0.01));
        assert_eq!(extremes.p_value(0.0), 1.0);
        let [low, high] = extremes.range(0.05);
        for (inside, outside) in [(low, low - 0.5), (high, high + 0.5)] {
            assert!(extremes.p_value(inside) > 0.05 && extremes.p_value(outside) <= 0.05, "{inside}");
        }
    }
}
