//! Numbered pages: `https://example.org/staff?page={1..12}`, in steps `{0..200..20}`, or without a known end `{1..}`.

use url::Url;

use super::CollectRecipeErrorKind as Kind;

/// Numbers that one pattern may stand for.
const MOST_PAGES: u64 = 10_000;

/// An address, perhaps with a run of numbers in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Pattern {
    before: String,
    numbers: Option<Numbers>,
    after: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Numbers {
    first: u64,
    last: Option<u64>,
    step: u64,
    /// Digits at least, as in `{01..12}`.
    digits: usize,
}

impl Pattern {
    pub fn parse(text: &str) -> Result<Pattern, Kind> {
        let plain = || Pattern { before: text.to_owned(), numbers: None, after: String::new() };
        let Some((before, rest)) = text.split_once('{') else { return Ok(plain()) };
        let wrong = |reason| Kind::Address { text: text.to_owned(), reason };
        let (inside, after) = rest.split_once('}').ok_or_else(|| wrong("a { is not closed"))?;
        if after.contains(['{', '}']) {
            return Err(wrong("only one run of numbers can be in an address"));
        }
        let numbers = numbers(inside).ok_or_else(|| {
            wrong("in { } stands a run of numbers: {1..12}, {0..200..20} or {1..} without an end")
        })?;
        let pages = numbers.last.map_or(1, |last| (last - numbers.first) / numbers.step + 1);
        if pages > MOST_PAGES {
            return Err(wrong("the run of numbers stands for more than 10,000 pages"));
        }
        Ok(Pattern { before: before.to_owned(), numbers: Some(numbers), after: after.to_owned() })
    }

    /// Whether nobody knows its last page.
    pub fn is_open(&self) -> bool {
        self.numbers.is_some_and(|numbers| numbers.last.is_none())
    }

    /// The addresses that it stands for; of an open one, the first.
    pub fn pages(&self) -> Vec<String> {
        let Some(numbers) = self.numbers else { return vec![self.before.clone()] };
        let last = numbers.last.unwrap_or(numbers.first);
        (numbers.first..=last).step_by(numbers.step as usize).map(|number| self.page(number)).collect()
    }

    /// The page after `url`, where that is one of an open pattern.
    pub fn after(&self, url: &Url) -> Option<Url> {
        let numbers = self.numbers.filter(|_| self.is_open())?;
        // Compared as addresses, since those may be written in several ways.
        let digits = |url: &str| url.bytes().filter(u8::is_ascii_digit).count();
        let first = Url::parse(&self.page(numbers.first)).ok()?;
        let prefix = common_prefix(first.as_str(), url.as_str());
        let start = prefix.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let of_number: String = url.as_str()[start..].chars().take_while(char::is_ascii_digit).collect();
        let number: u64 = of_number.parse().ok()?;
        let is_it = number >= numbers.first
            && digits(url.as_str()) > 0
            && Url::parse(&self.page(number)).is_ok_and(|page| page == *url);
        is_it.then(|| Url::parse(&self.page(number + 1)).ok()).flatten()
    }

    fn page(&self, number: u64) -> String {
        let digits = self.numbers.map_or(0, |numbers| numbers.digits);
        format!("{}{number:0digits$}{}", self.before, self.after)
    }
}

fn common_prefix<'a>(a: &str, b: &'a str) -> &'a str {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    // Addresses are ASCII once they are parsed.
    b.get(..same).unwrap_or_default()
}

fn numbers(text: &str) -> Option<Numbers> {
    let parts: Vec<&str> = text.split("..").collect();
    let (first, last, step) = match parts[..] {
        [first, ""] => (first, None, 1),
        [first, last] => (first, Some(last), 1),
        [first, last, step] => (first, Some(last), step.parse().ok()?),
        _ => return None,
    };
    let digits = if first.starts_with('0') { first.len() } else { 0 };
    let last = last.map(str::parse).transpose().ok()?;
    let first = first.parse().ok()?;
    let sound = step > 0 && last.is_none_or(|last| last >= first);
    sound.then_some(Numbers { first, last, step, digits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_numbers_are_written_out() {
        for (text, pages) in [
            ("https://x.org/staff", vec!["https://x.org/staff"]),
            (
                "https://x.org/{8..10}/all",
                vec!["https://x.org/8/all", "https://x.org/9/all", "https://x.org/10/all"],
            ),
            ("https://x.org/{09..10}", vec!["https://x.org/09", "https://x.org/10"]),
            (
                "https://x.org/?from={0..40..20}",
                vec!["https://x.org/?from=0", "https://x.org/?from=20", "https://x.org/?from=40"],
            ),
            ("https://x.org/{3..}", vec!["https://x.org/3"]),
        ] {
            assert_eq!(Pattern::parse(text).unwrap().pages(), pages, "{text}");
        }
    }

    #[test]
    fn what_is_no_run_of_numbers_is_refused() {
        for text in [
            "{",
            "{}",
            "{1}",
            "{2..1}",
            "{1..9..0}",
            "{a..b}",
            "{1..2}{1..2}",
            "{1..99999999}",
            "{1..2..3..4}",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_open_pattern_knows_the_page_after() {
        let open = Pattern::parse("https://x.org/staff/{1..}?all=1").unwrap();
        let after = |url: &str| open.after(&Url::parse(url).unwrap()).map(|url| url.to_string());
        assert_eq!(after("https://x.org/staff/1?all=1").as_deref(), Some("https://x.org/staff/2?all=1"));
        assert_eq!(after("https://x.org/staff/19?all=1").as_deref(), Some("https://x.org/staff/20?all=1"));
        assert_eq!(after("https://x.org/staff/1?all=2"), None);
        assert_eq!(after("https://x.org/other"), None);
        let closed = Pattern::parse("https://x.org/{1..3}").unwrap();
        assert_eq!(closed.after(&Url::parse("https://x.org/1").unwrap()), None);
    }
}
