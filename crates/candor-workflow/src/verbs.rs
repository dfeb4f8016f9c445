//! What a person can ask for: one file a verb. Each takes a request, tells a reporter how it goes, and gives values
//! that can be shown or written as JSON.

mod audit;
mod check_figures;
mod collect;
mod compare;
mod crop;
mod data;
mod demo;
mod doctor;
mod duplicates;
mod evaluate;
mod explain;
mod export;
mod fairness_frontier;
mod find_lr;
mod forget;
mod import;
mod label;
mod lesson;
mod models;
mod predict;
mod repair;
mod report;
mod split;
mod status;
mod study;
mod train;

pub use audit::{AuditRequest, Audited, audit};
pub use check_figures::check_figures;
pub(crate) use check_figures::published_figures;
pub use collect::{CollectRequest, collect, collect_preview};
pub use compare::{CompareRequest, ComparedPair, ComparedRun, RunComparison, compare};
pub use crop::{CropFailure, CropRequest, CropResult, crop};
pub use data::{DatasetListing, DatasetReceipt, data_get, data_list};
pub use demo::{Demo, DemoModel, DemoRequest, demo};
pub use doctor::{Check, Doctor, Memory, doctor};
pub use duplicates::{
    DuplicateCluster, DuplicatePair, DuplicatePicture, Duplicates, DuplicatesRequest, SimilarPair, duplicates,
};
pub use evaluate::{EvaluateRequest, Evaluated, evaluate};
pub use explain::{ExplainRequest, Explained, explain};
pub use export::{ExportPicturesRequest, Exported, export_onnx, export_pictures};
pub use fairness_frontier::{FairnessFrontier, FrontierRequest, FrontierRun, fairness_frontier};
pub use find_lr::{LearningRates, RateStep, find_lr};
pub use forget::{ForgetRequest, Forgotten, FoundOutside, LeftOutside, Mark, MarkedRun, WhyLeft, forget};
pub use import::{ImportRequest, import};
pub use label::{
    Agreement, AgreementPair, LabelTable, label_agreement, label_history, label_import, label_set,
};
pub use lesson::{
    ConvolutionRequest, ConvolutionResult, LESSON_SIDE_PX, LearnedLabels, Lectured, LessonError,
    RandomLabelsRequest, RandomLabelsResult, RegressionRequest, RegressionResult, ScoresRequest,
    ScoresResult, convolution_lesson, random_labels_lesson, regression_lesson, scores_lesson,
};
pub use models::{LayerRow, ModelListing, ModelTable, model_table, models};
pub use predict::{PredictRequest, PredictedFile, Predictions, predict};
pub use repair::Repaired;
pub use report::{ReportRequest, render_report};
pub use split::{StudySplitRequest, split_study};
pub use status::{RunStatus, StudyStatus, status};
pub use study::study;
pub use train::{RunRequest, RunResult, SplitCounts, SubsetFigures, resume, train};
