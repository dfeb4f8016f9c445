//! The table of a run's pictures that its Croissant description describes: which picture is where, and what it shows.

use candor_core::{Sample, Subset};
use candor_report::PICTURE_COLUMNS;

use crate::error::{Result, WorkflowError};
use crate::run::Run;

/// CSV with a header: one row for each picture of the split, in the order of the source.
pub(crate) fn picture_table(run: &Run) -> Result<Vec<u8>> {
    let samples = &run.prepared.samples;
    let subsets = run.split.membership(samples.len());
    let rows = samples.iter().zip(subsets).filter_map(|(sample, subset)| Some((sample, subset?)));
    table(rows, &run.record.classes)
        .map_err(|error| WorkflowError::damaged(&run.dir.file(candor_report::PICTURE_TABLE), error))
}

fn table<'a>(
    rows: impl Iterator<Item = (&'a Sample, Subset)>,
    classes: &[String],
) -> std::result::Result<Vec<u8>, csv::Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(PICTURE_COLUMNS.map(|column| column.name))?;
    for (sample, subset) in rows {
        table.write_record(PICTURE_COLUMNS.map(|column| cell(column.name, sample, subset, classes)))?;
    }
    table.into_inner().map_err(|error| error.into_error().into())
}

fn cell(column: &str, sample: &Sample, subset: Subset, classes: &[String]) -> String {
    let provenance = &sample.provenance;
    match column {
        "id" => sample.id.to_string(),
        "split" => subset.to_string(),
        "class" => classes[sample.class].clone(),
        "file" => provenance.file.clone(),
        "row" => provenance.row.map_or_else(String::new, |row| row.to_string()),
        "url" => provenance.url.clone().unwrap_or_default(),
        "group" => sample.group.clone().unwrap_or_default(),
        unknown => unreachable!("the report describes no column {unknown}"),
    }
}

#[cfg(test)]
mod tests {
    use candor_core::{Provenance, SampleId};

    use super::*;

    #[test]
    fn every_described_column_is_filled() {
        let sample = Sample {
            id: SampleId::of(b"picture"),
            class: 1,
            group: Some("p1".into()),
            provenance: Provenance { file: "a, b.jpg".into(), row: Some(2), url: None },
            attributes: Default::default(),
        };
        let classes = ["fork".to_owned(), "scissors".to_owned()];
        let text =
            String::from_utf8(table([(&sample, Subset::Test)].into_iter(), &classes).unwrap()).unwrap();
        let expected =
            format!("id,split,class,file,row,url,group\n{},test,scissors,\"a, b.jpg\",2,,p1\n", sample.id);
        assert_eq!(text, expected);
    }
}
