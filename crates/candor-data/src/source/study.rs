//! A study of candor: its pictures as they are now, with their classes, groups and origins, in one of its splits. With
//! `crops`, the faces that were cut out of them: each is a sample of its own, with the class, the subset and the provenance of
//! its picture, and kept together with the picture's other faces.

use std::path::Path;

use candor_core::Reporter;

use super::listing::{Entry, LeftOut, Listing};
use super::{Pictures, SourceError, SourceErrorKind, SourceKind, SourceOptions};
use crate::study::{InSplit, KeptCrop, Listed, Place, Study, StudyError};

pub(super) static KIND: SourceKind = SourceKind {
    name: "study",
    summary: "a study that candor import made: a folder with study.db",
    recognises: |path, _| Study::is_at(path),
    read,
};

fn read(path: &Path, options: &SourceOptions, reporter: &dyn Reporter) -> Result<Listing, SourceError> {
    let failed = |error: StudyError| SourceError::new(path, SourceErrorKind::Study(error));
    let study = Study::read(path).map_err(failed)?;
    let listed = study.list_split(options.split.as_deref()).map_err(failed)?;
    if listed.outside > 0 {
        let (study, number) = (path.display(), listed.outside);
        let [were, are, them] =
            if number == 1 { ["picture was", "is", "it"] } else { ["pictures were", "are", "them"] };
        reporter.note(&format!(
            "{number} {were} added since the split was made and {are} left out: candor split {study} takes {them} up"
        ));
    }
    let mut files = Files { entries: Vec::new(), paths: Vec::new(), left_out: LeftOut::new(reporter) };
    match options.crops {
        true => files.crops(listed, &study, path, reporter).map_err(failed)?,
        false => files.originals(listed),
    }
    let pictures = Pictures::Files { paths: files.paths, limits: options.limits };
    let problems = files.left_out.problems;
    Ok(Listing { entries: files.entries, pictures, problems, class_order: Vec::new() })
}

/// What is listed, with the files that hold it.
struct Files<'r> {
    entries: Vec<Entry>,
    paths: Vec<std::path::PathBuf>,
    left_out: LeftOut<'r>,
}

impl Files<'_> {
    fn originals(&mut self, listed: InSplit) {
        for picture in listed.pictures {
            // The bytes are held against the id when they are read.
            let gone = match picture.place {
                Place::Blob(_) => "its original is missing in the study's blobs: import it again",
                Place::Reference(_) => "its file is gone: it was imported by reference",
            };
            match picture.place.path().is_file() {
                true => self.original(picture),
                false => self.left_out.add(picture.place.path().display().to_string(), gone),
            }
        }
    }

    fn original(&mut self, picture: Listed) {
        self.paths.push(picture.place.into_path());
        self.entries.push(Entry {
            id: picture.id,
            class: picture.class,
            subset: picture.subset,
            group: picture.unit.or(picture.group),
            provenance: picture.provenance,
            attributes: picture.attributes,
        });
    }

    fn crops(
        &mut self,
        listed: InSplit,
        study: &Study,
        path: &Path,
        reporter: &dyn Reporter,
    ) -> Result<(), StudyError> {
        let mut crops = study.list_crops()?;
        let mut without = 0;
        for picture in &listed.pictures {
            let crops = crops.remove(&picture.number).unwrap_or_default();
            without += usize::from(crops.is_empty());
            let several = (crops.len() > 1).then(|| format!("picture {}", picture.id.short()));
            let group = picture.unit.clone().or(picture.group.clone()).or(several);
            crops.into_iter().for_each(|crop| self.crop(picture, group.clone(), crop));
        }
        if without > 0 {
            let (path, have) = (path.display(), if without == 1 { "picture has" } else { "pictures have" });
            reporter.note(&format!(
                "{without} {have} no crop and are left out: candor crop {path} looks for faces in those added since"
            ));
        }
        Ok(())
    }

    fn crop(&mut self, picture: &Listed, group: Option<String>, crop: KeptCrop) {
        if !crop.file.is_file() {
            let gone =
                "the crop is missing in the study: candor crop with another --size and back makes all again";
            return self.left_out.add(crop.file.display().to_string(), gone);
        }
        self.paths.push(crop.file);
        self.entries.push(Entry {
            id: crop.id,
            class: picture.class.clone(),
            subset: picture.subset,
            group,
            provenance: picture.provenance.clone(),
            attributes: picture.attributes.clone(),
        });
    }
}
