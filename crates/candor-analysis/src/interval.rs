//! How far a figure may be off, and whether one model is better than another.
//!
//! [`share_interval`] gives the 95 % interval of every share of pictures: accuracies, recalls, accuracies of subgroups.
//! [`bootstrap`] gives that of any other [`Measure`], [`Intervals`] those of a whole evaluation, [`paired_difference`] that of the
//! difference between two models that answered for the same pictures, and [`McNemar`] the exact test of whether one of them is right
//! more often.
//! All take groups (a person, a web site, near copies), because pictures of one group err together; resampling draws
//! counts and copies no picture. Everything depends on the seed alone.
//!
//! The bootstrap's intervals are percentile intervals, widened for few groups (Hesterberg, "What teachers should know about the
//! bootstrap", The American Statistician 69, 2015, section 4.3). BCa was left out: it needs a jackknife over all
//! groups for every figure, breaks down exactly where help is needed (all answers right, a handful of groups), and
//! the coverage simulation (`tests/it/coverage.rs`) finds these intervals right 93 to 97 times out of 100 without it. Two
//! limits are known: an interval that is drawn from answers without an error is a single point, and the calibration
//! error is biased upwards in small sets and its interval with it.

mod best_of;
mod bootstrap;
mod groups;
mod holm;
mod intervals;
mod mcnemar;
mod measure;
pub(crate) mod normal;
mod paired;
mod share;
pub(crate) mod student;
mod tally;

pub use best_of::{BestDifference, difference_to_best};
pub use bootstrap::{Bootstrap, Draws, Estimate, Resampling, bootstrap};
pub use groups::Groups;
pub use holm::holm;
pub use intervals::{ClassIntervals, Intervals, MeanIntervals};
pub use mcnemar::McNemar;
pub use measure::Measure;
pub use paired::{Difference, PairingError, paired_difference};
pub use share::share_interval;
