//! The values of a network that training changes, in PyTorch's order and names.

use crate::layer::{Initial, ParameterSpec};
use crate::random::Stream;
use crate::{EngineError, Network};

/// One tensor of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// `layer.weight` or `layer.bias`.
    pub name: String,
    /// `[out, in / groups, rows, columns]`, `[out, in]` or `[out]`.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f32>,
}

/// All tensors of a network, in the order of its layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    tensors: Vec<Parameter>,
    /// Whether gradients change the tensor at the same place.
    trained: Vec<bool>,
}

impl Parameters {
    /// Initial values: weights uniform in ±√(6 / (fan in + fan out)) (Glorot and Bengio, 2010, eq. 16; Keras'
    /// default), biases zero, scales of a normalisation one. Each tensor draws from a stream of its own, named by the
    /// seed and the tensor.
    pub fn initial(network: &Network, seed: u64) -> Parameters {
        Parameters::each(network, |name, spec| match spec.initial {
            Initial::Constant(value) => vec![value; spec.len()],
            Initial::Glorot { fan_in, fan_out } => {
                let limit = (6.0 / (fan_in + fan_out) as f32).sqrt();
                let stream = Stream::new(seed).derive(name);
                (0..spec.len()).map(|index| limit * (2.0 * stream.unit(index as u64) - 1.0)).collect()
            }
        })
    }

    /// All zeros: a place to gather gradients in.
    pub fn zeros(network: &Network) -> Parameters {
        Parameters::each(network, |_, spec| vec![0.0; spec.len()])
    }

    /// Takes tensors in any order.
    ///
    /// # Errors
    /// Names the first tensor that is missing, has another shape, or belongs to no layer.
    pub fn from_tensors(network: &Network, tensors: Vec<Parameter>) -> Result<Parameters, EngineError> {
        let mut expected = Parameters::zeros(network);
        if let Some(stranger) = tensors.iter().find(|t| !expected.tensors.iter().any(|e| e.name == t.name)) {
            return Err(EngineError::ParameterUnknown { name: stranger.name.clone() });
        }
        for parameter in &mut expected.tensors {
            let name = parameter.name.clone();
            let found = tensors.iter().find(|tensor| tensor.name == name);
            let tensor = found.ok_or(EngineError::ParameterMissing { name })?;
            if tensor.shape != parameter.shape || tensor.values.len() != parameter.values.len() {
                let (name, expected) = (tensor.name.clone(), parameter.shape.clone());
                return Err(EngineError::ParameterShape { name, expected, actual: tensor.shape.clone() });
            }
            parameter.values.clone_from(&tensor.values);
        }
        Ok(expected)
    }

    /// Tensors of no network in particular.
    #[cfg(test)]
    pub(crate) fn from_parts(tensors: Vec<Parameter>) -> Parameters {
        let trained = vec![true; tensors.len()];
        Parameters { tensors, trained }
    }

    /// The tensors in the order of the layers.
    pub fn tensors(&self) -> &[Parameter] {
        &self.tensors
    }

    /// The same, to be changed.
    pub fn tensors_mut(&mut self) -> &mut [Parameter] {
        &mut self.tensors
    }

    /// The tensors, to be changed, and whether gradients change each.
    pub(crate) fn tensors_and_trained(&mut self) -> (&mut [Parameter], &[bool]) {
        (&mut self.tensors, &self.trained)
    }

    /// Whether gradients change the tensor at this place; if not, it follows the data (the running means of a batch norm),
    /// and its gradient is always zero.
    pub fn is_trained(&self, index: usize) -> bool {
        self.trained[index]
    }

    /// Gives the tensors away.
    pub fn into_tensors(self) -> Vec<Parameter> {
        self.tensors
    }

    /// Whether both hold tensors of the same names and shapes in the same order.
    pub fn same_shapes(&self, other: &Parameters) -> bool {
        let same = |(a, b): (&Parameter, &Parameter)| {
            a.name == b.name && a.shape == b.shape && a.values.len() == b.values.len()
        };
        self.tensors.len() == other.tensors.len() && self.tensors.iter().zip(&other.tensors).all(same)
    }

    /// The tensor called `name`.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.tensors.iter().find(|parameter| parameter.name == name)
    }

    fn each(network: &Network, values: impl Fn(&str, &ParameterSpec) -> Vec<f32>) -> Parameters {
        let mut parameters = Parameters { tensors: Vec::new(), trained: Vec::new() };
        for node in network.nodes() {
            for spec in node.parameters() {
                let name = format!("{}.{}", node.name, spec.name);
                let values = values(&name, &spec);
                parameters.tensors.push(Parameter { name, shape: spec.shape, values });
                parameters.trained.push(spec.trained);
            }
        }
        parameters
    }
}
