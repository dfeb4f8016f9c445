//! Parquet in the layout of Hugging Face: `data/train-00000-of-00001.parquet` and so on, one picture a row, with the column
//! `image` (a struct of `bytes` and `path`), `label` (whose names stand in the metadata), `url`, `group` and all further columns.
//! `datasets.load_dataset` reads the folder, and everything that reads Parquet reads the files.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;

use candor_core::{Dataset, Subset};
use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};
use serde_json::{Map, json};

use super::{ExportError, Exporting, Layout, Original, prefix};

pub(super) static LAYOUT: Layout = Layout {
    name: "parquet",
    summary: "Parquet in the layout of Hugging Face: datasets, pandas, DuckDB",
    write,
};

const OWN: [&str; 4] = ["image", "label", "url", "group"];
/// Pictures of so many bytes are held in memory before they are written as one row group.
const GROUP_BYTES: usize = 32 << 20;

fn write(exporting: &mut Exporting<'_>) -> Result<(), ExportError> {
    let further = exporting.columns(&OWN);
    let mut files: Vec<(Option<Subset>, Shard)> = Vec::new();
    exporting.each(|exporting, original| {
        let at = match files.iter().position(|(subset, _)| *subset == original.subset) {
            Some(at) => at,
            None => {
                files.push((original.subset, Shard::create(exporting, original.subset, &further)?));
                exporting.files += 1;
                files.len() - 1
            }
        };
        exporting.is_in(original.sample, &files[at].1.path);
        files[at].1.add(original, &further)
    })?;
    files.into_iter().try_for_each(|(_, shard)| shard.close(&further))
}

/// A file that is being written.
struct Shard {
    path: PathBuf,
    writer: SerializedFileWriter<BufWriter<File>>,
    waiting: Vec<Waiting>,
    bytes: usize,
}

/// A row that is still in memory.
struct Waiting {
    bytes: ByteArray,
    path: String,
    label: i64,
    url: Option<String>,
    group: Option<String>,
    further: Vec<Option<String>>,
}

impl Shard {
    fn create(
        exporting: &Exporting<'_>,
        subset: Option<Subset>,
        further: &[(String, String)],
    ) -> Result<Shard, ExportError> {
        let folder = exporting.out.join("data");
        fs::create_dir_all(&folder).map_err(ExportError::file(&folder, "made"))?;
        let path = folder.join(format!("{}-00000-of-00001.parquet", prefix(subset)));
        let file = File::create_new(&path).map_err(ExportError::file(&path, "written"))?;
        let described = described(exporting.source.classes(), further);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(vec![KeyValue::new("huggingface".to_owned(), described)]))
            .build();
        let writer = schema(further)
            .and_then(|schema| SerializedFileWriter::new(BufWriter::new(file), schema, Arc::new(properties)));
        let writer = writer.map_err(|error| ExportError::table(&path, error))?;
        Ok(Shard { path, writer, waiting: Vec::new(), bytes: 0 })
    }

    fn add(&mut self, original: Original<'_>, further: &[(String, String)]) -> Result<(), ExportError> {
        let sample = original.sample;
        self.bytes += original.bytes.len();
        self.waiting.push(Waiting {
            bytes: original.bytes.into(),
            path: sample.provenance.file.clone(),
            label: sample.class as i64,
            url: sample.provenance.url.clone(),
            group: sample.group.clone(),
            further: further.iter().map(|(name, _)| sample.attributes.get(name).cloned()).collect(),
        });
        if self.bytes >= GROUP_BYTES { self.flush(further) } else { Ok(()) }
    }

    /// Writes what is in memory as a row group.
    fn flush(&mut self, further: &[(String, String)]) -> Result<(), ExportError> {
        let rows = std::mem::take(&mut self.waiting);
        self.bytes = 0;
        if rows.is_empty() {
            return Ok(());
        }
        let mut group = || -> ParquetResult<()> {
            let mut group = self.writer.next_row_group()?;
            column::<ByteArrayType>(&mut group, 2, rows.iter().map(|row| Some(row.bytes.clone())))?;
            column::<ByteArrayType>(&mut group, 2, rows.iter().map(|row| Some(row.path.as_str().into())))?;
            column::<Int64Type>(&mut group, 1, rows.iter().map(|row| Some(row.label)))?;
            column::<ByteArrayType>(&mut group, 1, rows.iter().map(|row| text(&row.url)))?;
            column::<ByteArrayType>(&mut group, 1, rows.iter().map(|row| text(&row.group)))?;
            for at in 0..further.len() {
                column::<ByteArrayType>(&mut group, 1, rows.iter().map(|row| text(&row.further[at])))?;
            }
            group.close().map(|_| ())
        };
        group().map_err(|error| ExportError::table(&self.path, error))
    }

    fn close(mut self, further: &[(String, String)]) -> Result<(), ExportError> {
        self.flush(further)?;
        let path = self.path;
        self.writer.close().map(|_| ()).map_err(|error| ExportError::table(&path, error))
    }
}

fn text(value: &Option<String>) -> Option<ByteArray> {
    value.as_deref().map(ByteArray::from)
}

/// Writes the next column, whose values are `most` optional steps deep.
fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, BufWriter<File>>,
    most: i16,
    values: impl Iterator<Item = Option<T::T>>,
) -> ParquetResult<()> {
    let values: Vec<Option<T::T>> = values.collect();
    let there: Vec<i16> = values.iter().map(|value| if value.is_some() { most } else { 0 }).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    let mut column = group.next_column()?.expect("the schema has as many columns as are written");
    column.typed::<T>().write_batch(&values, Some(&there), None)?;
    column.close()
}

fn schema(further: &[(String, String)]) -> ParquetResult<TypePtr> {
    let leaf = |name: &str, kind: PhysicalType, logical: Option<LogicalType>| -> ParquetResult<TypePtr> {
        let field = Type::primitive_type_builder(name, kind)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical);
        Ok(Arc::new(field.build()?))
    };
    let string = |name: &str| leaf(name, PhysicalType::BYTE_ARRAY, Some(LogicalType::String));
    let image = Type::group_type_builder("image")
        .with_repetition(Repetition::OPTIONAL)
        .with_fields(vec![leaf("bytes", PhysicalType::BYTE_ARRAY, None)?, string("path")?])
        .build()?;
    let mut fields =
        vec![Arc::new(image), leaf("label", PhysicalType::INT64, None)?, string("url")?, string("group")?];
    for (_, column) in further {
        fields.push(string(column)?);
    }
    Ok(Arc::new(Type::group_type_builder("pictures").with_fields(fields).build()?))
}

/// What Hugging Face's `datasets` reads of the columns.
fn described(classes: &[String], further: &[(String, String)]) -> String {
    let mut features = Map::new();
    features.insert("image".to_owned(), json!({ "_type": "Image" }));
    features.insert("label".to_owned(), json!({ "names": classes, "_type": "ClassLabel" }));
    for column in ["url", "group"].into_iter().chain(further.iter().map(|(_, column)| column.as_str())) {
        features.insert(column.to_owned(), json!({ "dtype": "string", "_type": "Value" }));
    }
    json!({ "info": { "features": features } }).to_string()
}
