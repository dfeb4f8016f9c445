//! Names of files that every system takes.

use std::path::Path;

use candor_core::Sample;

/// A text as the name of one file or folder: what separates paths on some system is replaced.
pub fn file_name(text: &str) -> String {
    let replaced: String =
        text.chars().map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c }).collect();
    match replaced.trim_matches(['.', ' ']) {
        "" => "_".to_owned(),
        _ => replaced,
    }
}

/// The name of the picture's file without its ending, and enough of its hash to tell it from others of that name.
pub fn picture_name(sample: &Sample) -> String {
    let file = Path::new(&sample.provenance.file).file_stem().unwrap_or_default().to_string_lossy();
    let row = sample.provenance.row.map_or_else(String::new, |row| format!("-{row}"));
    format!("{}{row}-{}", file_name(&file), sample.id.short())
}

/// What names of files in this format end in.
pub(super) fn ending(format: &str) -> &'static str {
    match format {
        "JPEG" => "jpg",
        "PNG" => "png",
        "GIF" => "gif",
        "BMP" => "bmp",
        "TIFF" => "tif",
        "WebP" => "webp",
        _ => "pnm",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_its_folder() {
        for (text, expected) in [
            ("staff", "staff"),
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("..", "_"),
            ("", "_"),
            ("a:b?", "a_b_"),
            ("Ärztin 2", "Ärztin 2"),
        ] {
            assert_eq!(file_name(text), expected);
            assert_eq!(Path::new(&file_name(text)).components().count(), 1);
        }
    }
}
