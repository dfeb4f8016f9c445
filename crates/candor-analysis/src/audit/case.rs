//! What a check is given: the pictures and what is known of them, the split, the classifier and its answers.

use std::collections::{BTreeMap, HashMap};

use candor_core::{
    Classifier, Dataset, Detector, Image, Progress, Reporter, Sample, Seed, Split, Stage, Subset,
};
use serde::{Deserialize, Serialize};

use super::{AuditErrorKind, Facts, Finding};
use crate::check_figures::PublishedFigures;
use crate::evaluate::Accuracy;
use crate::near_duplicates::Copies;
use crate::{LabelledPredictions, Units};

/// A trained classifier with its pictures, under audit.
///
/// The test split is sealed unless [`answers`](Case::answers) holds it: a check judges a model on the test pictures only
/// where that was done before, and trains within train and validation alone. Looking for copies of pictures, or at their
/// sizes, needs no model and may use all of them.
pub struct Case<'a> {
    /// The original pictures with classes, groups, provenance and attributes.
    pub pictures: &'a dyn Dataset,
    /// A picture as the classifier sees it; all are of one size.
    pub seen: &'a (dyn Fn(usize) -> Image + Sync),
    /// What is known of each original besides its pixels, one a sample.
    pub facts: &'a [Facts],
    /// Copies and very similar pictures among the samples, by their originals.
    pub copies: &'a [Copies],
    /// What belongs together and is never torn apart: copies, near copies, groups.
    pub units: &'a Units,
    /// Who learned from what.
    pub split: &'a Split,
    /// What the classifier said, by subset; test only where it was looked at.
    pub answers: &'a BTreeMap<Subset, Answers>,
    /// The classifier itself, to be asked about changed pictures.
    pub classifier: Option<&'a dyn Classifier>,
    /// What finds faces, where somebody gives one.
    pub detector: Option<&'a dyn Detector>,
    /// What it is for, in the words of the recipe.
    pub purpose: Option<&'a str>,
    /// The figures that are told of it: by its own evaluation, and by whoever claims some.
    pub stated: &'a [StatedFigures],
    /// What other checks found before, where a check sums them up.
    pub findings: &'a [Finding],
    /// Seed and effort.
    pub settings: Settings,
    /// Hears how it goes, and says when to stop.
    pub reporter: &'a dyn Reporter,
}

/// Figures of a classifier's quality, as somebody tells them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedFigures {
    /// Who or what tells them: a file's name.
    pub by: String,
    /// Whether they are of this very evaluation, so that the answers have to give them.
    pub own: bool,
    /// The figures.
    pub figures: PublishedFigures,
}

/// Seed and effort of an audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Of everything random.
    pub seed: Seed,
    /// Trainings on permuted labels, at most.
    pub permutations: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { seed: Seed(1), permutations: 99 }
    }
}

/// What a model said of some samples: one row each, one value a class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// Which samples.
    pub indices: Vec<usize>,
    /// Row-major, `indices × classes`, in 0..=1.
    pub probabilities: Vec<f32>,
}

impl Answers {
    /// The most probable class of each sample; the first of equals.
    pub fn classes(&self) -> Vec<usize> {
        let width = self.probabilities.len() / self.indices.len().max(1);
        let most = |row: &[f32]| {
            (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best })
        };
        self.probabilities.chunks_exact(width.max(1)).map(most).collect()
    }

    /// Share of the samples whose most probable class is their label.
    pub fn accuracy(&self, labels: &[usize]) -> f64 {
        let right =
            self.classes().into_iter().zip(&self.indices).filter(|&(class, &index)| class == labels[index]);
        right.count() as f64 / self.indices.len().max(1) as f64
    }

    /// Mean share of right answers over the classes that occur: every class counts alike.
    pub fn balanced_accuracy(&self, labels: &[usize]) -> f64 {
        let mut counts: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for (class, &index) in self.classes().into_iter().zip(&self.indices) {
            let (right, all) = counts.entry(labels[index]).or_default();
            *all += 1.0;
            *right += f64::from(u8::from(class == labels[index]));
        }
        counts.values().map(|(right, all)| right / all).sum::<f64>() / counts.len().max(1) as f64
    }
}

/// Where the samples come from, where that can be told: a web site, a photographer, a camera, a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// What a source is, in words: `the attribute “photographer”`, `the web site`.
    pub what: String,
    /// The sources' names.
    pub names: Vec<String>,
    /// The source of each sample.
    pub of: Vec<Option<usize>>,
}

/// Columns that name a source, in the order in which they are preferred.
const SOURCE_COLUMNS: [&str; 9] =
    ["source", "site", "website", "photographer", "camera", "scanner", "hospital", "studio", "origin"];

/// A group is taken for a source only where there are few, each of so many pictures: else it is a person or a burst.
const LEAST_OF_A_SOURCE: usize = 10;

impl Case<'_> {
    /// Class names.
    pub fn classes(&self) -> &[String] {
        self.pictures.classes()
    }

    /// All samples.
    pub fn samples(&self) -> &[Sample] {
        self.pictures.samples()
    }

    /// The class of every sample.
    pub fn labels(&self) -> Vec<usize> {
        self.samples().iter().map(|sample| sample.class).collect()
    }

    /// The samples that a check may train and judge on without a look at the test split, ascending.
    pub fn pool(&self) -> Vec<usize> {
        let mut pool = [self.split.train.as_slice(), &self.split.validation].concat();
        pool.sort_unstable();
        pool
    }

    /// The subset that the classifier was judged on, and its answers there: test where it was looked at, else validation.
    pub fn judged(&self) -> Option<(Subset, &Answers)> {
        let of = |subset| self.answers.get(&subset).filter(|answers| !answers.indices.is_empty());
        [Subset::Test, Subset::Validation].into_iter().find_map(|subset| Some((subset, of(subset)?)))
    }

    /// Answers with their true classes.
    pub fn labelled(&self, answers: &Answers) -> Option<LabelledPredictions> {
        let truth = answers.indices.iter().map(|&index| self.samples()[index].class).collect();
        LabelledPredictions::new(self.classes().to_vec(), truth, answers.probabilities.clone()).ok()
    }

    /// The share of `indices` that naming their most frequent class gets right.
    pub fn majority(&self, indices: &[usize]) -> f64 {
        let mut counts = vec![0usize; self.classes().len()];
        indices.iter().for_each(|&index| counts[self.samples()[index].class] += 1);
        counts.into_iter().max().unwrap_or(0) as f64 / indices.len().max(1) as f64
    }

    /// How many of `indices` can be taken as independent: what belongs together counts once.
    pub fn independent(&self, indices: &[usize]) -> usize {
        self.units.count(indices)
    }

    /// The share of right answers with its 95 % interval, what belongs together counting as such. `None` without answers.
    pub fn accuracy(&self, answers: &Answers) -> Option<Accuracy> {
        let said = answers.classes();
        let is_right = |at: usize| said[at] == self.samples()[answers.indices[at]].class;
        let groups = self.units.groups(&answers.indices);
        (!answers.indices.is_empty()).then(|| Accuracy::of_groups(&groups, is_right))
    }

    /// The seed of one check.
    pub fn seed(&self, check: &str) -> Seed {
        self.settings.seed.derive("audit").derive(check)
    }

    /// Tells how far a check is.
    ///
    /// # Errors
    /// When the person asked to stop.
    pub fn tell(&self, check: &str, done: usize, total: usize) -> Result<(), AuditErrorKind> {
        let (done, total) = (done as u64, total as u64);
        self.reporter.progress(Progress { stage: Stage::Audit, done, total, message: check.to_owned() });
        if self.reporter.cancelled() { Err(AuditErrorKind::Stopped) } else { Ok(()) }
    }

    /// Where the samples come from: a column that says so, else the web site, else the folder below the class, else the
    /// camera (by EXIF, else by the pattern of its file names), else a group where there are few large ones. `None` where
    /// all or nothing is of one source.
    pub fn sources(&self) -> Option<Sources> {
        self.source_columns()
            .or_else(|| self.of_web_site())
            .or_else(|| self.of_folder())
            .or_else(|| self.of_camera())
            .or_else(|| self.of_group())
    }

    /// The pattern that a camera or a program names files by, such as `IMG` or `DSC`; `None` where a file's name has none.
    pub fn name_pattern(&self, index: usize) -> Option<&'static str> {
        let sample = &self.samples()[index];
        let name = sample.provenance.file.rsplit(['/', '\\']).next()?;
        let pattern = name_pattern(name)?;
        let says_class = |class: &String| class.to_uppercase().contains(pattern);
        (!self.classes().iter().any(says_class)).then_some(pattern)
    }

    fn of_camera(&self) -> Option<Sources> {
        let camera = |index: usize| self.facts.get(index)?.file.as_ref()?.camera.clone();
        let pattern = |index: usize| self.name_pattern(index).map(str::to_owned);
        let all = || 0..self.samples().len();
        sources("the camera (EXIF)".to_owned(), all().map(camera))
            .or_else(|| sources("the pattern of the file names".to_owned(), all().map(pattern)))
    }

    fn source_columns(&self) -> Option<Sources> {
        let of = |&column: &&str| {
            let name = |sample: &Sample| {
                let found = sample.attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(column));
                found.map(|(_, value)| value.clone())
            };
            sources(format!("the column “{column}”"), self.samples().iter().map(name))
        };
        SOURCE_COLUMNS.iter().find_map(of)
    }

    fn of_web_site(&self) -> Option<Sources> {
        let host =
            |sample: &Sample| sample.provenance.site().map(|host| host.trim_start_matches("www.").to_owned());
        sources("the web site".to_owned(), self.samples().iter().map(host))
    }

    /// `class/source/picture.jpg`; folders that name a subset are none.
    fn of_folder(&self) -> Option<Sources> {
        let folder = |sample: &Sample| {
            let class = &self.classes()[sample.class];
            let parts: Vec<&str> = sample.provenance.file.split(['/', '\\']).collect();
            let at = parts.iter().position(|part| part == class)?;
            (at + 2 < parts.len()).then(|| parts[at + 1].to_owned())
        };
        sources("the folder".to_owned(), self.samples().iter().map(folder))
    }

    fn of_group(&self) -> Option<Sources> {
        let found =
            sources("the group".to_owned(), self.samples().iter().map(|sample| sample.group.clone()))?;
        let mut sizes = vec![0; found.names.len()];
        found.of.iter().flatten().for_each(|&source| sizes[source] += 1);
        sizes.iter().all(|&size| size >= LEAST_OF_A_SOURCE).then_some(found)
    }
}

/// What cameras and programs begin their files' names with (the DCF standard leaves four characters to the maker), each
/// followed by a number.
const NAME_PATTERNS: [&str; 26] = [
    "CIMG",
    "DJI",
    "DSC",
    "DSCF",
    "DSCI",
    "DSCN",
    "FB_IMG",
    "GOPR",
    "HPIM",
    "IMG",
    "IMGP",
    "KIC",
    "MVI",
    "MVIMG",
    "P",
    "PHOTO",
    "PICT",
    "PXL",
    "SAM",
    "SCAN",
    "SCN",
    "SCREENSHOT",
    "SDC",
    "SIGNAL",
    "SNAPCHAT",
    "WHATSAPP IMAGE",
];

/// The pattern of a file's name. A single letter (`P1010001`) is one only before a long number.
fn name_pattern(name: &str) -> Option<&'static str> {
    let letters = name.split(|c: char| c.is_ascii_digit()).next()?;
    let prefix = letters.trim_end_matches(['_', '-', ' ', '.', '(']).to_uppercase();
    let digits = name[letters.len()..].chars().take_while(char::is_ascii_digit).count();
    let pattern = NAME_PATTERNS.into_iter().find(|pattern| *pattern == prefix)?;
    (digits >= if pattern.len() == 1 { 6 } else { 3 }).then_some(pattern)
}

/// Most sources that are told apart.
const MOST_SOURCES: usize = 50;

/// `None` where there are not at least two, or so many that each is nearly a picture of its own.
fn sources(what: String, names: impl Iterator<Item = Option<String>>) -> Option<Sources> {
    let (mut known, mut all): (HashMap<String, usize>, Vec<String>) = Default::default();
    let mut place = |name: String| {
        *known.entry(name).or_insert_with_key(|name| {
            all.push(name.clone());
            all.len() - 1
        })
    };
    let of: Vec<Option<usize>> =
        names.map(|name| name.filter(|name| !name.is_empty()).map(&mut place)).collect();
    let told = of.iter().flatten().count();
    let sensible = (2..=MOST_SOURCES).contains(&all.len()) && 2 * told >= of.len();
    sensible.then_some(Sources { what, names: all, of })
}

#[cfg(test)]
mod tests {
    use super::super::testing::Fake;
    use super::*;

    #[test]
    fn a_source_is_a_column_a_web_site_or_a_folder_and_not_one_alone() {
        let mut fake = Fake::bright(24);
        assert_eq!(fake.with(|case| case.sources()), None);
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            sample.provenance.file = format!("dark/{}/{index}.jpg", ["north", "south"][index % 2]);
            sample.class = 0;
        }
        assert_eq!(fake.with(|case| case.sources()).unwrap().what, "the folder");
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            let site = ["https://www.a.org/x.jpg", "http://b.net:80/y"][index % 2];
            sample.provenance.url = Some(site.to_owned());
        }
        assert_eq!(fake.with(|case| case.sources()).unwrap().names, ["a.org", "b.net"]);
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            sample.attributes.insert("Photographer".into(), ["Ann", "Bob", "Cem"][index % 3].into());
        }
        let found = fake.with(|case| case.sources()).unwrap();
        assert_eq!((found.what.as_str(), found.of[4]), ("the column “photographer”", Some(1)));
    }

    #[test]
    fn a_camera_is_known_by_its_exif_or_by_its_file_names_and_a_class_is_none() {
        for (name, pattern) in [
            ("IMG_0412.JPG", Some("IMG")),
            ("dscn0001.jpg", Some("DSCN")),
            ("WhatsApp Image 2023-01-02 at 10.jpeg", Some("WHATSAPP IMAGE")),
            ("P1010001.JPG", Some("P")),
            ("p12.png", None),
            ("glass101.jpg", None),
            ("n02123045_1.JPEG", None),
            ("IMG.jpg", None),
        ] {
            assert_eq!(name_pattern(name), pattern, "{name}");
        }
        let mut fake = Fake::bright(24);
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            sample.provenance.file = format!("{}_{index:04}.jpg", ["IMG", "DSC"][index / 2 % 2]);
        }
        assert_eq!(fake.with(|case| case.sources()).unwrap().what, "the pattern of the file names");
        fake.classes = vec!["img".into(), "dsc".into()];
        assert_eq!(fake.with(|case| case.sources()), None, "the names say the class");
        for (index, facts) in fake.facts.iter_mut().enumerate() {
            let camera = Some(["A", "B"][index % 2].to_owned());
            facts.file = Some(super::super::FileFacts { camera, ..Default::default() });
        }
        assert_eq!(fake.with(|case| case.sources()).unwrap().what, "the camera (EXIF)");
    }

    #[test]
    fn accuracies_of_answers() {
        let answers = Answers { indices: vec![0, 1, 2], probabilities: vec![0.9, 0.1, 0.5, 0.5, 0.2, 0.8] };
        assert_eq!(answers.classes(), [0, 0, 1]);
        assert_eq!(answers.accuracy(&[0, 0, 0]), 2.0 / 3.0);
        assert_eq!(answers.balanced_accuracy(&[0, 1, 1]), 0.75);
    }
}
