//! Occlusion beside captum's, LIME and KernelSHAP beside their authors' packages, on the same small network and the same patches
//! (`goldens/explanations.py`).

use candor_analysis::explain::{Map, Method, Subject, slic};
use candor_core::{
    Channels, Classifier, ClassifyError, DifferentiableClassifier, Evidence, Filters, Fit, Image, LayerFacts,
    NetworkClassifier, Prediction, Preprocessing, Quantity, Seed, Silent,
};
use serde::Deserialize;

const CLASSES: usize = 3;
const HIDDEN: usize = 6;
const BACKGROUND: usize = 3;
/// As in `lime.rs`.
const PATCHES: (usize, f32) = (40, 0.2);

#[derive(Deserialize)]
struct Golden {
    occlusion: Vec<Case>,
    patches: Case,
    /// For each class one value a patch: the mean over many seeds, and how far one seed scatters.
    lime: Vec<Vec<[f64; 2]>>,
    /// For each class the Shapley value of each patch.
    shapley: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Case {
    height: usize,
    width: usize,
    channels: usize,
    /// For each class one value a pixel; of patches, one number a pixel.
    values: Vec<Vec<f64>>,
}

/// Scores V · tanh(W · x) of a picture x, with weights that a formula gives.
struct Formula {
    input: Preprocessing,
    classes: Vec<String>,
}

fn noise(at: usize) -> f64 {
    (at as f64 * 12.9898).sin()
}

impl Formula {
    fn of(case: &Case) -> Formula {
        let channels = if case.channels == 3 { Channels::Rgb } else { Channels::Grey };
        Formula {
            input: Preprocessing { height: case.height, width: case.width, channels, fit: Fit::Stretch },
            classes: (0..CLASSES).map(|class| class.to_string()).collect(),
        }
    }

    fn scores(&self, x: &[f32]) -> Vec<f32> {
        let scale = 4.0 / (x.len() as f64).sqrt();
        let unit = |j: usize| {
            let terms = x.iter().enumerate().map(|(i, value)| noise(j * x.len() + i + 1) * f64::from(*value));
            (scale * terms.sum::<f64>()).tanh()
        };
        let hidden: Vec<f64> = (0..HIDDEN).map(unit).collect();
        let score = |k: usize| {
            let terms = hidden.iter().enumerate().map(|(j, h)| noise(1000 + k * HIDDEN + j) * h);
            terms.sum::<f64>() as f32
        };
        (0..CLASSES).map(score).collect()
    }

    /// Smooth areas of different brightness; number 0 is explained, the others are the background.
    fn picture(&self, number: usize) -> Vec<f32> {
        let Preprocessing { height, width, channels, .. } = self.input;
        let value = |at: usize| {
            let (pixel, channel) = (at / channels.count(), at % channels.count());
            let (y, x) = ((pixel / width) as f64, (pixel % width) as f64);
            let wave = (0.5 * y + number as f64).sin() * (0.4 * x + 1.7 * channel as f64).cos();
            (0.5 + 0.45 * wave) as f32
        };
        (0..height * width * channels.count()).map(value).collect()
    }

    fn explain(&self, method: &str) -> Vec<Map> {
        let background: Vec<f32> = (1..=BACKGROUND).flat_map(|number| self.picture(number)).collect();
        let picture = self.picture(0);
        let subject = Subject::new(self, &background, &picture, Seed(1), &Silent).unwrap();
        Method::find(method).unwrap().explain(&subject, &picture, &[0, 1, 2]).unwrap()
    }
}

#[test]
fn occlusion_is_that_of_captum() {
    for case in golden().occlusion {
        for (map, expected) in Formula::of(&case).explain("occlusion").iter().zip(&case.values) {
            let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
            for (at, (&found, &expected)) in map.values.iter().zip(expected).enumerate() {
                let off = (f64::from(found) - expected).abs();
                assert!(
                    off < 1e-3 * largest,
                    "{}×{}, pixel {at}: {found}, {expected}",
                    case.height,
                    case.width
                );
            }
        }
    }
}

#[test]
fn lime_is_that_of_its_authors_within_sampling_error() {
    let golden = golden();
    let formula = Formula::of(&golden.patches);
    for (map, expected) in formula.explain("lime").iter().zip(&golden.lime) {
        for (patch, (found, [mean, scatter])) in
            per_patch(map, &golden.patches).iter().zip(expected).enumerate()
        {
            assert!((found - mean).abs() < 4.5 * scatter, "patch {patch}: {found}, {mean} ± {scatter}");
        }
    }
}

#[test]
fn kernel_shap_gives_shapley_values_within_sampling_error() {
    let golden = golden();
    let formula = Formula::of(&golden.patches);
    for (map, expected) in formula.explain("kernel-shap").iter().zip(&golden.shapley) {
        let found = per_patch(map, &golden.patches);
        let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let squares: f64 = found.iter().zip(expected).map(|(a, b)| (a - b).powi(2)).sum();
        let off = (squares / found.len() as f64).sqrt() / largest;
        println!("kernel-shap is off by {:.1} % of the largest value", 100.0 * off);
        assert!(off < 0.02, "off by {off}: {found:?}, {expected:?}");
    }
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../goldens/explanations.json")).unwrap()
}

/// The sum of a map's values in each patch; the patches are those of the golden.
fn per_patch(map: &Map, case: &Case) -> Vec<f64> {
    let picture = Formula::of(case).picture(0);
    let patches = slic(&picture, (case.height, case.width), PATCHES.0, PATCHES.1);
    let expected: Vec<usize> = case.values[0].iter().map(|&patch| patch as usize).collect();
    assert_eq!(patches.of, expected, "the golden is of other patches: write these into it and make it again");
    let mut sums = vec![0.0; patches.count];
    map.values.iter().zip(&patches.of).for_each(|(value, &patch)| sums[patch] += f64::from(*value));
    sums
}

impl Classifier for Formula {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn predict(&self, _: &[Image]) -> Result<Vec<Prediction>, ClassifyError> {
        unreachable!("these methods ask for scores")
    }
}

impl DifferentiableClassifier for Formula {
    fn input(&self) -> &Preprocessing {
        &self.input
    }

    fn evidence(&self, inputs: &[f32]) -> Result<Evidence, ClassifyError> {
        let scores = inputs.chunks(self.input.bytes()).flat_map(|input| self.scores(input)).collect();
        Ok(Evidence { scores, probabilities: Vec::new() })
    }

    fn gradient(&self, _: &[f32], _: &[Quantity]) -> Result<Vec<f32>, ClassifyError> {
        unreachable!("these methods ask for scores")
    }
}

impl NetworkClassifier for Formula {
    fn layers(&self) -> Vec<LayerFacts> {
        Vec::new()
    }

    fn filters(&self) -> Option<Filters> {
        None
    }

    fn contributions(&self, _: &[f32], _: &[f32], _: &[Quantity]) -> Result<Vec<f32>, ClassifyError> {
        unreachable!("these methods ask for scores")
    }

    fn maps(&self, _: &[f32], _: &str) -> Result<Vec<f32>, ClassifyError> {
        unreachable!("these methods ask for scores")
    }

    fn map_gradient(&self, _: &[f32], _: &str, _: &[Quantity]) -> Result<Vec<f32>, ClassifyError> {
        unreachable!("these methods ask for scores")
    }

    fn randomised(&self, _: &[String], _: Seed) -> Result<Box<dyn NetworkClassifier>, ClassifyError> {
        unreachable!("these methods ask for scores")
    }
}
