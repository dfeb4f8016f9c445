//! `doctor`: what this machine has, and whether training and predicting work on it.

use std::time::Instant;

use candor_core::Reporter;
use candor_engine::{
    Batch, Inputs, Isa, Loss, Network, Optimizer, Parameters, Predictor, Shape, Trainer, TrainingConfig,
    architecture,
};
use serde::Serialize;

use crate::error::Result;
pub use crate::memory::Memory;
use crate::memory::memory;

/// Pictures of the fixed problem: two classes that differ in brightness.
const PICTURES: usize = 32;
const SIDE: usize = 12;
const STEPS: usize = 30;

/// Steps that the speed is measured over, with the batch size and the input of `mnist-cnn`.
const SPEED_STEPS: usize = 20;

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Doctor {
    /// candor's version.
    pub version: &'static str,
    /// `linux, x86_64`
    pub system: String,
    /// Logical processors.
    pub cores: usize,
    /// Threads that candor computes on.
    pub threads: usize,
    /// Of the machine, where it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// Instruction sets that the engine can use here, the best first.
    pub instruction_sets: Vec<&'static str>,
    /// The one in use.
    pub instruction_set: &'static str,
    /// Pictures that `mnist-cnn` learns from in a second here.
    pub images_per_second: f64,
    /// What was tried, and whether it works.
    pub checks: Vec<Check>,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// What was seen.
    pub detail: String,
}

impl Doctor {
    /// Whether everything that was tried works.
    pub fn is_well(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }
}

/// Looks at the machine and trains, checks and asks a small network on it.
///
/// # Errors
/// When the engine refuses a network that it should take.
pub fn doctor(threads: usize, _reporter: &dyn Reporter) -> Result<Doctor> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let problem = Problem::new();
    let (learning, parameters) = problem.learns(threads)?;
    let checks = vec![
        learning,
        problem.gradient_is_right(threads)?,
        problem.predicts(&parameters, threads)?,
        problem.same_bits_on_one_thread(&parameters)?,
    ];
    Ok(Doctor {
        version: env!("CARGO_PKG_VERSION"),
        system: format!("{}, {}", std::env::consts::OS, std::env::consts::ARCH),
        cores,
        threads: if threads == 0 { cores } else { threads },
        memory: memory(),
        instruction_sets: Isa::available().iter().map(|isa| isa.name()).collect(),
        instruction_set: Isa::detect().name(),
        images_per_second: speed(threads)?,
        checks,
    })
}

/// A tiny problem whose answer is known.
struct Problem {
    network: Network,
    pixels: Vec<u8>,
    targets: Vec<usize>,
}

impl Problem {
    /// Pictures of the first class are dark on the left, those of the second on the right.
    fn new() -> Problem {
        let network = architecture::find("mnist-cnn")
            .and_then(|architecture| architecture.build(Shape::image(SIDE, SIDE, 1), 2).ok())
            .expect("mnist-cnn takes pictures of this size");
        let targets: Vec<usize> = (0..PICTURES).map(|picture| picture % 2).collect();
        let pixel = |picture: usize, at: usize| {
            let is_bright = (at % SIDE < SIDE / 2) == (picture % 2 == 1);
            (if is_bright { 200 } else { 30 }) + ((7 * picture + 3 * at) % 50) as u8
        };
        let pixels = (0..PICTURES * SIDE * SIDE).map(|i| pixel(i / (SIDE * SIDE), i % (SIDE * SIDE)));
        Problem { network, pixels: pixels.collect(), targets }
    }

    fn batch(&self) -> Batch<'_> {
        Batch { inputs: Inputs::Bytes(&self.pixels), targets: &self.targets }
    }

    fn trainer(&self, threads: usize) -> Result<Trainer> {
        let config = TrainingConfig {
            loss: Loss::CrossEntropy,
            optimizer: Optimizer::adam(3e-3),
            batch_size: PICTURES,
            threads,
            seed: 1,
            ..TrainingConfig::default()
        };
        Ok(Trainer::new(&self.network, Parameters::initial(&self.network, 1), &config)?)
    }

    fn learns(&self, threads: usize) -> Result<(Check, Parameters)> {
        let mut trainer = self.trainer(threads)?;
        let before = trainer.evaluate(self.batch()).loss;
        for _ in 0..STEPS {
            trainer.step(self.batch());
        }
        let after = trainer.evaluate(self.batch()).loss;
        let detail = format!("loss {before:.3} before, {after:.3} after {STEPS} steps");
        let check = Check { name: "training", ok: after < before / 2.0, detail };
        Ok((check, trainer.parameters().clone()))
    }

    /// The slope of the loss along the gradient, measured by two losses, is the gradient's length.
    fn gradient_is_right(&self, threads: usize) -> Result<Check> {
        let mut trainer = self.trainer(threads)?;
        let (_, gradients) = trainer.gradients(self.batch());
        let values = || gradients.tensors().iter().flat_map(|tensor| &tensor.values);
        let length = values().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        let step = 1e-3 / length;
        let up = self.loss_at(&gradients, step, threads)?;
        let down = self.loss_at(&gradients, -step, threads)?;
        let slope = (up - down) / (2.0 * step * length);
        let ok = (slope / length - 1.0).abs() < 0.02;
        let detail = format!("{length:.4} by the engine, {slope:.4} by two losses");
        Ok(Check { name: "gradients", ok, detail })
    }

    fn loss_at(&self, direction: &Parameters, step: f64, threads: usize) -> Result<f64> {
        let mut trainer = self.trainer(threads)?;
        let mut state = trainer.state();
        for (tensor, slope) in state.parameters.tensors_mut().iter_mut().zip(direction.tensors()) {
            for (value, slope) in tensor.values.iter_mut().zip(&slope.values) {
                *value += (f64::from(*slope) * step) as f32;
            }
        }
        trainer.restore(&state)?;
        Ok(f64::from(trainer.evaluate(self.batch()).loss))
    }

    fn outputs(&self, parameters: &Parameters, threads: usize) -> Result<Vec<f32>> {
        let mut outputs = vec![0.0; PICTURES * 2];
        let mut predictor = Predictor::new(&self.network, parameters, PICTURES, threads)?;
        predictor.predict(Inputs::Bytes(&self.pixels), &mut outputs);
        Ok(outputs)
    }

    fn predicts(&self, parameters: &Parameters, threads: usize) -> Result<Check> {
        let outputs = self.outputs(parameters, threads)?;
        let answers = outputs.chunks_exact(2).map(|row| usize::from(row[1] > row[0]));
        let right = answers.zip(&self.targets).filter(|(answer, target)| answer == *target).count();
        let detail = format!("{right} of {PICTURES} right after training");
        Ok(Check { name: "prediction", ok: right == PICTURES, detail })
    }

    fn same_bits_on_one_thread(&self, parameters: &Parameters) -> Result<Check> {
        let (_, alone) = self.learns(1)?;
        let ok = alone == *parameters;
        let detail = if ok { "the same bits on one thread" } else { "other weights on one thread" };
        Ok(Check { name: "reproducibility", ok, detail: detail.to_owned() })
    }
}

/// Pictures a second of `mnist-cnn` as its source trains it.
fn speed(threads: usize) -> Result<f64> {
    let mnist = architecture::find("mnist-cnn").expect("it is in the registry");
    let network = mnist.build(mnist.input, mnist.classes)?;
    let config = TrainingConfig { batch_size: mnist.batch_size, threads, ..TrainingConfig::default() };
    let mut trainer = Trainer::new(&network, Parameters::initial(&network, 1), &config)?;
    let pixels: Vec<u8> = (0..mnist.batch_size * 28 * 28).map(|i| (i * 31 % 251) as u8).collect();
    let targets: Vec<usize> = (0..mnist.batch_size).map(|i| i % 10).collect();
    let batch = Batch { inputs: Inputs::Bytes(&pixels), targets: &targets };
    trainer.step(batch);
    let started = Instant::now();
    for _ in 0..SPEED_STEPS {
        trainer.step(batch);
    }
    Ok((SPEED_STEPS * mnist.batch_size) as f64 / started.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use candor_core::Silent;

    use super::*;

    #[test]
    fn this_machine_is_well() {
        let doctor = doctor(2, &Silent).unwrap();
        assert!(doctor.is_well(), "{:?}", doctor.checks);
        assert!(doctor.images_per_second > 0.0);
        assert!(doctor.instruction_sets.contains(&"portable"));
    }
}
