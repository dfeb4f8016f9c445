//! The steps from pictures to a judged model, and their order: the one implementation behind every front end.
#![forbid(unsafe_code)]

mod error;
mod model;
mod pictures;
pub mod recipe;
pub mod run_dir;
mod tensors;
mod train;

pub use error::{Result, WorkflowError};
pub use model::{About, TrainedModel};
pub use pictures::{Origin, SourceSpec};
