//! Trains and runs convolutional networks on the CPU.
//!
//! The engine knows tensors, not pictures or files: pixels come in as height × width × channels values, weights
//! go out in PyTorch's order. A [`Network`] is checked when it is built; a [`Trainer`] compiles it once (fusion,
//! memory, packing) and then takes steps; a [`Predictor`] only runs it forward; a [`Differentiator`] says how its
//! answers depend on what goes in.
//!
//! ```
//! use candor_engine::{Batch, Inputs, Network, Parameters, Shape, Trainer, TrainingConfig, architecture};
//!
//! let network = architecture::find("mnist-cnn").unwrap().build(Shape::image(28, 28, 1), 10)?;
//! assert_eq!(network.parameter_count(), 34_826);
//!
//! let config = TrainingConfig { batch_size: 4, ..TrainingConfig::default() };
//! let mut trainer = Trainer::new(&network, Parameters::initial(&network, 1), &config)?;
//! let pixels = vec![128_u8; 4 * 28 * 28];
//! let outcome = trainer.step(Batch { inputs: Inputs::Bytes(&pixels), targets: &[0, 1, 2, 3] });
//! assert!(outcome.loss > 0.0);
//! # Ok::<(), candor_engine::EngineError>(())
//! ```
//!
//! A result depends on the network, the data and the seed alone: the same bits come out on one thread and on many.

pub mod architecture;
mod error;
mod executor;
mod kernel;
pub mod layer;
mod loss;
mod network;
pub mod optimizer;
mod parameters;
mod precision;
mod random;
mod schedule;
mod shape;

pub use error::EngineError;
pub use executor::{
    Batch, DeepLift, Differentiator, End, Inputs, Predictor, StepOutcome, Trainer, TrainerState,
    TrainingConfig,
};
pub use kernel::Isa;
#[doc(hidden)]
pub use kernel::measure;
pub use loss::{Fairness, FairnessDefinition, FairnessMethod, Loss, LossSettings};
pub use network::{INPUT_NAME, LayerSummary, NamedLayer, Network, NetworkNode, Source};
pub use optimizer::{Optimizer, OptimizerKind};
pub use parameters::{Parameter, Parameters};
pub use precision::Precision;
pub use schedule::Schedule;
pub use shape::{Pair, Shape};
