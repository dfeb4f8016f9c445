//! A network that learns, and one that only answers.

use std::sync::Arc;

use super::compiled::{Compiled, Purpose};
use super::fold::fold_batch_norms;
use super::{Batch, Inputs, Mode, StepOutcome, TrainerState, TrainingConfig};
use crate::loss::Balance;
use crate::optimizer::{Step, norm};
use crate::random::Stream;
use crate::{EngineError, Network, Parameters};

/// A network that learns.
pub struct Trainer {
    compiled: Compiled,
    config: TrainingConfig,
    gradients: Parameters,
    slots: Vec<Parameters>,
    balance: Option<Balance>,
    step: u64,
}

impl Trainer {
    /// Compiles `network` for training.
    ///
    /// # Errors
    /// When the parameters do not belong to the network, or the loss does not go with its last layer.
    pub fn new(
        network: &Network,
        parameters: Parameters,
        config: &TrainingConfig,
    ) -> Result<Trainer, EngineError> {
        config.check(network)?;
        let purpose = Purpose::Learn(config.precision);
        let compiled = Compiled::new(network, parameters, config.batch_size, config.threads, purpose)?;
        let gradients = Parameters::zeros(network);
        let mut slots = vec![Parameters::zeros(network); config.optimizer.rule().slots()];
        slots.extend(config.averages().then(|| compiled.parameters.clone()));
        let balance = config.fairness.map(|fairness| Balance::new(fairness, compiled.classes));
        Ok(Trainer { compiled, config: config.clone(), gradients, slots, balance, step: 0 })
    }

    /// One step: forward, backward, update. Up to `batch_size` samples.
    ///
    /// # Panics
    /// When the batch is empty or larger than `batch_size`, its inputs have the wrong size, or a target is not a class.
    pub fn step(&mut self, batch: Batch<'_>) -> StepOutcome {
        self.step_in_groups(batch, &[])
    }

    /// A step in which [`TrainingConfig::fairness`] is heeded: `groups` gives the group of each sample, from 0, or `None`
    /// for a sample of none; empty where nothing is known of any.
    ///
    /// # Panics
    /// As [`Trainer::step`]; also when `groups` has another length than the batch, a group is not among those of the
    /// settings, or a sample has none with group DRO.
    pub fn step_in_groups(&mut self, batch: Batch<'_>, groups: &[Option<usize>]) -> StepOutcome {
        let dropout = Stream::new(self.config.seed).derive("dropout").at(self.step);
        let threads = Arc::clone(&self.compiled.threads);
        threads.run(|| {
            let outcome = self.propagate(batch, groups, Mode::Learn { dropout: Some(dropout) }, true);
            self.update();
            outcome
        })
    }

    /// Moves the parameters along the gradients of the last batch.
    fn update(&mut self) {
        let Trainer { compiled, config, gradients, slots, step, .. } = self;
        compiled.features.remember(&mut compiled.parameters);
        compiled.head.remember(&mut compiled.parameters);
        let change = Step {
            isa: compiled.isa,
            optimizer: config.optimizer,
            number: *step,
            rate: config.learning_rate_at(*step),
            gradient_scale: config.gradient_scale(|| norm(gradients)),
            average: config.averages().then(|| config.past_in_average(*step)),
        };
        change.apply(&mut compiled.parameters, slots, gradients);
        compiled.features.load(&compiled.parameters);
        *step += 1;
    }

    /// The gradients of the loss of a batch, without changing anything. Dropout is off.
    ///
    /// # Panics
    /// As [`Trainer::step`].
    pub fn gradients(&mut self, batch: Batch<'_>) -> (StepOutcome, Parameters) {
        self.gradients_in_groups(batch, &[])
    }

    /// The gradients of the fair loss, as [`Trainer::step_in_groups`] takes it; the groups' weights stay as they are.
    ///
    /// # Panics
    /// As [`Trainer::step_in_groups`].
    pub fn gradients_in_groups(
        &mut self,
        batch: Batch<'_>,
        groups: &[Option<usize>],
    ) -> (StepOutcome, Parameters) {
        let outcome = self.propagate(batch, groups, Mode::Learn { dropout: None }, false);
        (outcome, self.gradients.clone())
    }

    /// Loss and correct answers on up to `batch_size` samples; nothing is learned and nothing dropped out.
    ///
    /// # Panics
    /// As [`Trainer::step`].
    pub fn evaluate(&mut self, batch: Batch<'_>) -> StepOutcome {
        let samples = self.check(batch);
        self.compiled.forward(batch.inputs, samples, Mode::Answer);
        self.compiled.head.loss(&self.config.objective(), batch.targets)
    }

    /// The outputs for up to `batch_size` samples, one row a sample.
    ///
    /// # Panics
    /// When the batch is empty or too large, or `outputs` has not one row for each sample.
    pub fn predict(&mut self, inputs: Inputs<'_>, outputs: &mut [f32]) {
        let samples = self.compiled.check(inputs);
        self.compiled.forward(inputs, samples, Mode::Answer);
        outputs.copy_from_slice(self.compiled.head.output(samples));
    }

    /// The parameters as they are now.
    pub fn parameters(&self) -> &Parameters {
        &self.compiled.parameters
    }

    /// The weights that are to be kept and judged: their moving average where the training has one, else the
    /// parameters as they are now.
    pub fn kept_parameters(&self) -> &Parameters {
        match self.slots.last() {
            Some(average) if self.config.averages() => average,
            _ => self.parameters(),
        }
    }

    /// Does `work` with the weights of [`Trainer::kept_parameters`] in the place of the parameters: for evaluation.
    /// Afterwards all is as it was before.
    pub fn with_kept_parameters<T>(&mut self, work: impl FnOnce(&mut Trainer) -> T) -> T {
        self.exchange_average();
        let result = work(self);
        self.exchange_average();
        result
    }

    fn exchange_average(&mut self) {
        if let (true, Some(average)) = (self.config.averages(), self.slots.last_mut()) {
            std::mem::swap(average, &mut self.compiled.parameters);
            self.compiled.features.load(&self.compiled.parameters);
        }
    }

    /// Changes the optimiser's learning rate from the next step on; the schedule lies on top of it.
    pub fn set_learning_rate(&mut self, rate: f32) {
        self.config.optimizer = self.config.optimizer.with_learning_rate(rate);
    }

    /// What is needed to go on from here.
    pub fn state(&self) -> TrainerState {
        let group_weights = self.balance.as_ref().map_or(&[][..], Balance::state).to_vec();
        let (parameters, slots) = (self.parameters().clone(), self.slots.clone());
        TrainerState { step: self.step, parameters, slots, group_weights }
    }

    /// Goes on from a saved state.
    ///
    /// # Errors
    /// When it belongs to another network or optimiser.
    pub fn restore(&mut self, state: &TrainerState) -> Result<(), EngineError> {
        let fits = |other: &Parameters| self.gradients.same_shapes(other);
        if state.slots.len() != self.slots.len() || !fits(&state.parameters) || !state.slots.iter().all(fits)
        {
            return Err(EngineError::StateDoesNotFit("its tensors have other names or shapes".into()));
        }
        let weights = &state.group_weights;
        if !self.balance.as_mut().map_or(weights.is_empty(), |balance| balance.restore(weights)) {
            return Err(EngineError::StateDoesNotFit("it was made with other groups".into()));
        }
        self.step = state.step;
        self.compiled.parameters.clone_from(&state.parameters);
        self.slots.clone_from(&state.slots);
        self.compiled.features.load(&self.compiled.parameters);
        Ok(())
    }

    fn check(&self, batch: Batch<'_>) -> usize {
        let samples = self.compiled.check(batch.inputs);
        assert_eq!(samples, batch.targets.len(), "each sample needs a target");
        let classes = self.compiled.classes.max(2);
        assert!(
            batch.targets.iter().all(|&target| target < classes),
            "a target is not among the {classes} classes"
        );
        samples
    }

    fn check_groups(&self, samples: usize, groups: &[Option<usize>]) {
        assert!(groups.is_empty() || groups.len() == samples, "each sample needs a group, or none at all");
        let known = self.config.fairness.map_or(usize::MAX, |fairness| fairness.groups);
        assert!(groups.iter().flatten().all(|&group| group < known), "a group is not among the {known}");
    }

    /// Forward and backward; the gradients are left in `self.gradients`.
    fn propagate(
        &mut self,
        batch: Batch<'_>,
        groups: &[Option<usize>],
        mode: Mode,
        moves_weights: bool,
    ) -> StepOutcome {
        let samples = self.check(batch);
        self.check_groups(samples, groups);
        self.compiled.forward(batch.inputs, samples, mode);
        let Trainer { compiled, config, gradients, balance, .. } = self;
        let Compiled { features, head, parameters, threads, .. } = compiled;
        threads.run(|| {
            let mut outcome = head.loss(&config.objective(), batch.targets);
            if let Some(balance) = balance.as_mut().filter(|_| !groups.is_empty()) {
                let objective = config.objective();
                outcome = head.balance(config.loss, batch.targets, groups, |rows, gradients| {
                    balance.apply(&objective, rows, moves_weights, outcome, gradients)
                });
            }
            let end = head.end_of(config.loss);
            head.backward(end, parameters, Some(gradients), (samples, mode), features.needs_gradient());
            features.backward(&head.input_gradient()[..samples * features.len()], mode, gradients);
            outcome
        })
    }
}

/// A network that answers.
pub struct Predictor {
    compiled: Compiled,
}

impl Predictor {
    /// Compiles `network` for answering up to `batch_size` samples at a time on `threads` threads (0 for all cores).
    ///
    /// # Errors
    /// When the parameters do not belong to the network.
    pub fn new(
        network: &Network,
        parameters: &Parameters,
        batch_size: usize,
        threads: usize,
    ) -> Result<Predictor, EngineError> {
        let parameters = Parameters::from_tensors(network, parameters.clone().into_tensors())?;
        let (network, parameters) = fold_batch_norms(network, &parameters);
        let compiled = Compiled::new(&network, parameters, batch_size, threads, Purpose::Answer)?;
        Ok(Predictor { compiled })
    }

    /// The outputs of any number of samples, one row a sample. Feature maps, where a network ends in them, come channel by
    /// channel, each row by row, as [`Flatten`](crate::layer::Flatten) has them.
    ///
    /// # Panics
    /// When `outputs` has not one row for each sample.
    pub fn predict(&mut self, inputs: Inputs<'_>, outputs: &mut [f32]) {
        let Compiled { batch_size, input_len, classes, .. } = self.compiled;
        for (index, rows) in outputs.chunks_mut(batch_size * classes).enumerate() {
            let (start, samples) = (index * batch_size, rows.len() / classes);
            let range = start * input_len..(start + samples) * input_len;
            let inputs = inputs.slice(range);
            self.compiled.check(inputs);
            self.compiled.forward(inputs, samples, Mode::Answer);
            rows.copy_from_slice(self.compiled.head.output(samples));
        }
    }
}
