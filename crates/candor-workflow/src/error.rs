//! Why a step could not be done, where that showed, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use candor_analysis::PredictionsError;
use candor_core::{ClassifyError, Subset};
use candor_data::collect::{CollectError, CollectRecipeError};
use candor_data::export::ExportError;
use candor_data::known::FetchError;
use candor_data::prepare::Cancelled;
use candor_data::source::{SourceError, SourceErrorKind};
use candor_data::split::SplitError;
use candor_data::study::{StudyError, StudyErrorKind};
use candor_engine::EngineError;
use thiserror::Error;

use crate::rates::tenth;
use crate::recipe::RecipeError;

/// A step that could not be done. [`WorkflowError::advice`] says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum WorkflowError {
    #[error("{}: cannot be {doing}", path.display())]
    File { path: PathBuf, doing: &'static str, source: io::Error },
    #[error("{}: is damaged: {reason}", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    #[error(transparent)]
    Source(SourceError),
    #[error(transparent)]
    Study(StudyError),
    #[error(transparent)]
    Split(#[from] SplitError),
    #[error(transparent)]
    Export(ExportError),
    #[error("there is no layout called \"{asked}\": choose one of {known}")]
    UnknownLayout { asked: String, known: String },
    #[error(transparent)]
    Fetch(FetchError),
    #[error(transparent)]
    Collect(CollectError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Judge(#[from] PredictionsError),
    #[error(transparent)]
    Classify(#[from] ClassifyError),
    #[error("{}: the folder is not empty", path.display())]
    NotEmpty { path: PathBuf },
    #[error("{}: is no run of candor: it has no {missing}", path.display())]
    NotARun { path: PathBuf, missing: &'static str },
    #[error("{}: another candor is working on this run", path.display())]
    InUse { path: PathBuf },
    #[error("{}: is no model of candor: {reason}", path.display())]
    NotAModel { path: PathBuf, reason: String },
    #[error("{source_name}: the pictures have changed since the run began: {difference}")]
    PicturesChanged { source_name: String, difference: String },
    #[error("{}: has a class \"{class}\" that the other pictures do not have; they have {known}", path.display())]
    UnknownClass { path: PathBuf, class: String, known: String },
    #[error("there is no picture in the {subset} split")]
    EmptySubset { subset: Subset },
    #[error("the training diverged: in epoch {epoch} the loss became {loss}")]
    Diverged { epoch: usize, loss: f32, learning_rate: f32 },
    #[error("there is no data set called \"{name}\": choose one of {known}")]
    UnknownDataset { name: String, known: String },
    #[error("{}: {reason}", path.display())]
    Figures { path: PathBuf, reason: String },
    #[error("{}: {reason}", path.display())]
    Groups { path: PathBuf, reason: String },
    #[error("{source_name}: brings its split along, which is not made again here")]
    OwnSplit { source_name: String },
    #[error("there is nothing to compare: {different} different runs were given")]
    TooFewRuns { different: usize },
    #[error("{} and {} cannot be compared: {reason}", first.display(), second.display())]
    Incomparable { first: PathBuf, second: PathBuf, reason: String },
    #[error("{}: was not judged on {subset} yet", run.display())]
    NotJudged { run: PathBuf, subset: Subset },
    #[error(transparent)]
    Audit(#[from] candor_analysis::audit::AuditError),
    #[error("there is no check called \"{id}\": choose one of {known}")]
    UnknownCheck { id: String, known: String },
    #[error("{}: is no study: its crops need a folder", source_path.display())]
    NoPlaceForCrops { source_path: PathBuf },
    #[error("{}: knows nothing of it: no picture has the SHA-256, address, file or name \"{what}\"{}", study.display(), like(similar))]
    NothingToForget { study: PathBuf, what: String, similar: Vec<String> },
    #[error("{}: {reason}", study.display())]
    NotLabelled { study: PathBuf, reason: String },
    #[error("{}: {reason}", path.display())]
    Labels { path: PathBuf, reason: String },
    #[error("{annotators} annotators said something on \"{name}\": agreement needs two")]
    OneAnnotator { name: String, annotators: usize },
    #[error("stopped")]
    StudyStopped,
    #[error("stopped")]
    AuditStopped { run: PathBuf },
    #[error("there is no explanation called \"{id}\": choose one of {known}")]
    UnknownMethod { id: String, known: String },
    #[error("there is no class called \"{class}\": choose one of {known}")]
    NoSuchClass { class: String, known: String },
    #[error("{method}: {error}")]
    Explain { method: &'static str, error: candor_analysis::explain::ExplainError },
    #[error("stopped")]
    ExplainStopped { run: PathBuf },
    #[error("{}: {reason}", path.display())]
    Picture { path: PathBuf, reason: String },
    #[error("{}: {error}", path.display())]
    Lesson { path: PathBuf, error: crate::verbs::LessonError },
    #[error("stopped")]
    Stopped { run: Option<PathBuf> },
}

fn like(similar: &[String]) -> String {
    const MOST: usize = 5;
    match similar {
        [] => String::new(),
        several => {
            let quoted: Vec<String> = several.iter().take(MOST).map(|name| format!("\"{name}\"")).collect();
            format!("; it has {}", quoted.join(", "))
        }
    }
}

/// What a step of the workflow gives.
pub type Result<T> = std::result::Result<T, WorkflowError>;

impl WorkflowError {
    /// What the person can do about it, in a sentence; `None` where the message says it already.
    pub fn advice(&self) -> Option<String> {
        match self {
            WorkflowError::NotEmpty { path } => Some(format!(
                "choose another folder with --out; if it holds a run that was stopped: candor resume {}",
                path.display()
            )),
            WorkflowError::NotARun { .. } => {
                Some("give the folder that `candor train` or `candor study` wrote".into())
            }
            WorkflowError::InUse { .. } => Some("wait until it has ended, or stop it with Ctrl-C".into()),
            WorkflowError::NotAModel { .. } => {
                Some("give the folder of a run, or the model.safetensors inside it".into())
            }
            WorkflowError::PicturesChanged { .. } => {
                Some("put the pictures back as they were, or begin a new run with `candor train`".into())
            }
            WorkflowError::OwnSplit { .. } => Some(
                "take the copies that duplicates-across-splits names out of its test pictures; of a study: candor split --together \
                 duplicates, and train again"
                    .into(),
            ),
            WorkflowError::Groups { .. } => Some("give a CSV with the columns id (SHA-256) and group".into()),
            WorkflowError::EmptySubset { subset: Subset::Train } => {
                Some("raise --train-share, or add pictures".into())
            }
            WorkflowError::EmptySubset { subset } => {
                Some(format!("raise --{subset}-share, or add pictures, and train again"))
            }
            WorkflowError::Diverged { learning_rate, .. } => Some(format!(
                "try a smaller learning rate: --learning-rate {} (it was {learning_rate})",
                tenth(*learning_rate)
            )),
            WorkflowError::Stopped { run: Some(run) } => {
                Some(format!("go on where it stopped: candor resume {}", run.display()))
            }
            WorkflowError::NoPlaceForCrops { source_path } => Some(format!(
                "candor crop {} --out DIR, or take the pictures into a study first: candor import",
                source_path.display()
            )),
            WorkflowError::StudyStopped => {
                Some("what was done is kept; give the same command again to go on".into())
            }
            WorkflowError::AuditStopped { run } => {
                Some(format!("checks that are done are kept; go on: candor audit {}", run.display()))
            }
            WorkflowError::ExplainStopped { run } => {
                Some(format!("explanations that are done are kept; go on: candor explain {}", run.display()))
            }
            WorkflowError::Explain {
                error: candor_analysis::explain::ExplainError::NoBackground, ..
            } => Some("compare with at least one picture: --background 25".into()),
            WorkflowError::TooFewRuns { .. } => Some("name at least two: candor compare RUN RUN".into()),
            WorkflowError::Incomparable { .. } => {
                Some("compare runs of the same source with the same --split-seed and shares".into())
            }
            WorkflowError::NotJudged { run, subset } => {
                Some(format!("judge it first: candor evaluate {} --on {subset}", run.display()))
            }
            WorkflowError::Damaged { .. } => {
                Some("if the file cannot be had again, begin a new run with `candor train`".into())
            }
            _ => None,
        }
    }

    /// Whether it is the person who stopped the step.
    pub fn is_stop(&self) -> bool {
        matches!(
            self,
            WorkflowError::Stopped { .. }
                | WorkflowError::StudyStopped
                | WorkflowError::AuditStopped { .. }
                | WorkflowError::ExplainStopped { .. }
        )
    }

    pub(crate) fn file(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> WorkflowError {
        let path = path.to_owned();
        move |source| WorkflowError::File { path, doing, source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl ToString) -> WorkflowError {
        WorkflowError::Damaged { path: path.to_owned(), reason: reason.to_string() }
    }
}

impl From<Cancelled> for WorkflowError {
    fn from(_: Cancelled) -> WorkflowError {
        WorkflowError::Stopped { run: None }
    }
}

impl From<SourceError> for WorkflowError {
    fn from(error: SourceError) -> WorkflowError {
        match error.kind() {
            SourceErrorKind::Cancelled => WorkflowError::Stopped { run: None },
            _ => WorkflowError::Source(error),
        }
    }
}

impl From<StudyError> for WorkflowError {
    fn from(error: StudyError) -> WorkflowError {
        match error.kind() {
            StudyErrorKind::Cancelled => WorkflowError::StudyStopped,
            _ => WorkflowError::Study(error),
        }
    }
}

impl From<ExportError> for WorkflowError {
    fn from(error: ExportError) -> WorkflowError {
        match error {
            ExportError::NotEmpty { out } => WorkflowError::NotEmpty { path: out },
            ExportError::Cancelled { .. } => WorkflowError::Stopped { run: None },
            error => WorkflowError::Export(error),
        }
    }
}

impl From<CollectError> for WorkflowError {
    fn from(error: CollectError) -> WorkflowError {
        match error {
            CollectError::Stopped => WorkflowError::StudyStopped,
            CollectError::Study(error) => error.into(),
            other => WorkflowError::Collect(other),
        }
    }
}

impl From<CollectRecipeError> for WorkflowError {
    fn from(error: CollectRecipeError) -> WorkflowError {
        CollectError::from(error).into()
    }
}

impl From<FetchError> for WorkflowError {
    fn from(error: FetchError) -> WorkflowError {
        match error {
            FetchError::Cancelled => WorkflowError::Stopped { run: None },
            other => WorkflowError::Fetch(other),
        }
    }
}
