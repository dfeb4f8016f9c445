//! The explanation of a run: its methods one after another, each held to the gate before its maps are drawn.
//!
//! `RUN/explain/<method>.json` says what the gate measured, `<method>.svg` and `.png` show the maps where it let them pass, and
//! `<method>-average.svg` where the evidence lies on average; [`views`] and [`gallery`] tell of the rest. Begun again, what still
//! holds is kept.

mod average;
mod gallery;
mod material;
#[cfg(test)]
mod tests;
mod views;

use std::fs;
use std::path::PathBuf;

use candor_analysis::explain::gate::orders::RandomOrders;
use candor_analysis::explain::gate::{self, Passport, Sight};
use candor_analysis::explain::view::{VIEWS, View};
use candor_analysis::explain::{ExplainError, METHODS, Map, Method, Subject, ace};
use candor_core::{Classifier, Progress, Reporter, SampleId, Stage};
use candor_report::{EvidenceFigure, EvidenceRow, PictureGrid};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Result, WorkflowError};
use crate::run::Run;
use crate::run_dir::{self, EXPLAIN};

pub use average::ShareOnFace;
pub(crate) use gallery::saved_gallery;
use material::{Material, Shown};
pub(crate) use material::{input, judged};
pub use views::ExplainedView;

/// Pictures that the gate looks at.
const AT_THE_GATE: usize = 6;

/// What one method showed, or why it shows nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExplainedMethod {
    /// The method's id.
    pub method: String,
    /// What people call it.
    pub title: String,
    /// What the gate measured; none where the method has nothing to look at in this network.
    pub passport: Option<Passport>,
    /// Why no map is shown, in whole sentences; empty where the maps passed.
    pub refused: Vec<String>,
    /// The figures that were drawn, in the run's folder.
    pub figures: Vec<String>,
    /// Share of the evidence for the true class that lies on the border (an eighth of the shorter side on each edge), averaged
    /// over the pictures of the average maps.
    pub share_on_border: Option<f64>,
    /// The same of the faces in them, where a quarter of them have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_on_face: Option<ShareOnFace>,
}

/// What was explained.
pub(crate) struct All {
    pub methods: Vec<ExplainedMethod>,
    pub views: Vec<ExplainedView>,
}

/// What is explained, and how.
pub(crate) struct Plan<'a> {
    pub methods: &'a [&'static Method],
    pub views: &'a [&'static View],
    pub files: &'a [PathBuf],
    pub background: usize,
}

/// What stands in `explain/<method>.json` and `explain/<view>.json`.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    /// Of everything that it was made of.
    fingerprint: SampleId,
    /// Of the model and its answers alone.
    model: SampleId,
    explained: T,
}

/// Explains with each method and looks into the network by each view, keeps what still holds, and gives all in the order of
/// the registries.
///
/// # Errors
/// `ExplainStopped` when the person asked to stop: what was explained until then is on the disk.
pub(crate) fn explain_run(run: &Run, plan: &Plan<'_>, reporter: &dyn Reporter) -> Result<All> {
    let folder = run.dir.file(EXPLAIN);
    fs::create_dir_all(&folder).map_err(WorkflowError::file(&folder, "made"))?;
    let mut work = Work { run, plan, reporter, made_of: made_of(run, plan)?, material: None, done: 0 };
    let explain = |method: &&'static Method| {
        work.keep(method.id, |material, run, reporter, tell| material.explain(run, method, (reporter, tell)))
    };
    let methods = plan.methods.iter().map(explain).collect::<Result<Vec<_>>>()?;
    if !plan.methods.is_empty() {
        gallery::keep(&mut work)?;
    }
    let look = |view: &&'static View| {
        work.keep(view.id, |material, run, reporter, tell| material.look(run, view, (reporter, tell)))
    };
    let views = plan.views.iter().map(look).collect::<Result<Vec<_>>>()?;
    Ok(All { methods, views })
}

/// Hears what is being done.
type Tell<'a> = &'a dyn Fn(&str);

/// The work on a run, and how far it is.
struct Work<'a> {
    run: &'a Run,
    plan: &'a Plan<'a>,
    reporter: &'a dyn Reporter,
    made_of: Vec<u8>,
    /// Read when it is first needed.
    material: Option<Material>,
    /// Methods and views that are done.
    done: u64,
}

impl<'a> Work<'a> {
    /// What `make` makes for the method or view `id`, or what it made before and still holds.
    fn keep<T: Clone + Serialize + DeserializeOwned>(
        &mut self,
        id: &'static str,
        make: impl FnOnce(&Material, &'a Run, &'a dyn Reporter, Tell<'_>) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        let (run, name) = (self.run, file_of(id));
        let own = format!("{id} {}", env!("CARGO_PKG_VERSION"));
        let fingerprint = SampleId::of(&[own.as_bytes(), &self.made_of].concat());
        // What another version wrote, or a file that was cut off, is made again.
        let kept = run.dir.read_json(&name).ok().filter(|kept: &Kept<T>| kept.fingerprint == fingerprint);
        let explained = match kept {
            Some(kept) => kept.explained,
            None => {
                let tell = self.teller(id);
                let (material, reporter) = self.material()?;
                let explained = make(material, run, reporter, &tell).map_err(|error| error.of(run, id))?;
                let model = SampleId::of(&of_model(run)?);
                run.dir.write_json(&name, &Kept { fingerprint, model, explained: explained.clone() })?;
                explained
            }
        };
        self.done += 1;
        Ok(explained)
    }

    fn material(&mut self) -> Result<(&Material, &'a dyn Reporter)> {
        if self.material.is_none() {
            self.material = Some(Material::read(self.run, self.plan)?);
        }
        Ok((self.material.as_ref().expect("it was put there"), self.reporter))
    }

    /// Tells what is being done for `id`.
    fn teller(&self, id: &'static str) -> impl Fn(&str) + use<'a> {
        let (done, total) = (self.done, (self.plan.methods.len() + self.plan.views.len()) as u64);
        let reporter = self.reporter;
        move |what: &str| {
            let message = format!("{id}: {what}");
            reporter.progress(Progress { stage: Stage::Explain, done, total, message });
        }
    }
}

enum Failure {
    Explain(ExplainError),
    Write(WorkflowError),
}

impl Failure {
    /// As what it is to the person who asked for `id`.
    fn of(self, run: &Run, id: &'static str) -> WorkflowError {
        match self {
            Failure::Explain(ExplainError::Stopped) => {
                WorkflowError::ExplainStopped { run: run.dir.path().to_owned() }
            }
            Failure::Explain(error) => WorkflowError::Explain { method: id, error },
            Failure::Write(error) => error,
        }
    }
}

impl From<ExplainError> for Failure {
    fn from(error: ExplainError) -> Failure {
        Failure::Explain(error)
    }
}

impl From<WorkflowError> for Failure {
    fn from(error: WorkflowError) -> Failure {
        Failure::Write(error)
    }
}

/// The explanations on the disk that are of the run's model, whatever pictures were asked for, in the registry's order.
pub(crate) fn saved_explanations(run: &Run) -> Result<Vec<ExplainedMethod>> {
    saved(run, METHODS.iter().map(|method| method.id))
}

/// What was seen of the run's model, in the order of the registry.
pub(crate) fn saved_views(run: &Run) -> Result<Vec<ExplainedView>> {
    saved(run, VIEWS.iter().map(|view| view.id))
}

fn saved<T: DeserializeOwned>(run: &Run, ids: impl Iterator<Item = &'static str>) -> Result<Vec<T>> {
    if !run.dir.file(EXPLAIN).is_dir() {
        return Ok(Vec::new());
    }
    let model = SampleId::of(&of_model(run)?);
    let kept = |id| run.dir.read_json(&file_of(id)).ok().filter(|kept: &Kept<T>| kept.model == model);
    Ok(ids.filter_map(kept).map(|kept| kept.explained).collect())
}

fn file_of(id: &str) -> String {
    format!("{EXPLAIN}/{id}.json")
}

pub(crate) fn of_model(run: &Run) -> Result<Vec<u8>> {
    let mut bytes = run.dir.read(run_dir::MODEL)?;
    if run.dir.has(run_dir::PREDICTIONS) {
        bytes.extend(run.dir.read(run_dir::PREDICTIONS)?);
    }
    Ok(bytes)
}

/// Model, answers, and what was asked for.
fn made_of(run: &Run, plan: &Plan<'_>) -> Result<Vec<u8>> {
    let mut bytes = of_model(run)?;
    bytes.extend(plan.background.to_le_bytes());
    for file in plan.files {
        bytes.extend(fs::read(file).map_err(WorkflowError::file(file, "read"))?);
    }
    Ok(bytes)
}

impl Material {
    fn explain(
        &self,
        run: &Run,
        method: &Method,
        (reporter, tell): (&dyn Reporter, Tell<'_>),
    ) -> std::result::Result<ExplainedMethod, Failure> {
        let pictures = self.shown_inputs();
        let seed = run.recipe.training.seed;
        let subject = Subject::new(&self.model, &self.background, &pictures, seed, reporter)?;
        let mut explained = ExplainedMethod {
            method: method.id.to_owned(),
            title: method.title.to_owned(),
            passport: None,
            refused: Vec::new(),
            figures: Vec::new(),
            share_on_border: None,
            share_on_face: None,
        };
        match self.passport(method, &subject, tell) {
            Ok(passport) => {
                explained.refused.clone_from(&passport.failures);
                explained.passport = Some(passport);
            }
            Err(ExplainError::NoFeatureMaps) => {
                explained.refused.push(ExplainError::NoFeatureMaps.to_string())
            }
            Err(error) => return Err(error.into()),
        }
        if explained.refused.is_empty() {
            self.draw(run, method, (&subject, tell), &mut explained)?;
            self.average(run, method, (&subject, tell), &mut explained)?;
        } else {
            for ending in [".svg", ".png", "-average.svg", "-average.png"] {
                remove(run, &format!("{EXPLAIN}/{}{ending}", method.id))?;
            }
        }
        Ok(explained)
    }

    fn passport(
        &self,
        method: &Method,
        subject: &Subject<'_>,
        tell: Tell<'_>,
    ) -> std::result::Result<Passport, ExplainError> {
        tell("at the gate");
        let step = self.shown.len().div_ceil(AT_THE_GATE).max(1);
        let chosen: Vec<&Shown> = self.shown.iter().step_by(step).collect();
        let map = |shown: &&Shown| Ok(method.explain(subject, &shown.input, &[shown.predicted])?.remove(0));
        let maps: Vec<Map> = chosen.iter().map(map).collect::<std::result::Result<_, ExplainError>>()?;
        let sights: Vec<Sight<'_>> = chosen
            .iter()
            .zip(&maps)
            .map(|(shown, map)| Sight { picture: &shown.input, class: shown.predicted, map })
            .collect();
        gate::check(method, subject, (&sights, self.orders(subject, &chosen, tell)?), self.competence, tell)
    }

    /// Random orders for the pictures at the gate, which are the same for all methods.
    fn orders(
        &self,
        subject: &Subject<'_>,
        chosen: &[&Shown],
        tell: Tell<'_>,
    ) -> std::result::Result<&RandomOrders, ExplainError> {
        if let Some(orders) = self.orders.get() {
            return Ok(orders);
        }
        let asked: Vec<(&[f32], usize)> =
            chosen.iter().map(|shown| (shown.input.as_slice(), shown.predicted)).collect();
        let drawn = RandomOrders::of(subject, &asked, tell)?;
        Ok(self.orders.get_or_init(|| drawn))
    }

    fn draw(
        &self,
        run: &Run,
        method: &Method,
        (subject, tell): (&Subject<'_>, Tell<'_>),
        explained: &mut ExplainedMethod,
    ) -> std::result::Result<(), Failure> {
        let names = self.model.classes();
        let classes: Vec<usize> = (0..names.len()).collect();
        let maps = self.shown.iter().enumerate().map(|(number, shown)| {
            tell(&format!("picture {} of {}", number + 1, self.shown.len()));
            method.explain(subject, &shown.input, &classes)
        });
        let maps: Vec<Vec<Map>> = maps.collect::<std::result::Result<_, ExplainError>>()?;
        let row = |(shown, maps): (&'_ Shown, &'_ Vec<Map>)| EvidenceRow {
            label: shown.label.clone(),
            picture: shown.image.clone(),
            maps: maps.clone(),
        };
        let rows: Vec<EvidenceRow> = self.shown.iter().zip(&maps).map(row).collect();
        let name = format!("{EXPLAIN}/{}", method.id);
        write_figure(run, &name, &EvidenceFigure::new(&rows, names).grid(), &mut explained.figures)?;
        Ok(())
    }
}

/// Writes `<name>.svg` and `<name>.png`, and adds them to `figures`.
fn write_figure(run: &Run, name: &str, figure: &PictureGrid, figures: &mut Vec<String>) -> Result<()> {
    for (ending, content) in [("svg", figure.svg().into_bytes()), ("png", figure.png())] {
        let name = format!("{name}.{ending}");
        run.dir.write(&name, content)?;
        figures.push(name);
    }
    Ok(())
}

/// An older figure must not stay beside a refusal.
pub(crate) fn remove(run: &Run, name: &str) -> Result<()> {
    if run.dir.has(name) { run.dir.remove(name) } else { Ok(()) }
}

/// What is asked for by these ids, in the order of the registries; every method and every view when there is none.
///
/// # Errors
/// When there is nothing of such an id.
pub(crate) fn chosen(only: &[String]) -> Result<(Vec<&'static Method>, Vec<&'static View>)> {
    let methods = METHODS.iter().map(|method| method.id);
    let known: Vec<&str> = methods.chain([ace::ID]).chain(VIEWS.iter().map(|view| view.id)).collect();
    if let Some(unknown) = only.iter().find(|id| !known.contains(&id.as_str())) {
        return Err(WorkflowError::UnknownMethod { id: unknown.clone(), known: known.join(", ") });
    }
    let is_wanted = |id: &str| only.is_empty() || only.iter().any(|only| only == id);
    Ok((
        METHODS.into_iter().filter(|method| is_wanted(method.id)).collect(),
        VIEWS.into_iter().filter(|view| is_wanted(view.id)).collect(),
    ))
}
