//! When and with what a picture was taken, as its file says. What cannot be read says nothing.

use std::io::Cursor;

use exif::{In, Reader, Tag};

use super::ties::Exif;

/// Of a JPEG, PNG, TIFF or WebP file's bytes.
pub(super) fn exif_of(bytes: &[u8]) -> Exif {
    let Ok(fields) = Reader::new().read_from_container(&mut Cursor::new(bytes)) else {
        return Exif::default();
    };
    let text = |tag: Tag| {
        let field = fields.get_field(tag, In::PRIMARY)?;
        let exif::Value::Ascii(lines) = &field.value else { return None };
        let text = String::from_utf8_lossy(lines.first()?).trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    let camera: Vec<String> = [Tag::Make, Tag::Model].into_iter().filter_map(text).collect();
    Exif {
        taken_at: text(Tag::DateTimeOriginal)
            .or_else(|| text(Tag::DateTime))
            .and_then(|time| as_written(&time)),
        camera: (!camera.is_empty()).then(|| camera.join(" ")),
    }
}

/// `2024:02:29 23:59:59` with dashes in the date; `None` for what is no time, such as `0000:00:00 00:00:00`.
fn as_written(time: &str) -> Option<String> {
    let (date, clock) = time.split_once(' ')?;
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == ':');
    let sound =
        date.len() == 10 && clock.len() == 8 && digits(date) && digits(clock) && !date.starts_with("0000");
    sound.then(|| format!("{} {clock}", date.replace(':', "-")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_taken_only_when_they_are_times() {
        for (time, expected) in [
            ("2024:02:29 23:59:59", Some("2024-02-29 23:59:59")),
            ("0000:00:00 00:00:00", None),
            ("    :  :     :  :  ", None),
            ("yesterday", None),
        ] {
            assert_eq!(as_written(time).as_deref(), expected, "{time}");
        }
    }

    #[test]
    fn bytes_without_a_header_say_nothing() {
        assert_eq!(exif_of(b"no picture"), Exif::default());
    }
}
