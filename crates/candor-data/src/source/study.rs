//! A study of candor: its pictures as they are now, with their classes, groups and origins, in one of its splits.

use std::path::Path;

use candor_core::Reporter;

use super::listing::{Entry, LeftOut, Listing};
use super::{Pictures, SourceError, SourceErrorKind, SourceKind, SourceOptions};
use crate::study::{Place, Study};

pub(super) static KIND: SourceKind = SourceKind {
    name: "study",
    summary: "a study that candor import made: a folder with study.db",
    recognises: |path, _| Study::is_at(path),
    read,
};

fn read(path: &Path, options: &SourceOptions, reporter: &dyn Reporter) -> Result<Listing, SourceError> {
    let failed = |error| SourceError::new(path, SourceErrorKind::Study(error));
    let listed =
        Study::read(path).and_then(|study| study.list_split(options.split.as_deref())).map_err(failed)?;
    if listed.outside > 0 {
        let reason = format!(
            "{} pictures were added since the split was made and are left out: candor split {} takes them up",
            listed.outside,
            path.display()
        );
        reporter.note(&reason);
    }
    let (mut entries, mut paths, mut left_out) = (Vec::new(), Vec::new(), LeftOut::new(reporter));
    for picture in listed.pictures {
        // The bytes are held against the id when they are read.
        let (file, gone) = match picture.place {
            Place::Blob(file) => (file, "its original is missing in the study's blobs: import it again"),
            Place::Reference(file) => (file, "its file is gone: it was imported by reference"),
        };
        if !file.is_file() {
            left_out.add(file.display().to_string(), gone);
            continue;
        }
        paths.push(file);
        entries.push(Entry {
            id: picture.id,
            class: picture.class,
            subset: picture.subset,
            group: picture.unit.or(picture.group),
            provenance: picture.provenance,
            attributes: picture.attributes,
        });
    }
    let pictures = Pictures::Files { paths, limits: options.limits };
    Ok(Listing { entries, pictures, problems: left_out.problems, class_order: Vec::new() })
}
