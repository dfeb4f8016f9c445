//! Compares published figures with each other: is each a possible fraction of the number of pictures, and do they agree? Needs
//! neither the model nor the pictures, only what was printed.
//!
//! The input is plain data; [`TEMPLATE`] is an example in TOML that names every field. Figures in quotation marks keep the
//! digits that were printed (`".2510"`); a bare number loses its zeros at the end and is then checked less strictly.
//!
//! ```
//! use candor_analysis::check_figures::{ClaimVerdict, TEMPLATE, check};
//!
//! let checked = check(&toml::from_str(TEMPLATE)?)?;
//! assert_eq!(checked.pictures.map(|pictures| pictures.count), Some(235));
//! assert_eq!(checked.claims[0].verdict, ClaimVerdict::Contradicted);
//! for claim in &checked.claims {
//!     println!("{} ({}): {}", claim.claim, claim.verdict.name(), claim.because);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A printed figure stands for every value that rounds to it, or, where a whole table fits only so, for every value
//! that begins with its digits (cut off instead of rounded). Counts are compared in whole numbers (Brown and
//! Heathers, "The GRIM test", Social Psychological and Personality Science 8, 2017, asks the same of means).

mod check;
mod claims;
mod limits;
mod number;
mod published;
mod table;
mod words;

pub use check::{CheckedAccuracy, CheckedFigures, Finding, FindingKind, Origin, PictureCount, check};
pub use claims::{CheckedClaim, ClaimVerdict};
pub use limits::Limits;
pub use number::{NumberError, PublishedNumber};
pub use published::{
    Average, CellUnit, ClassShares, FiguresError, FiguresErrorKind, Metric, PublishedAccuracy,
    PublishedFigures, PublishedMatrix, PublishedScore,
};
pub use table::Digits;

/// A file of published figures with every field and its meaning, to be filled in.
pub const TEMPLATE: &str = include_str!("check_figures/template.toml");
