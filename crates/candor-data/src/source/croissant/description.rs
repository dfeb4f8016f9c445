//! What a description in Croissant says: the files that it names, and where the fields of its records come from.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::{SourceError, SourceErrorKind};

/// A description, as far as pictures and their classes need it.
pub(super) struct Description {
    /// Its own file.
    pub path: PathBuf,
    pub parts: Vec<Part>,
    /// Those of each set of records.
    pub record_sets: Vec<Vec<Field>>,
}

/// A file (`FileObject`), or those of a file or folder that fit a pattern (`FileSet`).
pub(super) struct Part {
    pub id: String,
    pub is_set: bool,
    pub url: Option<String>,
    pub formats: Vec<String>,
    pub sha256: Option<String>,
    /// The parts that it lies in.
    pub inside: Vec<String>,
    pub includes: Vec<String>,
    pub excludes: Vec<String>,
}

/// What each record has.
pub(super) struct Field {
    id: String,
    pub name: String,
    types: Vec<String>,
    source: Value,
    /// Whether it names a record or file elsewhere.
    pub refers: bool,
}

/// Where a field's values come from.
pub(super) struct FieldSource {
    /// The part.
    pub part: String,
    /// A column of a table.
    pub column: Option<String>,
    /// Something that each file has: its `content`, `filename` or `fullpath`.
    pub property: Option<String>,
    /// What of that is the value: the first group.
    pub regex: Option<String>,
}

impl Description {
    pub fn read(path: &Path) -> Result<Description, SourceError> {
        let text = fs::read_to_string(path).map_err(|error| SourceError::unreadable(path, error))?;
        let not_one = |detail: String| SourceError::new(path, SourceErrorKind::NotCroissant { detail });
        let value: Value = serde_json::from_str(&text).map_err(|error| not_one(error.to_string()))?;
        if !is_data_set(&value) {
            return Err(not_one("its @type is not sc:Dataset".to_owned()));
        }
        let fields = |set: &Value| items(&set["field"]).iter().map(Field::of).collect();
        Ok(Description {
            path: path.to_owned(),
            parts: items(&value["distribution"]).iter().map(Part::of).collect(),
            record_sets: items(&value["recordSet"]).iter().map(fields).collect(),
        })
    }

    pub fn failed(&self, kind: SourceErrorKind) -> SourceError {
        SourceError::new(&self.path, kind)
    }

    pub fn part(&self, id: &str) -> Result<&Part, SourceError> {
        let missing = || self.failed(SourceErrorKind::NoSuchPart { part: id.to_owned() });
        self.parts.iter().find(|part| part.id == id).ok_or_else(missing)
    }

    /// Where a field's values come from; fields that stand for other fields are followed.
    pub fn source_of(&self, field: &Field) -> Result<FieldSource, SourceError> {
        let mut source = &field.source;
        // A description may refer in circles.
        for _ in 0..8 {
            let Some(other) = id_of(&source["field"]) else { break };
            let fields = self.record_sets.iter().flatten();
            let missing = || self.failed(SourceErrorKind::NoSuchPart { part: other.clone() });
            source = &fields.into_iter().find(|field| field.id == other).ok_or_else(missing)?.source;
        }
        let named = ["fileSet", "fileObject", "distribution"].iter().find_map(|key| id_of(&source[*key]));
        let no_source =
            || self.failed(SourceErrorKind::NoSuchPart { part: format!("the source of {}", field.name) });
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let (extract, transform) = (&source["extract"], items(&source["transform"]));
        Ok(FieldSource {
            part: named.ok_or_else(no_source)?,
            column: text(&extract["column"]),
            property: text(&extract["fileProperty"]),
            regex: transform.iter().find_map(|step| text(&step["regex"])),
        })
    }

    /// The names of all fields, for errors.
    pub fn field_names(&self) -> String {
        let names: Vec<&str> = self.record_sets.iter().flatten().map(|field| field.name.as_str()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }
}

impl Part {
    fn of(value: &Value) -> Part {
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        Part {
            id: own_id(value),
            is_set: has_type(value, "FileSet"),
            url: text("contentUrl"),
            formats: texts(&value["encodingFormat"]),
            sha256: text("sha256").filter(|hash| hash.len() == 64),
            inside: items(&value["containedIn"]).iter().filter_map(id_of).collect(),
            includes: texts(&value["includes"]),
            excludes: texts(&value["excludes"]),
        }
    }

    /// Whether it is of the format with this word in its media type, or its name ends so.
    pub fn is(&self, word: &str) -> bool {
        let names = self.url.iter().chain(&self.includes);
        self.formats.iter().any(|format| format.contains(word))
            || names.into_iter().any(|name| name.ends_with(word))
    }
}

impl Field {
    fn of(value: &Value) -> Field {
        let id = own_id(value);
        let name = value["name"]
            .as_str()
            .map_or_else(|| last_part(&id).to_owned(), |name| last_part(name).to_owned());
        Field {
            id,
            name,
            types: texts(&value["dataType"]),
            source: value["source"].clone(),
            refers: !value["references"].is_null(),
        }
    }

    pub fn is_picture(&self) -> bool {
        self.has_type("ImageObject")
    }

    pub fn is_label(&self) -> bool {
        self.has_type("Label")
    }

    fn has_type(&self, name: &str) -> bool {
        self.types.iter().any(|found| without_prefix(found) == name)
    }
}

/// Whether this is the beginning of a description at all.
pub(super) fn is_data_set(value: &Value) -> bool {
    has_type(value, "Dataset") && !value["distribution"].is_null()
}

fn has_type(value: &Value, name: &str) -> bool {
    texts(&value["@type"]).iter().any(|found| without_prefix(found) == name)
}

/// `sc:Dataset` and `https://schema.org/Dataset` are `Dataset`.
fn without_prefix(name: &str) -> &str {
    name.rsplit([':', '/', '#']).next().unwrap_or(name)
}

fn own_id(value: &Value) -> String {
    id_of(value).or_else(|| value["name"].as_str().map(str::to_owned)).unwrap_or_default()
}

/// The id in `{"@id": "x"}`, or the text `x`.
fn id_of(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value["@id"].as_str()).map(str::to_owned)
}

/// What follows the last slash.
fn last_part(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// A list; what is no list is one of one item, and nothing is an empty one.
fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
}

fn texts(value: &Value) -> Vec<String> {
    items(value).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
