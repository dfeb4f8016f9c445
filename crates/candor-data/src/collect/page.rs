//! What a page names: pictures with what is said of them, and the pages after it. Values in, values out.

use scraper::{ElementRef, Html, Selector};
use url::Url;

use super::opt_out;
use super::recipe::{Class, Pick, Rules, Site};
use super::srcset::address_in;

/// What was found on a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// What the page says against being learned from; then nothing else was looked for.
    pub opt_out: Option<&'static str>,
    pub pictures: Vec<Named>,
    /// Entries without a picture that can be asked for: why.
    pub unfit: Vec<String>,
    /// Pages after this one.
    pub next: Vec<Url>,
    /// Entries in all.
    pub entries: usize,
}

/// A picture, as a page names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub url: Url,
    pub class: String,
    pub name: Option<String>,
    pub licence: Option<String>,
}

/// Reads the page with the text `html` that came from `url`.
pub(super) fn read(html: &str, url: &Url, site: &Site) -> Page {
    let document = Html::parse_document(html);
    if let Some(opt_out) = metas(&document).find_map(|(name, content)| opt_out::in_meta(name, content)) {
        return Page { opt_out: Some(opt_out), ..Page::default() };
    }
    let base = base(&document, url);
    let reading =
        Reading { base: &base, rules: &site.rules, class: &site.class, licence: licence(&document, &base) };
    let mut page = Page::default();
    for entry in reading.entries(&document) {
        page.entries += 1;
        match reading.named(&document, entry) {
            Ok(named) => page.pictures.push(named),
            Err(reason) => page.unfit.push(format!("entry {}: {reason}", page.entries)),
        }
    }
    page.next = reading.next(&document, url);
    page
}

struct Reading<'a> {
    base: &'a Url,
    rules: &'a Rules,
    class: &'a Class,
    /// Of the whole page.
    licence: Option<String>,
}

/// A picture's element, in what it belongs to.
struct Entry<'a> {
    whole: ElementRef<'a>,
    picture: Option<ElementRef<'a>>,
}

impl Reading<'_> {
    /// One for each element that the recipe calls an entry; where it calls none so, one for each picture.
    fn entries<'a>(&self, document: &'a Html) -> Vec<Entry<'a>> {
        let picture = &self.rules.picture;
        match &self.rules.entry {
            Some(entry) => document
                .select(entry)
                .map(|whole| Entry { whole, picture: whole.select(picture).next() })
                .collect(),
            None => document
                .select(picture)
                .map(|element| Entry { whole: element, picture: Some(element) })
                .collect(),
        }
    }

    fn named(&self, document: &Html, entry: Entry<'_>) -> Result<Named, String> {
        let element = entry.picture.ok_or("has no picture there")?;
        let address = self.address(element).ok_or("its picture has no address in any of the attributes")?;
        let url = self.base.join(address).map_err(|_| format!("\"{address}\" is no address"))?;
        let url = fetchable(url).ok_or_else(|| format!("\"{address}\" is no address of the web"))?;
        // Without entries, what is said stands beside the picture or anywhere on the page.
        let text = |pick: &Pick| match self.rules.entry {
            Some(_) => pick.text(entry.whole),
            None => pick.text(entry.whole).or_else(|| pick.text(document.root_element())),
        };
        let class = match self.class {
            Class::Fixed(class) => class.clone(),
            Class::OnPage { label, names } => {
                let found = text(label).ok_or("no label there")?;
                names.get(&found).cloned().unwrap_or(found)
            }
        };
        let licence = self.rules.licence.as_ref().and_then(text);
        let licence =
            licence.or_else(|| licence_link(entry.whole, self.base)).or_else(|| self.licence.clone());
        Ok(Named { url, class, name: self.rules.name.as_ref().and_then(text), licence })
    }

    /// The address of a picture: of the element itself, or of what stands in it, such as the sources of a `<picture>`.
    fn address<'a>(&self, element: ElementRef<'a>) -> Option<&'a str> {
        let of = |element: ElementRef<'a>| {
            self.rules.attributes.iter().find_map(|name| address_in(name, element.attr(name)?))
        };
        of(element).or_else(|| {
            let inside = element.descendent_elements();
            inside.filter(|e| matches!(e.value().name(), "img" | "source")).find_map(of)
        })
    }

    fn next(&self, document: &Html, url: &Url) -> Vec<Url> {
        let Some(selector) = &self.rules.next else { return Vec::new() };
        let links = document.select(selector).filter_map(|link| link.attr("href"));
        let mut next = Vec::new();
        for link in links.filter_map(|href| fetchable(self.base.join(href).ok()?)) {
            if link != *url && !next.contains(&link) {
                next.push(link);
            }
        }
        next
    }
}

/// An address of the web as it is asked for: without what only a browser needs, and without passwords.
pub(super) fn fetchable(mut url: Url) -> Option<Url> {
    url.set_fragment(None);
    let plain = url.username().is_empty() && url.password().is_none();
    (matches!(url.scheme(), "http" | "https") && plain && url.has_host()).then_some(url)
}

fn metas(document: &Html) -> impl Iterator<Item = (&str, &str)> {
    let all =
        document.root_element().descendent_elements().filter(|element| element.value().name() == "meta");
    all.filter_map(|meta| Some((meta.attr("name")?, meta.attr("content")?)))
}

/// What addresses on the page are relative to.
fn base(document: &Html, url: &Url) -> Url {
    let selector = Selector::parse("base[href]").expect("it is a selector");
    let href = document.select(&selector).next().and_then(|base| base.attr("href"));
    href.and_then(|href| url.join(href).ok()).unwrap_or_else(|| url.clone())
}

/// The licence that the whole page states in its head.
fn licence(document: &Html, base: &Url) -> Option<String> {
    let selector = Selector::parse("link[rel~=license][href]").expect("it is a selector");
    let href = document.select(&selector).next()?.attr("href")?;
    base.join(href).ok().map(|url| url.to_string())
}

/// The licence that stands beside a picture.
fn licence_link(entry: ElementRef<'_>, base: &Url) -> Option<String> {
    let selector = Selector::parse("a[rel~=license][href]").expect("it is a selector");
    let link = entry.select(&selector).next()?;
    base.join(link.attr("href")?).ok().map(|url| url.to_string())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::super::recipe::CollectRecipe;
    use super::*;

    fn site(rules: &str) -> Site {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recipe.toml");
        let text = format!("contact = \"a@b.org\"\n[[site]]\nstart = [\"https://x.org/staff/\"]\n{rules}");
        std::fs::write(&path, text).unwrap();
        CollectRecipe::read(Path::new(&path), false).unwrap().sites.remove(0)
    }

    fn url() -> Url {
        Url::parse("https://x.org/staff/?page=1").unwrap()
    }

    const STAFF: &str = "entry = \"li\"\nname = \"h3\"\nnext = \"a.next, a.person\"\n";

    #[test]
    fn entries_give_pictures_with_names_and_labels() {
        let html = "<html><head><link rel='license' href='/terms'></head><ul>
            <li><img src='data:image/gif;base64,AA' data-src='ada.jpg'><h3>Ada  L.</h3><b>Computing</b></li>
            <li><picture><source srcset='b-1.jpg 1x, b-2.jpg 2x'><img src=b.jpg></picture><b>Economics</b>
                <a rel='license nofollow' href='https://creativecommons.org/licenses/by/4.0/'>CC</a></li>
            <li><h3>No picture</h3><b>x</b></li><li><img src=c.jpg></li><li><img src='ftp://x.org/d.jpg'><b>y</b></li>
            </ul><a class=next href='?page=2#top'>on</a><a class=next href='?page=2'>on</a><a class=next href='?page=1'>here</a>";
        let rules =
            format!("{STAFF}label = \"b\"\npicture = \"img, picture\"\nclasses = {{ Computing = \"cs\" }}\n");
        let page = read(html, &url(), &site(&rules));
        let named = |url: &str, class: &str, name: Option<&str>, licence: &str| Named {
            url: Url::parse(url).unwrap(),
            class: class.into(),
            name: name.map(str::to_owned),
            licence: Some(licence.into()),
        };
        let expected = [
            named("https://x.org/staff/ada.jpg", "cs", Some("Ada L."), "https://x.org/terms"),
            named(
                "https://x.org/staff/b-2.jpg",
                "Economics",
                None,
                "https://creativecommons.org/licenses/by/4.0/",
            ),
        ];
        assert_eq!(page.pictures, expected);
        assert_eq!(page.entries, 5);
        for (said, says) in
            page.unfit.iter().zip(["entry 3: has no picture", "entry 4: no label", "entry 5: \"ftp:"])
        {
            assert!(said.starts_with(says), "{said}");
        }
        assert_eq!(page.next, [Url::parse("https://x.org/staff/?page=2").unwrap()]);
    }

    #[test]
    fn a_page_without_entries_is_its_pictures() {
        let html = "<base href='https://cdn.x.org/p/'><h1>Ada</h1><img src=a.jpg alt='A'><img src='b.jpg#x' alt='B'>";
        let page = read(html, &url(), &site("class = \"cs\"\nname = \"@alt\"\n"));
        let found: Vec<_> = page.pictures.iter().map(|p| (p.url.as_str(), p.name.as_deref())).collect();
        assert_eq!(
            found,
            [("https://cdn.x.org/p/a.jpg", Some("A")), ("https://cdn.x.org/p/b.jpg", Some("B"))]
        );
        let page = read(html, &url(), &site("class = \"cs\"\nname = \"h1\"\n"));
        assert_eq!(page.pictures[1].name.as_deref(), Some("Ada"));
    }

    #[test]
    fn a_page_that_says_no_is_not_looked_at() {
        let html = "<head><meta name=robots content='noindex, NOIMAGEAI'></head><img src=a.jpg>";
        let page = read(html, &url(), &site("class = \"cs\"\n"));
        assert_eq!(page, Page { opt_out: Some("noimageai"), ..Page::default() });
    }

    proptest! {
        #[test]
        fn any_text_is_read(html in "(<[a-z]{1,6}( [a-z]{1,6}='?\\PC{0,8})?>|\\PC{0,10}|<li>|<img src=){0,20}") {
            let page = read(&html, &url(), &site(&format!("class = \"cs\"\n{STAFF}")));
            prop_assert!(page.pictures.iter().all(|named| matches!(named.url.scheme(), "http" | "https")));
            prop_assert_eq!(page.entries, page.pictures.len() + page.unfit.len());
        }
    }
}
