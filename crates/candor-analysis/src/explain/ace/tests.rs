//! Concepts on the network that can be seen through.

use candor_core::{Seed, Silent};

use super::super::tests::{PATCH, Planted, SIDE, background, picture};
use super::*;

fn pictures(count: u64, has_patch: bool) -> Vec<f32> {
    (0..count).flat_map(|number| picture(number, has_patch)).collect()
}

#[test]
fn the_planted_patch_is_the_first_concept() {
    let (network, background, pictures) = (Planted::new(), background(), pictures(30, true));
    let subject = Subject::new(&network, &background, &pictures, Seed(1), &Silent).unwrap();
    let found = concepts(&subject, &pictures, 1).unwrap();
    assert_eq!(found, concepts(&subject, &pictures, 1).unwrap());
    let first = &found.concepts[0];
    assert!(first.is_significant() && first.speaks_for() && first.score > 0.95, "{first:?}");
    assert!(first.pull > 0.0 && first.found_in.len() >= 15, "{first:?}");
    let inside = |pixel: &&usize| PATCH.contains(&(**pixel / SIDE)) && PATCH.contains(&(**pixel % SIDE));
    let on_patch =
        |patch: &Patch| patch.pixels.iter().filter(inside).count() as f64 / patch.pixels.len() as f64;
    let share = first.typical.iter().map(on_patch).sum::<f64>() / first.typical.len() as f64;
    assert!(share >= 0.8, "{share} of the first concept's pixels lie on the patch");
}

#[test]
fn what_does_not_differ_from_chance_is_said_and_too_few_pictures_are_refused() {
    let (network, background, pictures) = (Planted::new(), background(), pictures(20, false));
    let subject = Subject::new(&network, &background, &pictures, Seed(1), &Silent).unwrap();
    let found = concepts(&subject, &pictures, 1).unwrap();
    assert!(found.concepts.iter().any(|concept| !concept.is_significant()), "{found:?}");
    let text = found.refusal().unwrap();
    assert!(
        text.contains("do not differ from patches drawn at random") && text.contains("not shown"),
        "{text}"
    );
    let few = concepts(&subject, &pictures[..3 * SIDE * SIDE], 1).unwrap_err();
    assert_eq!(few.to_string(), "concepts need at least 10 pictures of a class, and there are 3");
}
