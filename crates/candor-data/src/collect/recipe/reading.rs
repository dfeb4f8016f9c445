//! From the text of a recipe to what it means: every key is looked at, and what is wrong is named with its line.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use candor_core::SampleId;
use scraper::Selector;
use serde::Deserialize;
use toml::Spanned;
use url::Url;

use super::CollectRecipeErrorKind as Kind;
use super::{
    Class, CollectLimits, CollectRecipe, CollectRecipeError, Pattern, Pick, Politeness, Rules, Site, pick,
};

/// Seconds between two requests to a host that are polite without asking.
const POLITE_SECONDS: f64 = 1.0;
/// Where pages hide the address of a picture that is loaded late, in the order in which they are believed.
const PICTURE_ATTRIBUTES: [&str; 9] = [
    "data-srcset",
    "data-lazy-srcset",
    "srcset",
    "data-src",
    "data-lazy-src",
    "data-original",
    "data-lazy",
    "src",
    "content",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecipeText {
    contact: Option<Spanned<String>>,
    #[serde(default)]
    politeness: PolitenessText,
    #[serde(default)]
    limits: LimitsText,
    #[serde(default, rename = "site")]
    sites: Vec<Spanned<SiteText>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PolitenessText {
    seconds_between_requests: Option<Spanned<f64>>,
    longest_wait_seconds: Option<Spanned<f64>>,
    tries: Option<Spanned<u32>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LimitsText {
    page_megabytes: Option<Spanned<f64>>,
    picture_megabytes: Option<Spanned<f64>>,
    request_seconds: Option<Spanned<f64>>,
    pages: Option<usize>,
    pictures: Option<usize>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SiteText {
    start: Vec<Spanned<String>>,
    pictures: Vec<Spanned<String>>,
    picture_list: Option<Spanned<PathBuf>>,
    class: Option<Spanned<String>>,
    label: Option<Spanned<String>>,
    classes: BTreeMap<String, String>,
    entry: Option<Spanned<String>>,
    picture: Option<Spanned<String>>,
    picture_attributes: Option<Vec<String>>,
    name: Option<Spanned<String>>,
    licence: Option<Spanned<String>>,
    next: Option<Spanned<String>>,
    script: Option<bool>,
    wait_for: Option<Spanned<String>>,
    script_hosts: Vec<String>,
}

/// A recipe while it is being read.
pub(super) struct Reading<'a> {
    pub path: &'a Path,
    pub text: &'a str,
    /// Whether hosts may be asked more than once a second.
    pub less_polite: bool,
}

type Checked<T> = Result<T, CollectRecipeError>;

impl Reading<'_> {
    pub fn recipe(&self) -> Checked<CollectRecipe> {
        let typed: RecipeText = toml::from_str(self.text)
            .map_err(|error| CollectRecipeError::new(self.path, None, "", Kind::Toml(error.into())))?;
        let contact = self.contact(typed.contact)?;
        if typed.sites.is_empty() {
            return Err(CollectRecipeError::new(self.path, None, "site", Kind::NoSite));
        }
        Ok(CollectRecipe {
            path: self.path.to_owned(),
            sha256: SampleId::of(self.text.as_bytes()),
            contact,
            politeness: self.politeness(typed.politeness)?,
            limits: self.limits(typed.limits)?,
            sites: typed.sites.into_iter().map(|site| self.site(site)).collect::<Checked<_>>()?,
        })
    }

    fn wrong(&self, at: Range<usize>, key: &str, kind: Kind) -> CollectRecipeError {
        let line = self.text[..at.start.min(self.text.len())].matches('\n').count() + 1;
        CollectRecipeError::new(self.path, Some(line), key, kind)
    }

    fn contact(&self, typed: Option<Spanned<String>>) -> Checked<String> {
        let Some(typed) = typed else {
            return Err(CollectRecipeError::new(self.path, None, "contact", Kind::NoContact));
        };
        let (at, contact) = (typed.span(), typed.into_inner());
        let reaches = contact.contains('@') || contact.contains("://");
        // It becomes part of a header.
        let fits = contact.chars().all(|c| c.is_ascii_graphic() || c == ' ') && !contact.contains(['(', ')']);
        match reaches && fits {
            true => Ok(contact.trim().to_owned()),
            false => Err(self.wrong(at, "contact", Kind::Contact { typed: contact })),
        }
    }

    fn politeness(&self, typed: PolitenessText) -> Checked<Politeness> {
        let least = if self.less_polite { 0.0 } else { POLITE_SECONDS };
        let needs = match self.less_polite {
            true => "a number of seconds from 0 to 3600",
            false => "at least 1 second, and 3600 at most (--less-polite allows less than 1)",
        };
        let key = "politeness.seconds_between_requests";
        let between =
            self.number(typed.seconds_between_requests, key, POLITE_SECONDS, least..=3600.0, needs)?;
        let key = "politeness.longest_wait_seconds";
        let needs = "a number of seconds from 0 to 86400";
        let longest = self.number(typed.longest_wait_seconds, key, 120.0, 0.0..=86400.0, needs)?;
        let tries = self.number(typed.tries, "politeness.tries", 4, 1..=20, "a whole number from 1 to 20")?;
        let [between_requests, longest_wait] = [between, longest].map(Duration::from_secs_f64);
        Ok(Politeness { between_requests, longest_wait, tries })
    }

    fn limits(&self, typed: LimitsText) -> Checked<CollectLimits> {
        let megabytes = |typed, key, usual| {
            let bytes = self.number(typed, key, usual, 0.001..=4096.0, "a number from 0.001 to 4096")? * 1e6;
            Ok(bytes as u64)
        };
        let seconds = self.number(
            typed.request_seconds,
            "limits.request_seconds",
            60.0,
            0.1..=3600.0,
            "a number from 0.1 to 3600",
        )?;
        Ok(CollectLimits {
            page_bytes: megabytes(typed.page_megabytes, "limits.page_megabytes", 10.0)?,
            picture_bytes: megabytes(typed.picture_megabytes, "limits.picture_megabytes", 30.0)?,
            request: Duration::from_secs_f64(seconds),
            pages: typed.pages.unwrap_or(1000),
            pictures: typed.pictures.unwrap_or(20_000),
        })
    }

    fn number<T: PartialOrd + Copy + ToString>(
        &self,
        typed: Option<Spanned<T>>,
        key: &str,
        usual: T,
        range: std::ops::RangeInclusive<T>,
        needs: &'static str,
    ) -> Checked<T> {
        match typed {
            None => Ok(usual),
            Some(typed) if range.contains(typed.get_ref()) => Ok(*typed.get_ref()),
            Some(typed) => {
                let value = typed.get_ref().to_string();
                Err(self.wrong(typed.span(), key, Kind::Value { value, needs }))
            }
        }
    }

    fn site(&self, typed: Spanned<SiteText>) -> Checked<Site> {
        let (at, site) = (typed.span(), typed.into_inner());
        let rules_sha256 = rules_sha256(&site);
        let rules = self.rules(&site)?;
        let class = self.class(&at, &site)?;
        let (mut start, mut open) = (Vec::new(), Vec::new());
        for typed in &site.start {
            let pattern = Pattern::parse(typed.get_ref())
                .map_err(|kind| self.wrong(typed.span(), "site.start", kind))?;
            let first = pattern.pages();
            for text in &first {
                start.push(self.address(typed.span(), "site.start", text)?);
            }
            open.extend(pattern.is_open().then_some(pattern));
        }
        let mut pictures = Vec::new();
        for typed in &site.pictures {
            pictures.push(self.address(typed.span(), "site.pictures", typed.get_ref())?);
        }
        let list = site.picture_list.as_ref();
        if let Some(list) = list {
            pictures.extend(self.listed(list)?);
        }
        let of_list = list.map(|list| self.beside(list.get_ref()).display().to_string());
        let first = start.first().map(Url::to_string).or(of_list);
        let Some(place) = first.or_else(|| (!pictures.is_empty()).then(|| self.path.display().to_string()))
        else {
            return Err(self.wrong(at, "site", Kind::NothingToCollect));
        };
        if matches!(class, Class::OnPage { .. }) && !pictures.is_empty() {
            return Err(self.wrong(at, "site.class", Kind::ListWithoutClass));
        }
        let (script, script_hosts) = (site.script, site.script_hosts);
        Ok(Site { place, start, open, pictures, class, rules, script, script_hosts, rules_sha256 })
    }

    fn class(&self, at: &Range<usize>, site: &SiteText) -> Checked<Class> {
        match (&site.class, &site.label) {
            (Some(class), None) if !class.get_ref().trim().is_empty() => {
                Ok(Class::Fixed(class.get_ref().trim().to_owned()))
            }
            (None, Some(label)) => {
                Ok(Class::OnPage { label: self.pick("site.label", label)?, names: site.classes.clone() })
            }
            (Some(_), Some(label)) => Err(self.wrong(label.span(), "site.label", Kind::TwoClasses)),
            _ => Err(self.wrong(at.clone(), "site.class", Kind::NoClass)),
        }
    }

    fn rules(&self, site: &SiteText) -> Checked<Rules> {
        let selector = |key: &str, typed: &Option<Spanned<String>>| {
            typed.as_ref().map(|typed| self.selector(key, typed)).transpose()
        };
        let pick = |key: &str, typed: &Option<Spanned<String>>| {
            typed.as_ref().map(|typed| self.pick(key, typed)).transpose()
        };
        selector("site.wait_for", &site.wait_for)?;
        let usual = Selector::parse("img").expect("img is a selector");
        let attributes = site.picture_attributes.clone();
        let wait_for = site.wait_for.as_ref().or(site.entry.as_ref()).or(site.picture.as_ref());
        Ok(Rules {
            entry: selector("site.entry", &site.entry)?,
            picture: selector("site.picture", &site.picture)?.unwrap_or(usual),
            attributes: attributes.unwrap_or_else(|| PICTURE_ATTRIBUTES.map(str::to_owned).to_vec()),
            name: pick("site.name", &site.name)?,
            licence: pick("site.licence", &site.licence)?,
            next: selector("site.next", &site.next)?,
            wait_for: wait_for.map_or_else(|| "img".to_owned(), |typed| typed.get_ref().clone()),
        })
    }

    fn selector(&self, key: &str, typed: &Spanned<String>) -> Checked<Selector> {
        let text = typed.get_ref();
        pick::selector(text).map_err(|kind| self.wrong(typed.span(), key, kind))
    }

    fn pick(&self, key: &str, typed: &Spanned<String>) -> Checked<Pick> {
        Pick::parse(typed.get_ref()).map_err(|kind| self.wrong(typed.span(), key, kind))
    }

    fn address(&self, at: Range<usize>, key: &str, text: &str) -> Checked<Url> {
        address(text).map_err(|kind| self.wrong(at, key, kind))
    }

    /// The addresses of a plain list: one a line; empty lines and those that begin with # say nothing.
    fn listed(&self, list: &Spanned<PathBuf>) -> Checked<Vec<Url>> {
        let path = self.beside(list.get_ref());
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let kind = Kind::ListUnreadable { list: path.clone(), error };
            self.wrong(list.span(), "site.picture_list", kind)
        })?;
        let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let read = |(at, line): (usize, &str)| {
            address(line).map_err(|kind| CollectRecipeError::new(&path, Some(at), "", kind))
        };
        lines.map(read).collect()
    }

    /// Files that a recipe names lie beside it.
    fn beside(&self, file: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(file)
    }
}

/// An address of the web, without what only a browser needs and without passwords.
fn address(text: &str) -> Result<Url, Kind> {
    let wrong = |reason: &'static str| Kind::Address { text: text.to_owned(), reason };
    let mut url =
        Url::parse(text).map_err(|_| wrong("it must be whole, such as https://example.org/staff"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("only http:// and https:// can be collected from"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it holds a user name or password, which would be written into the study"));
    }
    url.set_fragment(None);
    Ok(url)
}

fn rules_sha256(site: &SiteText) -> SampleId {
    let text = |typed: &Option<Spanned<String>>| typed.as_ref().map(|typed| typed.get_ref().clone());
    let all = [&site.class, &site.label, &site.entry, &site.picture, &site.name, &site.licence, &site.next];
    let told = (all.map(text), &site.classes, &site.picture_attributes);
    SampleId::of(format!("{told:?}").as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<CollectRecipe, CollectRecipeError> {
        Reading { path: Path::new("recipe.toml"), text, less_polite: false }.recipe()
    }

    const CONTACT: &str = "contact = \"me@uni.example\"\n";

    #[test]
    fn a_recipe_says_where_things_stand() {
        let site = "[[site]]\nstart = [\"https://cs.example.org/staff?page={1..3}#top\"]\nclass = \"cs\"\nname = \"img@alt\"\n";
        let recipe = read(&format!("{CONTACT}{site}")).unwrap();
        let [site] = &recipe.sites[..] else { panic!("one site") };
        let start: Vec<&str> = site.start.iter().map(Url::as_str).collect();
        assert_eq!(
            start[..2],
            ["https://cs.example.org/staff?page=1", "https://cs.example.org/staff?page=2"]
        );
        assert_eq!((site.place.as_str(), start.len()), (start[0], 3));
        assert_eq!(recipe.politeness.between_requests, Duration::from_secs(1));
    }

    #[test]
    fn what_is_wrong_is_named_with_line_and_key() {
        let cases = [
            ("", "contact: is missing"),
            ("contact = \"me\"\n", "line 1, contact"),
            ("contact = \"me@uni.example\\r\\nHost: evil\"\n", "line 1, contact"),
            ("contact = \"me@uni.example\"\n", "site: there is none"),
            ("contact = \"me@x.org\"\n[[site]]\nclas = \"cs\"\n", "clas"),
            (
                "contact = \"me@x.org\"\n[[site]]\nstart = [\"https://x.org\"]\n",
                "line 2, site.class: is missing",
            ),
            ("contact = \"me@x.org\"\n[[site]]\nclass = \"cs\"\n", "line 2, site: names no page"),
            (
                "contact = \"me@x.org\"\n[[site]]\nclass = \"cs\"\nstart = [\"x.org/staff\"]\n",
                "line 4, site.start: \"x.org/staff\"",
            ),
            (
                "contact = \"me@x.org\"\n[[site]]\nclass = \"cs\"\nstart = [\"file:///etc/passwd\"]\n",
                "only http:// and https://",
            ),
            (
                "contact = \"me@x.org\"\n[[site]]\nclass = \"cs\"\nstart = [\"https://me:pw@x.org/\"]\n",
                "user name or password",
            ),
            (
                "contact = \"me@x.org\"\n[[site]]\nclass = \"cs\"\nstart = [\"https://x.org\"]\nentry = \"li[\"\n",
                "line 5, site.entry: \"li[\" is no CSS selector",
            ),
            (
                "contact = \"me@x.org\"\n[[site]]\nclass = \"cs\"\nlabel = \"b\"\nstart = [\"https://x.org\"]\n",
                "line 4, site.label",
            ),
            (
                "contact = \"me@x.org\"\n[politeness]\nseconds_between_requests = 0.2\n[[site]]\nclass = \"cs\"\nstart = [\"https://x.org\"]\n",
                "line 3, politeness.seconds_between_requests: 0.2",
            ),
            (
                "contact = \"me@x.org\"\n[[site]]\nclass = \"cs\"\nstart = [\"https://x.org/{1..}/{2..}\"]\n",
                "line 4, site.start",
            ),
            (
                "contact = \"me@x.org\"\n[[site]]\nlabel = \"b\"\npictures = [\"https://x.org/1.jpg\"]\n",
                "line 2, site.class",
            ),
        ];
        for (text, says) in cases {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(says), "{says}\nis missing in: {message}");
        }
    }

    #[test]
    fn a_plain_list_has_one_address_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recipe.toml");
        let list = dir.path().join("list.txt");
        std::fs::write(&path, format!("{CONTACT}[[site]]\nclass = \"cat\"\npicture_list = \"list.txt\"\n"))
            .unwrap();
        std::fs::write(&list, "# cats\nhttps://x.org/1.jpg\n\n  https://x.org/2.jpg\n").unwrap();
        let recipe = CollectRecipe::read(&path, false).unwrap();
        assert_eq!(recipe.sites[0].pictures.len(), 2);
        assert_eq!(recipe.sites[0].place, list.display().to_string());
        std::fs::write(&list, "https://x.org/1.jpg\n2.jpg\n").unwrap();
        let message = CollectRecipe::read(&path, false).unwrap_err().to_string();
        assert!(message.contains("list.txt, line 2: \"2.jpg\""), "{message}");
    }

    #[test]
    fn only_what_decides_what_is_found_makes_pages_be_read_again() {
        let recipe = |more: &str| {
            let site = "[[site]]\nclass = \"cs\"\nstart = [\"https://x.org\"]\n";
            read(&format!("{CONTACT}{site}{more}")).unwrap().sites[0].rules_sha256
        };
        assert_eq!(recipe(""), recipe("script = true\n"));
        assert_ne!(recipe(""), recipe("name = \"h3\"\n"));
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text in "\\PC{0,200}", value in "\\PC{0,40}") {
            let _ = read(&text);
            let quoted = toml::Value::String(value).to_string();
            for key in ["contact", "class", "entry", "picture", "name", "label", "next", "start", "pictures"] {
                let value = if ["start", "pictures"].contains(&key) { format!("[{quoted}]") } else { quoted.clone() };
                let _ = read(&format!("{CONTACT}[[site]]\n{key} = {value}\n"));
            }
        }
    }
}
