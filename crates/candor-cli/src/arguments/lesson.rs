//! What can be typed about lessons: one variant for each that is registered.

use std::path::PathBuf;

use candor_workflow::{
    ConvolutionRequest, LESSON_SIDE_PX, RandomLabelsRequest, RegressionRequest, ScoresRequest,
    lesson_regression::Settings,
};
use clap::{Args, Subcommand};

use crate::commands::out;

#[derive(Debug, Subcommand)]
pub enum LessonCommand {
    /// How a network learns: a line through your points by gradient descent, step by step
    Regression(RegressionArguments),
    /// Who is out of line? Percentiles and Z-scores, whether the normal curve fits, and how sure it is
    Scores(ScoresArguments),
    /// What a convolution sees: a picture, a kernel, and what it makes of the picture
    Convolution(ConvolutionArguments),
    /// A network learns labels that were drawn by lot; what the audit says, and questions for the class
    RandomLabels(RandomLabelsArguments),
}

/// Where a lesson's page goes.
#[derive(Debug, Args)]
pub struct OutArguments {
    /// Folder for the page, new or empty [default: candor-lesson, numbered]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl OutArguments {
    fn folder(&self) -> PathBuf {
        out(&self.out, "candor-lesson")
    }
}

#[derive(Debug, Args)]
pub struct RegressionArguments {
    /// CSV whose first row names its columns
    pub file: PathBuf,
    /// The column of x
    #[arg(long, value_name = "COLUMN")]
    pub x: String,
    /// The column of y, which the line learns to predict
    #[arg(long, value_name = "COLUMN")]
    pub y: String,
    /// Predict y at this x
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub at: Option<f64>,
    /// The learning rate [default: half of the largest that does not diverge]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub rate: Option<f64>,
    /// Steps to take [default: until it has arrived, at most 100,000]
    #[arg(long, value_name = "NUMBER", value_parser = steps)]
    pub steps: Option<usize>,
    /// Slope and height to begin with
    #[arg(long, num_args = 2, value_names = ["W", "B"], default_values_t = Settings::default().start, allow_negative_numbers = true)]
    pub start: Vec<f64>,
    #[command(flatten)]
    pub out: OutArguments,
}

impl RegressionArguments {
    /// What was asked for.
    pub fn request(&self) -> RegressionRequest {
        let start = [self.start[0], self.start[1]];
        RegressionRequest {
            file: self.file.clone(),
            x: self.x.clone(),
            y: self.y.clone(),
            settings: Settings { start, rate: self.rate, steps: self.steps, at: self.at },
            out: self.out.folder(),
        }
    }
}

#[derive(Debug, Args)]
pub struct ScoresArguments {
    /// CSV whose first row names its columns
    pub file: PathBuf,
    /// The column that names who is compared
    #[arg(long, value_name = "COLUMN")]
    pub entity: String,
    /// The column of the values
    #[arg(long, value_name = "COLUMN")]
    pub value: String,
    /// The column that says who is comparable with whom [default: everybody with everybody]
    #[arg(long, value_name = "COLUMN")]
    pub among: Option<String>,
    /// The column of the cases behind each value, which is a share of them: 0.12 of 50
    #[arg(long, value_name = "COLUMN")]
    pub cases: Option<String>,
    #[command(flatten)]
    pub out: OutArguments,
}

impl ScoresArguments {
    /// What was asked for.
    pub fn request(&self) -> ScoresRequest {
        ScoresRequest {
            file: self.file.clone(),
            entity: self.entity.clone(),
            value: self.value.clone(),
            among: self.among.clone(),
            cases: self.cases.clone(),
            out: self.out.folder(),
        }
    }
}

#[derive(Debug, Args)]
pub struct ConvolutionArguments {
    /// Picture file
    pub picture: PathBuf,
    /// sobel-x, sobel-y, laplace, blur, sharpen, or weights as in "1 0 -1; 2 0 -2; 1 0 -1"
    #[arg(long, value_name = "KERNEL", allow_hyphen_values = true)]
    pub kernel: String,
    /// Longest side that the kernel works on; larger pictures are made smaller first
    #[arg(long, value_name = "PIXELS", default_value_t = LESSON_SIDE_PX)]
    pub side: usize,
    #[command(flatten)]
    pub out: OutArguments,
}

impl ConvolutionArguments {
    /// What was asked for.
    pub fn request(&self) -> ConvolutionRequest {
        ConvolutionRequest {
            picture: self.picture.clone(),
            kernel: self.kernel.clone(),
            side_px: self.side,
            out: self.out.folder(),
        }
    }
}

#[derive(Debug, Args)]
pub struct RandomLabelsArguments {
    /// Stones to draw
    #[arg(long, value_name = "NUMBER", default_value_t = 400, value_parser = clap::value_parser!(u32).range(40..=20_000))]
    pub stones: u32,
    /// Trainings on permuted labels, at most: the p-value is never below 1 / (this + 1)
    #[arg(long, value_name = "NUMBER", default_value_t = 19)]
    pub permutations: usize,
    /// Of everything random: the same seed gives the same stones and models
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub out: OutArguments,
}

impl RandomLabelsArguments {
    /// What was asked for.
    pub fn request(&self, threads: usize) -> RandomLabelsRequest {
        let RandomLabelsArguments { stones, permutations, seed, out } = self;
        let stones = *stones as usize;
        RandomLabelsRequest { stones, permutations: *permutations, seed: *seed, out: out.folder(), threads }
    }
}

/// More would only fill the disk.
fn steps(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(steps @ 0..=10_000_000) => Ok(steps),
        _ => Err("write a whole number up to 10000000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use candor_workflow::LESSONS;
    use clap::CommandFactory;

    use crate::arguments::Cli;

    #[test]
    fn every_registered_lesson_has_its_verb() {
        let command = Cli::command();
        let lesson = command.find_subcommand("lesson").unwrap();
        let verbs: Vec<&str> = lesson.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(verbs, LESSONS.map(|lesson| lesson.id));
    }
}
