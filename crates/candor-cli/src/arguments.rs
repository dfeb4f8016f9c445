//! What can be typed.

mod label;
mod lesson;
mod recipe;
mod source;
mod study;

use std::path::PathBuf;
use std::time::Duration;

use candor_core::{Channels, Subset};
use candor_workflow::LAYOUTS;
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, Parser, Subcommand};

pub use label::{
    LabelAgreementArguments, LabelCommand, LabelHistoryArguments, LabelImportArguments, LabelSetArguments,
};
pub use lesson::LessonCommand;
pub use recipe::RecipeArguments;
pub use source::SourceArguments;
pub use study::{
    CollectArguments, CropArguments, DuplicatesArguments, ForgetArguments, ImportArguments, SplitArguments,
    StatusArguments,
};

/// From a folder of pictures to an image classifier that you can defend.
#[derive(Debug, Parser)]
#[command(name = "candor", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// How candor talks, on every verb.
#[derive(Debug, Args)]
pub struct OutputArguments {
    /// One JSON object on standard output, nothing else there
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
    /// No progress and no notes on standard error; errors still
    #[arg(long, short, global = true, help_heading = "Everywhere")]
    pub quiet: bool,
    /// Threads to compute on; 0 for all cores. Changes no result
    #[arg(long, global = true, value_name = "NUMBER", default_value_t = 0, help_heading = "Everywhere")]
    pub threads: usize,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole path on pictures inside candor, with real and with shuffled labels
    Demo(DemoArguments),
    /// The whole path on your pictures: import, split, train, judge, report
    Study(RunArguments),
    /// Collect pictures from web sites into a study, as a recipe says: politely, and so that each can be traced
    Collect(CollectArguments),
    /// Take pictures into a study, which remembers where each came from
    Import(ImportArguments),
    /// Cut the faces out of pictures, as squares of one size; the originals stay as they are
    Crop(CropArguments),
    /// Split a study, without tearing apart what belongs together: shares, folds, left-out sources, time
    Split(SplitArguments),
    /// Which pictures are there more than once: the same bytes, and scaled, cropped, mirrored copies?
    Duplicates(DuplicatesArguments),
    /// Take pictures out of a study and of everything that was made with them, so that they do not come back
    Forget(ForgetArguments),
    /// Set, correct and take in labels, with who, when and why; agreement of annotators
    #[command(subcommand)]
    Label(LabelCommand),
    /// What is in a study: pictures, classes, sources, runs
    Status(StatusArguments),
    /// Train on your pictures; the test split stays sealed
    Train(TrainArguments),
    /// Go on with a run that was stopped or killed
    Resume(ResumeArguments),
    /// Judge a trained run; every look at its test split is counted
    Evaluate(EvaluateArguments),
    /// Hold several runs against each other: which is better, and is that clear?
    Compare(CompareArguments),
    /// How far may a run be believed? Checks for chance, shortcuts, copies, wrong labels
    Audit(AuditArguments),
    /// Where in the pictures is the evidence? Maps of methods that pass the tests for explanations
    Explain(ExplainArguments),
    /// Ask a model about pictures
    Predict(PredictArguments),
    /// Write the report of a run again
    Report(ReportArguments),
    /// Write a trained model, or pictures with their labels, as files for other programs
    Export(ExportArguments),
    /// What can be trained: all architectures, or the layers of one
    Models(ModelsArguments),
    /// Well-known data sets: list them, fetch them
    #[command(subcommand)]
    Data(DataCommand),
    /// Check published figures: do they agree with each other, are they possible?
    CheckFigures(CheckFiguresArguments),
    /// Lessons for the class, on your own numbers and pictures: text, figures and a page
    #[command(subcommand)]
    Lesson(LessonCommand),
    /// What this machine has, and whether training works on it
    Doctor,
}

#[derive(Debug, Args)]
pub struct CheckFiguresArguments {
    /// TOML or JSON file with what was published, all of it optional: a confusion matrix, accuracies, precision, recall,
    /// F1, class shares. --template shows the format
    #[arg(value_name = "FILE", required_unless_present = "template")]
    pub file: Option<PathBuf>,
    /// Print an example file with every field, to be filled in
    #[arg(long)]
    pub template: bool,
    /// End with exit code 3 when figures contradict each other
    #[arg(long)]
    pub strict: bool,
}

#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Folder for the runs and the report [default: candor-demo, numbered]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Of everything random: the same seed gives the same models
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub baselines: BaselineArguments,
}

/// Simple models beside the network.
#[derive(Debug, Args)]
pub struct BaselineArguments {
    /// Do not hold the network against simple models; saves a few seconds
    #[arg(long)]
    pub no_baselines: bool,
}

#[derive(Debug, Args)]
pub struct RunArguments {
    #[command(flatten)]
    pub source: SourceArguments,
    /// Folder for the run, new or empty [default: candor-run, numbered]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub baselines: BaselineArguments,
    #[command(flatten)]
    pub recipe: RecipeArguments,
}

#[derive(Debug, Args)]
pub struct TrainArguments {
    /// Only look which learning rate suits: a few steps with rising rates, a suggestion and a drawing
    #[arg(long)]
    pub find_lr: bool,
    /// What fairness costs: train without it and with several weights (of group-dro: step sizes), and draw accuracy against
    /// gap on validation; with =1,10 these weights alone
    #[arg(
        long,
        value_name = "WEIGHTS",
        num_args = 0..,
        require_equals = true,
        value_delimiter = ',',
        conflicts_with = "find_lr"
    )]
    pub fairness_frontier: Option<Vec<f32>>,
    #[command(flatten)]
    pub run: RunArguments,
}

#[derive(Debug, Args)]
pub struct ResumeArguments {
    /// The run's folder
    pub run: PathBuf,
}

#[derive(Debug, Args)]
pub struct EvaluateArguments {
    /// The run's folder
    pub run: PathBuf,
    /// train, validation or test; repeat it for several [default: all]
    #[arg(long, value_name = "SUBSET", value_parser = subset)]
    pub on: Vec<Subset>,
    /// Judge the model on all pictures of another source instead
    #[arg(long = "source", value_name = "SOURCE", conflicts_with = "on")]
    pub elsewhere: Option<PathBuf>,
    #[command(flatten)]
    pub reading: source::ReadingArguments,
}

#[derive(Debug, Args)]
pub struct CompareArguments {
    /// The runs' folders, at least two, of the same pictures in the same split
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// On the test split instead of validation: counts as a look of each run
    #[arg(long)]
    pub test: bool,
}

#[derive(Clone, Debug, Args)]
pub struct AuditArguments {
    /// The run's folder
    pub run: PathBuf,
    /// Only these checks, by their names, separated by commas [default: all]
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Trainings of the run's own recipe on permuted labels, however long they take [default: up to 99, as the budget allows]
    #[arg(long, value_name = "NUMBER")]
    pub permutations: Option<usize>,
    /// Time that the whole audit may take, about: 90s, 10m, 2h. It decides how often the run's own recipe is trained again
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    pub budget: Duration,
    /// Where pictures have copies: split again with copies kept together, train again into RUN-repaired, and compare
    #[arg(long)]
    pub repair: bool,
    /// Figures that somebody claims of this classifier, as `candor check-figures` reads them: held against each other and
    /// against the run's answers. Kept with the run
    #[arg(long, value_name = "FILE")]
    pub figures: Option<PathBuf>,
    /// End with exit code 3 when a check fails
    #[arg(long)]
    pub strict: bool,
}

#[derive(Clone, Debug, Args)]
pub struct ExplainArguments {
    /// The run's folder
    pub run: PathBuf,
    /// Only these methods, separated by commas: those that draw maps, such as deep-shap; filters, feature-maps and maximised,
    /// which show the inside of the network; ace, which finds concepts [default: all but ace]
    #[arg(long, value_name = "METHOD", value_delimiter = ',')]
    pub method: Vec<String>,
    /// With `ace`: find the concepts of this class only [default: all classes]
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    /// Picture files to explain [default: two of each class, one classified rightly and one wrongly]
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub pictures: Vec<PathBuf>,
    /// Number of training pictures that a picture is compared with
    #[arg(long, value_name = "NUMBER", default_value_t = 25)]
    pub background: usize,
}

#[derive(Debug, Args)]
pub struct PredictArguments {
    /// A run's folder, or a model.safetensors
    pub model: PathBuf,
    /// Picture files, or folders of them
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Comma-separated values instead of a table
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    #[command(flatten)]
    pub limits: source::LimitArguments,
}

#[derive(Debug, Args)]
pub struct ExportArguments {
    /// A run's folder or a model.safetensors; with --to, a study or another source of pictures
    pub what: PathBuf,
    /// Write an ONNX file (opset 17): it takes pixels as bytes, N × rows × columns × colours, and gives probabilities
    #[arg(long, value_name = "FILE", required_unless_present = "to", conflicts_with = "to")]
    pub onnx: Option<PathBuf>,
    /// Write pictures with their labels in this layout
    #[arg(long, value_name = "LAYOUT", requires = "out", value_parser = PossibleValuesParser::new(layouts()))]
    pub to: Option<String>,
    /// New folder for the pictures
    #[arg(long, value_name = "DIR", requires = "to")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub reading: source::ReadingArguments,
}

fn layouts() -> impl Iterator<Item = PossibleValue> {
    LAYOUTS.into_iter().map(|layout| PossibleValue::new(layout.name).help(layout.summary))
}

#[derive(Clone, Debug, Args)]
pub struct ReportArguments {
    /// The run's folder
    pub run: PathBuf,
    /// Also write a model card for the Hugging Face Hub into this folder, as README.md
    #[arg(long, value_name = "DIR")]
    pub card: Option<PathBuf>,
    /// Also describe the pictures in Croissant 1.1 in this folder: croissant.json and the table pictures.csv
    #[arg(long, value_name = "DIR")]
    pub croissant: Option<PathBuf>,
    /// Also write the REFORMS checklist and a data sheet into this folder, filled in as far as the run knows
    #[arg(long, value_name = "DIR")]
    pub checklists: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ModelsArguments {
    /// Show the layers of this one
    pub name: Option<String>,
    /// Rows × columns × colours of the input, such as 64x64x1 [default: as in the architecture's source]
    #[arg(long, value_name = "HxWxC", value_parser = input, requires = "name")]
    pub input: Option<(usize, usize, Channels)>,
    /// Classes [default: as in the architecture's source]
    #[arg(long, value_name = "NUMBER", requires = "name", value_parser = classes)]
    pub classes: Option<usize>,
    /// Draw the network into this file
    #[arg(long, value_name = "FILE", requires = "name")]
    pub svg: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List the data sets that candor can fetch
    List,
    /// Fetch one, with pinned hashes; goes on where an interrupted fetch stopped
    Get(DataGetArguments),
}

#[derive(Debug, Args)]
pub struct DataGetArguments {
    /// mnist, fashion-mnist or cifar10
    pub name: String,
    /// Folder for its files [default: the data set's name]
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// Take local copies from here instead of the network; they are verified too
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
}

fn subset(text: &str) -> Result<Subset, String> {
    let known = || format!("choose one of {}", Subset::ALL.map(Subset::name).join(", "));
    Subset::ALL.into_iter().find(|subset| subset.name() == text).ok_or_else(known)
}

fn classes(text: &str) -> Result<usize, String> {
    let count = text.parse().map_err(|_| "it must be a whole number".to_owned())?;
    if count >= 2 { Ok(count) } else { Err("there must be at least 2 classes to tell apart".to_owned()) }
}

fn input(text: &str) -> Result<(usize, usize, Channels), String> {
    let wanted = || "write rows, columns and colours as in 64x64x1 (grey) or 128x128x3 (colour)".to_owned();
    let sides: Option<Vec<usize>> = text.split(['x', '×']).map(|side| side.trim().parse().ok()).collect();
    match sides.as_deref() {
        Some(&[0, _, _] | &[_, 0, _]) => Err(wanted()),
        Some(&[height, width, 1]) => Ok((height, width, Channels::Grey)),
        Some(&[height, width, 3]) => Ok((height, width, Channels::Rgb)),
        _ => Err(wanted()),
    }
}

/// `90s`, `10m`, `2h`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a whole number with s, m or h, such as 90s, 10m or 2h".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err(wrong()),
    };
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn inputs_are_read_as_people_write_them() {
        assert_eq!(input("64x96x1"), Ok((64, 96, Channels::Grey)));
        assert_eq!(input("128×128×3"), Ok((128, 128, Channels::Rgb)));
        for wrong in ["64", "64x64", "64x64x2", "0x64x1", "axbxc", "64x64x1x1"] {
            assert!(input(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_duration_has_a_unit() {
        for (text, seconds) in [
            ("90s", Some(90)),
            ("10m", Some(600)),
            ("2h", Some(7_200)),
            ("10", None),
            ("m", None),
            ("1d", None),
        ] {
            assert_eq!(duration(text).ok().map(|time| time.as_secs()), seconds, "{text}");
        }
    }
}
