//! Concepts on networks that can be seen through: how often chance finds any, and how often planted ones are found.

use candor_core::{NetworkClassifier, Seed, Silent};

use super::super::tests::{PATCH, Planted, SIDE, background, picture};
use super::*;
use fake::{Fake, scene};

mod fake;
mod simulation;

fn pictures(numbers: std::ops::Range<u64>, has_patch: bool) -> Vec<f32> {
    numbers.flat_map(|number| picture(number, has_patch)).collect()
}

/// The concepts of a class in `of_class`, beside `others`, which are of the other class.
fn found(network: &dyn NetworkClassifier, of_class: &[f32], others: &[f32], seed: u64) -> Concepts {
    let subject = Subject::new(network, others, of_class, Seed(seed), &Silent).unwrap();
    let count = others.len() / subject.input_len();
    let random = RandomParts::of(&subject, &vec![0; count]).unwrap();
    concepts(&subject, of_class, 1, &random).unwrap()
}

/// The share of a concept's pixels that lie on the patch.
fn share_on_patch(concept: &Concept) -> f64 {
    let inside = |pixel: &&usize| PATCH.contains(&(**pixel / SIDE)) && PATCH.contains(&(**pixel % SIDE));
    let share = |patch: &Patch| patch.pixels.iter().filter(inside).count() as f64 / patch.pixels.len() as f64;
    concept.typical.iter().map(share).sum::<f64>() / concept.typical.len() as f64
}

#[test]
fn the_planted_patch_is_the_first_concept() {
    let network = Planted::new();
    let (of_class, others) = (pictures(0..30, true), pictures(100..140, false));
    let concepts = found(&network, &of_class, &others, 1);
    assert_eq!(concepts, found(&network, &of_class, &others, 1));
    let first = &concepts.concepts[0];
    assert!(first.is_significant() && first.speaks_for() && first.score > 0.95, "{first:?}");
    assert!(first.pull > 0.0 && first.found_in.len() >= 15, "{first:?}");
    let share = share_on_patch(first);
    assert!(share >= 0.8, "{share} of the first concept's pixels lie on the patch");
    let [speak_for, speak_against, rest] = concepts.counts();
    assert!(speak_for >= 1, "{}", concepts.summary());
    assert_eq!(speak_for + speak_against + rest, concepts.concepts.len());
}

#[test]
fn a_part_that_lowers_the_score_is_found_and_said_to_speak_against_the_class() {
    let network = Fake::of_noise(1).with_patch(-1.0);
    let (of_class, others) = (scene(0..24, true), scene(100..140, false));
    let concepts = found(&network, &of_class, &others, 1);
    let against = concepts.significant().find(|concept| !concept.speaks_for()).expect("one speaks against");
    assert!(against.effect < concepts.random_effects[0] && share_on_patch(against) > 0.5, "{against:?}");
    assert!(
        concepts.counts()[1] >= 1 && concepts.summary().contains(" against it"),
        "{}",
        concepts.summary()
    );
}

#[test]
fn what_does_not_differ_from_chance_is_counted_and_the_smallest_p_is_said() {
    let (of_class, others) = (pictures(0..20, false), pictures(100..140, false));
    let concepts = found(&Planted::new(), &of_class, &others, 1);
    assert!(concepts.smallest_p <= LEVEL / 2.0, "{}", concepts.smallest_p);
    assert!(concepts.concepts.iter().all(|concept| concept.p >= concepts.smallest_p));
    let text = concepts.summary();
    assert!(text.contains("none speaks for the class, none speaks against it"), "{text}");
    assert!(text.contains("not significant") && text.contains("at most 0.05 is allowed"), "{text}");
}

#[test]
fn too_few_pictures_of_the_class_or_of_others_are_refused() {
    let network = Planted::new();
    let background = background();
    let of_class = pictures(0..12, true);
    let subject = Subject::new(&network, &background, &of_class, Seed(1), &Silent).unwrap();
    let random = RandomParts::of(&subject, &vec![0; background.len() / subject.input_len()]).unwrap();
    let few = concepts(&subject, &of_class[..3 * SIDE * SIDE], 1, &random).unwrap_err();
    assert_eq!(few.to_string(), "concepts need at least 10 pictures of a class, and there are 3");
    let few = concepts(&subject, &of_class, 1, &random).unwrap_err();
    assert_eq!(
        few.to_string(),
        "concepts need at least 15 training pictures of other classes, and there are 6"
    );
}
