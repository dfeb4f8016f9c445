//! Judges classifiers: values in, values out.
//!
//! [`evaluate`] holds the metrics, one file each, and [`METRICS`](evaluate::METRICS) lists them for the command
//! line, the report and the manual; [`interval`] says how far they may be off and whether one model is better than
//! another. Nothing here reads a file, a clock or the network, and nothing names the engine: predictions are enough.
//! [`baseline`] holds simple models that a network has to beat.
//! [`audit`] asks how far a classifier may be believed.
//! [`agreement`] asks whether those who labelled agree.
//! [`explain`] says where in a picture the evidence is.
//! [`lesson`] holds the arithmetic of the lessons for teachers.
//! [`near_duplicates`] finds copies of one picture. [`Units`] says what belongs together.
//! [`check_figures`] needs even less: what somebody printed.
#![forbid(unsafe_code)]

pub mod agreement;
pub mod audit;
pub mod baseline;
pub mod check_figures;
pub mod evaluate;
pub mod explain;
pub mod interval;
pub mod lesson;
pub mod near_duplicates;
mod units;

pub use units::Units;

pub use evaluate::{Evaluation, LabelledPredictions, PredictionsError, PredictionsErrorKind};
