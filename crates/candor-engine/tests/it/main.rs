//! The engine seen from outside: against PyTorch and Keras, against a plain reference on random networks, and
//! against its own promises.
#![forbid(unsafe_code)]

mod every_layer;
mod explanations;
mod fairness;
mod formula;
mod golden_file;
mod goldens;
mod instruction_sets;
mod precision;
mod promises;
mod random_networks;
mod reference;
mod residual;

/// Whether a difference is allowed; never when it is not a number.
fn within(difference: f64, allowed: f64) -> bool {
    difference.abs() <= allowed
}
