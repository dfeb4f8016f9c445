//! A table, `index.csv`, and the pictures in `raw/`: `id,category,image_url,name`, then `file`, `group`, `split` and all further
//! columns. The id is the SHA-256 of the picture's bytes, by which its file is named.

use super::{ExportError, Exporting, Layout};

pub(super) static LAYOUT: Layout = Layout {
    name: "index-csv",
    summary: "index.csv (id,category,image_url,name,file,group,split and all further columns), the pictures in raw/",
    write,
};

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
    exporting.each(|exporting, original| {
        let sample = original.sample;
        let attribute = |name: &str| sample.attributes.get(name).cloned().unwrap_or_default();
        let file = format!("raw/{}.{}", sample.id, original.ending);
        exporting.write_file(&exporting.out.join(&file), &original.bytes)?;
        let own = [
            sample.id.to_string(),
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
