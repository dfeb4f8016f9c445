//! WebDataset's tar shards: of each picture `KEY.jpg`, `KEY.cls` (the class as a number) and `KEY.json` (`class`, `file`, `url`,
//! `group`, `split` and all further columns). The key is a running number, so that a shard's order is that of the source.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use candor_core::Subset;
use serde_json::{Map, Value};
use tar::{Builder, Header};

use super::{ExportError, Exporting, Layout, Original, prefix};

pub(super) static LAYOUT: Layout = Layout {
    name: "web-dataset",
    summary: "tar shards of WebDataset: train-000000.tar with 00000000.jpg, .cls and .json",
    write,
};

const OWN: [&str; 5] = ["class", "file", "url", "group", "split"];
/// A shard is closed when it holds as much.
const SHARD_BYTES: u64 = 512 << 20;

fn write(exporting: &mut Exporting<'_>) -> Result<(), ExportError> {
    let further = exporting.columns(&OWN);
    let mut series: Vec<Series> = Vec::new();
    exporting.each(|exporting, original| {
        let at = series.iter().position(|series| series.subset == original.subset).unwrap_or(series.len());
        if at == series.len() {
            series.push(Series { subset: original.subset, shards: 0, open: None });
        }
        series[at].add(exporting, original, &further)
    })?;
    series.into_iter().try_for_each(Series::close)
}

/// The shards of one subset.
struct Series {
    subset: Option<Subset>,
    shards: usize,
    open: Option<Shard>,
}

struct Shard {
    path: PathBuf,
    tar: Builder<BufWriter<File>>,
    bytes: u64,
}

impl Series {
    fn add(
        &mut self,
        exporting: &mut Exporting<'_>,
        original: Original<'_>,
        further: &[(String, String)],
    ) -> Result<(), ExportError> {
        if self.open.as_ref().is_some_and(|shard| shard.bytes >= SHARD_BYTES)
            && let Some(full) = self.open.take()
        {
            full.close()?;
        }
        let shard = match &mut self.open {
            Some(shard) => shard,
            none => {
                let path = exporting.out.join(format!("{}-{:06}.tar", prefix(self.subset), self.shards));
                let file = File::create_new(&path).map_err(ExportError::file(&path, "written"))?;
                self.shards += 1;
                exporting.files += 1;
                none.insert(Shard { path, tar: Builder::new(BufWriter::new(file)), bytes: 0 })
            }
        };
        exporting.is_in(original.sample, &shard.path);
        let key = format!("{:08}", original.index);
        shard.append(&format!("{key}.cls"), original.sample.class.to_string().as_bytes())?;
        shard.append(&format!("{key}.{}", original.ending), &original.bytes)?;
        shard.append(&format!("{key}.json"), described(&original, further).as_bytes())
    }

    fn close(self) -> Result<(), ExportError> {
        self.open.map_or(Ok(()), Shard::close)
    }
}

impl Shard {
    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), ExportError> {
        let mut header = Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        self.bytes += bytes.len() as u64;
        self.tar.append_data(&mut header, name, bytes).map_err(ExportError::file(&self.path, "written"))
    }

    fn close(self) -> Result<(), ExportError> {
        let Shard { path, tar, .. } = self;
        let written = tar.into_inner().and_then(|file| file.into_inner().map_err(|error| error.into_error()));
        written.map(|_| ()).map_err(ExportError::file(&path, "written"))
    }
}

fn described(original: &Original<'_>, further: &[(String, String)]) -> String {
    let sample = original.sample;
    let own = [
        Some(original.class.to_owned()),
        Some(sample.provenance.file.clone()),
        sample.provenance.url.clone(),
        sample.group.clone(),
        original.subset.map(|subset| subset.name().to_owned()),
    ];
    let own = OWN.iter().map(|&name| name.to_owned()).zip(own);
    let further = further.iter().map(|(name, column)| (column.clone(), sample.attributes.get(name).cloned()));
    let fields = own.chain(further).filter_map(|(name, value)| Some((name, Value::String(value?))));
    Value::Object(fields.collect::<Map<_, _>>()).to_string()
}
