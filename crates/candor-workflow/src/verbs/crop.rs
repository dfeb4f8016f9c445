//! `crop`: the faces of a study's pictures, or of any other source's, as pictures of their own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use candor_core::{Dataset, Detector, Problem, Progress, ReadError, Reporter, SampleId, Stage};
use candor_data::encode::png;
use candor_data::export::{file_name, picture_name};
use candor_data::faces::{self, Cropping};
use candor_data::source::{Source, SourceOptions};
use candor_data::study::{Cropped, CroppedHow, FoundFace, KeptCrop, OutsideCopy, Searched, Study};
use rayon::prelude::*;
use serde::Serialize;

use crate::crop_sheet::{self, SheetFiles};
use crate::error::{Result, WorkflowError};
use crate::run_dir::write_atomically;
use crate::threads::in_pool;
use crate::writing::write_study;

/// Where the crops of a folder are listed.
pub(super) const TABLE: &str = "crops.csv";
/// Pictures between two looks at whether the person wants to stop.
const BUNDLE: usize = 64;

/// Whose faces, and how they are cut out.
#[derive(Clone, Debug)]
pub struct CropRequest {
    /// A study, or another source.
    pub source: PathBuf,
    /// How it is read, where it is not a study that keeps its crops.
    pub options: SourceOptions,
    /// A new folder for the crops, by class; `None` keeps them in the study.
    pub out: Option<PathBuf>,
    /// Which faces, with what margin, in what size.
    pub how: Cropping,
    /// Threads to compute on, 0 for all cores.
    pub threads: usize,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct CropResult {
    /// The study, or the folder with the crops.
    pub place: PathBuf,
    /// Whether that is a study.
    pub in_study: bool,
    /// How, and what was done now.
    #[serde(flatten)]
    pub cropped: Cropped,
    /// All crops that are there now.
    pub crops: usize,
    /// All pictures out of which nothing was cut.
    pub failures: Vec<CropFailure>,
    /// The contact sheet.
    pub sheet: PathBuf,
    /// The failures, as JSON lines.
    pub failures_file: PathBuf,
}

/// A picture out of which nothing was cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CropFailure {
    /// Where it was found.
    pub file: String,
    /// Its class.
    pub class: String,
    /// Why.
    pub reason: String,
}

/// Cuts out the faces. In a study they are kept beside the originals, and done twice, it doubles nothing; of another source
/// they go into a new folder with one subfolder a class.
///
/// # Errors
/// When there are no pictures or no place for the crops, the disk says no, or the person stops it.
pub fn crop(request: &CropRequest, reporter: &dyn Reporter) -> Result<CropResult> {
    let detector = faces::detector();
    in_pool(request.threads, || match &request.out {
        Some(out) => into_folder(request, out, detector, reporter),
        None if Study::is_at(&request.source) => in_study(request, detector, reporter),
        None if request.source.exists() => {
            Err(WorkflowError::NoPlaceForCrops { source_path: request.source.clone() })
        }
        None => Err(Study::read(&request.source).expect_err("there is nothing").into()),
    })
}

fn in_study(request: &CropRequest, detector: &dyn Detector, reporter: &dyn Reporter) -> Result<CropResult> {
    let mut study = write_study(&request.source, reporter)?;
    let cropped = study.crop(detector, &request.how, &request.options.limits, reporter)?;
    let files =
        crop_sheet::write_of_study(&study, &cropped.problems)?.expect("the study knows how it was cropped");
    Ok(result(study.path(), true, cropped, &study.searched()?, files))
}

/// What was done now, with the counts of all crops and failures there are.
fn result(
    place: &Path,
    in_study: bool,
    cropped: Cropped,
    searched: &[Searched],
    files: SheetFiles,
) -> CropResult {
    let failure = |picture: &Searched| {
        let (file, class) = (picture.file.clone(), picture.class.clone());
        Some(CropFailure { file, class, reason: picture.failure.clone()? })
    };
    CropResult {
        place: place.to_owned(),
        in_study,
        cropped,
        crops: crops_of(searched),
        failures: searched.iter().filter_map(failure).collect(),
        sheet: files.sheet,
        failures_file: files.failures,
    }
}

fn crops_of(searched: &[Searched]) -> usize {
    searched.iter().flat_map(|picture| &picture.faces).filter(|face| face.crop.is_some()).count()
}

fn into_folder(
    request: &CropRequest,
    out: &Path,
    detector: &dyn Detector,
    reporter: &dyn Reporter,
) -> Result<CropResult> {
    // Held until the end: nothing is taken out of a study while its pictures are cut out into a folder.
    let mut study =
        Study::is_at(&request.source).then(|| write_study(&request.source, reporter)).transpose()?;
    let source = Source::open_part(&request.source, &request.options, reporter)?;
    fs::create_dir_all(out).map_err(WorkflowError::file(out, "made"))?;
    if fs::read_dir(out).map_err(WorkflowError::file(out, "read"))?.next().is_some() {
        return Err(WorkflowError::NotEmpty { path: out.to_owned() });
    }
    let noted = study.as_ref().map(|study| study.note_outside(out, "crop", "class-folders")).transpose()?;
    let made = CroppedHow { detector: detector.name(), how: request.how };
    let folder = Folder { source: &source, detector, how: &request.how, out };
    let (mut searched, mut problems) = (Vec::new(), source.problems().to_vec());
    let indices: Vec<usize> = (0..source.samples().len()).collect();
    for bundle in indices.chunks(BUNDLE) {
        if reporter.cancelled() {
            return Err(WorkflowError::Stopped { run: None });
        }
        let looked: Vec<_> = bundle.par_iter().map(|&index| folder.one(index)).collect();
        if let Some((study, number)) = study.as_mut().zip(noted) {
            study.note_copies(number, &copies(&looked))?;
        }
        for looked in looked {
            match looked {
                Ok((picture, files)) => {
                    files.iter().try_for_each(|(file, bytes)| write_new(file, bytes))?;
                    searched.push(picture);
                }
                Err(ReadError { place, reason }) => {
                    let problem = Problem { place, reason };
                    reporter.problem(problem.clone());
                    problems.push(problem);
                }
            }
        }
        let done = bundle.last().map_or(0, |last| last + 1) as u64;
        let total = indices.len() as u64;
        reporter.progress(Progress { stage: Stage::Crop, done, total, message: String::new() });
    }
    folder.write_table(&searched)?;
    let title = request.source.display().to_string();
    let files = crop_sheet::write(out, &title, &made, &searched, &problems)?;
    let (looked_at, new) = (searched.len(), crops_of(&searched));
    let cropped = Cropped { made, looked_at, known: 0, new, replaced: 0, problems };
    Ok(result(out, false, cropped, &searched, files))
}

/// What was found in a picture, and the crops that are to be written: which file, which bytes.
type Cut = (Searched, Vec<(PathBuf, Vec<u8>)>);

/// What the ledger keeps of the crops that are about to be written; of a picture without one, that a list speaks of it.
fn copies(looked: &[std::result::Result<Cut, ReadError>]) -> Vec<OutsideCopy> {
    let mut copies = Vec::new();
    for (picture, files) in looked.iter().flatten() {
        let crop = |(_, bytes): &(PathBuf, Vec<u8>)| Some((SampleId::of(bytes), bytes.len() as u64));
        let written = std::iter::once(None).chain(files.iter().map(crop));
        copies.extend(written.map(|written| OutsideCopy { of: picture.id, written, file: None }));
    }
    copies
}

/// What crops go to, that is no study.
struct Folder<'a> {
    source: &'a Source,
    detector: &'a dyn Detector,
    how: &'a Cropping,
    out: &'a Path,
}

impl Folder<'_> {
    /// Cuts the faces out of the picture at `index`: what was found, and the files to be written.
    fn one(&self, index: usize) -> std::result::Result<Cut, ReadError> {
        let sample = &self.source.samples()[index];
        let image = self.source.image(index)?;
        let mut files = Vec::new();
        let class = &self.source.classes()[sample.class];
        let mut picture = Searched {
            id: sample.id,
            file: sample.provenance.to_string(),
            class: class.clone(),
            failure: None,
            faces: Vec::new(),
            original: self.source.file(index).map(Path::to_owned).unwrap_or_default(),
        };
        match faces::crop(&image, self.detector, self.how) {
            Ok(crops) => {
                for (number, crop) in crops.into_iter().enumerate() {
                    let bytes = png(&crop.image);
                    let face = if number == 0 { String::new() } else { format!("-face{}", number + 1) };
                    let name = format!("{}{face}.png", picture_name(sample));
                    let file = self.out.join(file_name(class)).join(name);
                    let id = SampleId::of(&bytes);
                    files.push((file.clone(), bytes));
                    let kept = KeptCrop { id, shows: crop.shows, file };
                    picture.faces.push(FoundFace { face: crop.face, crop: Some(kept) });
                }
            }
            Err(missed) => {
                let found = missed.found().iter().map(|&face| FoundFace { face, crop: None });
                picture.faces = found.collect();
                picture.failure = Some(missed.to_string());
            }
        }
        Ok((picture, files))
    }

    /// Which crop is of what.
    fn write_table(&self, searched: &[Searched]) -> Result<()> {
        let path = self.out.join(TABLE);
        let damaged = |error: csv::Error| WorkflowError::damaged(&path, error);
        let mut table = csv::Writer::from_writer(Vec::new());
        table
            .write_record([
                "file",
                "class",
                "original",
                "original_sha256",
                "x",
                "y",
                "width",
                "height",
                "score",
            ])
            .map_err(damaged)?;
        for picture in searched {
            for (face, crop) in picture.faces.iter().filter_map(|face| Some((face.face, face.crop.as_ref()?)))
            {
                let file = crop.file.strip_prefix(self.out).unwrap_or(&crop.file).display().to_string();
                let area =
                    [face.area.x, face.area.y, face.area.width, face.area.height].map(|at| at.to_string());
                let told = [file, picture.class.clone(), picture.file.clone(), picture.id.to_string()];
                table
                    .write_record(told.into_iter().chain(area).chain([face.score.to_string()]))
                    .map_err(damaged)?;
            }
        }
        let text = table.into_inner().map_err(|error| WorkflowError::damaged(&path, error.error()))?;
        write_atomically(&path, &text)
    }
}

fn write_new(file: &Path, bytes: &[u8]) -> Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(WorkflowError::file(folder, "made"))?;
    fs::write(file, bytes).map_err(WorkflowError::file(file, "written"))
}

impl CropResult {
    /// How often each reason occurs.
    pub fn reasons(&self) -> BTreeMap<&str, usize> {
        let mut reasons = BTreeMap::new();
        for failure in &self.failures {
            *reasons.entry(failure.reason.as_str()).or_default() += 1;
        }
        reasons
    }
}
