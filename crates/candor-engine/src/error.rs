//! What can be wrong with a network, its parameters or a training's settings, and where.

use thiserror::Error;

use crate::Shape;

/// Why a network cannot be built, loaded or trained. Names the layer and the shapes that do not fit.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum EngineError {
    #[error("the network has no layers")]
    NoLayers,
    #[error("layer {layer} ({kind}) gets {input}, but {needs}")]
    InputDoesNotFit { layer: String, kind: &'static str, input: String, needs: String },
    #[error("layer {layer} ({kind}): {setting} = {value}, but it must be {needs}")]
    BadSetting {
        layer: String,
        kind: &'static str,
        setting: &'static str,
        value: String,
        needs: &'static str,
    },
    #[error("two layers are called {0}: give one of them another name")]
    NameTwice(String),
    #[error("layer {layer} reads {source_name}, but no layer before it is called so")]
    SourceUnknown { layer: String, source_name: String },
    #[error(
        "nothing reads the output of layer {0}: name it among the inputs of a later layer, or leave it out"
    )]
    OutputUnread(String),
    #[error(
        "layer {0} reads a vector that is not the one before it: join branches before flatten or global pooling"
    )]
    BranchOnVectors(String),
    #[error("no layer is called {0}")]
    LayerUnknown(String),
    #[error("nothing stands behind layer {0}")]
    NothingBehind(String),
    #[error("layers {above} and {below} cannot be separated: more than one tensor passes between them")]
    CannotSplit { above: String, below: String },
    #[error("the parameter {name} is missing")]
    ParameterMissing { name: String },
    #[error("the parameter {name} has shape {actual:?}, the network needs {expected:?}")]
    ParameterShape { name: String, expected: Vec<usize>, actual: Vec<usize> },
    #[error("the parameter {name} belongs to no layer of the network")]
    ParameterUnknown { name: String },
    #[error("the loss {loss} does not go with the last layer {layer} ({kind}, {output}): {needs}")]
    LossDoesNotFit {
        loss: &'static str,
        layer: String,
        kind: &'static str,
        output: Shape,
        needs: &'static str,
    },
    #[error("{setting} = {value}, but it must be {needs}")]
    BadTraining { setting: &'static str, value: String, needs: &'static str },
    #[error("the worker threads could not be started: {0}")]
    NoThreads(String),
    #[error("the saved state does not belong to this training: {0}")]
    StateDoesNotFit(String),
}
