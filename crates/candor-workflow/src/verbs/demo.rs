//! `demo`: the same network twice on the pictures inside the binary, with the real labels and with shuffled ones.
//!
//! The lesson of the workshop notebook (A): on shuffled labels the accuracy on the training pictures goes up, too. Only
//! pictures that the network never saw tell whether it learned anything.

use std::path::PathBuf;
use std::time::Instant;

use candor_analysis::baseline::BaselineComparison;
use candor_analysis::evaluate::Interval;
use candor_core::{Reporter, Seed, Subset};
use candor_report::{Report, Summary, shuffled_labels_lesson};
use serde::Serialize;

use super::train::train_and_judge;
use crate::error::Result;
use crate::judge::{Judgements, saved_comparisons};
use crate::pictures::SourceSpec;
use crate::recipe::RecipeFile;
use crate::report::{Naming, data_section, model_section, reproduce, write};
use crate::run::{Beginning, Run};
use crate::run_dir::{REPORT_HTML, RunDir};

/// The validation pictures choose nothing here: they draw the curve that stays at chance when the labels are shuffled.
const RECIPE: &str = r#"
architecture = "mnist-cnn"

[split]
train = 0.85
validation = 0.05
test = 0.1
seed = 1

[training]
epochs = 20
batch_size = 32
keep = "last"

[training.optimizer]
kind = "adam"
learning_rate = 0.003

[training.schedule]
kind = "one-cycle"
"#;

/// How the demo is to be run.
#[derive(Clone, Debug)]
pub struct DemoRequest {
    /// The folder for both runs and the report, which must not exist or be empty.
    pub out: PathBuf,
    /// Of everything random.
    pub seed: u64,
    /// Whether simple models are judged beside the one with the real labels.
    pub baselines: bool,
    /// Threads to compute on, 0 for all cores.
    pub threads: usize,
}

/// What the demo came to.
#[derive(Clone, Debug, Serialize)]
pub struct Demo {
    /// With the real labels.
    pub real: DemoModel,
    /// With labels that say nothing.
    pub shuffled: DemoModel,
    /// What it teaches, in plain words.
    pub lesson: String,
    /// Pictures learned from in a second.
    pub images_per_second: f64,
    /// Wall-clock time of the whole demo.
    pub seconds: f64,
    /// The report's page.
    pub report: PathBuf,
}

/// One of the two models.
#[derive(Clone, Debug, Serialize)]
pub struct DemoModel {
    /// Its run's folder.
    pub run: PathBuf,
    /// On the pictures that it learned from, measured after training.
    pub train_accuracy: f64,
    /// On pictures that it never saw.
    pub test_accuracy: f64,
    /// The 95 % interval of the test accuracy.
    pub test_interval: Interval,
    /// The loss on the training pictures.
    pub train_loss: f64,
    /// The loss on the test pictures.
    pub test_loss: f64,
    /// What always naming the most frequent class would reach on the test pictures.
    pub chance: f64,
    /// The model beside simple ones on the test pictures; only with the real labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baselines: Option<Box<BaselineComparison>>,
    /// Pictures learned from in a second.
    pub images_per_second: f64,
}

/// Trains and judges both models, and writes one report that shows them side by side.
///
/// # Errors
/// When the folder cannot be used, or the person stops it.
pub fn demo(request: &DemoRequest, reporter: &dyn Reporter) -> Result<Demo> {
    let started = Instant::now();
    let dir = RunDir::create(&request.out)?;
    let one = |name, shuffle| One::train(request, name, shuffle, reporter);
    let (real, shuffled) = (one("real", None)?, one("shuffled", Some(Seed(request.seed)))?);
    let naming = |model, note: &str| Naming { title: String::new(), model, note: Some(note.to_owned()) };
    let models = vec![
        model_section(&real.run, &naming("real labels", "Each picture has the label that people gave it."))?,
        model_section(
            &shuffled.run,
            &naming(
                "shuffled labels",
                "Each picture has the label of another one: there is nothing to learn.",
            ),
        )?,
    ];
    let lesson = shuffled_labels_lesson(&models[0], &models[1]);
    let command = format!("candor demo --seed {} --out again", request.seed);
    let report = Report {
        title: "Fashion-MNIST, with real and with shuffled labels".to_owned(),
        summary: Summary::of(&models[0], None),
        data: data_section(&real.run),
        lesson: Some(lesson.clone()),
        audit: None,
        explanations: Vec::new(),
        gallery_maps: None,
        reproduce: reproduce(&real.run, &command),
        models,
    };
    write(&dir, &report)?;
    let (real, shuffled) = (real.facts()?, shuffled.facts()?);
    Ok(Demo {
        images_per_second: real.images_per_second.midpoint(shuffled.images_per_second),
        real,
        shuffled,
        lesson,
        seconds: started.elapsed().as_secs_f64(),
        report: dir.file(REPORT_HTML),
    })
}

struct One {
    run: Run,
    judgements: Judgements,
}

impl One {
    fn train(
        request: &DemoRequest,
        name: &str,
        shuffle_labels: Option<Seed>,
        reporter: &dyn Reporter,
    ) -> Result<One> {
        reporter.note(&format!("training with {name} labels"));
        let mut recipe = RecipeFile::parse(RECIPE)?;
        recipe.training.seed = Some(request.seed);
        let source = SourceSpec { shuffle_labels, ..SourceSpec::built_in() };
        // Beside shuffled labels simple models would find nothing, and take their time over it.
        let baselines = request.baselines && shuffle_labels.is_none();
        let threads = request.threads;
        let beginning = Beginning { source: &source, recipe: &recipe, study: true, baselines, threads };
        let run = Run::begin(RunDir::create(&request.out.join(name))?, &beginning, reporter)?;
        let judgements = train_and_judge(&run, reporter)?;
        crate::report::write_report(&run)?;
        Ok(One { run, judgements })
    }

    fn facts(&self) -> Result<DemoModel> {
        let (train, test) = (&self.judgements[&Subset::Train], &self.judgements[&Subset::Test]);
        Ok(DemoModel {
            run: self.run.dir.path().to_owned(),
            train_accuracy: train.evaluation.accuracy.value,
            test_accuracy: test.evaluation.accuracy.value,
            test_interval: test.intervals.accuracy.unwrap_or(test.evaluation.accuracy.interval),
            train_loss: train.loss,
            test_loss: test.loss,
            chance: test.evaluation.majority_baseline.accuracy,
            baselines: saved_comparisons(&self.run)?.remove(&Subset::Test).map(Box::new),
            images_per_second: self.run.history()?.images_per_second(),
        })
    }
}
