//! A network with three maps of a picture, whose weights are drawn.

use candor_core::{
    Channels, Classifier, ClassifyError, DifferentiableClassifier, Evidence, Filters, Fit, Image, LayerFacts,
    NetworkClassifier, Prediction, Preprocessing, Quantity, Seed,
};

use super::super::super::tests::{PATCH, SIDE};

const CELLS: usize = SIDE * SIDE;
const MAPS: usize = 3;

/// The score is the sum of the maps, weighted place by place, and a little of its square.
pub(super) struct Fake {
    input: Preprocessing,
    classes: Vec<String>,
    /// Map by map.
    weights: Vec<f32>,
    /// What is added to the weights of the first map on the patch; not a number: the whole network does not look there.
    patch: f32,
}

/// How far around the patch a network that does not look there is blind: as far as a patch of a picture that lies on it may reach.
const AROUND: usize = 3;

impl Fake {
    /// With random weights.
    pub fn of_noise(seed: u64) -> Fake {
        let mut rng = Seed(5).at(seed).rng();
        Fake {
            input: Preprocessing { height: SIDE, width: SIDE, channels: Channels::Grey, fit: Fit::Stretch },
            classes: vec!["other".into(), "class".into()],
            weights: (0..MAPS * CELLS).map(|_| rng.range(-0.3, 0.3) as f32).collect(),
            patch: 0.0,
        }
    }

    /// With these weights added on the patch; not a number: blind there.
    pub fn with_patch(self, patch: f32) -> Fake {
        Fake { patch, ..self }
    }

    fn weight(&self, at: usize) -> f32 {
        let [y, x] = [at % CELLS / SIDE, at % SIDE];
        if self.patch.is_nan() {
            let near = PATCH.start.saturating_sub(AROUND)..PATCH.end + AROUND;
            return if near.contains(&y) && near.contains(&x) { 0.0 } else { self.weights[at] };
        }
        let is_on = at < CELLS && PATCH.contains(&y) && PATCH.contains(&x);
        self.weights[at] + if is_on { self.patch } else { 0.0 }
    }

    fn linear(&self, maps: &[f32]) -> f32 {
        maps.iter().enumerate().map(|(at, value)| self.weight(at) * value).sum()
    }

    /// Brightness squared, how grey it is, and how it differs from its right neighbour.
    fn maps_of(&self, input: &[f32]) -> Vec<f32> {
        let next = |at: usize| if at % SIDE + 1 < SIDE { input[at + 1] } else { input[at] };
        let value = |at: usize| match (at / CELLS, at % CELLS) {
            (0, at) => input[at] * input[at],
            (1, at) => 4.0 * input[at] * (1.0 - input[at]),
            (_, at) => (input[at] - next(at)).abs(),
        };
        (0..MAPS * CELLS).map(value).collect()
    }
}

/// Noise on a slope of light; with the patch, that is bright.
pub(super) fn scene(numbers: std::ops::Range<u64>, has_patch: bool) -> Vec<f32> {
    numbers.flat_map(|number| one_scene(number, has_patch)).collect()
}

pub(super) fn one_scene(number: u64, has_patch: bool) -> Vec<f32> {
    let mut rng = Seed(21).at(number).rng();
    let [down, across] = [0; 2].map(|_| rng.range(-0.2, 0.2) / SIDE as f64);
    let value = |at: usize, noise: f64| {
        let [y, x] = [at / SIDE, at % SIDE];
        let is_on = PATCH.contains(&y) && PATCH.contains(&x);
        let light = 0.4 + down * y as f64 + across * x as f64 + 0.15 * (noise - 0.5);
        if has_patch && is_on { 0.95 } else { light as f32 }
    };
    (0..CELLS).map(|at| value(at, rng.unit())).collect()
}

impl Classifier for Fake {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn predict(&self, _: &[Image]) -> Result<Vec<Prediction>, ClassifyError> {
        unreachable!("concepts ask for scores")
    }
}

impl DifferentiableClassifier for Fake {
    fn input(&self) -> &Preprocessing {
        &self.input
    }

    fn evidence(&self, inputs: &[f32]) -> Result<Evidence, ClassifyError> {
        let score = |input: &[f32]| {
            let linear = self.linear(&self.maps_of(input));
            linear + 0.01 * linear * linear
        };
        let scores: Vec<f32> = inputs.chunks(CELLS).map(score).flat_map(|score| [-score, score]).collect();
        Ok(Evidence { probabilities: vec![0.5; scores.len()], scores })
    }

    fn gradient(&self, _: &[f32], _: &[Quantity]) -> Result<Vec<f32>, ClassifyError> {
        unreachable!("concepts ask for the gradients of maps")
    }
}

impl NetworkClassifier for Fake {
    fn layers(&self) -> Vec<LayerFacts> {
        let maps = Some([SIDE, SIDE, MAPS]);
        vec![LayerFacts { name: "maps".into(), kind: "activation".into(), maps, is_trained: true }]
    }

    fn contributions(&self, _: &[f32], _: &[f32], _: &[Quantity]) -> Result<Vec<f32>, ClassifyError> {
        unreachable!("concepts ask for the gradients of maps")
    }

    fn filters(&self) -> Option<Filters> {
        None
    }

    fn maps(&self, inputs: &[f32], _: &str) -> Result<Vec<f32>, ClassifyError> {
        Ok(inputs.chunks(CELLS).flat_map(|input| self.maps_of(input)).collect())
    }

    fn map_gradient(&self, inputs: &[f32], _: &str, _: &[Quantity]) -> Result<Vec<f32>, ClassifyError> {
        let of_input = |input: &[f32]| {
            let slope = 1.0 + 0.02 * self.linear(&self.maps_of(input));
            (0..MAPS * CELLS).map(|at| slope * self.weight(at)).collect::<Vec<f32>>()
        };
        Ok(inputs.chunks(CELLS).flat_map(of_input).collect())
    }

    fn randomised(&self, _: &[String], _: Seed) -> Result<Box<dyn NetworkClassifier>, ClassifyError> {
        unreachable!("concepts keep the weights")
    }
}
