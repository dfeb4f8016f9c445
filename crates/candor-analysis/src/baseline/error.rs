//! Why a baseline could not learn. The others still can: it is left out, with its reason.

use thiserror::Error;

/// A baseline that could not learn.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{baseline}: {kind}")]
pub struct BaselineError {
    baseline: &'static str,
    kind: BaselineErrorKind,
}

impl BaselineError {
    pub(super) fn new(baseline: &'static str, kind: BaselineErrorKind) -> BaselineError {
        BaselineError { baseline, kind }
    }

    /// The baseline's id.
    pub fn baseline(&self) -> &'static str {
        self.baseline
    }

    /// What went wrong.
    pub fn kind(&self) -> &BaselineErrorKind {
        &self.kind
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum BaselineErrorKind {
    #[error("all pictures it could learn from are of one class")]
    OneClass,
    #[error("{classes} classes are more than it tells apart in reasonable time ({most})")]
    TooManyClasses { classes: usize, most: usize },
    #[error("its learner gave up: {reason}")]
    Learner { reason: String },
}

impl BaselineErrorKind {
    /// Whatever a learner of another crate says.
    pub(super) fn learner(error: impl ToString) -> BaselineErrorKind {
        BaselineErrorKind::Learner { reason: error.to_string() }
    }
}
