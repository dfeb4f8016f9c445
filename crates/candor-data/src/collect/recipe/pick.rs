//! A CSS selector with, perhaps, an attribute: `h3` is the text of a heading, `img@alt` what stands in for a picture.

use scraper::error::SelectorErrorKind;
use scraper::{ElementRef, Selector};

use super::CollectRecipeErrorKind as Kind;

/// Where in an entry a text stands.
#[derive(Clone, Debug)]
pub(in super::super) struct Pick {
    /// Below the entry; the entry itself, where there is none.
    selector: Option<Selector>,
    attribute: Option<String>,
}

impl Pick {
    pub fn parse(text: &str) -> Result<Pick, Kind> {
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_:".contains(c))
        };
        let (css, attribute) = match text.rsplit_once('@') {
            Some((css, name)) if is_name(name.trim()) => (css.trim(), Some(name.trim().to_owned())),
            _ => (text, None),
        };
        let selector = if css.is_empty() && attribute.is_some() { None } else { Some(selector(css)?) };
        Ok(Pick { selector, attribute })
    }

    /// The text, with single spaces; `None` where there is none.
    pub fn text(&self, entry: ElementRef<'_>) -> Option<String> {
        let mut found: Box<dyn Iterator<Item = ElementRef<'_>>> = match &self.selector {
            Some(selector) => Box::new(entry.select(selector)),
            None => Box::new(std::iter::once(entry)),
        };
        found.find_map(|element| {
            let text = match &self.attribute {
                Some(name) => element.attr(name)?.to_owned(),
                None => element.text().collect::<Vec<_>>().join(" "),
            };
            Some(single_spaced(&text)).filter(|text| !text.is_empty())
        })
    }
}

/// As people would write it down.
fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn selector(text: &str) -> Result<Selector, Kind> {
    let wrong = |error: SelectorErrorKind| {
        // What the library says of the end of a line is meant for style sheets.
        let reason = match error {
            SelectorErrorKind::EndOfLine => "it ends too early".to_owned(),
            other => other.to_string(),
        };
        Kind::Selector { text: text.to_owned(), reason }
    };
    Selector::parse(text).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use scraper::Html;

    use super::*;

    #[test]
    fn a_pick_is_a_text_or_an_attribute() {
        let page = Html::parse_document(
            "<li data-id=7><h3> Dr.\n <b>Ada</b>&nbsp;Lovelace </h3><img alt='A. L.'><a href='mailto:a@b.org'></a></li>",
        );
        let entry = page.select(&selector("li").unwrap()).next().unwrap();
        for (text, expected) in [
            ("h3", Some("Dr. Ada Lovelace")),
            ("img@alt", Some("A. L.")),
            ("img @alt", Some("A. L.")),
            ("@data-id", Some("7")),
            ("a[href='mailto:a@b.org'] @href", Some("mailto:a@b.org")),
            ("h4", None),
            ("img", None),
        ] {
            assert_eq!(Pick::parse(text).unwrap().text(entry).as_deref(), expected, "{text}");
        }
    }
}
