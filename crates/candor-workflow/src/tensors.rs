//! Weights in safetensors files: groups of tensors under a prefix, and one text that says what they are.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use candor_engine::{Network, Parameter, Parameters};
use safetensors::{Dtype, SafeTensors, View};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Result, WorkflowError};

/// All that candor says of a file stands under this one key: several would come in a different order each time.
const METADATA_KEY: &str = "candor";

/// The bytes of a file with `groups` of tensors, each name behind its prefix, and `metadata` as JSON.
pub(crate) fn serialize(groups: &[(&str, &Parameters)], metadata: &impl Serialize) -> Vec<u8> {
    let tensors = groups.iter().flat_map(|(prefix, parameters)| {
        parameters.tensors().iter().map(move |tensor| (format!("{prefix}{}", tensor.name), Tensor(tensor)))
    });
    let metadata = serde_json::to_string(metadata).expect("metadata can be written as JSON");
    let metadata = HashMap::from([(METADATA_KEY.to_owned(), metadata)]);
    safetensors::serialize(tensors, Some(metadata)).expect("tensors of a network fit a file")
}

/// A file that was read, its header checked.
pub(crate) struct TensorFile<'a> {
    path: &'a Path,
    tensors: SafeTensors<'a>,
    metadata: Option<String>,
}

impl<'a> TensorFile<'a> {
    /// Checks the header of `bytes`, which were read from `path`.
    pub fn parse(path: &'a Path, bytes: &'a [u8]) -> Result<TensorFile<'a>> {
        let damaged = |error| WorkflowError::damaged(path, error);
        let tensors = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let metadata = header.metadata().as_ref().and_then(|all| all.get(METADATA_KEY)).cloned();
        Ok(TensorFile { path, tensors, metadata })
    }

    /// What the file says of itself; `None` when candor did not write it.
    pub fn metadata<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let read = |text: &String| serde_json::from_str(text);
        self.metadata.as_ref().map(read).transpose().map_err(|error| WorkflowError::damaged(self.path, error))
    }

    /// The tensors behind `prefix` as the parameters of `network`.
    pub fn group(&self, prefix: &str, network: &Network) -> Result<Parameters> {
        let names = self.tensors.names().into_iter().filter_map(|name| name.strip_prefix(prefix));
        let tensors = names.map(|name| self.tensor(prefix, name)).collect::<Result<Vec<_>>>()?;
        Parameters::from_tensors(network, tensors).map_err(|error| WorkflowError::damaged(self.path, error))
    }

    /// All tensors of single precision, as they are called.
    pub fn all(&self) -> Result<Vec<Parameter>> {
        let mut names = self.tensors.names();
        names.sort_unstable();
        names.into_iter().map(|name| self.tensor("", name)).collect()
    }

    fn tensor(&self, prefix: &str, name: &str) -> Result<Parameter> {
        let damaged = |reason: String| WorkflowError::damaged(self.path, reason);
        let view = self.tensors.tensor(&format!("{prefix}{name}")).map_err(|e| damaged(e.to_string()))?;
        if view.dtype() != Dtype::F32 {
            return Err(damaged(format!("the tensor {name} holds {:?}, but candor reads F32", view.dtype())));
        }
        let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        Ok(Parameter { name: name.to_owned(), shape: view.shape().to_vec(), values: values.collect() })
    }
}

struct Tensor<'a>(&'a Parameter);

impl View for Tensor<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.0.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn data_len(&self) -> usize {
        4 * self.0.values.len()
    }
}

#[cfg(test)]
mod tests {
    use candor_engine::{Shape, architecture};

    use super::*;

    fn network() -> Network {
        architecture::find("linear").unwrap().build(Shape::image(4, 4, 1), 3).unwrap()
    }

    #[test]
    fn groups_come_back_bit_by_bit_and_the_same_content_makes_the_same_file() {
        let (first, second) = (Parameters::initial(&network(), 1), Parameters::initial(&network(), 2));
        let bytes = serialize(&[("a/", &first), ("b/", &second)], &"words");
        assert_eq!(bytes, serialize(&[("a/", &first), ("b/", &second)], &"words"));
        let file = TensorFile::parse("x".as_ref(), &bytes).unwrap();
        assert_eq!(file.group("a/", &network()).unwrap(), first);
        assert_eq!(file.group("b/", &network()).unwrap(), second);
        assert_eq!(file.metadata::<String>().unwrap().as_deref(), Some("words"));
    }

    #[test]
    fn a_file_that_was_cut_off_or_lacks_a_tensor_is_named() {
        let bytes = serialize(&[("a/", &Parameters::initial(&network(), 1))], &());
        let cut = TensorFile::parse("model.safetensors".as_ref(), &bytes[..bytes.len() - 1]).err().unwrap();
        assert!(cut.to_string().starts_with("model.safetensors: is damaged"), "{cut}");
        let file = TensorFile::parse("model.safetensors".as_ref(), &bytes).unwrap();
        let missing = file.group("other/", &network()).unwrap_err().to_string();
        assert!(missing.contains("dense_1.weight is missing"), "{missing}");
    }
}
