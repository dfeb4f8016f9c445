//! `predictions.csv`: one row for each judged picture. For statistics elsewhere, and for rendering the report again
//! without another look at the test split.

use std::collections::BTreeMap;
use std::fmt::Display;

use candor_analysis::LabelledPredictions;
use candor_core::{Sample, SampleId, Subset};

use crate::error::{Result, WorkflowError};
use crate::run::Run;
use crate::run_dir::{PREDICTIONS, RunDir};

/// Columns before the probabilities.
const COLUMNS: [&str; 9] = ["split", "index", "id", "source", "row", "url", "group", "truth", "predicted"];

/// What a model says of some pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Answers {
    /// Which of the run's pictures.
    pub indices: Vec<usize>,
    /// One row a picture, one value a class.
    pub probabilities: Vec<f32>,
}

impl Answers {
    /// With the true classes, checked.
    pub fn labelled(&self, run: &Run) -> Result<LabelledPredictions> {
        self.labelled_as(&run.record.classes, &run.prepared.samples)
    }

    /// With the true classes of `samples`, checked.
    pub fn labelled_as(&self, classes: &[String], samples: &[Sample]) -> Result<LabelledPredictions> {
        let truth = self.indices.iter().map(|&index| samples[index].class).collect();
        Ok(LabelledPredictions::new(classes.to_vec(), truth, self.probabilities.clone())?)
    }
}

/// Writes all answers of a run.
pub(crate) fn write_answers(
    dir: &RunDir,
    classes: &[String],
    samples: &[Sample],
    answers: &BTreeMap<Subset, Answers>,
) -> Result<()> {
    let path = dir.file(PREDICTIONS);
    let cannot = |error: csv::Error| WorkflowError::damaged(&path, error);
    let mut table = csv::Writer::from_writer(Vec::new());
    let header = COLUMNS.iter().map(|column| (*column).to_owned());
    table.write_record(header.chain(classes.iter().map(|class| format!("p({class})")))).map_err(cannot)?;
    for (subset, answers) in answers {
        for (&index, probabilities) in answers.indices.iter().zip(answers.probabilities.chunks(classes.len()))
        {
            table
                .write_record(row(*subset, index, &samples[index], classes, probabilities))
                .map_err(cannot)?;
        }
    }
    let bytes = table.into_inner().map_err(|error| WorkflowError::damaged(&path, error))?;
    dir.write(PREDICTIONS, bytes)
}

fn row(
    subset: Subset,
    index: usize,
    sample: &Sample,
    classes: &[String],
    probabilities: &[f32],
) -> Vec<String> {
    let predicted = candor_core::Prediction { probabilities: probabilities.to_vec() }.class();
    let row = sample.provenance.row.map_or_else(String::new, |row| row.to_string());
    let texts = [
        subset.to_string(),
        index.to_string(),
        sample.id.to_string(),
        sample.provenance.file.clone(),
        row,
        sample.provenance.url.clone().unwrap_or_default(),
        sample.group.clone().unwrap_or_default(),
        classes[sample.class].clone(),
        classes[predicted].clone(),
    ];
    texts.into_iter().chain(probabilities.iter().map(f32::to_string)).collect()
}

/// Reads the answers for those of `samples` that are still there.
pub(crate) fn read_answers(
    dir: &RunDir,
    classes: &[String],
    samples: &[Sample],
) -> Result<BTreeMap<Subset, Answers>> {
    let mut all: BTreeMap<Subset, Answers> = BTreeMap::new();
    for answer in read_saved_answers(dir, classes)? {
        if samples.get(answer.index).is_some_and(|sample| sample.id == answer.id) {
            let answers = all.entry(answer.subset).or_default();
            answers.indices.push(answer.index);
            answers.probabilities.extend(answer.probabilities);
        }
    }
    Ok(all)
}

/// Reads all answers as they were written, whatever became of their pictures.
pub(crate) fn read_saved_answers(dir: &RunDir, classes: &[String]) -> Result<Vec<SavedAnswer>> {
    let path = dir.file(PREDICTIONS);
    let bytes = dir.read(PREDICTIONS)?;
    let mut table = csv::Reader::from_reader(bytes.as_slice());
    let read = |(number, record): (usize, csv::Result<csv::StringRecord>)| {
        let damaged =
            |reason: &dyn Display| WorkflowError::damaged(&path, format!("row {}: {reason}", number + 2));
        let record = record.map_err(|error| damaged(&error))?;
        SavedAnswer::read(&record, classes).ok_or_else(|| damaged(&"it is not what candor writes"))
    };
    table.records().enumerate().map(read).collect()
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SavedAnswer {
    pub subset: Subset,
    /// Which of the run's pictures.
    pub index: usize,
    pub id: SampleId,
    pub group: Option<String>,
    pub truth: usize,
    pub probabilities: Vec<f32>,
}

impl SavedAnswer {
    fn read(record: &csv::StringRecord, classes: &[String]) -> Option<SavedAnswer> {
        let subset = Subset::ALL.into_iter().find(|subset| subset.name() == &record[0])?;
        let values = record.iter().skip(COLUMNS.len()).map(|value| value.parse().ok());
        let probabilities: Vec<f32> = values.collect::<Option<_>>()?;
        let id = SampleId::from_hex(record.get(2)?)?;
        let index = record.get(1)?.parse().ok()?;
        let group = Some(record.get(6)?.to_owned()).filter(|group| !group.is_empty());
        let truth = classes.iter().position(|class| Some(class.as_str()) == record.get(7))?;
        let fits = probabilities.len() == classes.len();
        fits.then_some(SavedAnswer { subset, index, id, group, truth, probabilities })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str, class: usize) -> Sample {
        let provenance = candor_core::Provenance { file: name.to_owned(), ..Default::default() };
        let id = SampleId::of(name.as_bytes());
        Sample { id, class, group: None, provenance, attributes: Default::default() }
    }

    #[test]
    fn answers_come_back_to_the_bit_for_pictures_that_are_still_there() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(dir.path()).unwrap();
        let classes = ["fork, large".to_owned(), "scissors".to_owned()];
        let samples = [sample("a \"b\".jpg", 0), sample("c.jpg", 1)];
        let one = Answers { indices: vec![0], probabilities: vec![0.1, 0.9] };
        let two = Answers { indices: vec![1], probabilities: vec![1.0 / 3.0, 2.0 / 3.0] };
        let all = BTreeMap::from([(Subset::Train, one), (Subset::Test, two)]);
        write_answers(&run, &classes, &samples, &all).unwrap();
        assert_eq!(read_answers(&run, &classes, &samples).unwrap(), all);
        let replaced = [samples[0].clone(), sample("d.jpg", 1)];
        assert_eq!(read_answers(&run, &classes, &replaced).unwrap().len(), 1);
        let error = read_answers(&run, &classes[..1], &samples).unwrap_err().to_string();
        assert!(error.contains("row 2"), "{error}");
    }
}
