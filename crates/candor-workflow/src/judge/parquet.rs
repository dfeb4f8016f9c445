//! `predictions.parquet`: the rows of `predictions.csv` as typed columns, for pandas, R, DuckDB and whatever else reads
//! Parquet. Written with the plain column writer: Arrow would double the crates for nothing here.

use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType, Int64Type};
use ::parquet::errors::Result;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::types::{Type, TypePtr};

use super::answers::{AnswerRow, COLUMNS, probability_column};

/// The whole file: one row group, Snappy, the columns of `predictions.csv` in their order. `index` and `row` are 64-bit
/// integers, probabilities 32-bit floats, everything else text; what a picture lacks is null.
///
/// # Errors
/// Where a column cannot be written.
pub(super) fn table(classes: &[String], rows: &[AnswerRow<'_>]) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(&mut file, schema(classes)?, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for column in COLUMNS {
        match column {
            "index" => write::<Int64Type>(&mut group, rows, |row| Some(row.index as i64))?,
            "row" => {
                write::<Int64Type>(&mut group, rows, |row| row.sample.provenance.row.map(|row| row as i64))?
            }
            _ => write::<ByteArrayType>(&mut group, rows, |row| text(column, row, classes))?,
        }
    }
    for class in 0..classes.len() {
        write::<FloatType>(&mut group, rows, |row| Some(row.probabilities[class]))?;
    }
    group.close()?;
    writer.close()?;
    Ok(file)
}

/// The value of one of the columns of text.
fn text(column: &str, row: &AnswerRow<'_>, classes: &[String]) -> Option<ByteArray> {
    let sample = row.sample;
    let text = match column {
        "split" => row.subset.name(),
        "id" => return Some(sample.id.to_string().into_bytes().into()),
        "source" => &sample.provenance.file,
        "url" => sample.provenance.url.as_deref()?,
        "group" => sample.group.as_deref()?,
        "truth" => &classes[sample.class],
        _ => &classes[row.predicted],
    };
    Some(text.into())
}

fn schema(classes: &[String]) -> Result<TypePtr> {
    let fixed = COLUMNS.iter().map(|&column| match column {
        "index" => field(column, PhysicalType::INT64, Repetition::REQUIRED),
        "row" => field(column, PhysicalType::INT64, Repetition::OPTIONAL),
        "url" | "group" => field(column, PhysicalType::BYTE_ARRAY, Repetition::OPTIONAL),
        _ => field(column, PhysicalType::BYTE_ARRAY, Repetition::REQUIRED),
    });
    let probabilities = classes
        .iter()
        .map(|class| field(&probability_column(class), PhysicalType::FLOAT, Repetition::REQUIRED));
    let fields = fixed.chain(probabilities).collect::<Result<_>>()?;
    Ok(Arc::new(Type::group_type_builder("predictions").with_fields(fields).build()?))
}

/// A column; bytes are text in UTF-8.
fn field(name: &str, kind: PhysicalType, repetition: Repetition) -> Result<TypePtr> {
    let logical = (kind == PhysicalType::BYTE_ARRAY).then_some(LogicalType::String);
    let field =
        Type::primitive_type_builder(name, kind).with_repetition(repetition).with_logical_type(logical);
    Ok(Arc::new(field.build()?))
}

/// Writes the next column.
fn write<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    rows: &[AnswerRow<'_>],
    value: impl Fn(&AnswerRow<'_>) -> Option<T::T>,
) -> Result<()> {
    let values: Vec<Option<T::T>> = rows.iter().map(value).collect();
    // Parquet keeps apart which rows have a value (1) and the values that there are. Required columns do not look.
    let there: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    let mut column = group.next_column()?.expect("the schema has as many columns as are written");
    column.typed::<T>().write_batch(&values, Some(&there), None)?;
    column.close()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use ::parquet::file::reader::{FileReader, SerializedFileReader};
    use ::parquet::record::RowAccessor;
    use candor_core::{Provenance, Sample, SampleId, Subset};

    use super::*;

    fn sample(file: &str, row: Option<u64>, group: Option<&str>) -> Sample {
        Sample {
            id: SampleId::of(file.as_bytes()),
            class: 1,
            group: group.map(str::to_owned),
            provenance: Provenance { file: file.to_owned(), row, url: None },
            attributes: Default::default(),
        }
    }

    #[test]
    fn rows_come_back_typed_and_what_is_missing_is_null() {
        let classes = ["fork".to_owned(), "Schere, groß".to_owned()];
        let samples = [sample("a.jpg", None, Some("p1")), sample("all.csv", Some(7), None)];
        let row = |index: usize| AnswerRow {
            subset: Subset::Test,
            index,
            sample: &samples[index],
            predicted: 0,
            probabilities: &[0.75, 0.25],
        };
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&table(&classes, &[row(0), row(1)]).unwrap()).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(|row| row.unwrap()).collect();
        assert_eq!(rows.len(), 2);
        let names: Vec<&String> = rows[0].get_column_iter().map(|(name, _)| name).collect();
        assert_eq!(names[9..], ["p(fork)", "p(Schere, groß)"]);
        assert_eq!((rows[0].get_long(1).unwrap(), rows[1].get_long(4).unwrap()), (0, 7));
        assert_eq!(rows[0].get_string(7).unwrap(), "Schere, groß");
        assert_eq!(rows[1].get_float(9).unwrap(), 0.75);
        assert!(rows[0].get_long(4).is_err() && rows[1].get_string(6).is_err(), "nulls");
        assert_eq!(rows[0].get_string(6).unwrap(), "p1");
    }
}
