//! `predictions.csv`: one row for each judged picture. For statistics elsewhere, and for rendering the report again
//! without another look at the test split. `predictions.parquet` beside it holds the same, typed; it is never read here.

use std::collections::BTreeMap;
use std::fmt::Display;

use candor_analysis::LabelledPredictions;
use candor_core::{Sample, SampleId, Subset};

use crate::error::{Result, WorkflowError};
use crate::run::Run;
use crate::run_dir::{PREDICTIONS, PREDICTIONS_PARQUET, RunDir};

use super::parquet;

/// Columns before the probabilities.
pub(super) const COLUMNS: [&str; 9] =
    ["split", "index", "id", "source", "row", "url", "group", "truth", "predicted"];

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

/// One row of the table: a picture and what was said of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnswerRow<'a> {
    pub subset: Subset,
    /// Which of the run's pictures.
    pub index: usize,
    pub sample: &'a Sample,
    /// Index of the most probable class.
    pub predicted: usize,
    /// One value a class.
    pub probabilities: &'a [f32],
}

/// Writes all answers of a run.
pub(crate) fn write_answers(
    dir: &RunDir,
    classes: &[String],
    samples: &[Sample],
    answers: &BTreeMap<Subset, Answers>,
) -> Result<()> {
    let rows: Vec<AnswerRow<'_>> =
        answers.iter().flat_map(|(&subset, answers)| rows(subset, answers, samples, classes.len())).collect();
    let cannot = |name, error: &dyn Display| WorkflowError::damaged(&dir.file(name), error);
    let table = csv_table(classes, &rows).map_err(|error| cannot(PREDICTIONS, &error))?;
    dir.write(PREDICTIONS, table)?;
    let table = parquet::table(classes, &rows).map_err(|error| cannot(PREDICTIONS_PARQUET, &error))?;
    dir.write(PREDICTIONS_PARQUET, table)
}

/// The column of the probabilities of `class`.
pub(super) fn probability_column(class: &str) -> String {
    format!("p({class})")
}

fn rows<'a>(
    subset: Subset,
    answers: &'a Answers,
    samples: &'a [Sample],
    classes: usize,
) -> impl Iterator<Item = AnswerRow<'a>> {
    let pairs = answers.indices.iter().zip(answers.probabilities.chunks(classes));
    pairs.map(move |(&index, probabilities)| {
        let predicted = candor_core::Prediction { probabilities: probabilities.to_vec() }.class();
        AnswerRow { subset, index, sample: &samples[index], predicted, probabilities }
    })
}

fn csv_table(classes: &[String], rows: &[AnswerRow<'_>]) -> std::result::Result<Vec<u8>, csv::Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let header = COLUMNS.iter().map(|column| (*column).to_owned());
    table.write_record(header.chain(classes.iter().map(|class| probability_column(class))))?;
    for row in rows {
        table.write_record(csv_row(row, classes))?;
    }
    table.into_inner().map_err(|error| error.into_error().into())
}

fn csv_row(row: &AnswerRow<'_>, classes: &[String]) -> Vec<String> {
    let AnswerRow { subset, index, sample, predicted, probabilities } = *row;
    let provenance = &sample.provenance;
    let texts = [
        subset.to_string(),
        index.to_string(),
        sample.id.to_string(),
        provenance.file.clone(),
        provenance.row.map_or_else(String::new, |row| row.to_string()),
        provenance.url.clone().unwrap_or_default(),
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
