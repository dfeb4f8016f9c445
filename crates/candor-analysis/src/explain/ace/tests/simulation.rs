//! How often chance finds a concept, and how often a planted one is found.

use rayon::prelude::*;

use super::fake::one_scene;
use super::*;
use crate::explain::gate::at_least;

/// Draws of pictures and of networks without an effect, and of planted ones.
const DRAWS: u64 = 200;
const PLANTED: u64 = 40;
/// Pictures of the class, and of others.
const OF_CLASS: u64 = 12;
const OTHERS: u64 = 45;

/// Pictures of draw `draw` that no other draw has.
fn numbers(draw: u64, from: u64, count: u64) -> std::ops::Range<u64> {
    draw * 1000 + from..draw * 1000 + from + count
}

fn rate(draws: u64, is_found: impl Fn(u64) -> bool + Sync) -> usize {
    (0..draws).into_par_iter().filter(|&draw| is_found(draw)).count()
}

/// Unless the test rejects oftener than `LEVEL`: so many or more would be found in less than one of a hundred simulations.
fn assert_size(what: &str, found: usize) {
    println!("{what}: {found} of {DRAWS}");
    assert!(at_least(found, DRAWS as usize, LEVEL) > 0.01, "{what}: {found} of {DRAWS}");
}

#[test]
fn a_network_with_random_weights_shows_a_concept_in_at_most_a_twentieth_of_the_draws() {
    // Class and others are drawn alike: half of the pictures have the patch.
    let alike = |numbers: std::ops::Range<u64>| -> Vec<f32> {
        numbers.flat_map(|number| one_scene(number, number % 2 == 0)).collect()
    };
    let is_found = |draw: u64| {
        let (of_class, others) = (alike(numbers(draw, 0, OF_CLASS)), alike(numbers(draw, 500, OTHERS)));
        found(&Fake::of_noise(draw), &of_class, &others, draw).significant().next().is_some()
    };
    assert_size("random weights", rate(DRAWS, is_found));
}

#[test]
fn a_network_that_does_not_look_at_the_patch_shows_a_concept_in_at_most_a_twentieth_of_the_draws() {
    let is_found = |draw: u64| {
        let of_class = scene(numbers(draw, 0, OF_CLASS), true);
        let others = scene(numbers(draw, 500, OTHERS), false);
        let network = Fake::of_noise(draw).with_patch(f32::NAN);
        found(&network, &of_class, &others, draw).significant().next().is_some()
    };
    assert_size("does not look", rate(DRAWS, is_found));
}

#[test]
fn a_patch_that_decides_is_found_nearly_always_for_and_against() {
    for effect in [1.0, -1.0] {
        let is_found = |draw: u64| {
            let of_class = scene(numbers(draw, 0, OF_CLASS), true);
            let others = scene(numbers(draw, 500, OTHERS), false);
            let network = Fake::of_noise(draw).with_patch(effect);
            let concepts = found(&network, &of_class, &others, draw);
            let is_it =
                |concept: &Concept| concept.speaks_for() == (effect > 0.0) && share_on_patch(concept) >= 0.5;
            concepts.significant().any(is_it)
        };
        let found = rate(PLANTED, is_found);
        println!("planted {effect}: {found} of {PLANTED}");
        assert!(found * 10 >= PLANTED as usize * 9, "{effect}: {found} of {PLANTED}");
    }
}
