//! How long work tells of itself: progress, and problems that do not stop it.

use serde::Serialize;

/// What is being done; front ends choose the words and the bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Stage {
    /// Looking for pictures.
    Scan,
    /// Reading and resizing pictures.
    Decode,
    /// Taking pictures into a study.
    Import,
    /// Looking for faces, and cutting them out.
    Crop,
    /// Writing pictures for other programs.
    Export,
    /// Fetching a file.
    Download,
    /// Learning.
    Train,
    /// Judging.
    Evaluate,
    /// Asking how far a classifier may be believed.
    Audit,
    /// Finding where in pictures the evidence is.
    Explain,
    /// Answering for new pictures.
    Predict,
    /// Writing the report.
    Report,
}

/// Where a stage stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// Which stage.
    pub stage: Stage,
    /// Units done so far: pictures, bytes, steps.
    pub done: u64,
    /// Units in all, 0 when unknown.
    pub total: u64,
    /// What a person would want beside the bar: `epoch 3/10 · loss .41 · accuracy .86`.
    pub message: String,
}

/// One thing that went wrong and was left out; the work went on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Problem {
    /// The file, row or layer.
    pub place: String,
    /// Why, in a sentence that says what to do where something can be done.
    pub reason: String,
}

/// Receives progress and problems. Called from several threads at once.
pub trait Reporter: Sync {
    /// The stage moved on. Called often: implementations throttle.
    fn progress(&self, progress: Progress);
    /// Something was left out.
    fn problem(&self, problem: Problem);
    /// One line worth telling once: a choice that was made, a step that ended.
    fn note(&self, text: &str);
    /// Whether the person asked to stop; long work looks here and ends cleanly.
    fn cancelled(&self) -> bool {
        false
    }
}

/// A reporter that says nothing, for tests and for use as a library.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn progress(&self, _: Progress) {}
    fn problem(&self, _: Problem) {}
    fn note(&self, _: &str) {}
}
