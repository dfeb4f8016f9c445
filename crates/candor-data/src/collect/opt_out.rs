//! What a page or a picture says of machines that learn from it: `X-Robots-Tag`, `<meta name="robots">` and the
//! reservation of text and data mining rights. Values in, values out.
//!
//! `noai` and `noimageai` are a convention of picture sites; `tdm-reservation: 1` is the TDM Reservation Protocol of the W3C
//! Community Group (2024), a reservation in the sense of Art. 4(3) of Directive (EU) 2019/790.

use super::robots::PRODUCT;

/// Words after which nothing is learned from a page's pictures, or from this one.
const NO: [&str; 2] = ["noai", "noimageai"];

/// What an `X-Robots-Tag` forbids candor, as it is written there. `value` is one header, such as
/// `noarchive, otherbot: noai, candor: noimageai`.
pub(super) fn in_header(value: &str) -> Option<&'static str> {
    let mut for_all = true;
    for part in value.split(',') {
        let directive = match part.split_once(':') {
            // A directive with a value, not the name of a crawler.
            Some((name, _)) if is_directive_with_value(name) => continue,
            Some((agent, directive)) => {
                let agent = agent.trim();
                for_all = agent == "*" || agent.eq_ignore_ascii_case(PRODUCT);
                directive
            }
            None => part,
        };
        if let Some(no) = NO.into_iter().find(|no| for_all && directive.trim().eq_ignore_ascii_case(no)) {
            return Some(no);
        }
    }
    None
}

/// What `<meta name=… content=…>` forbids candor.
pub(super) fn in_meta(name: &str, content: &str) -> Option<&'static str> {
    let name = name.trim();
    if name.eq_ignore_ascii_case("tdm-reservation") {
        return reserved(content);
    }
    let is_meant = ["robots", PRODUCT].iter().any(|meant| name.eq_ignore_ascii_case(meant));
    let words = content.split([',', ' ']).map(str::trim);
    let mut words = words.filter_map(|word| NO.into_iter().find(|no| word.eq_ignore_ascii_case(no)));
    if is_meant { words.next() } else { None }
}

/// What the header `tdm-reservation` says.
pub(super) fn reserved(value: &str) -> Option<&'static str> {
    (value.trim() == "1").then_some("tdm-reservation: 1")
}

fn is_directive_with_value(name: &str) -> bool {
    let names = ["unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"];
    names.iter().any(|known| name.trim().eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_speaks_to_all_or_to_one() {
        for (value, expected) in [
            ("noai", Some("noai")),
            ("noarchive, NoImageAI", Some("noimageai")),
            ("noindex, nofollow", None),
            ("otherbot: noai", None),
            ("otherbot: noindex, noai", None),
            ("otherbot: noindex, candor: noai", Some("noai")),
            ("unavailable_after: 25 Jun 2010 15:00:00 PST, noai", Some("noai")),
            ("", None),
        ] {
            assert_eq!(in_header(value), expected, "{value}");
        }
    }

    #[test]
    fn a_page_speaks_by_its_meta() {
        assert_eq!(in_meta("ROBOTS", "noindex,noimageai"), Some("noimageai"));
        assert_eq!(in_meta("candor", "noai"), Some("noai"));
        assert_eq!(in_meta("googlebot", "noai"), None);
        assert_eq!(in_meta("description", "noai"), None);
        assert_eq!(in_meta("tdm-reservation", "1"), Some("tdm-reservation: 1"));
        assert_eq!(in_meta("tdm-reservation", "0"), None);
    }
}
