//! Seeing the network: its filters, its feature maps of a picture, and pictures that maximise a class.
//!
//! `RUN/explain/<view>.json` says what there is, `.svg` and `.png` show it.

use candor_analysis::explain::view::{Row, Seen, View};
use candor_analysis::explain::{ExplainError, Subject};
use candor_core::Reporter;
use candor_report::{GridRow, PictureGrid};
use serde::{Deserialize, Serialize};

use super::material::Material;
use super::{Failure, Tell, remove, write_figure};
use crate::run::Run;
use crate::run_dir::EXPLAIN;

/// What one view shows, or why there is nothing to see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExplainedView {
    /// The view's id.
    pub view: String,
    /// What people call it.
    pub title: String,
    /// Why nothing is shown, in whole sentences; empty where something is.
    pub refused: Vec<String>,
    /// The figures that were drawn, in the run's folder.
    pub figures: Vec<String>,
}

impl Material {
    pub(super) fn look(
        &self,
        run: &Run,
        view: &View,
        (reporter, tell): (&dyn Reporter, Tell<'_>),
    ) -> Result<ExplainedView, Failure> {
        tell("looking");
        let pictures = self.shown_inputs();
        let subject =
            Subject::new(&self.model, &self.background, &pictures, run.recipe.training.seed, reporter)?;
        let shown = self.shown.iter();
        let seen: Vec<Seen<'_>> =
            shown.map(|shown| Seen { name: &shown.label[0], input: &shown.input }).collect();
        let (rows, refused) = match view.look(&subject, &seen) {
            Ok(rows) => (rows, Vec::new()),
            Err(error @ (ExplainError::NoFeatureMaps | ExplainError::NoFilters)) => {
                (Vec::new(), vec![error.to_string()])
            }
            Err(error) => return Err(error.into()),
        };
        let mut explained = ExplainedView {
            view: view.id.to_owned(),
            title: view.title.to_owned(),
            refused,
            figures: Vec::new(),
        };
        let name = format!("{EXPLAIN}/{}", view.id);
        if explained.refused.is_empty() {
            write_figure(run, &name, &figure(view, rows), &mut explained.figures)?;
        } else {
            ["svg", "png"].iter().try_for_each(|ending| remove(run, &format!("{name}.{ending}")))?;
        }
        Ok(explained)
    }
}

fn figure(view: &View, rows: Vec<Row>) -> PictureGrid {
    PictureGrid {
        description: view.title.to_owned(),
        title: Some(view.title.to_owned()),
        rows: rows.into_iter().map(|row| GridRow { label: row.label, cells: row.images }).collect(),
        ..PictureGrid::default()
    }
}
