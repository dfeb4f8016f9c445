//! Why a check gave no finding.

use thiserror::Error;

use super::LearnError;

/// A check without a finding.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{check}: {kind}")]
pub struct AuditError {
    check: &'static str,
    kind: AuditErrorKind,
}

impl AuditError {
    pub(super) fn new(check: &'static str, kind: AuditErrorKind) -> AuditError {
        AuditError { check, kind }
    }

    /// The check's id.
    pub fn check(&self) -> &'static str {
        self.check
    }

    /// What went wrong.
    pub fn kind(&self) -> &AuditErrorKind {
        &self.kind
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum AuditErrorKind {
    /// The person asked to stop.
    #[error("stopped")]
    Stopped,
    /// More trainings than the budget has for this check: a smaller network has to stand in.
    #[error("more trainings than the budget allows")]
    OverBudget,
    #[error("its network could not learn: {reason}")]
    Learner { reason: String },
    #[error(transparent)]
    Classify(#[from] candor_core::ClassifyError),
    #[error(transparent)]
    Read(#[from] candor_core::ReadError),
}

impl From<LearnError> for AuditErrorKind {
    fn from(error: LearnError) -> AuditErrorKind {
        match error {
            LearnError::Stopped => AuditErrorKind::Stopped,
            LearnError::OverBudget => AuditErrorKind::OverBudget,
            LearnError::Failed { reason } => AuditErrorKind::Learner { reason },
        }
    }
}
