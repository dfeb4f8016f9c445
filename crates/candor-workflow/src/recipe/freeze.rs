//! Which layers stay as they are.

use serde::{Deserialize, Serialize};

const UP_TO: &str = "up to ";

/// Layers that do not learn: `"up to conv5_2"`, from the input to the one that is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Freeze(String);

impl Freeze {
    /// The name of the last layer that does not learn.
    pub fn last(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Freeze {
    type Error = String;

    fn try_from(text: String) -> Result<Freeze, String> {
        match text.strip_prefix(UP_TO).map(str::trim) {
            Some(layer) if !layer.is_empty() => Ok(Freeze(layer.to_owned())),
            _ => Err(format!(
                "\"{text}\" does not name a layer: write \"up to conv5_2\"; `candor models NAME` lists the layers"
            )),
        }
    }
}

impl From<Freeze> for String {
    fn from(freeze: Freeze) -> String {
        format!("{UP_TO}{}", freeze.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_frozen_layer_is_named() {
        let freeze = Freeze::try_from("up to conv5_2".to_owned()).unwrap();
        assert_eq!((freeze.last(), String::from(freeze.clone())), ("conv5_2", "up to conv5_2".to_owned()));
        assert!(Freeze::try_from("conv5_2".to_owned()).unwrap_err().contains("up to conv5_2"));
    }
}
