//! Maps beside the pictures of the report's galleries: where the evidence for the network's answer is, by the first method of
//! the registry that passed the gate.
//!
//! `RUN/explain/gallery.json` names the method and the pictures; `RUN/explain/gallery/` has a map for each, a PNG.

use std::collections::BTreeMap;
use std::fs;

use candor_analysis::explain::{Map, Method, Subject};
use candor_core::{Image, SampleId};
use candor_data::decode::{Limits, read_image};
use candor_report::{EvidenceFigure, EvidenceRow};
use serde::{Deserialize, Serialize};

use super::material::{Material, input};
use super::{Failure, Tell, Work, of_model, saved_explanations};
use crate::error::{Result, WorkflowError};
use crate::report::gallery_answers;
use crate::run::Run;
use crate::run_dir::EXPLAIN;

const INDEX: &str = "gallery.json";
const FOLDER: &str = "gallery";

/// What stands in `explain/gallery.json`.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of the model and its answers, the background and the method.
    fingerprint: SampleId,
    model: SampleId,
    method: String,
    /// The file of each picture's map.
    maps: BTreeMap<SampleId, String>,
}

/// The maps that stand beside gallery pictures.
pub(crate) struct GalleryMaps {
    /// The method's id.
    pub method: String,
    /// Of pictures by their ids.
    pub maps: BTreeMap<SampleId, Image>,
}

/// Draws the maps, unless those that are there still hold.
pub(super) fn keep(work: &mut Work<'_>) -> Result<()> {
    let run = work.run;
    let passed = saved_explanations(run)?.into_iter().find(|explained| explained.refused.is_empty());
    let Some(method) = passed.and_then(|explained| Method::find(&explained.method)) else { return Ok(()) };
    let model = of_model(run)?;
    let own = format!("{} {} {}", method.id, work.plan.background, env!("CARGO_PKG_VERSION"));
    let fingerprint = SampleId::of(&[own.as_bytes(), &model].concat());
    let index = format!("{EXPLAIN}/{INDEX}");
    let kept: Option<Kept> = run.dir.read_json(&index).ok();
    if kept.is_some_and(|kept| kept.fingerprint == fingerprint) {
        return Ok(());
    }
    let folder = run.dir.file(EXPLAIN).join(FOLDER);
    fs::create_dir_all(&folder).map_err(WorkflowError::file(&folder, "made"))?;
    let answers = gallery_answers(run)?;
    let tell = work.teller(method.id);
    let (material, reporter) = work.material()?;
    let seed = run.recipe.training.seed;
    let drawn = Subject::new(&material.model, &material.background, &material.shown_inputs(), seed, reporter)
        .map_err(Failure::from)
        .and_then(|subject| material.maps_of(run, method, &subject, &answers, &tell));
    let maps = drawn.map_err(|error| error.of(run, method.id))?;
    run.dir.write_json(
        &index,
        &Kept { fingerprint, model: SampleId::of(&model), method: method.id.into(), maps },
    )
}

/// The maps that are of the run's model; none where no method was asked for, or none passed.
pub(crate) fn saved_gallery(run: &Run) -> Result<Option<GalleryMaps>> {
    let kept: Option<Kept> = run.dir.read_json(&format!("{EXPLAIN}/{INDEX}")).ok();
    let Some(kept) = kept else { return Ok(None) };
    if kept.model != SampleId::of(&of_model(run)?) {
        return Ok(None);
    }
    let read = |(id, file): (SampleId, String)| {
        Some((id, read_image(&run.dir.file(&file), &Limits::default()).ok()?))
    };
    Ok(Some(GalleryMaps { method: kept.method, maps: kept.maps.into_iter().filter_map(read).collect() }))
}

impl Material {
    /// Writes a map for each of `answers`, a picture and the class that the network named; gives the files.
    fn maps_of(
        &self,
        run: &Run,
        method: &Method,
        subject: &Subject<'_>,
        answers: &[(usize, usize)],
        tell: Tell<'_>,
    ) -> std::result::Result<BTreeMap<SampleId, String>, Failure> {
        let mut rows = Vec::with_capacity(answers.len());
        for (number, &(index, predicted)) in answers.iter().enumerate() {
            subject.go_on()?;
            tell(&format!("galleries, picture {} of {}", number + 1, answers.len()));
            let input = input(run, index);
            let maps: Vec<Map> = method.explain(subject, &input, &[predicted])?;
            rows.push(EvidenceRow { label: Vec::new(), picture: self.image_of(&input), maps });
        }
        let cells = EvidenceFigure::new(&rows, &[]).cells();
        let mut files = BTreeMap::new();
        for (&(index, _), cell) in answers.iter().zip(cells.iter().flatten()) {
            let id = run.prepared.samples[index].id;
            let file = format!("{EXPLAIN}/{FOLDER}/{id}.png");
            run.dir.write(&file, candor_report::png(cell))?;
            files.insert(id, file);
        }
        Ok(files)
    }
}
