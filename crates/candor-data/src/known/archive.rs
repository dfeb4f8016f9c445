//! Unpacking CIFAR-10: its seven files and nothing else, wherever the archive would like to put them.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use tar::Archive;

use super::FetchError;

const FOLDER: &str = "cifar-10-batches-bin";
const FILES: [&str; 7] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
    "batches.meta.txt",
];

/// Unpacks `archive` (a verified `cifar-10-binary.tar.gz`) below `dir`, unless that was done before.
pub(super) fn unpack(archive: &Path, dir: &Path) -> Result<(), FetchError> {
    let folder = dir.join(FOLDER);
    if FILES.iter().all(|name| folder.join(name).is_file()) {
        return Ok(());
    }
    // Under another name first: a folder that bears its name is complete.
    let unfinished = dir.join(format!("{FOLDER}.part"));
    let unpacked = fs::create_dir_all(&unfinished)
        .and_then(|()| extract(archive, &unfinished))
        .and_then(|()| if folder.exists() { fs::remove_dir_all(&folder) } else { Ok(()) })
        .and_then(|()| fs::rename(&unfinished, &folder));
    unpacked.map_err(|error| FetchError::Archive { path: archive.to_owned(), error })
}

fn extract(archive: &Path, into: &Path) -> io::Result<()> {
    let mut archive = Archive::new(MultiGzDecoder::new(File::open(archive)?));
    let mut missing = FILES.to_vec();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if let Some(at) = missing.iter().position(|&file| file == name) {
            io::copy(&mut entry, &mut File::create(into.join(missing.remove(at)))?)?;
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("it lacks {}", missing.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(names: &[&str]) -> Vec<u8> {
        let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut builder = tar::Builder::new(packed);
        for name in names {
            let mut header = tar::Header::new_gnu();
            header.set_size(4);
            header.set_cksum();
            builder.append_data(&mut header, format!("{FOLDER}/{name}"), &b"data"[..]).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn only_what_is_known_is_unpacked_and_nothing_may_lack() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cifar.tar.gz");
        fs::write(&path, archive(&FILES[..6])).unwrap();
        let error = unpack(&path, dir.path()).unwrap_err().to_string();
        assert!(error.contains("it lacks batches.meta.txt"), "{error}");
        assert!(!dir.path().join(FOLDER).exists());

        let further: Vec<&str> = FILES.into_iter().chain(["readme.html"]).collect();
        fs::write(&path, archive(&further)).unwrap();
        unpack(&path, dir.path()).unwrap();
        assert_eq!(fs::read(dir.path().join(FOLDER).join("test_batch.bin")).unwrap(), b"data");
        assert_eq!(fs::read_dir(dir.path().join(FOLDER)).unwrap().count(), FILES.len());
    }
}
