//! A network that learns, and one that only answers.

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::features::Features;
use super::fold::fold_batch_norms;
use super::head::Head;
use super::plan::Plan;
use super::{Batch, Inputs, Mode, StepOutcome, TrainerState, TrainingConfig};
use crate::kernel::Isa;
use crate::optimizer::{Step, norm};
use crate::random::Stream;
use crate::{EngineError, Network, Parameters};

/// A compiled network with its memory and its threads.
struct Compiled {
    features: Features,
    head: Head,
    parameters: Parameters,
    batch_size: usize,
    input_len: usize,
    classes: usize,
    threads: ThreadPool,
    isa: Isa,
}

/// What is compiled in beside the forward pass.
#[derive(Clone, Copy, Default)]
struct Purpose {
    training: bool,
    input_gradient: bool,
}

impl Compiled {
    fn new(
        network: &Network,
        parameters: Parameters,
        batch_size: usize,
        threads: usize,
        purpose: Purpose,
    ) -> Result<Compiled, EngineError> {
        if batch_size == 0 {
            return Err(EngineError::BadTraining {
                setting: "batch_size",
                value: "0".into(),
                needs: "at least 1",
            });
        }
        let parameters = Parameters::from_tensors(network, parameters.into_tensors())?;
        let isa = Isa::detect();
        let plan = Plan::new(isa, network, purpose.input_gradient);
        let head = Head::new(isa, plan.features, plan.head.clone(), batch_size, purpose.training);
        let mut features = Features::new(isa, plan, batch_size, purpose.training);
        features.load(&parameters);
        let threads = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("candor-engine-{i}"))
            .build();
        let threads = threads.map_err(|error| EngineError::NoThreads(error.to_string()))?;
        let (input_len, classes) = (network.input().len(), network.output().len());
        Ok(Compiled { features, head, parameters, batch_size, input_len, classes, threads, isa })
    }

    fn check(&self, inputs: Inputs<'_>) -> usize {
        let len = match inputs {
            Inputs::Bytes(bytes) => bytes.len(),
            Inputs::Floats(values) => values.len(),
        };
        let samples = len / self.input_len;
        assert_eq!(len % self.input_len, 0, "each sample needs {} values", self.input_len);
        assert!(
            (1..=self.batch_size).contains(&samples),
            "a batch has 1 to {} samples, not {samples}",
            self.batch_size
        );
        samples
    }

    fn forward(&mut self, inputs: Inputs<'_>, samples: usize, mode: Mode) {
        let Compiled { features, head, parameters, threads, .. } = self;
        threads.install(|| {
            let rows = samples * features.len();
            features.forward(inputs, mode, &mut head.input_mut()[..rows]);
            head.forward(parameters, samples, mode.dropout());
        });
    }
}

/// A network that learns.
pub struct Trainer {
    compiled: Compiled,
    config: TrainingConfig,
    gradients: Parameters,
    slots: Vec<Parameters>,
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
        Trainer::with_purpose(network, parameters, config, Purpose { training: true, input_gradient: false })
    }

    fn with_purpose(
        network: &Network,
        parameters: Parameters,
        config: &TrainingConfig,
        purpose: Purpose,
    ) -> Result<Trainer, EngineError> {
        config.check(network)?;
        let compiled = Compiled::new(network, parameters, config.batch_size, config.threads, purpose)?;
        let gradients = Parameters::zeros(network);
        let mut slots = vec![Parameters::zeros(network); config.optimizer.rule().slots()];
        slots.extend(config.averages().then(|| compiled.parameters.clone()));
        Ok(Trainer { compiled, config: config.clone(), gradients, slots, step: 0 })
    }

    /// One step: forward, backward, update. Up to `batch_size` samples.
    ///
    /// # Panics
    /// When the batch is empty or larger than `batch_size`, its inputs have the wrong size, or a target is not a class.
    pub fn step(&mut self, batch: Batch<'_>) -> StepOutcome {
        let dropout = Stream::new(self.config.seed).derive("dropout").at(self.step);
        let outcome = self.propagate(batch, Mode::Learn { dropout: Some(dropout) });
        let Trainer { compiled, config, gradients, slots, step } = self;
        compiled.threads.install(|| {
            compiled.features.remember(&mut compiled.parameters);
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
        });
        *step += 1;
        outcome
    }

    /// The gradients of the loss of a batch, without changing anything. Dropout is off.
    ///
    /// # Panics
    /// As [`Trainer::step`].
    pub fn gradients(&mut self, batch: Batch<'_>) -> (StepOutcome, Parameters) {
        let outcome = self.propagate(batch, Mode::Learn { dropout: None });
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
        TrainerState { step: self.step, parameters: self.parameters().clone(), slots: self.slots.clone() }
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

    /// Forward and backward; the gradients are left in `self.gradients`.
    fn propagate(&mut self, batch: Batch<'_>, mode: Mode) -> StepOutcome {
        let samples = self.check(batch);
        self.compiled.forward(batch.inputs, samples, mode);
        let Trainer { compiled, config, gradients, .. } = self;
        let Compiled { features, head, parameters, threads, .. } = compiled;
        threads.install(|| {
            let outcome = head.loss(&config.objective(), batch.targets);
            let dropout = mode.dropout();
            head.backward(config.loss, parameters, gradients, samples, dropout, features.needs_gradient());
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
        let compiled = Compiled::new(&network, parameters, batch_size, threads, Purpose::default())?;
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
            let inputs = match inputs {
                Inputs::Bytes(bytes) => Inputs::Bytes(&bytes[range]),
                Inputs::Floats(values) => Inputs::Floats(&values[range]),
            };
            self.compiled.check(inputs);
            self.compiled.forward(inputs, samples, Mode::Answer);
            rows.copy_from_slice(self.compiled.head.output(samples));
        }
    }
}

/// The gradient of a batch's loss with respect to its inputs, one value an input value, height × width × channels a
/// sample; dropout is off. The loss has its usual settings: no smoothing, no class weights.
///
/// # Errors
/// When the parameters do not belong to the network, or the loss does not go with its last layer.
///
/// # Panics
/// As [`Trainer::step`].
pub fn input_gradient(
    network: &Network,
    parameters: &Parameters,
    loss: crate::Loss,
    batch: Batch<'_>,
) -> Result<Vec<f32>, EngineError> {
    let mut all = Vec::new();
    let config = TrainingConfig { loss, batch_size: 1, ..TrainingConfig::default() };
    let purpose = Purpose { training: true, input_gradient: true };
    let mut trainer = Trainer::with_purpose(network, parameters.clone(), &config, purpose)?;
    let len = network.input().len();
    for (sample, target) in batch.targets.chunks(1).enumerate() {
        let range = sample * len..(sample + 1) * len;
        let inputs = match batch.inputs {
            Inputs::Bytes(bytes) => Inputs::Bytes(&bytes[range]),
            Inputs::Floats(values) => Inputs::Floats(&values[range]),
        };
        trainer.propagate(Batch { inputs, targets: target }, Mode::Answer);
        // The loss is a mean over the batch.
        let share = 1.0 / batch.targets.len() as f32;
        all.extend(trainer.compiled.features.input_gradient(1).into_iter().map(|value| value * share));
    }
    Ok(all)
}
