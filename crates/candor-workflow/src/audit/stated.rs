//! The figures that are stated for a run: by its own evaluation, as its report prints them, and by others who claim some.

use std::path::Path;

use candor_analysis::audit::StatedFigures;
use candor_analysis::check_figures::{
    CellUnit, PublishedAccuracy, PublishedFigures, PublishedMatrix, PublishedNumber,
};
use candor_core::Subset;

use crate::error::Result;
use crate::judge::{Judgement, Judgements};
use crate::run::Run;
use crate::run_dir::{CLAIMED_FIGURES, EVALUATION};
use crate::verbs::published_figures;

/// All that is known; a file that cannot be read tells nothing.
pub(super) fn figures(run: &Run) -> Vec<StatedFigures> {
    let judgements: Judgements = run.dir.read_json(EVALUATION).unwrap_or_default();
    let judged = [Subset::Test, Subset::Validation].into_iter().find_map(|subset| judgements.get(&subset));
    let own = judged.map(|judgement| StatedFigures {
        by: EVALUATION.to_owned(),
        own: true,
        figures: as_printed(judgement),
    });
    own.into_iter().chain(run.dir.read_json(CLAIMED_FIGURES).ok()).collect()
}

/// Keeps the figures in `file` with the run, in the place of those that were claimed before.
pub(crate) fn claim(run: &Run, file: &Path) -> Result<()> {
    let by = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    run.dir.write_json(CLAIMED_FIGURES, &StatedFigures { by, own: false, figures: published_figures(file)? })
}

/// The matrix, and the accuracy with the digits of the report.
fn as_printed(judgement: &Judgement) -> PublishedFigures {
    let evaluation = &judgement.evaluation;
    let number = |text: String| text.parse::<PublishedNumber>().expect("a count or a share from 0 up");
    let cells = evaluation.confusion_matrix.counts().iter();
    let accuracy = candor_report::per_cent(evaluation.accuracy.value, evaluation.accuracy.pictures);
    PublishedFigures {
        pictures: Some(evaluation.pictures as u64),
        classes: evaluation.classes.clone(),
        confusion_matrix: Some(PublishedMatrix {
            unit: CellUnit::Counts,
            cells: cells.map(|row| row.iter().map(|count| number(count.to_string())).collect()).collect(),
        }),
        accuracies: vec![PublishedAccuracy::new("accuracy", number(accuracy), Some(true))],
        ..PublishedFigures::default()
    }
}
