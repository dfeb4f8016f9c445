//! One suite over all methods, on a network small enough to be seen through.

use candor_core::{
    Channels, Classifier, ClassifyError, DifferentiableClassifier, Evidence, Filters, Fit, Image, LayerFacts,
    NetworkClassifier, Prediction, Preprocessing, Quantity, Seed, Silent,
};

use super::gate::orders::RandomOrders;
use super::gate::{Competence, Sight, check};
use super::*;

pub(super) const SIDE: usize = 14;
/// The patch that decides: rows and columns.
pub(super) const PATCH: std::ops::Range<usize> = 4..8;

/// One feature map, the square of each pixel's brightness times the weight of its place, and the sum of it: class 1 is what is
/// bright in the patch.
pub(super) struct Planted {
    input: Preprocessing,
    classes: Vec<String>,
    weights: Vec<f32>,
}

impl Planted {
    pub(super) fn new() -> Planted {
        let weight = |at: usize| {
            let inside = PATCH.contains(&(at / SIDE)) && PATCH.contains(&(at % SIDE));
            if inside { 1.0 } else { 0.0 }
        };
        Planted {
            input: Preprocessing { height: SIDE, width: SIDE, channels: Channels::Grey, fit: Fit::Stretch },
            classes: vec!["plain".into(), "patch".into()],
            weights: (0..SIDE * SIDE).map(weight).collect(),
        }
    }

    /// Its answer depends on nothing.
    pub(super) fn deaf() -> Planted {
        Planted { weights: vec![0.0; SIDE * SIDE], ..Planted::new() }
    }

    fn score(&self, input: &[f32]) -> f32 {
        input.iter().zip(&self.weights).map(|(x, w)| w * x * x).sum()
    }
}

fn sign(of: Quantity) -> f32 {
    match of {
        Quantity::Score(1) => 1.0,
        Quantity::Score(_) => -1.0,
        other => unreachable!("only scores are explained, not {other:?}"),
    }
}

impl Classifier for Planted {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn predict(&self, images: &[Image]) -> Result<Vec<Prediction>, ClassifyError> {
        let inputs: Vec<f32> = images.iter().flat_map(|image| self.preprocess(image)).collect();
        let rows = self.evidence(&inputs)?.probabilities;
        Ok(rows.chunks(2).map(|row| Prediction { probabilities: row.to_vec() }).collect())
    }
}

impl DifferentiableClassifier for Planted {
    fn input(&self) -> &Preprocessing {
        &self.input
    }

    fn evidence(&self, inputs: &[f32]) -> Result<Evidence, ClassifyError> {
        let scores: Vec<f32> = inputs.chunks(SIDE * SIDE).map(|input| self.score(input)).collect();
        let probability = |s: &f32| 1.0 / (1.0 + (-s).exp());
        Ok(Evidence {
            probabilities: scores.iter().flat_map(|s| [1.0 - probability(s), probability(s)]).collect(),
            scores: scores.iter().flat_map(|s| [-s, *s]).collect(),
        })
    }

    fn gradient(&self, inputs: &[f32], of: &[Quantity]) -> Result<Vec<f32>, ClassifyError> {
        let rows = inputs.chunks(SIDE * SIDE).zip(of);
        let row = |(input, &of): (&[f32], &Quantity)| {
            let values = input.iter().zip(&self.weights).map(|(x, w)| sign(of) * 2.0 * w * x);
            values.collect::<Vec<f32>>()
        };
        Ok(rows.flat_map(row).collect())
    }
}

impl NetworkClassifier for Planted {
    fn layers(&self) -> Vec<LayerFacts> {
        let layer = |kind: &str, maps, is_trained| LayerFacts {
            name: kind.into(),
            kind: kind.into(),
            maps,
            is_trained,
        };
        vec![layer("activation", Some([SIDE, SIDE, 1]), false), layer("dense", None, true)]
    }

    fn contributions(
        &self,
        inputs: &[f32],
        references: &[f32],
        of: &[Quantity],
    ) -> Result<Vec<f32>, ClassifyError> {
        let count = (references.len() / inputs.len()) as f32;
        let value = |of: Quantity, at: usize| {
            let squares = references[at..].iter().step_by(inputs.len()).map(|r| r * r).sum::<f32>();
            sign(of) * self.weights[at] * (inputs[at] * inputs[at] - squares / count)
        };
        Ok(of.iter().flat_map(|&of| (0..inputs.len()).map(move |at| value(of, at))).collect())
    }

    fn filters(&self) -> Option<Filters> {
        let weights = vec![-1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        Some(Filters { layer: "activation".into(), size: [2, 2], weights })
    }

    fn maps(&self, inputs: &[f32], _: &str) -> Result<Vec<f32>, ClassifyError> {
        Ok(inputs.iter().zip(self.weights.iter().cycle()).map(|(x, w)| w * x * x).collect())
    }

    fn map_gradient(&self, _: &[f32], _: &str, of: &[Quantity]) -> Result<Vec<f32>, ClassifyError> {
        Ok(of.iter().flat_map(|&of| vec![sign(of); self.weights.len()]).collect())
    }

    fn randomised(&self, _: &[String], seed: Seed) -> Result<Box<dyn NetworkClassifier>, ClassifyError> {
        let mut rng = seed.rng();
        let weights = self.weights.iter().map(|_| rng.range(-1.0, 1.0) as f32).collect();
        Ok(Box::new(Planted { weights, ..Planted::new() }))
    }
}

/// Grey noise; with the patch, that is bright.
pub(super) fn picture(number: u64, has_patch: bool) -> Vec<f32> {
    let mut rng = Seed(9).at(number).rng();
    let value = |at: usize, noise: f32| {
        let inside = PATCH.contains(&(at / SIDE)) && PATCH.contains(&(at % SIDE));
        if has_patch && inside { 1.0 } else { 0.3 + 0.1 * noise }
    };
    (0..SIDE * SIDE).map(|at| value(at, rng.unit() as f32)).collect()
}

pub(super) fn background() -> Vec<f32> {
    (100..106).flat_map(|number| picture(number, false)).collect()
}

#[test]
fn every_method_is_finite_the_same_each_time_and_finds_the_planted_patch() {
    let (network, background, picture) = (Planted::new(), background(), picture(1, true));
    let subject = Subject::new(&network, &background, &picture, Seed(1), &Silent).unwrap();
    for method in METHODS {
        let maps = method.explain(&subject, &picture, &[1, 0]).unwrap();
        assert_eq!(maps, method.explain(&subject, &picture, &[1, 0]).unwrap(), "{method:?}");
        assert_eq!(maps.len(), 2, "{method:?}");
        assert!(maps.iter().flat_map(|map| &map.values).all(|value| value.is_finite()), "{method:?}");
        assert_eq!(maps[0].gap.is_some(), method.adds_up, "{method:?}");
        let top = &maps[0].order()[..SIDE * SIDE / 20];
        let inside = |at: &&usize| PATCH.contains(&(**at / SIDE)) && PATCH.contains(&(**at % SIDE));
        let found = top.iter().filter(inside).count() as f64 / top.len() as f64;
        assert!(found >= 0.8, "{method:?}: {found} of the strongest pixels lie on the patch");
    }
}

#[test]
fn methods_are_found_by_their_ids_and_every_word_is_there() {
    for method in METHODS {
        assert!(std::ptr::eq(Method::find(method.id).unwrap(), method), "{method:?}");
        for text in [method.title, method.shows, method.misleads, method.reference] {
            assert!(!text.is_empty() && !text.contains("  "), "{method:?}: {text}");
        }
    }
    assert!(Method::find("tea-leaves").is_none());
}

#[test]
fn what_adds_up_passes_the_gate_and_a_network_that_knows_nothing_does_not() {
    let (network, background) = (Planted::new(), background());
    let pictures: Vec<Vec<f32>> = (0..3).map(|number| picture(number, true)).collect();
    let subject = Subject::new(&network, &background, &pictures.concat(), Seed(1), &Silent).unwrap();
    let asked: Vec<(&[f32], usize)> = pictures.iter().map(|picture| (picture.as_slice(), 1)).collect();
    let orders = RandomOrders::of(&subject, &asked, &|_| {}).unwrap();
    let knows = Competence { right: 19, of: 20, most_frequent: 10 };
    for method in METHODS {
        let maps: Vec<Map> = pictures
            .iter()
            .map(|picture| method.explain(&subject, picture, &[1]).unwrap().remove(0))
            .collect();
        let sights: Vec<Sight<'_>> =
            pictures.iter().zip(&maps).map(|(picture, map)| Sight { picture, class: 1, map }).collect();
        let passport = check(method, &subject, (&sights, &orders), knows, &|_| {}).unwrap();
        assert!(passport.passed(), "{method:?}: {passport:?}");
        let guesses = Competence { right: 11, ..knows };
        let passport = check(method, &subject, (&sights, &orders), guesses, &|_| {}).unwrap();
        assert!(passport.failures[0].contains("has learned nothing"), "{method:?}: {passport:?}");
    }
}

#[test]
fn a_map_of_the_picture_alone_and_sums_that_miss_are_refused() {
    let (network, background, picture) = (Planted::new(), background(), picture(1, true));
    let subject = Subject::new(&network, &background, &picture, Seed(1), &Silent).unwrap();
    let edges = Method {
        id: "edges",
        explain: |subject, picture, classes| {
            let (height, width) = subject.size();
            let map = Map { gap: Some(9.0), ..Map::of_pixels(height, width, picture) };
            Ok(vec![map; classes.len()])
        },
        ..copy(&deep_shap::METHOD)
    };
    let map = edges.explain(&subject, &picture, &[1]).unwrap().remove(0);
    let sights = [Sight { picture: &picture, class: 1, map: &map }];
    let knows = Competence { right: 19, of: 20, most_frequent: 10 };
    let orders = RandomOrders::of(&subject, &[(&picture, 1)], &|_| {}).unwrap();
    let failures = check(&edges, &subject, (&sights, &orders), knows, &|_| {}).unwrap().failures.join("\n");
    assert!(failures.contains("The parts miss the whole by"), "{failures}");
    assert!(failures.contains("they show the pictures, not what the network learned"), "{failures}");
}

fn copy(method: &Method) -> Method {
    let Method { id, title, shows, misleads, reference, adds_up, explain } = *method;
    Method { id, title, shows, misleads, reference, adds_up, explain }
}
