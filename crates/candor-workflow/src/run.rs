//! A run in memory: its folder, its resolved recipe, its pictures and its sealed split.

use candor_core::{Dataset, Image, Problem, ReadError, Reporter, Sample, SampleId, Split, Subset};
use candor_data::prepare::{Prepared, survey};
use candor_data::split::split;
use candor_data::study::Study;
use candor_engine::Network;

use crate::error::{Result, WorkflowError};
use crate::initial;
use crate::looks::{SealedSplit, looks_beside};
use crate::model::TrainedModel;
use crate::pictures::{Difference, Origin, Pictures, SourceRecord, SourceSpec, SplitRecord, fingerprint};
use crate::recipe::{Choice, Facts, Recipe, RecipeError, RecipeFile, resolve};
use crate::run_dir::{self, RunDir};
use crate::threads::in_pool;
use crate::train::{Groups, History, RangeTest, Trained, Training};
use crate::units::SavedUnits;

/// A run with everything that its steps need.
pub(crate) struct Run {
    pub dir: RunDir,
    pub recipe: Recipe,
    pub choices: Vec<Choice>,
    pub record: SourceRecord,
    pub pictures: Pictures,
    pub prepared: Prepared,
    pub split: SealedSplit,
    pub problems: Vec<Problem>,
    pub network: Network,
    pub threads: usize,
}

/// What a new run is to be.
pub(crate) struct Beginning<'a> {
    pub source: &'a SourceSpec,
    pub recipe: &'a RecipeFile,
    pub study: bool,
    pub baselines: bool,
    pub threads: usize,
}

impl Run {
    /// Reads the pictures, resolves the recipe, splits, and writes all that down in `dir`.
    pub fn begin(dir: RunDir, beginning: &Beginning<'_>, reporter: &dyn Reporter) -> Result<Run> {
        match Run::read(&dir, beginning, reporter) {
            Ok(parts) => {
                note_in_studies(beginning.source, &dir)?;
                parts.write_down(dir)
            }
            Err(error) => {
                dir.abandon();
                Err(error)
            }
        }
    }

    /// The same without writing anything down that would make the folder a run.
    pub fn unsaved(dir: RunDir, beginning: &Beginning<'_>, reporter: &dyn Reporter) -> Result<Run> {
        match Run::read(&dir, beginning, reporter) {
            Ok(parts) => Ok(parts.into_run(dir)),
            Err(error) => {
                dir.abandon();
                Err(error)
            }
        }
    }

    fn read(dir: &RunDir, beginning: &Beginning<'_>, reporter: &dyn Reporter) -> Result<Parts> {
        let &Beginning { source, recipe: typed, study, baselines, threads } = beginning;
        let (mut pictures, seen) = in_pool(threads, || -> Result<_> {
            let pictures = Pictures::open(source, reporter)?;
            let seen = survey(&pictures, reporter)?;
            Ok((pictures, seen))
        })?;
        let facts = Facts { survey: seen, ..facts(&pictures, typed) };
        let (recipe, choices) = resolve(typed, &facts)?;
        choices.iter().for_each(|choice| reporter.note(&choice.sentence()));
        // Before the long work: a network that does not fit should be told at once.
        let network = recipe.build(pictures.classes().len())?;
        let prepared = in_pool(threads, || pictures.prepare(recipe.preprocessing, reporter))?;
        let units = in_pool(threads, || SavedUnits::find(&pictures, &prepared.samples, reporter))?;
        let tied = TiedPictures { pictures: &pictures, samples: units.as_groups(&prepared.samples) };
        let parts = split(&tied, pictures.predefined(), recipe.split.fractions(), recipe.split.seed)?;
        parts.problems.iter().for_each(|problem| reporter.problem(problem.clone()));
        let problems = [pictures.problems(), &parts.problems].concat();
        // Before anything is written down: groups that are too small should be told at once.
        Groups::of(&recipe, &prepared.samples, &parts.split.train, pictures.classes().len())
            .map_err(RecipeError::from)?;
        let record = SourceRecord {
            spec: source.absolute(),
            kind: pictures.kind().to_owned(),
            classes: pictures.classes().to_vec(),
            pictures: prepared.len(),
            fingerprint: fingerprint(&prepared.samples),
            study,
            baselines,
        };
        let split = parts.split;
        initial::write_down(dir, &network, &recipe.training, &record.classes, reporter)?;
        Ok(Parts { recipe, choices, record, pictures, prepared, units, split, problems, network, threads })
    }

    /// Takes up a run that was begun before, with the very same pictures.
    ///
    /// # Errors
    /// When the pictures have changed: the training could not go on to the same result.
    pub fn open_unchanged(dir: RunDir, threads: usize, reporter: &dyn Reporter) -> Result<Run> {
        let (run, difference) = Run::open(dir, threads, reporter)?;
        match difference {
            None => Ok(run),
            Some(difference) => Err(WorkflowError::PicturesChanged {
                source_name: run.record.spec.name(),
                difference: difference.to_string(),
            }),
        }
    }

    /// Takes up a run that was begun before. Where its pictures have changed, those of the split that are still there
    /// are found by their ids, and the difference is given.
    pub fn open(dir: RunDir, threads: usize, reporter: &dyn Reporter) -> Result<(Run, Option<Difference>)> {
        let path = dir.file(run_dir::RECIPE);
        let text = String::from_utf8(dir.read(run_dir::RECIPE)?)
            .map_err(|error| WorkflowError::damaged(&path, error))?;
        let recipe: Recipe = toml::from_str(&text).map_err(RecipeError::from)?;
        let record: SourceRecord = dir.read_json(run_dir::SOURCE)?;
        let saved: SplitRecord = dir.read_json(run_dir::SPLIT)?;
        let choices = if dir.has(run_dir::CHOICES) { dir.read_json(run_dir::CHOICES)? } else { Vec::new() };
        let problems =
            if dir.has(run_dir::PROBLEMS) { dir.read_json(run_dir::PROBLEMS)? } else { Vec::new() };
        let (pictures, prepared) = in_pool(threads, || -> Result<_> {
            let mut pictures = Pictures::open(&record.spec, reporter)?;
            let prepared = pictures.prepare(recipe.preprocessing, reporter)?;
            Ok((pictures, prepared))
        })?;
        let unchanged =
            record.classes == pictures.classes() && record.fingerprint == fingerprint(&prepared.samples);
        let (split, difference) = match unchanged {
            true => (saved.indices, None),
            false => {
                let (split, difference) = saved.find_in(&prepared.samples);
                (split, Some(difference))
            }
        };
        let network = recipe.build(record.classes.len())?;
        let split = SealedSplit::new(split);
        let run = Run { dir, recipe, choices, record, pictures, prepared, split, problems, network, threads };
        Ok((run, difference))
    }

    /// Trains to the end, from wherever it stands, and saves the best model.
    ///
    /// # Errors
    /// When stopped, the best model so far is saved and the run can be resumed.
    pub fn train(&self, reporter: &dyn Reporter) -> Result<TrainedModel> {
        let training = self.training(reporter)?;
        match training.run() {
            Ok(Trained { best, best_epoch }) => {
                let model = self.model(best, best_epoch)?;
                self.keep(&model)?;
                Ok(model)
            }
            Err(error) if error.is_stop() => {
                if let Some((best, epoch)) = training.best_so_far()? {
                    self.keep(&self.model(best, epoch)?)?;
                }
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// A few steps with rising learning rates; nothing is saved.
    pub fn range_test(&self, reporter: &dyn Reporter) -> Result<RangeTest> {
        let test = self.training(reporter)?.range_test();
        for name in run_dir::FEATURES.into_iter().chain([run_dir::INITIAL]) {
            self.dir.remove(name)?;
        }
        test
    }

    fn training<'a>(&'a self, reporter: &'a dyn Reporter) -> Result<Training<'a>> {
        let (samples, classes) = (&self.prepared.samples, self.record.classes.len());
        let groups = Groups::of(&self.recipe, samples, self.split.train(), classes);
        Ok(Training {
            run: &self.dir,
            recipe: &self.recipe,
            network: &self.network,
            pictures: &self.prepared,
            train: self.split.train(),
            validation: self.split.validation(),
            labels: None,
            groups: groups.map_err(RecipeError::from)?,
            threads: self.threads,
            reporter,
        })
    }

    /// Saves the model. What was said of another one before is no longer true.
    fn keep(&self, model: &TrainedModel) -> Result<()> {
        let path = self.dir.file(run_dir::MODEL);
        if std::fs::read(&path).is_ok_and(|bytes| SampleId::of(&bytes) == model.fingerprint()) {
            return Ok(());
        }
        self.dir.remove(run_dir::PREDICTIONS)?;
        self.dir.remove(run_dir::PREDICTIONS_PARQUET)?;
        self.dir.remove(run_dir::EVALUATION)?;
        self.dir.remove(run_dir::BASELINES)?;
        model.save(&path)
    }

    fn model(&self, parameters: candor_engine::Parameters, epoch: usize) -> Result<TrainedModel> {
        let SourceRecord { classes, fingerprint, .. } = &self.record;
        TrainedModel::new(&self.recipe, classes, parameters, *fingerprint, epoch, self.threads)
    }

    /// What identifies the test pictures and their classes.
    pub fn test_fingerprint(&self) -> SampleId {
        self.split.test_fingerprint(&self.prepared.samples)
    }

    /// Looks at these test pictures, by this run and by the runs beside it.
    pub fn looks(&self) -> Result<usize> {
        looks_beside(&self.dir, self.test_fingerprint())
    }

    /// What each epoch brought.
    pub fn history(&self) -> Result<History> {
        self.dir.read_json(run_dir::HISTORY_JSON)
    }
}

/// A study remembers which runs saw its pictures, wherever they are.
fn note_in_studies(source: &SourceSpec, dir: &RunDir) -> Result<()> {
    let first = match &source.origin {
        Origin::Path(path) => Some(path),
        Origin::FashionMnist => None,
    };
    let studies = first.into_iter().chain(&source.test).filter(|path| Study::is_at(path));
    for path in studies {
        Study::read(path)?.note_run(dir.path())?;
    }
    Ok(())
}

/// A run that was read and is not written down yet.
struct Parts {
    recipe: Recipe,
    choices: Vec<Choice>,
    record: SourceRecord,
    pictures: Pictures,
    prepared: Prepared,
    units: SavedUnits,
    split: Split,
    problems: Vec<Problem>,
    network: Network,
    threads: usize,
}

impl Parts {
    fn write_down(self, dir: RunDir) -> Result<Run> {
        let Parts { recipe, choices, record, prepared, units, split, problems, .. } = &self;
        dir.write_json(run_dir::UNITS, units)?;
        dir.write_json(run_dir::CHOICES, choices)?;
        dir.write_json(run_dir::PROBLEMS, problems)?;
        dir.write_json(run_dir::SPLIT, &SplitRecord::new(split.clone(), &prepared.samples))?;
        dir.write_json(run_dir::SOURCE, record)?;
        dir.write(run_dir::RECIPE, recipe.to_toml())?;
        Ok(self.into_run(dir))
    }

    fn into_run(self, dir: RunDir) -> Run {
        let Parts { recipe, choices, record, pictures, prepared, split, problems, network, threads, .. } =
            self;
        let split = SealedSplit::new(split);
        Run { dir, recipe, choices, record, pictures, prepared, split, problems, network, threads }
    }
}

/// Pictures with what belongs together as their groups.
struct TiedPictures<'a> {
    pictures: &'a Pictures,
    samples: Vec<Sample>,
}

impl Dataset for TiedPictures<'_> {
    fn classes(&self) -> &[String] {
        self.pictures.classes()
    }

    fn samples(&self) -> &[Sample] {
        &self.samples
    }

    fn image(&self, index: usize) -> std::result::Result<Image, ReadError> {
        self.pictures.image(index)
    }
}

/// What can be said of the pictures before they are split.
fn facts(pictures: &Pictures, typed: &RecipeFile) -> Facts {
    let about = |subset: Subset, share: f64| match pictures.predefined() {
        Some(subsets) => subsets.iter().filter(|predefined| **predefined == subset).count(),
        None => (share * pictures.samples().len() as f64) as usize,
    };
    Facts {
        classes: pictures.classes().len(),
        training_pictures: about(Subset::Train, typed.split.train.unwrap_or(0.7)),
        validation_pictures: about(Subset::Validation, typed.split.validation.unwrap_or(0.1)),
        ..Facts::default()
    }
}
