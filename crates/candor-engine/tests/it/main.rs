//! The engine seen from outside: against PyTorch and Keras, against a plain reference on random networks, and
//! against its own promises.
#![forbid(unsafe_code)]

mod formula;
mod golden_file;
mod goldens;
mod promises;
mod random_networks;
mod reference;
