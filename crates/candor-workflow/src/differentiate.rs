//! How a network's answers depend on its pixels: scores, probabilities and their gradients in the words of classes.
//!
//! A network has units, a classifier has classes. One sigmoid unit stands for two classes: its score is the log-odds of
//! the second, and minus that of the first.

use std::sync::Mutex;

use candor_core::{ClassifyError, Evidence, Quantity};
use candor_engine::layer::Activation;
use candor_engine::{Differentiator, End, Inputs, Network, Parameters};

use crate::error::Result;
use crate::model::to_probabilities;

/// Pictures that are differentiated at a time, at most.
const BATCH: usize = 64;

/// Values of all layers of a batch, at most: large networks get small batches.
const MOST_VALUES: usize = 1 << 26;

type Answer<T> = std::result::Result<T, ClassifyError>;

/// Pictures of a batch that goes through `network` and back.
pub(crate) fn batch_of(network: &Network) -> usize {
    let values: usize = network.nodes().iter().map(|node| node.output.len()).sum();
    (MOST_VALUES / values.max(1)).clamp(1, BATCH)
}

/// A network's end seen as classes, and the gradients behind it.
pub(crate) struct Gradients {
    differentiator: Differentiator,
    units: usize,
    input_len: usize,
    classes: usize,
    ending: Activation,
}

impl Gradients {
    /// Compiles a network that tells `classes` classes apart.
    ///
    /// # Errors
    /// When the parameters do not belong to the network.
    pub fn new(
        network: &Network,
        parameters: &Parameters,
        classes: usize,
        threads: usize,
    ) -> Result<Gradients> {
        let batch = batch_of(network);
        Ok(Gradients {
            differentiator: Differentiator::new(network, parameters, batch, threads)?,
            units: network.output().len(),
            input_len: network.input().len(),
            classes,
            ending: network.output_activation(),
        })
    }

    /// Scores and probabilities of all classes.
    ///
    /// # Errors
    /// When the inputs are no whole number of pictures.
    pub fn evidence(&mut self, inputs: &[f32]) -> Answer<Evidence> {
        self.check(inputs)?;
        let (scores, outputs) = self.differentiator.answers(Inputs::Floats(inputs));
        let scores = if self.is_single() { scores.iter().flat_map(|&z| [-z, z]).collect() } else { scores };
        Ok(Evidence { scores, probabilities: to_probabilities(outputs, self.units, self.classes) })
    }

    /// The gradient of one quantity an input.
    ///
    /// # Errors
    /// When there is not one quantity, of a class that there is, for each input.
    pub fn gradient(&mut self, inputs: &[f32], of: &[Quantity]) -> Answer<Vec<f32>> {
        self.check(inputs)?;
        if of.len() != inputs.len() / self.input_len {
            let pictures = inputs.len() / self.input_len;
            return Err(ClassifyError(format!(
                "it was asked for {} gradients of {pictures} inputs",
                of.len()
            )));
        }
        if let Some(class) = of.iter().map(|quantity| class_of(*quantity)).find(|&c| c >= self.classes) {
            let (number, classes) = (class + 1, self.classes);
            return Err(ClassifyError(format!("there is no class number {number} among its {classes}")));
        }
        let mut all = vec![0.0; inputs.len()];
        // Each gradient begins at one end of the network: those that begin at the same one go together.
        for end in [End::Score, End::Output] {
            let chosen: Vec<usize> = (0..of.len()).filter(|&at| self.end_of(of[at]) == end).collect();
            let picture = |at: usize| at * self.input_len..(at + 1) * self.input_len;
            let some: Vec<f32> = chosen.iter().flat_map(|&at| &inputs[picture(at)]).copied().collect();
            let (classes, single) = (self.classes, self.is_single());
            let seed = |sample: usize, outputs: &[f32], seed: &mut [f32]| match of[chosen[sample]] {
                Quantity::Score(class) if single => seed[0] = sign(class),
                Quantity::Score(class) => seed[class] = 1.0,
                Quantity::Probability(class) => probability_seed(outputs, classes, class, seed),
                Quantity::Loss(class) if end == End::Score => loss_seed(outputs, class, seed),
                Quantity::Loss(class) => {
                    probability_seed(outputs, classes, class, seed);
                    let probability = to_probabilities(outputs.to_vec(), outputs.len(), classes)[class];
                    seed.iter_mut().for_each(|value| *value /= -probability.max(f32::MIN_POSITIVE));
                }
            };
            let gradients = self.differentiator.gradient(Inputs::Floats(&some), end, seed);
            for (&at, gradient) in chosen.iter().zip(gradients.chunks_exact(self.input_len)) {
                all[at * self.input_len..][..self.input_len].copy_from_slice(gradient);
            }
        }
        Ok(all)
    }

    fn is_single(&self) -> bool {
        self.units == 1 && self.classes == 2
    }

    /// Where the gradient of a quantity begins. The loss of a softmax or of a single sigmoid has a simple gradient with
    /// respect to the scores, which stays exact where a probability is nearly 0.
    fn end_of(&self, quantity: Quantity) -> End {
        let is_simple =
            self.ending == Activation::Softmax || (self.ending == Activation::Sigmoid && self.is_single());
        match quantity {
            Quantity::Score(_) => End::Score,
            Quantity::Loss(_) if is_simple => End::Score,
            Quantity::Probability(_) | Quantity::Loss(_) => End::Output,
        }
    }

    fn check(&self, inputs: &[f32]) -> Answer<()> {
        let (values, each) = (inputs.len(), self.input_len);
        match values % each {
            0 => Ok(()),
            _ => Err(ClassifyError(format!("an input has {each} values, which {values} are no multiple of"))),
        }
    }
}

/// Works with gradients that are compiled when they are first needed.
pub(crate) fn with<T>(
    kept: &Mutex<Option<Gradients>>,
    compile: impl FnOnce() -> Result<Gradients>,
    work: impl FnOnce(&mut Gradients) -> Answer<T>,
) -> Answer<T> {
    let mut kept = kept.lock().map_err(|_| ClassifyError("it has crashed before".into()))?;
    match &mut *kept {
        Some(gradients) => work(gradients),
        empty => work(empty.insert(compile().map_err(|error| ClassifyError(error.to_string()))?)),
    }
}

fn class_of(quantity: Quantity) -> usize {
    match quantity {
        Quantity::Score(class) | Quantity::Probability(class) | Quantity::Loss(class) => class,
    }
}

/// What a single unit's score counts for a class.
pub(crate) fn sign(class: usize) -> f32 {
    if class == 1 { 1.0 } else { -1.0 }
}

/// The gradient of −ln of a class's probability with respect to the scores: what is said minus what is true.
fn loss_seed(outputs: &[f32], class: usize, seed: &mut [f32]) {
    match outputs {
        [single] => seed[0] = single - class as f32,
        _ => {
            seed.copy_from_slice(outputs);
            seed[class] -= 1.0;
        }
    }
}

/// The gradient of a class's probability with respect to the outputs, through what
/// [`to_probabilities`] makes of outputs that are none.
fn probability_seed(outputs: &[f32], classes: usize, class: usize, seed: &mut [f32]) {
    if let ([_], 2) = (outputs, classes) {
        seed[0] = sign(class);
        return;
    }
    let sum: f32 = outputs.iter().map(|p| p.clamp(0.0, 1.0)).sum();
    if outputs.iter().all(|p| (0.0..=1.0).contains(p)) && (sum - 1.0).abs() < 1e-4 {
        seed[class] = 1.0;
    } else if sum > 0.0 {
        let share = outputs[class].clamp(0.0, 1.0) / sum;
        for (unit, (seed, output)) in seed.iter_mut().zip(outputs).enumerate() {
            if (0.0..=1.0).contains(output) {
                *seed = (f32::from(unit == class) - share) / sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candor_engine::Shape;
    use candor_engine::layer::{Conv2d, Dense, Flatten, Layer};

    use super::*;

    fn network(units: usize, ending: Activation) -> (Network, Parameters) {
        let hidden = Conv2d::new(4, 3).activation(Activation::Tanh);
        let layers: [Layer; 3] = [hidden.into(), Flatten {}.into(), Dense::new(units, ending).into()];
        let network = Network::new(Shape::image(5, 4, 1), layers).unwrap();
        let parameters = Parameters::initial(&network, 3);
        (network, parameters)
    }

    #[test]
    fn gradients_of_every_quantity_are_finite_differences_whatever_the_ending() {
        let cases = [
            (1, Activation::Sigmoid, 2),
            (3, Activation::Softmax, 3),
            (3, Activation::Sigmoid, 3),
            (2, Activation::Linear, 2),
        ];
        let inputs: Vec<f32> = (0..40).map(|i| (i * 7 % 20) as f32 / 20.0).collect();
        for (units, ending, classes) in cases {
            let (network, parameters) = network(units, ending);
            let mut gradients = Gradients::new(&network, &parameters, classes, 1).unwrap();
            for class in 0..classes {
                let all = [Quantity::Score(class), Quantity::Probability(class), Quantity::Loss(class)];
                for quantity in all {
                    let gradient = gradients.gradient(&inputs, &[quantity, Quantity::Score(0)]).unwrap();
                    for at in [0, 7, 13] {
                        let mut value = |h: f32| {
                            let mut moved = inputs[..20].to_vec();
                            moved[at] += h;
                            value_of(&gradients.evidence(&moved).unwrap(), quantity)
                        };
                        let expected = (value(5e-3) - value(-5e-3)) / 1e-2;
                        let got = gradient[at];
                        assert!(
                            (got - expected).abs() < 2e-3 * expected.abs().max(0.3),
                            "{units} {ending:?} {quantity:?} at {at}: {got}, not {expected}"
                        );
                    }
                }
            }
        }
    }

    fn value_of(evidence: &Evidence, quantity: Quantity) -> f32 {
        match quantity {
            Quantity::Score(class) => evidence.scores[class],
            Quantity::Probability(class) => evidence.probabilities[class],
            Quantity::Loss(class) => -evidence.probabilities[class].ln(),
        }
    }

    #[test]
    fn what_cannot_be_asked_is_said() {
        let (network, parameters) = network(3, Activation::Softmax);
        let mut gradients = Gradients::new(&network, &parameters, 3, 1).unwrap();
        let mut error = |len: usize, of: &[Quantity]| gradients.gradient(&vec![0.0; len], of).unwrap_err().0;
        assert_eq!(error(21, &[]), "an input has 20 values, which 21 are no multiple of");
        assert_eq!(error(40, &[Quantity::Score(0)]), "it was asked for 1 gradients of 2 inputs");
        assert_eq!(error(20, &[Quantity::Loss(3)]), "there is no class number 4 among its 3");
    }
}
