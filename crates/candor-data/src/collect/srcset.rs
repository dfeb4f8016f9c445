//! Addresses in attributes: plain, in a `srcset`, or in a style. Values in, values out.

/// The address that the attribute called `name` gives: of several the largest. `None` where it gives none, or only a picture
/// that is written into the page itself, as lazy pages put one where the real one comes later.
pub(super) fn address_in<'a>(name: &str, value: &'a str) -> Option<&'a str> {
    let address = match name {
        "style" => in_style(value)?,
        name if name.contains("srcset") => largest(value)?,
        _ => value.trim(),
    };
    let scheme = |scheme: &str| address.get(..scheme.len()).is_some_and(|a| a.eq_ignore_ascii_case(scheme));
    let is_none = address.is_empty() || address.starts_with('#');
    (!is_none && !["data:", "blob:", "about:", "javascript:"].into_iter().any(scheme)).then_some(address)
}

/// The largest candidate of a `srcset` (HTML, "Parsing a srcset attribute"): by width, else by density.
fn largest(srcset: &str) -> Option<&str> {
    let mut rest = srcset;
    let mut best: Option<(f64, &str)> = None;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if rest.is_empty() {
            return best.map(|(_, url)| url);
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (url, after) = rest.split_at(end);
        let bare = url.trim_end_matches(',');
        // A comma at its end ends the candidate; one within it is part of the address.
        let (descriptor, after) = match bare.len() < url.len() {
            true => ("", after),
            false => after.split_once(',').unwrap_or((after, "")),
        };
        let size = size(descriptor);
        if best.is_none_or(|(largest, _)| size > largest) {
            best = Some((size, bare));
        }
        rest = after;
    }
}

/// `640w` is 640, `2x` is 2, nothing is 1.
fn size(descriptor: &str) -> f64 {
    let sizes = descriptor.split_whitespace().filter_map(|word| word.strip_suffix(['w', 'x'])?.parse().ok());
    sizes.fold(1.0, f64::max)
}

/// What stands in the first `url(…)`.
fn in_style(style: &str) -> Option<&str> {
    let start = style.find("url(")? + 4;
    let inside = style[start..].split_once(')')?.0;
    Some(inside.trim().trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_picture_is_taken_and_placeholders_are_not() {
        for (name, value, expected) in [
            ("src", " a.jpg ", Some("a.jpg")),
            ("src", "data:image/gif;base64,R0lGODlhAQABAAAAACw=", None),
            ("src", "DATA:image/gif,x", None),
            ("src", "", None),
            ("src", "#", None),
            ("src", "javascript:void(0)", None),
            ("srcset", "s.jpg 320w, l.jpg 1280w, m.jpg 640w", Some("l.jpg")),
            ("data-srcset", "a.jpg, b.jpg 2x", Some("b.jpg")),
            ("srcset", "a,b.jpg 1x,c.jpg 1.5x", Some("c.jpg")),
            ("srcset", "only.jpg", Some("only.jpg")),
            ("srcset", " , ,", None),
            ("srcset", "data:image/gif;base64,AA== 1w", None),
            ("style", "color: red; background-image: url( 'a b.jpg' )", Some("a b.jpg")),
            ("style", "color: red", None),
        ] {
            assert_eq!(address_in(name, value), expected, "{name} {value}");
        }
    }

    proptest! {
        #[test]
        fn any_value_is_read(value in "\\PC{0,80}") {
            for name in ["src", "srcset", "style"] {
                if let Some(address) = address_in(name, &value) {
                    prop_assert!(value.contains(address));
                }
            }
        }
    }
}
