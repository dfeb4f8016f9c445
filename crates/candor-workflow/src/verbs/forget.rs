//! `forget`: taking pictures out of a study and of everything that was made with them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use candor_analysis::near_duplicates::{Likeness, Others};
use candor_core::{Dataset, Reporter, SampleId, Seed, Subset};
use candor_data::decode::{Limits, decode};
use candor_data::source::{Source, SourceOptions};
use candor_data::study::{ALL, Doomed, Sketch, Study};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

mod outside;

use super::report::{ReportRequest, render_report};
use super::status::runs_of;
use crate::crop_sheet;
use crate::error::{Result, WorkflowError};
use crate::looks::now;
use crate::pictures::SplitRecord;
use crate::run_dir::{
    CHECKPOINT, EXPLAIN, FEATURES, GROUPS, HISTORY_CSV, HISTORY_JSON, INITIAL, LOOKS, MARKS, MODEL,
    PREDICTIONS, PREDICTIONS_PARQUET, RECIPE, REPORT_HTML, REPORT_JSON, RunDir, SOURCE, SPLIT,
    write_atomically,
};
use crate::writing::write_study;
pub use outside::{FoundOutside, LeftOutside, WhyLeft};

/// What is to be taken out.
#[derive(Clone, Debug)]
pub struct ForgetRequest {
    /// The study's folder.
    pub study: PathBuf,
    /// A SHA-256, an address, a file, or a name.
    pub what: String,
    /// Only say what would go.
    pub dry_run: bool,
}

/// What was taken out, or would be.
#[derive(Clone, Debug, Serialize)]
pub struct Forgotten {
    /// The study's folder.
    pub study: PathBuf,
    /// Whether nothing was done yet.
    pub dry_run: bool,
    /// The pictures. This is the last time that anything speaks of them.
    pub pictures: Vec<Doomed>,
    /// Addresses of pictures that were never taken in, but that the collection speaks of.
    pub addresses: Vec<String>,
    /// The trainings that saw them.
    pub runs: Vec<MarkedRun>,
    /// Folders outside of the study that they were written to.
    pub outside: Vec<FoundOutside>,
    /// The receipt, which speaks of nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<PathBuf>,
}

/// A training that saw a picture which was taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MarkedRun {
    /// Its folder.
    pub run: PathBuf,
    /// How many of the pictures were in each of its subsets.
    pub saw: Vec<(Subset, usize)>,
    /// Its files that speak of them: taken away, or written without them.
    pub files: Vec<String>,
}

/// What stands in a run's `marks.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// UTC, RFC 3339.
    pub when: String,
    /// In words.
    pub what: String,
}

/// What stands in `receipts/`.
#[derive(Serialize)]
struct Receipt<'a> {
    when: String,
    pictures: usize,
    addresses: usize,
    runs: &'a [MarkedRun],
    outside: Vec<OutsideReceipt<'a>>,
    done: &'static str,
}

/// Of a folder outside of the study. Names of files that are a picture's own speak of it: they are only counted.
#[derive(Serialize)]
struct OutsideReceipt<'a> {
    folder: &'a Path,
    verb: &'a str,
    written_at: &'a str,
    gone: bool,
    files_taken_away: usize,
    tables_written_again: &'a [String],
    copies_not_found: usize,
    still_hold_them: Vec<&'a str>,
    left: BTreeMap<WhyLeft, usize>,
}

impl<'a> OutsideReceipt<'a> {
    fn of(found: &'a FoundOutside) -> OutsideReceipt<'a> {
        let bundles = found.left.iter().filter(|left| left.why == WhyLeft::HoldsOthersToo);
        OutsideReceipt {
            folder: &found.folder.folder,
            verb: &found.folder.verb,
            written_at: &found.folder.written_at,
            gone: found.gone,
            files_taken_away: found.files.len(),
            tables_written_again: &found.tables,
            copies_not_found: found.missing,
            still_hold_them: bundles.map(|left| left.file.as_str()).collect(),
            left: found.left_by_reason(),
        }
    }
}

impl Forgotten {
    /// Whether files outside of the study still hold one of the pictures, or may, and candor leaves them as they are.
    pub fn is_incomplete(&self) -> bool {
        self.outside.iter().any(|outside| !outside.left.is_empty())
    }
}

/// Takes what `request.what` speaks of out of the study: originals, rows, what its trainings wrote down of them, and their
/// files in folders that were exported or cropped into. The trainings that saw it are marked, and it does not come back.
///
/// # Errors
/// When there is nothing of it, a training that saw it is running, or the disk says no.
pub fn forget(request: &ForgetRequest, reporter: &dyn Reporter) -> Result<Forgotten> {
    let ForgetRequest { study: path, what, dry_run } = request;
    let mut study = write_study(path, reporter)?;
    let pictures = study.find(what)?;
    let addresses = study.find_addresses(what)?;
    if pictures.is_empty() && addresses.is_empty() {
        let similar = study.names_like(what)?;
        return Err(WorkflowError::NothingToForget { study: path.clone(), what: what.clone(), similar });
    }
    let traces: BTreeSet<String> = pictures.iter().flat_map(Doomed::traces).collect();
    let mut folders: BTreeSet<PathBuf> = study.noted_runs()?.into_iter().collect();
    folders.extend(runs_of(path).iter().map(|run| std::path::absolute(run).unwrap_or_else(|_| run.clone())));
    let mut runs = Vec::new();
    for folder in folders {
        runs.extend(seen_by(&folder, &pictures, &traces)?);
    }
    let outside = outside::find(&study, &pictures)?;
    let forgotten = Forgotten {
        study: path.clone(),
        dry_run: *dry_run,
        pictures,
        addresses,
        runs,
        outside,
        receipt: None,
    };
    if *dry_run {
        return Ok(forgotten);
    }
    let sketches = sketches(path, &study, &forgotten.pictures, reporter)?;
    // All of them first: none is changed while one of them is being trained.
    let held: Vec<RunDir> = forgotten.runs.iter().map(|run| RunDir::open(&run.run)).collect::<Result<_>>()?;
    for (dir, run) in held.iter().zip(&forgotten.runs) {
        scrub(dir, run, &forgotten.pictures)?;
    }
    outside::take_away(&study, &forgotten.outside)?;
    // The sheet shows faces: it is made again from what is left.
    crop_sheet::remove(path)?;
    // The receipt before the last trace goes: after that nobody could write it any more.
    let receipt = write_receipt(&forgotten)?;
    study.forget(&forgotten.pictures, &sketches, &forgotten.addresses)?;
    crop_sheet::write_of_study(&study, &[])?;
    drop((held, study));
    for run in &forgotten.runs {
        write_report_again(&run.run, reporter);
    }
    Ok(Forgotten { receipt: Some(receipt), ..forgotten })
}

/// The run, where it saw one of the pictures or a file of it speaks of them.
fn seen_by(run: &Path, pictures: &[Doomed], traces: &BTreeSet<String>) -> Result<Option<MarkedRun>> {
    let Ok(split) = fs::read(run.join(SPLIT)) else { return Ok(None) };
    let split: SplitRecord =
        serde_json::from_slice(&split).map_err(|error| WorkflowError::damaged(&run.join(SPLIT), error))?;
    let ids: BTreeSet<SampleId> = pictures.iter().flat_map(Doomed::ids).collect();
    let count = |subset: Subset| {
        let seen = split.ids.get(&subset).map_or(&[][..], Vec::as_slice);
        (subset, seen.iter().filter(|id| ids.contains(id)).count())
    };
    let saw: Vec<(Subset, usize)> =
        Subset::ALL.map(count).into_iter().filter(|(_, seen)| *seen > 0).collect();
    let mut files = Vec::new();
    // These show pictures, or hold what was made of them, without saying which.
    let carries_pictures = |name: &str| {
        FEATURES.contains(&name)
            || [REPORT_HTML, REPORT_JSON, PREDICTIONS_PARQUET].contains(&name)
            || Path::new(name).starts_with(EXPLAIN)
    };
    for name in names(run, "")? {
        let says = |bytes: &[u8]| traces.iter().any(|trace| contains(bytes, trace.as_bytes()));
        let kept = [MODEL, CHECKPOINT, INITIAL, RECIPE, SOURCE, HISTORY_CSV, HISTORY_JSON, LOOKS, MARKS];
        let path = run.join(&name);
        let told = !saw.is_empty() && carries_pictures(&name);
        if !kept.contains(&name.as_str())
            && (told || says(&fs::read(&path).map_err(WorkflowError::file(&path, "read"))?))
        {
            files.push(name);
        }
    }
    let seen = !saw.is_empty() || !files.is_empty();
    Ok(seen.then(|| MarkedRun { run: run.to_owned(), saw, files }))
}

/// The files below a run, by their path from there.
fn names(run: &Path, below: &str) -> Result<Vec<String>> {
    let folder = run.join(below);
    let unreadable = || WorkflowError::file(&folder, "read");
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).map_err(unreadable())? {
        let entry = entry.map_err(unreadable())?;
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        match entry.file_type().map_err(unreadable())?.is_dir() {
            true => found.extend(names(run, &format!("{name}/"))?),
            false if name != ".lock" => found.push(name),
            false => {}
        }
    }
    found.sort();
    Ok(found)
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// Writes the run's files without the pictures where they are needed to use it, and takes the others away.
fn scrub(dir: &RunDir, run: &MarkedRun, pictures: &[Doomed]) -> Result<()> {
    let mut marks: Vec<Mark> = if dir.has(MARKS) { dir.read_json(MARKS)? } else { Vec::new() };
    let saw: Vec<String> = run.saw.iter().map(|(subset, seen)| format!("{seen} of {subset}")).collect();
    let saw = if saw.is_empty() { "none of its split".to_owned() } else { saw.join(", ") };
    let were = if pictures.len() == 1 { "picture was" } else { "pictures were" };
    let what =
        format!("{} {were} taken out of the study ({saw}); the model had learned by then", pictures.len());
    marks.push(Mark { when: now(), what });
    // The mark first: a run that is half scrubbed is marked.
    dir.write_json(MARKS, &marks)?;
    for name in &run.files {
        match name.as_str() {
            SPLIT => {
                let mut split: SplitRecord = dir.read_json(SPLIT)?;
                let gone = |id: &SampleId| pictures.iter().flat_map(Doomed::ids).any(|other| other == *id);
                split.ids.values_mut().for_each(|ids| ids.retain(|id| !gone(id)));
                dir.write_json(SPLIT, &split)?;
            }
            PREDICTIONS | GROUPS => {
                let text = String::from_utf8_lossy(&dir.read(name)?).into_owned();
                let ids: Vec<String> =
                    pictures.iter().flat_map(Doomed::ids).map(|id| id.to_string()).collect();
                let gone = |line: &&str| ids.iter().any(|id| line.contains(id));
                let rest: String = text.split_inclusive('\n').filter(|line| !gone(line)).collect();
                dir.write(name, rest)?;
            }
            _ => dir.remove(name)?,
        }
    }
    Ok(())
}

/// Other pictures of the study that a picture is compared with, to learn how alike different ones are.
const COMPARED: usize = 400;

/// By what copies are known, and their mirror images.
fn sketches(path: &Path, study: &Study, pictures: &[Doomed], reporter: &dyn Reporter) -> Result<Vec<Sketch>> {
    let seed = Seed(study.sketches()?.seed);
    let others = others(path, pictures, reporter)?;
    let mut sketches = Vec::new();
    for picture in pictures {
        let read = study.original(picture).ok().and_then(|bytes| decode(&bytes, &Limits::default()).ok());
        match read {
            Some(image) => {
                let likeness = Likeness::of(&image);
                let of_a_copy = others.most_different_signs(&likeness);
                let signs = [false, true].into_iter().filter_map(|mirrored| likeness.sketch(seed, mirrored));
                sketches.extend(signs.map(|signs| Sketch { signs, of_a_copy }));
            }
            None => reporter.note("an original cannot be read: copies of it will not be recognised"),
        }
    }
    Ok(sketches)
}

/// Some of the pictures that stay, spread over the study.
fn others(path: &Path, pictures: &[Doomed], reporter: &dyn Reporter) -> Result<Others> {
    let options = SourceOptions { split: Some(ALL.to_owned()), ..SourceOptions::default() };
    let Ok(source) = Source::open_part(path, &options, reporter) else { return Ok(Others::default()) };
    let gone: BTreeSet<SampleId> = pictures.iter().map(|picture| picture.id).collect();
    let mut staying: Vec<usize> =
        (0..source.samples().len()).filter(|&at| !gone.contains(&source.samples()[at].id)).collect();
    let size = staying.len();
    // The ids are hashes: their order has nothing to do with what the pictures show.
    staying.sort_by_key(|&at| source.samples()[at].id);
    let of = |&at: &usize| Some(Likeness::of(&source.image(at).ok()?));
    let likenesses: Vec<Likeness> = staying.par_iter().take(COMPARED).filter_map(of).collect();
    Ok(Others::of(&likenesses, size))
}

fn write_report_again(run: &Path, reporter: &dyn Reporter) {
    let request = ReportRequest { run: run.to_owned(), ..ReportRequest::default() };
    if run.join(MODEL).is_file() && render_report(&request, reporter).is_err() {
        reporter.note(&format!("{}: its report was taken away and cannot be written again", run.display()));
    }
}

fn write_receipt(forgotten: &Forgotten) -> Result<PathBuf> {
    let folder = forgotten.study.join("receipts");
    fs::create_dir_all(&folder).map_err(WorkflowError::file(&folder, "made"))?;
    let when = now();
    let receipt = Receipt {
        pictures: forgotten.pictures.len(),
        addresses: forgotten.addresses.len(),
        runs: &forgotten.runs,
        outside: forgotten.outside.iter().map(OutsideReceipt::of).collect(),
        done: "originals, rows, files of theirs in folders that candor wrote and whatever trainings wrote down of the pictures were taken away; models that had learned from \
               them are marked; they are refused when they are imported again",
        when: when.clone(),
    };
    let path = free_name(&folder, &when.replace(':', "-"));
    let text =
        serde_json::to_string_pretty(&receipt).map_err(|error| WorkflowError::damaged(&path, error))?;
    write_atomically(&path, (text + "\n").as_bytes())?;
    Ok(path)
}

/// A name that no receipt has yet: several can be of one second. The study's lock is held, so nobody else takes it meanwhile.
fn free_name(folder: &Path, stem: &str) -> PathBuf {
    let numbered = |number: usize| match number {
        1 => folder.join(format!("{stem}.json")),
        _ => folder.join(format!("{stem}-{number}.json")),
    };
    (1..).map(numbered).find(|path| !path.exists()).expect("there are more numbers than receipts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_of_one_second_have_names_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<PathBuf> = (0..3)
            .map(|_| {
                let path = free_name(folder.path(), "2026-12-01T03-11-45Z");
                fs::write(&path, "").unwrap();
                path
            })
            .collect();
        assert!(
            names[1].ends_with("2026-12-01T03-11-45Z-2.json")
                && names[2].ends_with("2026-12-01T03-11-45Z-3.json")
        );
    }

    #[test]
    fn a_text_is_found_wherever_it_stands() {
        assert!(contains(b"{\"file\":\"anna.jpg\"}", b"anna.jpg"));
        assert!(!contains(b"ann", b"anna") && !contains(b"", b"anna"));
    }
}
