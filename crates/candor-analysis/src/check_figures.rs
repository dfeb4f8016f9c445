//! Holds published figures against each other: is each a possible fraction of the number of pictures, and do they
//! agree? Needs neither the model nor the pictures, only what was printed.
//!
//! The input is plain data; a file may look like this. Figures in quotation marks keep the digits that were
//! printed (`".2510"`), a bare number loses its zeros at the end and is then checked less strictly.
//!
//! ```
//! let figures: candor_analysis::check_figures::PublishedFigures = toml::from_str(r#"
//!     classes = ["cs", "econ", "german", "mechanical"]   # optional, as is everything else
//!     # pictures = 235                                   # found from the matrix where it is not known
//!
//!     [confusion_matrix]                                 # rows true, columns predicted
//!     unit = "per-cent"                                  # of all pictures; or "shares", or "counts"
//!     cells = [
//!         ["12.766", "5.957", "0", "6.383"],
//!         ["3.404", "12.766", "3.830", "8.085"],
//!         ["3.830", "5.532", "8.511", "3.404"],
//!         ["5.957", "5.106", "1.277", "13.191"],
//!     ]
//!
//!     [[accuracies]]
//!     name = "simple-cnn"
//!     value = ".571"                                     # or "57.1 %"
//!
//!     [class_shares]
//!     real = [".2510", ".2808", ".2127", ".2553"]
//!     predicted = [".2595", ".2936", ".1361", ".3106"]
//! "#)?;
//! let checked = candor_analysis::check_figures::check(&figures)?;
//! assert_eq!(checked.pictures.map(|pictures| pictures.count), Some(235));
//! assert!(checked.contradicted());
//! for finding in &checked.findings {
//!     println!("{}", finding.sentence);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A printed figure stands for every value that rounds to it, or, where a whole table fits only so, for every value
//! that begins with its digits (cut off instead of rounded). All of this is whole-number arithmetic (Brown and
//! Heathers, "The GRIM test", Social Psychological and Personality Science 8, 2017, asks the same of means).

mod check;
mod limits;
mod number;
mod published;
mod table;
mod words;

pub use check::{CheckedAccuracy, CheckedFigures, Finding, FindingKind, Origin, PictureCount, check};
pub use limits::Limits;
pub use number::{NumberError, PublishedNumber};
pub use published::{
    CellUnit, ClassShares, FiguresError, FiguresErrorKind, PublishedAccuracy, PublishedFigures,
    PublishedMatrix,
};
pub use table::Digits;
