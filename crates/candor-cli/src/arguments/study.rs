//! What can be typed about a study.

use std::path::PathBuf;

use candor_core::Seed;
use candor_workflow::{
    CollectOptions, CollectRequest, CropRequest, Cropping, Fractions, Keep, MAIN, Method, SourceOptions,
    SplitRequest, StudySplitRequest, Tie, Which,
};
use clap::{Args, ValueEnum};

use super::source::ReadingArguments;

#[derive(Debug, Args)]
pub struct ImportArguments {
    /// Folder with one subfolder a class, folder with an index.csv, CSV of pixels, IDX or CIFAR-10 files
    pub source: PathBuf,
    /// The study's folder; made where it is not there
    #[arg(long, value_name = "DIR")]
    pub study: PathBuf,
    /// How the originals are held: as copies, as second names of the same files, or as paths only
    #[arg(long, value_name = "HOW", value_enum, default_value_t = By::Copy)]
    pub by: By,
    /// All pictures below SOURCE are of this class
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    #[command(flatten)]
    pub reading: ReadingArguments,
}

/// How originals are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    Copy,
    HardLink,
    Reference,
}

impl From<By> for Keep {
    fn from(by: By) -> Keep {
        match by {
            By::Copy => Keep::Copy,
            By::HardLink => Keep::HardLink,
            By::Reference => Keep::Reference,
        }
    }
}

#[derive(Clone, Debug, Args)]
pub struct CollectArguments {
    /// TOML file: which sites, where on their pages pictures, names and classes stand, how politely (docs/collect.md)
    pub recipe: PathBuf,
    /// The study's folder; made where it is not there
    #[arg(long, value_name = "DIR")]
    pub study: PathBuf,
    /// Only read the first page of each site, and say what would be collected; no picture is asked for
    #[arg(long)]
    pub dry_run: bool,
    /// Ask again for what is there, and for what was refused; what has not changed is not sent again
    #[arg(long)]
    pub refresh: bool,
    /// A WebDriver that reads pages which are built by script, such as http://127.0.0.1:9515 (chromedriver)
    #[arg(long, value_name = "ADDRESS")]
    pub browser: Option<String>,
    /// The recipe's own hosts may have private addresses (this machine, an intranet); with =HOST,HOST:PORT these too
    #[arg(long, value_name = "HOSTS", num_args = 0.., require_equals = true, value_delimiter = ',')]
    pub allow_private: Option<Vec<String>>,
    /// Let the recipe ask hosts more than once a second: only where you run them, or were told that you may
    #[arg(long)]
    pub less_polite: bool,
}

impl CollectArguments {
    /// What the workflow needs to know.
    pub fn request(&self) -> CollectRequest {
        let options = CollectOptions {
            refresh: self.refresh,
            browser: self.browser.clone(),
            allow_private: self.allow_private.is_some(),
            private_hosts: self.allow_private.clone().unwrap_or_default(),
        };
        CollectRequest {
            recipe: self.recipe.clone(),
            study: self.study.clone(),
            options,
            less_polite: self.less_polite,
        }
    }
}

#[derive(Debug, Args)]
pub struct CropArguments {
    /// A study, or with --out any other source of pictures
    pub source: PathBuf,
    /// New folder for the crops, one subfolder a class [default: they are kept in the study]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The only face of a picture (more than one is a failure), the largest, or all of them
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = Faces::One)]
    pub faces: Faces,
    /// Added on each side, as a share of the face
    #[arg(long, value_name = "SHARE", default_value_t = Cropping::default().margin, value_parser = margin)]
    pub margin: f64,
    /// Rows and columns of a crop
    #[arg(long, value_name = "PIXELS", default_value_t = Cropping::default().side_px as u64,
          value_parser = clap::value_parser!(u64).range(8..=4096))]
    pub size: u64,
    /// All pictures below SOURCE are of this class
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    #[command(flatten)]
    pub reading: ReadingArguments,
}

/// Which faces are cut out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Faces {
    One,
    Largest,
    All,
}

impl CropArguments {
    /// What the workflow needs to know.
    pub fn request(&self, threads: usize) -> CropRequest {
        let which = match self.faces {
            Faces::One => Which::One,
            Faces::Largest => Which::Largest,
            Faces::All => Which::All,
        };
        CropRequest {
            source: self.source.clone(),
            options: SourceOptions { class: self.class.clone(), ..self.reading.options() },
            out: self.out.clone(),
            how: Cropping { which, margin: self.margin, side_px: self.size as usize },
            threads,
        }
    }
}

fn margin(text: &str) -> Result<f64, String> {
    let margin = text.parse().ok().filter(|margin| (0.0..=10.0).contains(margin));
    margin.ok_or_else(|| "write a share of the face from 0 to 10, such as 0.3".to_owned())
}

#[derive(Debug, Args)]
pub struct StatusArguments {
    /// The study's folder
    #[arg(default_value = ".")]
    pub study: PathBuf,
}

#[derive(Debug, Args)]
pub struct SplitArguments {
    /// The study's folder
    pub study: PathBuf,
    /// The split's name; trainings take main unless another one is asked for with --split
    #[arg(long, default_value = MAIN)]
    pub name: String,
    /// Share to learn from
    #[arg(long, value_name = "SHARE", default_value_t = 0.7)]
    pub train_share: f64,
    /// Share that chooses the best epoch
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub validation_share: f64,
    /// Share to be judged on
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    pub test_share: f64,
    /// What is kept in one subset: group, page, host, name, camera, duplicates; or none
    #[arg(long, value_name = "WHAT,WHAT", value_delimiter = ',', value_parser = tie,
          default_value = "group,page,name,camera,duplicates")]
    pub together: Vec<Together>,
    /// This many splits, fold-1, fold-2 …, each with another part of the pictures as its test
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["leave_out", "by_time"])]
    pub folds: Option<usize>,
    /// One split for each source, which is its test: by site, source, or a further column
    #[arg(long, value_name = "WHAT", conflicts_with = "by_time")]
    pub leave_out: Option<String>,
    /// The earliest pictures to learn from, the latest to be judged on: by exif, or a further column
    #[arg(long, value_name = "WHAT")]
    pub by_time: Option<String>,
    /// Forget which picture was where before; otherwise those that were split stay, and new ones fill up
    #[arg(long)]
    pub anew: bool,
    /// Of everything random: the same seed gives the same split
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
}

/// One word of `--together`: a tie, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Together(pub Option<Tie>);

fn tie(text: &str) -> Result<Together, String> {
    let known = || format!("choose from {}, or none", Tie::ALL.map(Tie::name).join(", "));
    match text {
        "none" => Ok(Together(None)),
        text => Tie::ALL
            .into_iter()
            .find(|tie| tie.name() == text)
            .map(|tie| Together(Some(tie)))
            .ok_or_else(known),
    }
}

impl SplitArguments {
    /// What the workflow needs to know.
    pub fn request(&self, threads: usize) -> StudySplitRequest {
        let method = match (&self.folds, &self.leave_out, &self.by_time) {
            (Some(folds), ..) => Method::Folds(*folds),
            (_, Some(what), _) => Method::LeaveOut(what.clone()),
            (.., Some(what)) => Method::ByTime(what.clone()),
            _ => Method::Shares { anew: self.anew },
        };
        let fractions =
            Fractions { train: self.train_share, validation: self.validation_share, test: self.test_share };
        let split = SplitRequest { name: self.name.clone(), method, fractions, seed: Seed(self.seed) };
        let together = self.together.iter().filter_map(|together| together.0).collect();
        StudySplitRequest { study: self.study.clone(), split, together, threads }
    }
}

#[derive(Debug, Args)]
pub struct DuplicatesArguments {
    /// A study, or any other source of pictures
    pub source: PathBuf,
    #[command(flatten)]
    pub reading: ReadingArguments,
}

#[derive(Debug, Args)]
pub struct ForgetArguments {
    /// A picture's SHA-256, the address it came from, its file, or a name that its table, its group or its file has
    pub what: String,
    /// The study's folder
    #[arg(long, value_name = "DIR")]
    pub study: PathBuf,
    /// Only say what would go. Without it, exit code 3 says that a file outside of the study still holds the picture
    #[arg(long)]
    pub dry_run: bool,
}
