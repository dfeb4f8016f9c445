//! A table, `index.csv`, and the pictures in `raw/`: `id,category,image_url,name`, then `file`, `group`, `split` and all further
//! columns. The id, by which its file is named, is the beginning of the SHA-256 of the picture's bytes: eight digits, or all where
//! those are another picture's too.

use std::collections::{BTreeMap, BTreeSet};

use candor_core::{Dataset, Sample};

use super::{ExportError, Exporting, Layout};

pub(super) static LAYOUT: Layout = Layout {
    name: "index-csv",
    summary: "index.csv (id,category,image_url,name,file,group,split and all further columns), the pictures in raw/",
    write,
};

/// Digits of a picture's hash that make its id, where they tell it from the others.
const DIGITS: usize = 8;
const OWN: [&str; 7] = ["id", "category", "image_url", "name", "file", "group", "split"];

fn write(exporting: &mut Exporting<'_>) -> Result<(), ExportError> {
    let path = exporting.out.join("index.csv");
    // The name is a column of the table anyway.
    let further = exporting.columns(&["id", "category", "image_url", "file", "group", "split"]);
    let further: Vec<_> = further.into_iter().filter(|(name, _)| name != "name").collect();
    let failed = |error: csv::Error| ExportError::table(&path, error);
    let mut table = csv::Writer::from_writer(Vec::new());
    let header = OWN.into_iter().chain(further.iter().map(|(_, column)| column.as_str()));
    table.write_record(header).map_err(failed)?;
    let ids = short_ids(exporting.source.samples());
    exporting.each(|exporting, original| {
        let (sample, id) = (original.sample, &ids[original.index]);
        let attribute = |name: &str| sample.attributes.get(name).cloned().unwrap_or_default();
        let file = format!("raw/{id}.{}", original.ending);
        exporting.write_file(&exporting.out.join(&file), &original.bytes)?;
        let own = [
            id.clone(),
            original.class.to_owned(),
            sample.provenance.url.clone().unwrap_or_default(),
            attribute("name"),
            file,
            sample.group.clone().unwrap_or_default(),
            original.subset.map_or_else(String::new, |subset| subset.name().to_owned()),
        ];
        let cells = own.into_iter().chain(further.iter().map(|(name, _)| attribute(name)));
        table.write_record(cells).map_err(|error| ExportError::table(&exporting.out.join("index.csv"), error))
    })?;
    let text = table.into_inner().map_err(|error| ExportError::table(&path, error.error()))?;
    exporting.write_file(&path, &text)
}

/// The beginnings of the pictures' hashes: as long as it takes to tell them apart.
fn short_ids(samples: &[Sample]) -> Vec<String> {
    let all: Vec<String> = samples.iter().map(|sample| sample.id.to_string()).collect();
    let mut whole: BTreeMap<&str, &str> = BTreeMap::new();
    let mut shared = BTreeSet::new();
    for id in &all {
        if whole.insert(&id[..DIGITS], id).is_some_and(|other| other != id) {
            shared.insert(&id[..DIGITS]);
        }
    }
    let short =
        |id: &String| if shared.contains(&id[..DIGITS]) { id.clone() } else { id[..DIGITS].to_owned() };
    all.iter().map(short).collect()
}
