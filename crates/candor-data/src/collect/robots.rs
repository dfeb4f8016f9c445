//! What a site's robots.txt allows (RFC 9309, "Robots Exclusion Protocol", 2022). Values in, values out.
//!
//! Besides the RFC, `Crawl-delay` is read, which many sites use.

use std::time::Duration;

use url::Url;

/// Of a longer file no more is read (RFC 9309, 2.5, asks for 500 KiB at least).
pub(super) const MOST_BYTES: usize = 512 << 10;
/// What candor is called in a robots.txt.
pub(super) const PRODUCT: &str = "candor";

/// The rules that hold for candor.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Robots {
    rules: Vec<Rule>,
    /// How long to wait between two requests, where it says so.
    pub crawl_delay: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    allow: bool,
    /// As it stands there, for people.
    text: String,
    /// Normalised.
    pattern: String,
}

#[derive(Default)]
struct Group {
    agents: Vec<String>,
    rules: Vec<Rule>,
    crawl_delay: Option<Duration>,
}

impl Robots {
    /// Reads a robots.txt, whatever it looks like: lines that make no sense say nothing.
    pub fn parse(bytes: &[u8]) -> Robots {
        let bytes = &bytes[..bytes.len().min(MOST_BYTES)];
        let text = String::from_utf8_lossy(bytes);
        let groups = groups(text.trim_start_matches('\u{feff}'));
        let of = |agent: &str| {
            let mut mine = groups.iter().filter(|group| group.agents.iter().any(|a| a == agent)).peekable();
            mine.peek()?;
            let mut robots = Robots::default();
            // Several groups for the same agent are one (2.2.1).
            for group in mine {
                robots.rules.extend(group.rules.iter().cloned());
                robots.crawl_delay = robots.crawl_delay.max(group.crawl_delay);
            }
            Some(robots)
        };
        of(PRODUCT).or_else(|| of("*")).unwrap_or_default()
    }

    /// Whether candor may ask for `url`; if not, the rule that says so.
    ///
    /// # Errors
    /// Gives the line that forbids it.
    pub fn allow(&self, url: &Url) -> Result<(), String> {
        if url.path() == "/robots.txt" {
            return Ok(());
        }
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        let path = normalised(&format!("{}{query}", url.path()));
        let matching = self.rules.iter().filter(|rule| matches(&rule.pattern, &path));
        // The most octets win, and of two as long ones, what allows (2.2.2).
        match matching.max_by_key(|rule| (rule.pattern.len(), rule.allow)) {
            Some(rule) if !rule.allow => Err(format!("Disallow: {}", rule.text)),
            _ => Ok(()),
        }
    }
}

fn groups(text: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut naming_agents = false;
    for line in text.split(['\n', '\r']) {
        let line = line.split('#').next().unwrap_or_default();
        let Some((key, value)) = line.split_once(':') else { continue };
        let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
        if key == "user-agent" {
            if !naming_agents {
                groups.push(Group::default());
            }
            naming_agents = true;
            groups.last_mut().expect("one was pushed").agents.push(product(value));
            continue;
        }
        // Rules before the first user-agent hold for nobody.
        let Some(group) = groups.last_mut() else { continue };
        match key.as_str() {
            "allow" | "disallow" => {
                naming_agents = false;
                if !value.is_empty() {
                    let (text, pattern) = (value.to_owned(), normalised(value));
                    group.rules.push(Rule { allow: key == "allow", text, pattern });
                }
            }
            "crawl-delay" => {
                naming_agents = false;
                let seconds = value.parse().ok().filter(|seconds: &f64| (0.0..1e6).contains(seconds));
                group.crawl_delay = group.crawl_delay.max(seconds.map(Duration::from_secs_f64));
            }
            // A sitemap belongs to no group.
            _ => {}
        }
    }
    groups
}

/// `Candor/1.0` is `candor`: letters, `_` and `-` alone make a product token (2.2.1).
fn product(value: &str) -> String {
    if value.starts_with('*') {
        return "*".to_owned();
    }
    let token = value.split(|c: char| !(c.is_ascii_alphabetic() || c == '_' || c == '-')).next();
    token.unwrap_or_default().to_ascii_lowercase()
}

/// One way of writing for the same path: what needs no percent sign has none, and what is not ASCII has (2.2.2).
fn normalised(path: &str) -> String {
    let bytes = path.as_bytes();
    let (mut text, mut at) = (String::with_capacity(path.len()), 0);
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
                text += &if unreserved { char::from(byte).to_string() } else { format!("%{byte:02X}") };
                at += 3;
            }
            None => {
                let byte = bytes[at];
                text += &if byte.is_ascii() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
                at += 1;
            }
        }
    }
    text
}

/// Whether `pattern`, in which `*` stands for anything and `$` at its end for the end, matches the beginning of `path`.
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, to_the_end) = match pattern.strip_suffix('$') {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return !to_the_end || rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    if to_the_end { rest.ends_with(last) } else { rest.contains(last) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What `text` says of `path` to the crawler called `agent`, in whose place candor is put.
    fn allows(text: &str, agent: &str, path: &str) -> bool {
        let text = text.replace(agent, PRODUCT);
        Robots::parse(text.as_bytes()).allow(&Url::parse(&format!("https://x.org{path}")).unwrap()).is_ok()
    }

    /// RFC 9309, 5.1.
    const SIMPLE: &str = "User-Agent: *\nDisallow: *.gif$\nDisallow: /example/\nAllow: /publications/\n\n\
        User-Agent: foobot\nDisallow:/\nAllow:/example/page.html\nAllow:/example/allowed.gif\n\n\
        User-Agent: barbot\nUser-Agent: bazbot\nDisallow: /example/page.html\n\nUser-Agent: quxbot\n";

    #[test]
    fn the_examples_of_the_rfc() {
        for (agent, path, allowed) in [
            ("otherbot", "/a.gif", false),
            ("otherbot", "/a.gif?b", true),
            ("otherbot", "/example/page.html", false),
            ("otherbot", "/publications/a.gif", true),
            ("otherbot", "/anything", true),
            ("foobot", "/anything", false),
            ("foobot", "/example/page.html", true),
            ("foobot", "/example/allowed.gif", true),
            ("foobot", "/example/other.gif", false),
            ("barbot", "/example/page.html", false),
            ("bazbot", "/example/page.html", false),
            ("bazbot", "/example/a.gif", true),
            ("quxbot", "/example/page.html", true),
        ] {
            assert_eq!(allows(SIMPLE, agent, path), allowed, "{agent} {path}");
        }
        // 5.2: the longest match wins.
        let longest = "User-agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n";
        assert!(allows(longest, "foobot", "/example/page/allowed.gif"));
        assert!(!allows(longest, "foobot", "/example/page/disallowed.gif"));
        // 2.2.1: groups for the same crawler are one.
        let twice = "user-agent: ExampleBot\ndisallow: /foo\ndisallow: /bar\n\nuser-agent: ExampleBot\ndisallow: /baz\n";
        for (path, allowed) in [("/foo", false), ("/bar", false), ("/baz", false), ("/qux", true)] {
            assert_eq!(allows(twice, "ExampleBot", path), allowed, "{path}");
        }
    }

    #[test]
    fn paths_are_compared_however_they_are_written() {
        // RFC 9309, 2.2.2, all rows but the one that encodes a query's reserved characters: nobody does that.
        for (rule, path) in [
            ("/foo/bar?baz=quz", "/foo/bar?baz=quz"),
            ("/foo/bar/ツ", "/foo/bar/%E3%83%84"),
            ("/foo/bar/%E3%83%84", "/foo/bar/ツ"),
            ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
            ("/foo/bar/baz", "/foo/bar/%62%61%7A"),
            ("/a%3cd.html", "/a%3Cd.html"),
        ] {
            assert!(!allows(&format!("User-agent: *\nDisallow: {rule}\n"), PRODUCT, path), "{rule} {path}");
        }
        assert!(
            allows("User-agent: *\nDisallow: /a%2Fb.html\n", PRODUCT, "/a/b.html"),
            "a slash is not its code"
        );
    }

    #[test]
    fn stars_and_ends_match_as_published() {
        // developers.google.com/search/docs/crawling-indexing/robots/robots_txt, "URL matching based on path values".
        for (rule, yes, no) in [
            ("/", "/fish", ""),
            ("/fish*", "/fish.html", "/Fish.asp"),
            ("/fish/", "/fish/salmon.htm", "/fish"),
            ("/*.php", "/folder/filename.php?parameters", "/windows.PHP"),
            ("/*.php$", "/folder/filename.php", "/filename.php?parameters"),
            ("/fish*.php", "/fishheads/catfish.php?parameters", "/Fish.PHP"),
            ("/*a*b$", "/xaxxb", "/xbxxa"),
        ] {
            let text = format!("User-agent: *\nDisallow: {rule}\n");
            assert!(!allows(&text, PRODUCT, yes), "{rule} {yes}");
            assert!(no.is_empty() || allows(&text, PRODUCT, no), "{rule} {no}");
        }
    }

    #[test]
    fn what_is_no_rule_says_nothing() {
        for (text, allowed) in [
            ("", true),
            ("Disallow: /\n", true),
            ("<html><body>not found</body></html>", true),
            ("User-agent: *\nDisallow:\n", true),
            ("\u{feff}User-agent: *\r\nDisallow: /\r\n", false),
            ("User-agent: * # all\nDisallow: / # all of it\n", false),
            ("User-agent: *\nSitemap: https://x.org/map.xml\nDisallow: /\n", false),
            ("User-agent: CANDOR/2.0\nDisallow: /\n", false),
            ("User-agent: candorous\nDisallow: /\n", true),
            ("User-agent: candor\nAllow: /\nUser-agent: *\nDisallow: /\n", true),
        ] {
            assert_eq!(allows(text, PRODUCT, "/staff"), allowed, "{text:?}");
        }
    }

    #[test]
    fn a_delay_is_read_where_it_makes_sense() {
        let delay = |text: &str| Robots::parse(text.as_bytes()).crawl_delay;
        assert_eq!(delay("User-agent: *\nCrawl-delay: 2.5\n"), Some(Duration::from_millis(2500)));
        assert_eq!(delay("User-agent: *\nCrawl-delay: -1\nCrawl-delay: NaN\nCrawl-delay: soon\n"), None);
        assert_eq!(delay("User-agent: other\nCrawl-delay: 9\nUser-agent: *\nDisallow:\n"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_and_answer(bytes in prop::collection::vec(any::<u8>(), 0..300), path in "[/a-z*$%.?]{0,30}") {
            let url = Url::parse("https://x.org").unwrap().join(&format!("/{}", path.trim_start_matches('/'))).unwrap();
            let _ = Robots::parse(&bytes).allow(&url);
            let lines = String::from_utf8_lossy(&bytes).replace(':', "");
            let _ = Robots::parse(format!("User-agent: *\nDisallow: {lines}").as_bytes()).allow(&url);
        }

        /// The plain definition: every star tried everywhere.
        #[test]
        fn matching_is_what_it_says(pattern in "[ab*]{0,8}\\$?", path in "[ab]{0,10}") {
            fn plain(pattern: &[u8], path: &[u8]) -> bool {
                match pattern {
                    [] => true,
                    [b'$'] => path.is_empty(),
                    [b'*', rest @ ..] => (0..=path.len()).any(|at| plain(rest, &path[at..])),
                    [first, rest @ ..] => path.first() == Some(first) && plain(rest, &path[1..]),
                }
            }
            prop_assert_eq!(matches(&pattern, &path), plain(pattern.as_bytes(), path.as_bytes()));
        }
    }
}
