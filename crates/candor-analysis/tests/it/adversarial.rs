//! The attacks against foolbox, on the same weights.

use candor_analysis::audit::adversarial::ATTACKS;
use candor_core::{
    Channels, Classifier, ClassifyError, DifferentiableClassifier, Evidence, Fit, Image, Prediction,
    Preprocessing, Quantity,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    weights: [(Vec<Vec<f64>>, Vec<f64>); 2],
    pictures: Vec<Vec<f32>>,
    truth: Vec<usize>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    attack: String,
    epsilon: f32,
    changed: Vec<Vec<f64>>,
    wrong: Vec<bool>,
}

/// Dense, tanh, dense, softmax.
struct Network {
    weights: [(Vec<Vec<f64>>, Vec<f64>); 2],
    input: Preprocessing,
    classes: Vec<String>,
}

impl Network {
    fn layer(&self, layer: usize, input: &[f64]) -> Vec<f64> {
        let (weights, bias) = &self.weights[layer];
        let unit =
            |(row, bias): (&Vec<f64>, &f64)| bias + row.iter().zip(input).map(|(w, x)| w * x).sum::<f64>();
        weights.iter().zip(bias).map(unit).collect()
    }

    fn hidden(&self, input: &[f32]) -> Vec<f64> {
        let input: Vec<f64> = input.iter().map(|&value| value.into()).collect();
        self.layer(0, &input).into_iter().map(f64::tanh).collect()
    }

    fn probabilities(&self, input: &[f32]) -> Vec<f64> {
        let powers: Vec<f64> = self.layer(1, &self.hidden(input)).into_iter().map(f64::exp).collect();
        powers.iter().map(|power| power / powers.iter().sum::<f64>()).collect()
    }

    /// Of −ln of the probability of `class`.
    fn slope(&self, input: &[f32], class: usize) -> Vec<f32> {
        let mut back = self.probabilities(input);
        back[class] -= 1.0;
        let through = |layer: usize, back: &[f64]| -> Vec<f64> {
            let weights = &self.weights[layer].0;
            (0..weights[0].len())
                .map(|at| weights.iter().zip(back).map(|(row, b)| row[at] * b).sum())
                .collect()
        };
        let hidden = self.hidden(input);
        let before: Vec<f64> = through(1, &back).iter().zip(hidden).map(|(b, h)| b * (1.0 - h * h)).collect();
        through(0, &before).into_iter().map(|value| value as f32).collect()
    }

    fn rows<'a>(&self, inputs: &'a [f32]) -> std::slice::ChunksExact<'a, f32> {
        inputs.chunks_exact(self.input.bytes())
    }
}

impl Classifier for Network {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn predict(&self, images: &[Image]) -> Result<Vec<Prediction>, ClassifyError> {
        let inputs: Vec<f32> = images.iter().flat_map(|image| self.preprocess(image)).collect();
        let probabilities = self.evidence(&inputs)?.probabilities;
        Ok(probabilities.chunks(3).map(|row| Prediction { probabilities: row.to_vec() }).collect())
    }
}

impl DifferentiableClassifier for Network {
    fn input(&self) -> &Preprocessing {
        &self.input
    }

    fn evidence(&self, inputs: &[f32]) -> Result<Evidence, ClassifyError> {
        let probabilities =
            self.rows(inputs).flat_map(|row| self.probabilities(row)).map(|p| p as f32).collect();
        Ok(Evidence { scores: Vec::new(), probabilities })
    }

    fn gradient(&self, inputs: &[f32], of: &[Quantity]) -> Result<Vec<f32>, ClassifyError> {
        let row = |(row, of): (&[f32], &Quantity)| match of {
            Quantity::Loss(class) => self.slope(row, *class),
            other => panic!("an attack asks for the loss, not for {other:?}"),
        };
        Ok(self.rows(inputs).zip(of).flat_map(row).collect())
    }
}

#[test]
fn attacks_change_pictures_as_foolbox_does() {
    let golden: Golden = serde_json::from_str(include_str!("../goldens/adversarial.json")).unwrap();
    let input = Preprocessing { height: 4, width: 4, channels: Channels::Grey, fit: Fit::Stretch };
    let classes = ["a", "b", "c"].map(String::from).to_vec();
    let network = Network { weights: golden.weights, input, classes };
    let pictures = golden.pictures.concat();
    for Case { attack: name, epsilon, changed, wrong } in &golden.cases {
        let attack = ATTACKS.iter().find(|attack| attack.name == name).expect("goldens are of our attacks");
        let epsilons = vec![*epsilon; golden.truth.len()];
        let got = attack.on(&network, &pictures, &golden.truth, &epsilons).unwrap();
        for (place, (got, expected)) in got.iter().zip(changed.concat()).enumerate() {
            assert!(
                (f64::from(*got) - expected).abs() < 2e-5,
                "{name} {epsilon} [{place}]: {got} for {expected}"
            );
        }
        let fooled: Vec<bool> = network
            .rows(&got)
            .zip(&golden.truth)
            .map(|(row, &truth)| {
                let said = network.probabilities(row);
                said.iter().any(|&one| one > said[truth])
            })
            .collect();
        assert_eq!(&fooled, wrong, "{name} {epsilon}");
    }
}
