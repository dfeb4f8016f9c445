//! Everything between bytes on disk and prepared pictures in memory.
//!
//! The way of a picture: [`source::Source::open`] lists samples (class folders, `index.csv`, pixel CSV, IDX, CIFAR-10),
//! [`decode`] turns their bytes into pictures, [`prepare`] brings them to a model's input size, [`split`] says which
//! of them a model learns from, and [`augment`] varies those while it learns. [`faces`] finds faces and cuts them out. [`known`] fetches well-known data sets,
//! [`demo`] holds one inside the binary. A [`study`] keeps pictures together with all that is known of them.
//!
//! Nothing here knows of networks. Nothing but [`known::fetch`] touches the network.
//!
//! ```no_run
//! use candor_core::{Channels, Fit, Preprocessing, Seed, Silent};
//! use candor_data::prepare::{prepare, survey};
//! use candor_data::source::{Source, SourceOptions};
//! use candor_data::split::{Fractions, split};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut source = Source::open("photos".as_ref(), &SourceOptions::default(), &Silent)?;
//! let seen = survey(&source, &Silent)?;
//! let channels = if seen.all_grey { Channels::Grey } else { Channels::Rgb };
//! let input = Preprocessing { height: 64, width: 64, channels, fit: Fit::Stretch };
//! let prepared = prepare(&source, input, &Silent)?;
//! source.retain(&prepared.kept); // now index i means the same picture in both
//! let parts = split(&source, source.predefined(), Fractions::default(), Seed(1))?;
//! println!("{} pictures to learn from", parts.split.train.len());
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod augment;
pub mod decode;
pub mod demo;
pub mod encode;
pub mod export;
pub mod faces;
pub mod known;
pub mod prepare;
pub mod source;
pub mod split;
pub mod study;
