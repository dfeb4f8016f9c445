//! Seeing the network: its filters, its feature maps of a picture, and pictures that maximise a class.
//!
//! `RUN/explain/<view>.json` says what there is, `.svg` and `.png` show it.

use candor_analysis::explain::view::{Row, Seen, VIEWS, View};
use candor_analysis::explain::{ExplainError, Subject};
use candor_core::{Reporter, SampleId};
use candor_report::{GridRow, PictureGrid};
use serde::{Deserialize, Serialize};

use super::material::Material;
use super::{Failure, Work, of_model, remove, write_figure};
use crate::error::Result;
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

/// What stands in `explain/<view>.json`.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of everything that the figure was made of.
    fingerprint: SampleId,
    /// Of the model and its answers alone.
    model: SampleId,
    explained: ExplainedView,
}

/// Looks by `view`, or gives what was seen before and still holds.
pub(super) fn keep(work: &mut Work<'_>, view: &'static View) -> Result<ExplainedView> {
    let (name, fingerprint) = (format!("{EXPLAIN}/{}.json", view.id), work.fingerprint(view.id));
    let run = work.run;
    let kept = run.dir.read_json(&name).ok().filter(|kept: &Kept| kept.fingerprint == fingerprint);
    let explained = match kept {
        Some(kept) => kept.explained,
        None => {
            work.teller(view.id)("looking");
            let (material, reporter) = work.material()?;
            let explained = material.look(run, view, reporter).map_err(|error| error.of(run, view.id))?;
            let model = SampleId::of(&of_model(run)?);
            run.dir.write_json(&name, &Kept { fingerprint, model, explained: explained.clone() })?;
            explained
        }
    };
    work.done += 1;
    Ok(explained)
}

/// What was seen of the run's model, in the order of the registry.
pub(crate) fn saved_views(run: &Run) -> Result<Vec<ExplainedView>> {
    if !run.dir.file(EXPLAIN).is_dir() {
        return Ok(Vec::new());
    }
    let model = SampleId::of(&of_model(run)?);
    let kept = |view: &&View| run.dir.read_json(&format!("{EXPLAIN}/{}.json", view.id)).ok();
    let kept = VIEWS.iter().filter_map(kept).filter(|kept: &Kept| kept.model == model);
    Ok(kept.map(|kept| kept.explained).collect())
}

impl Material {
    fn look(
        &self,
        run: &Run,
        view: &View,
        reporter: &dyn Reporter,
    ) -> std::result::Result<ExplainedView, Failure> {
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
