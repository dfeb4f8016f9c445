//! The steps from pictures to a judged model, and their order: the one implementation behind every front end.
//!
//! A front end makes a request, hands in a [`Reporter`](candor_core::Reporter) and shows what comes back:
//!
//! ```no_run
//! use candor_core::Silent;
//! use candor_workflow::recipe::RecipeFile;
//! use candor_workflow::{RunRequest, SourceSpec, study};
//!
//! # fn main() -> candor_workflow::Result<()> {
//! let request = RunRequest {
//!     source: SourceSpec::at("photos"),
//!     recipe: RecipeFile::default(),
//!     out: "run".into(),
//!     baselines: true,
//!     threads: 0,
//! };
//! let result = study(&request, &Silent)?;
//! println!("{} pictures, report in {}", result.split.train, result.report.display());
//! # Ok(())
//! # }
//! ```
//!
//! A run is a folder ([`run_dir`] names its files). Each file is written whole or not at all, so that a run which was
//! killed at any moment can be resumed, and ends with the same bits. The test split is handed out in one place only,
//! which counts how often it is looked at.
#![forbid(unsafe_code)]

mod audit;
mod concepts;
mod crop_sheet;
mod differentiate;
mod error;
mod explain;
mod fairness;
mod initial;
mod inside;
mod judge;
mod looks;
mod memory;
mod model;
mod near_copies;
mod onnx;
mod pictures;
mod rates;
pub mod recipe;
mod report;
mod run;
pub mod run_dir;
mod tensors;
mod threads;
mod train;
mod units;
mod verbs;
mod writing;

pub use audit::{AuditEffort, NetworkLearner, Pixels as AuditPixels, Taught};
pub use candor_analysis::audit::{AccuracyChange, GapChange, GroupAccuracy, GroupGap, GroupGaps};
pub use candor_analysis::audit::{CHECKS, Check as AuditCheck, Cost, Finding, Verdict as AuditVerdict};
pub use candor_analysis::baseline::{BaselineComparison, Verdict};
pub use candor_analysis::check_figures::{
    CheckedClaim, CheckedFigures, ClaimVerdict, TEMPLATE as FIGURES_TEMPLATE,
};
pub use candor_analysis::explain::gate::{Passport, randomised::Randomised};
pub use candor_analysis::explain::{METHODS as EXPLANATIONS, Method as Explanation};
pub use candor_analysis::lesson::{
    LESSONS, Lesson, regression as lesson_regression, scores as lesson_scores, written as written_number,
    written_p,
};
pub use candor_data::collect::{
    CollectError, CollectOptions, Collected, HostReport, PicturePreview, Preview, SitePreview,
};
pub use candor_data::decode::Limits;
pub use candor_data::export::{LAYOUTS, Layout, Written};
pub use candor_data::faces::{Cropping, Which};
pub use candor_data::source::{KINDS as SOURCE_KINDS, SourceKind, SourceOptions};
pub use candor_data::split::Fractions;
pub use candor_data::study::{
    CLASS, ClassCount, CropCount, CroppedHow, Doomed, Holds, Imported, Keep, Labelled, MAIN, Method,
    NamedSplit, NewOpinion, Opinion, OutsideFolder, RUNS, SourceCount, SplitMade, SplitRequest, Status,
    Study, Tie, Tied,
};
pub use candor_report::{
    FigureLine, Scale, SubsetEvaluation, Summary, accuracy_with_interval, baseline_verdict, count,
    figure_list, p_value, per_cent, points_with_interval,
};
pub use concepts::{CrossRow, ExplainedConcepts, ShownConcept};
pub use error::{Result, WorkflowError};
pub use explain::{ExplainedMethod, ExplainedView, ShareOnFace};
pub use fairness::FairnessFigures;
pub use looks::Look;
pub use model::{About, TrainedModel};
pub use pictures::{BUILT_IN, Origin, SourceSpec};
pub use train::FairnessError;
pub use verbs::*;
