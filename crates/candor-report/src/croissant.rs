//! The pictures of a study, described for machines in Croissant 1.1, the vocabulary for data sets of MLCommons
//! (<https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html>): JSON-LD that names files and their columns.
//!
//! What is described is a table of pictures, not the pictures: those stay where they are, and each is named by its
//! SHA-256. What only the owner can know (creator, licence, address, date) is left for them to add.

use candor_core::SampleId;
use serde_json::{Value, json};

use crate::{Report, cautions, figures};

/// The file name of the table that is described, beside the description.
pub const PICTURE_TABLE: &str = "pictures.csv";

/// One column of the table of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureColumn {
    /// Its name in the table.
    pub name: &'static str,
    /// Its type in Croissant's vocabulary.
    kind: &'static str,
    description: &'static str,
}

const fn column(name: &'static str, kind: &'static str, description: &'static str) -> PictureColumn {
    PictureColumn { name, kind, description }
}

/// The columns of the table of pictures, in their order.
pub const PICTURE_COLUMNS: [PictureColumn; 7] = [
    column("id", "sc:Text", "SHA-256 of the original picture's bytes."),
    column("split", "sc:Text", "What the picture was used for: train, validation or test."),
    column("class", "sc:Text", "What the picture shows, as its owner labelled it."),
    column(
        "file",
        "sc:Text",
        "The file that holds the picture, relative to the source where that is a folder.",
    ),
    column(
        "row",
        "sc:Integer",
        "Which item of that file, counted from 0, where one file holds many pictures.",
    ),
    column("url", "sc:Text", "The address that the picture was fetched from, where known."),
    column(
        "group",
        "sc:Text",
        "What the picture belongs to and is kept together with in every split: a person, a site, a burst.",
    ),
];

/// Croissant's own context, as its specification gives it.
const CONTEXT: &str = include_str!("croissant_context.json");

/// The description of a report's pictures as indented JSON-LD. `table` is the content of [`PICTURE_TABLE`], whose
/// columns are [`PICTURE_COLUMNS`].
pub fn croissant(report: &Report, table: &[u8]) -> String {
    let context: Value = serde_json::from_str(CONTEXT).expect("the context is JSON");
    let description = json!({
        "@context": context,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": report.title,
        "description": describe(report),
        "license": "unknown",
        "keywords": report.data.classes,
        "distribution": [{
            "@type": "cr:FileObject",
            "@id": PICTURE_TABLE,
            "name": PICTURE_TABLE,
            "description": "One row a picture.",
            "contentUrl": PICTURE_TABLE,
            "contentSize": format!("{} B", table.len()),
            "encodingFormat": "text/csv",
            "sha256": SampleId::of(table).to_string(),
        }],
        "recordSet": [{
            "@type": "cr:RecordSet",
            "@id": "pictures",
            "name": "pictures",
            "description": "The pictures, one record each.",
            "key": { "@id": "pictures/id" },
            "field": PICTURE_COLUMNS.map(field),
        }],
    });
    serde_json::to_string_pretty(&description).expect("JSON can be written") + "\n"
}

fn field(column: PictureColumn) -> Value {
    json!({
        "@type": "cr:Field",
        "@id": format!("pictures/{}", column.name),
        "name": column.name,
        "description": column.description,
        "dataType": column.kind,
        "source": { "fileObject": { "@id": PICTURE_TABLE }, "extract": { "column": column.name } },
    })
}

fn describe(report: &Report) -> String {
    let data = &report.data;
    let counts = data.counts.iter().map(|counts| {
        let pictures = counts.per_class.iter().sum::<usize>();
        format!("{} {}", figures::count(pictures as u64), counts.subset)
    });
    format!(
        "Pictures of {} classes from {}, as candor {} read them: {}. {} Left out because they could not be read: {}. What the audit of \
         a model trained on them found: {}",
        data.classes.len(),
        data.source,
        report.reproduce.version,
        counts.collect::<Vec<_>>().join(", "),
        data.split,
        data.left_out.len(),
        cautions(report).join(" ")
    )
}
