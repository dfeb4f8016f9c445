//! Losses that treat groups alike: against their formulas in plain loops, by finite differences, to the bit on any number
//! of threads, and after an interruption.

use candor_engine::layer::{Activation, Dense};
use candor_engine::{
    Batch, Fairness, FairnessDefinition, FairnessMethod, Inputs, Loss, Network, Parameters, Shape, Trainer,
    TrainingConfig,
};

use crate::every_layer::{assert_close, slope};
use crate::formula;
use crate::random_networks::Values;
use crate::reference::{self, Statistics};

const SAMPLES: usize = 24;
const INPUTS: usize = 5;
const GROUPS: usize = 3;

/// A small network with a batch in three groups; every seventh sample belongs to none.
struct Subject {
    network: Network,
    parameters: Parameters,
    loss: Loss,
    inputs: Vec<f32>,
    targets: Vec<usize>,
    groups: Vec<Option<usize>>,
}

impl Subject {
    fn new(loss: Loss, units: usize, activation: Activation) -> Subject {
        let layers = [Dense::new(6, Activation::Tanh), Dense::new(units, activation)];
        let network = Network::new(Shape::Features(INPUTS), layers).unwrap();
        let group = |(at, group): (usize, usize)| (at % 7 != 6).then_some(group);
        Subject {
            parameters: Parameters::initial(&network, 4),
            network,
            loss,
            inputs: formula::uniform("fairness input", SAMPLES * INPUTS, 1.0),
            targets: formula::below("fairness targets", SAMPLES, units.max(2)),
            groups: formula::below("groups", SAMPLES, GROUPS).into_iter().enumerate().map(group).collect(),
        }
    }

    fn all() -> [Subject; 4] {
        [
            Subject::new(Loss::CrossEntropy, 3, Activation::Softmax),
            Subject::new(Loss::BinaryCrossEntropy, 1, Activation::Sigmoid),
            Subject::new(Loss::MeanSquaredError, 3, Activation::Softmax),
            Subject::new(Loss::Focal, 3, Activation::Softmax),
        ]
    }

    fn of_a_group(mut self) -> Subject {
        self.groups.iter_mut().for_each(|group| *group = group.or(Some(0)));
        self
    }

    fn trainer(&self, method: FairnessMethod, threads: usize) -> Trainer {
        let config = TrainingConfig {
            loss: self.loss,
            batch_size: SAMPLES,
            threads,
            fairness: Some(Fairness { groups: GROUPS, method }),
            ..TrainingConfig::default()
        };
        Trainer::new(&self.network, self.parameters.clone(), &config).unwrap()
    }

    fn batch(&self) -> Batch<'_> {
        Batch { inputs: Inputs::Floats(&self.inputs), targets: &self.targets }
    }

    /// One row a sample, for the parameters moved by `by` at one place.
    fn outputs(&self, tensor: usize, at: usize, by: f64) -> Vec<Vec<f64>> {
        let mut moved = Values::new(&self.parameters);
        let name = &self.parameters.tensors()[tensor].name;
        moved.0.get_mut(name).expect("it is one of the parameters")[at] += by;
        let inputs: Vec<Vec<f64>> =
            self.inputs.chunks(INPUTS).map(|row| row.iter().map(|&value| value.into()).collect()).collect();
        reference::forward_batch(&self.network, &moved, &inputs, Statistics::Batch)
    }

    /// Holds loss and gradients against `fair`, which sees outputs.
    fn check(&self, method: FairnessMethod, fair: impl Fn(&[Vec<f64>]) -> f64) {
        let (outcome, gradients) = self.trainer(method, 1).gradients_in_groups(self.batch(), &self.groups);
        let name = format!("{:?} {method:?}", self.loss);
        assert_close(&name, &[outcome.loss], &[fair(&self.outputs(0, 0, 0.0))], 1e-5);
        for (tensor, gradient) in gradients.tensors().iter().enumerate() {
            let of = |at| slope(|by| fair(&self.outputs(tensor, at, by)));
            let expected: Vec<f64> = (0..gradient.values.len()).map(of).collect();
            assert_close(&format!("{name}: {}", gradient.name), &gradient.values, &expected, 2e-4);
        }
    }

    fn losses(&self, outputs: &[Vec<f64>]) -> Vec<f64> {
        let rows = outputs.iter().zip(&self.targets);
        rows.map(|(row, &target)| reference::loss(self.loss, row, target)).collect()
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The gap as its definition says it, sample by sample.
fn gap(subject: &Subject, outputs: &[Vec<f64>], definition: FairnessDefinition) -> f64 {
    let classes = outputs[0].len().max(2);
    // Probabilities to the fourth power, made to add up to 1 again: nearly the predicted class.
    let sharpened = |sample: usize, class: usize| {
        let row = match outputs[sample].as_slice() {
            [single] => vec![1.0 - single, *single],
            row => row.to_vec(),
        };
        row[class].powi(4) / row.iter().map(|p| p.powi(4)).sum::<f64>()
    };
    // What is compared: sets of samples with what counts of each.
    let truths = || (0..classes).collect::<Vec<_>>();
    let cell = |condition: Option<usize>, class: Option<usize>| -> Option<f64> {
        let of = |group: usize| -> Vec<f64> {
            let members = (0..SAMPLES).filter(|&at| subject.groups[at] == Some(group));
            let met = members.filter(|&at| condition.is_none_or(|truth| subject.targets[at] == truth));
            met.map(|at| sharpened(at, class.unwrap_or(subject.targets[at]))).collect()
        };
        let means: Vec<f64> =
            (0..GROUPS).map(of).filter(|all| !all.is_empty()).map(|all| mean(&all)).collect();
        let middle = mean(&means);
        let squares: Vec<f64> = means.iter().map(|one| (one - middle).powi(2)).collect();
        (means.len() > 1).then(|| mean(&squares))
    };
    let of_condition =
        |condition| -> Option<f64> { truths().into_iter().map(|class| cell(condition, Some(class))).sum() };
    match definition {
        FairnessDefinition::EqualAccuracy => cell(None, None).unwrap(),
        FairnessDefinition::DemographicParity => of_condition(None).unwrap(),
        FairnessDefinition::EqualizedOdds => {
            let all: Vec<f64> = truths().into_iter().filter_map(|truth| of_condition(Some(truth))).collect();
            mean(&all)
        }
    }
}

#[test]
fn the_penalty_and_its_gradient_are_those_of_the_formula() {
    for subject in Subject::all() {
        for definition in FairnessDefinition::ALL {
            let method = FairnessMethod::Penalty { definition, weight: 3.0 };
            subject.check(method, |outputs| {
                mean(&subject.losses(outputs)) + 3.0 * gap(&subject, outputs, definition)
            });
        }
    }
}

#[test]
fn a_condition_that_one_group_alone_meets_has_no_gap() {
    let mut subject = Subject::new(Loss::CrossEntropy, 3, Activation::Softmax);
    for (target, group) in subject.targets.iter_mut().zip(&subject.groups) {
        *target = if *group == Some(0) { 2 } else { *target % 2 };
    }
    let definition = FairnessDefinition::EqualizedOdds;
    subject.check(FairnessMethod::Penalty { definition, weight: 2.0 }, |outputs| {
        mean(&subject.losses(outputs)) + 2.0 * gap(&subject, outputs, definition)
    });
    subject.groups.iter_mut().for_each(|group| *group = Some(1));
    subject
        .check(FairnessMethod::Penalty { definition, weight: 2.0 }, |outputs| mean(&subject.losses(outputs)));
}

#[test]
fn group_dro_weighs_groups_as_its_algorithm_says() {
    for subject in Subject::all().map(Subject::of_a_group) {
        let of_groups = |outputs: &[Vec<f64>]| -> Vec<f64> {
            let losses = subject.losses(outputs);
            let of = |group| -> Vec<f64> {
                (0..SAMPLES).filter(|&at| subject.groups[at] == Some(group)).map(|at| losses[at]).collect()
            };
            (0..GROUPS).map(|group| mean(&of(group))).collect()
        };
        // Before the first step every group counts the same.
        let method = FairnessMethod::GroupDro { step_size: 0.5 };
        subject.check(method, |outputs| mean(&of_groups(outputs)));

        let mut trainer = subject.trainer(method, 1);
        let losses = of_groups(&subject.outputs(0, 0, 0.0));
        let outcome = trainer.step_in_groups(subject.batch(), &subject.groups);
        let grown: Vec<f64> = losses.iter().map(|loss| (0.5 * loss).exp()).collect();
        let weights: Vec<f64> = grown.iter().map(|one| one / grown.iter().sum::<f64>()).collect();
        for (got, expected) in trainer.state().group_weights.iter().zip(&weights) {
            assert!((got - expected).abs() < 1e-6, "{got} for {expected}");
        }
        let robust = losses.iter().zip(&weights).map(|(loss, weight)| loss * weight).sum();
        assert_close("robust loss", &[outcome.loss], &[robust], 1e-5);
    }
}

#[test]
fn a_fair_training_gives_the_same_bits_on_any_threads_and_after_an_interruption() {
    let subject = Subject::new(Loss::CrossEntropy, 3, Activation::Softmax).of_a_group();
    let definition = FairnessDefinition::EqualizedOdds;
    for method in
        [FairnessMethod::GroupDro { step_size: 0.1 }, FairnessMethod::Penalty { definition, weight: 1.0 }]
    {
        let steps = |trainer: &mut Trainer, count: usize| {
            for _ in 0..count {
                trainer.step_in_groups(subject.batch(), &subject.groups);
            }
        };
        let mut whole = subject.trainer(method, 1);
        steps(&mut whole, 6);
        let (mut first, mut second) = (subject.trainer(method, 3), subject.trainer(method, 2));
        steps(&mut first, 4);
        steps(&mut second, 1);
        second.restore(&first.state()).unwrap();
        steps(&mut second, 2);
        assert!(whole.state() == second.state(), "{method:?}");
    }
    let mut plain = subject.trainer(FairnessMethod::Penalty { definition, weight: 1.0 }, 1);
    let other = subject.trainer(FairnessMethod::GroupDro { step_size: 0.1 }, 1).state();
    assert!(plain.restore(&other).unwrap_err().to_string().contains("other groups"));
}
