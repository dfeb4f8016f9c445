//! From a page's bytes to its text: names with umlauts must survive pages that are not in UTF-8.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// So far into a page browsers look for what it says of its encoding.
const PRESCAN: usize = 1024;

/// The text of a page: in the encoding of its byte order mark, its header, its own `<meta>`, or what it looks like.
pub(super) fn text(bytes: &[u8], content_type: Option<&str>) -> String {
    let declared = content_type.and_then(label).or_else(|| {
        let beginning = &bytes[..bytes.len().min(PRESCAN)];
        // A page whose <meta> can be read as ASCII is not in UTF-16, whatever it says.
        label(&String::from_utf8_lossy(beginning)).map(|e| if e.is_ascii_compatible() { e } else { UTF_8 })
    });
    let looks_like = || if std::str::from_utf8(bytes).is_ok() { UTF_8 } else { WINDOWS_1252 };
    // A byte order mark goes before everything.
    declared.unwrap_or_else(looks_like).decode(bytes).0.into_owned()
}

/// The encoding that follows the first `charset=`.
fn label(text: &str) -> Option<&'static Encoding> {
    let lower = text.to_ascii_lowercase();
    let after = lower.split_once("charset")?.1.trim_start().strip_prefix('=')?;
    let label = after.trim_start_matches(['"', '\'', ' ']);
    let label = label.split(|c: char| c.is_whitespace() || "\"';>/,".contains(c)).next()?;
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn umlauts_survive_however_the_page_is_encoded() {
        let latin = b"M\xfcller";
        let with_meta = |meta: &str| [meta.as_bytes(), latin].concat();
        let cases: [(&[u8], Option<&str>); 7] = [
            ("Müller".as_bytes(), None),
            ("Müller".as_bytes(), Some("text/html; charset=utf-8")),
            (latin, None),
            (latin, Some("text/html; charset=\"ISO-8859-1\"")),
            (&with_meta("<meta charset=latin1>"), None),
            (
                &with_meta("<meta http-equiv='Content-Type' content='text/html; charset=windows-1252'>"),
                Some("text/html"),
            ),
            (b"\xff\xfeM\0\xfc\0l\0l\0e\0r\0", Some("text/html; charset=utf-8")),
        ];
        for (bytes, content_type) in cases {
            let text = text(bytes, content_type);
            assert!(text.ends_with("Müller"), "{text} {content_type:?}");
        }
    }

    #[test]
    fn an_unknown_encoding_is_guessed() {
        assert_eq!(text("ö".as_bytes(), Some("text/html; charset=klingon")), "ö");
        assert_eq!(text(b"<meta charset='utf-16'>a", None), "<meta charset='utf-16'>a");
    }
}
