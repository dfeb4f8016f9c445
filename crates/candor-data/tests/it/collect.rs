//! Collecting from sites that behave, and from sites that do not: fully, politely, safely, and never twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use candor_core::{Problem, Progress, Reporter, Silent};
use candor_data::collect::{CollectError, CollectOptions, CollectRecipe, Collected, collect, preview};
use candor_data::export::{LAYOUTS, export};
use candor_data::source::{Source, SourceOptions};
use candor_data::study::{Resemblance, Study};
use rusqlite::Connection;

use crate::web::{Log, Reply, Seen, Site, bmp, header, page, picture, status, text};

const BETWEEN: f64 = 0.03;

/// A folder with a recipe and a study.
struct Collector {
    dir: tempfile::TempDir,
}

impl Collector {
    fn new(sites: &str) -> Collector {
        let collector = Collector { dir: tempfile::tempdir().unwrap() };
        collector.write_recipe(sites);
        collector
    }

    fn write_recipe(&self, sites: &str) {
        let polite =
            format!("[politeness]\nseconds_between_requests = {BETWEEN}\nlongest_wait_seconds = 5\n");
        let limits = "[limits]\nrequest_seconds = 0.4\npicture_megabytes = 0.2\npage_megabytes = 0.2\n";
        let text = format!("contact = \"anna@uni.example\"\n{polite}{limits}{sites}");
        fs::write(self.dir.path().join("recipe.toml"), text).unwrap();
    }

    fn recipe(&self) -> CollectRecipe {
        CollectRecipe::read(&self.dir.path().join("recipe.toml"), true).unwrap()
    }

    fn study(&self) -> std::path::PathBuf {
        self.dir.path().join("study")
    }

    fn with(&self, options: &CollectOptions, reporter: &dyn Reporter) -> Result<Collected, CollectError> {
        let mut study = Study::create(&self.study()).unwrap();
        collect(&mut study, &self.recipe(), options, &|_| Resemblance::None, reporter)
    }

    fn collect(&self) -> Collected {
        self.with(&private(), &Silent).unwrap()
    }

    /// The rows of a question to the ledger, their values joined by `|`.
    fn rows(&self, sql: &str) -> Vec<String> {
        let ledger = Connection::open(self.study().join("study.db")).unwrap();
        let mut statement = ledger.prepare(sql).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let values = (0..columns).map(|at| {
                Ok(match row.get::<_, rusqlite::types::Value>(at)? {
                    rusqlite::types::Value::Integer(number) => number.to_string(),
                    rusqlite::types::Value::Text(text) => text,
                    _ => "-".to_owned(),
                })
            });
            Ok(values.collect::<rusqlite::Result<Vec<String>>>()?.join("|"))
        });
        rows.unwrap().collect::<rusqlite::Result<_>>().unwrap()
    }
}

fn private() -> CollectOptions {
    CollectOptions { allow_private: true, ..CollectOptions::default() }
}

fn reasons(collected: &Collected) -> BTreeMap<String, String> {
    collected.problems.iter().map(|problem| (problem.place.clone(), problem.reason.clone())).collect()
}

/// Between two requests to a host lies what was promised: the n-th is seen no sooner than n times that after the beginning,
/// however long a request takes to be seen.
fn assert_polite(seen: &[Seen], begun: Instant, between: Duration) {
    let hosts: BTreeSet<&str> = seen.iter().map(|seen| seen.host.as_str()).collect();
    for host in hosts {
        for (number, seen) in (0..).zip(seen.iter().filter(|seen| seen.host == host)) {
            assert!(seen.at - begun >= between * number, "{} is request {number} to {host}", seen.path);
        }
    }
}

/// Entries of a staff page, with pictures that come late.
fn staff(people: &[(&str, &str)], more: &str) -> Reply {
    let entry = |(name, src): &(&str, &str)| {
        format!("<li class=person><img src='data:image/gif;base64,AA' data-src='{src}'><h3>{name}</h3></li>")
    };
    page(&format!("<ul>{}</ul>{more}", people.iter().map(entry).collect::<String>()))
}

const LIST: &str = "entry = \"li.person\"\nname = \"h3\"\nnext = \"a.next\"\n";

#[test]
fn three_departments_are_collected_fully_politely_and_safely() {
    let log = Log::default();
    let [cs, econ, german] = [0; 3].map(|_| Site::start(&log));
    cs.at("/robots.txt", text("User-agent: *\nDisallow: /private/\n"))
        .at(
            "/staff",
            staff(
                &[("Ada L.", "/p/ada.bmp"), ("Alan T.", "p/alan.bmp")],
                "<a class=next href='?page=2'>on</a>",
            ),
        )
        .at(
            "/staff?page=2",
            staff(
                &[("Grace H.", "/private/grace.bmp"), ("Ada L.", "/p/ada.bmp")],
                "<a class=next href='/staff'>first</a>",
            ),
        )
        .at("/p/ada.bmp", picture(1))
        .at("/p/alan.bmp", picture(2))
        .at("/private/grace.bmp", picture(3));
    // Numbered pages without an end; the label stands on the page; the host is overloaded for a moment.
    let economist = |name: &str, src: &str| {
        format!("<li class=person><img srcset='s.bmp 1x, {src} 2x'><h3>{name}</h3><b>Wirtschaft</b></li>")
    };
    econ.at("/robots.txt", status(404, &[]))
        .at(
            "/people/1",
            Reply::InTurn(vec![
                status(429, &[("Retry-After", "1")]),
                page(&economist("Elinor O.", "/e/1.bmp")),
            ]),
        )
        .at("/people/2", page(&economist("Esther D.", "/e/2.bmp")))
        .at("/people/3", page("<p>Nobody else.</p>"))
        .at("/e/1.bmp", picture(11))
        .at("/e/2.bmp", status(302, &[("Location", "/moved/2.bmp")]))
        .at("/moved/2.bmp", picture(12));
    german
        .at("/robots.txt", text(""))
        .at(
            "/team",
            staff(
                &[
                    ("Secret", "/s/inside.bmp"),
                    ("Slow", "/s/slow.bmp"),
                    ("Endless", "/s/endless.bmp"),
                    ("Page", "/s/page.bmp"),
                    ("Gone", "/s/gone.bmp"),
                    ("Noai", "/s/noai.bmp"),
                    ("Johann G.", "/s/johann.bmp"),
                ],
                "",
            ),
        )
        .at("/s/inside.bmp", status(302, &[("Location", "http://169.254.169.254/latest/meta-data/")]))
        .at("/s/slow.bmp", Reply::Drip("image/bmp"))
        .at("/s/endless.bmp", Reply::Endless("image/bmp", bmp(21)))
        .at("/s/page.bmp", page("<!doctype html><html><body>Please log in"))
        .at("/s/noai.bmp", Reply::Plain(200, vec![header("X-Robots-Tag", "noai, noimageai")], bmp(22)))
        .at("/s/johann.bmp", picture(23));

    let collector = Collector::new(&format!(
        "[[site]]\nstart = [\"{}\"]\nclass = \"cs\"\n{LIST}\
         [[site]]\nstart = [\"{}\"]\nlabel = \"b\"\nclasses = {{ Wirtschaft = \"econ\" }}\nentry = \"li\"\nname = \"h3\"\n\
         [[site]]\nstart = [\"{}\"]\nclass = \"german\"\n{LIST}",
        cs.url("/staff"),
        econ.url("/people/{1..}"),
        german.url("/team"),
    ));
    let begun = Instant::now();
    let collected = collector.collect();

    // Fully.
    assert_eq!((collected.new, collected.pages), (5, 6), "{collected:#?}");
    let classes: Vec<_> = collected.classes.iter().map(|(class, new)| (class.as_str(), *new)).collect();
    assert_eq!(classes, [("cs", 2), ("econ", 2), ("german", 1)]);
    let names = collector.rows("SELECT value FROM attribute WHERE name = 'name' ORDER BY value");
    assert_eq!(names, ["Ada L.", "Alan T.", "Elinor O.", "Esther D.", "Johann G."]);

    // Politely: robots.txt first, nothing that it forbids, one thing after the other.
    let seen = log.all();
    assert_polite(&seen, begun, Duration::from_secs_f64(BETWEEN));
    assert_eq!(log.paths(&cs), ["/robots.txt", "/staff", "/p/ada.bmp", "/p/alan.bmp", "/staff?page=2"]);
    assert_eq!(
        log.paths(&econ),
        [
            "/robots.txt",
            "/people/1",
            "/people/1",
            "/e/1.bmp",
            "/people/2",
            "/e/2.bmp",
            "/moved/2.bmp",
            "/people/3"
        ]
    );
    assert!(log.paths(&german).starts_with(&["/robots.txt".to_owned(), "/team".to_owned()]));
    let retried: Vec<_> = seen.iter().filter(|seen| seen.path == "/people/1").map(|seen| seen.at).collect();
    assert!(retried[1] - retried[0] >= Duration::from_secs(1), "Retry-After is waited for");
    let agents: BTreeSet<&str> = seen.iter().map(|seen| seen.headers["user-agent"].as_str()).collect();
    assert!(agents.len() == 1 && agents.first().unwrap().ends_with("(+anna@uni.example)"), "{agents:?}");

    // Safely, and each refusal is a row with its reason.
    let reasons = reasons(&collected);
    for (url, says) in [
        (cs.url("/private/grace.bmp"), "forbids it (Disallow: /private/)"),
        (german.url("/s/inside.bmp"), "169.254.169.254 is link-local"),
        (german.url("/s/slow.bmp"), "took longer than 0.4 seconds"),
        (german.url("/s/endless.bmp"), "larger than 0.2 MB"),
        (german.url("/s/page.bmp"), "web page"),
        (german.url("/s/gone.bmp"), "status 404"),
        (german.url("/s/noai.bmp"), "\"noai\""),
    ] {
        let reason = reasons.get(&url).unwrap_or_else(|| panic!("{url} is missing in {reasons:#?}"));
        assert!(reason.contains(says), "{url}: {reason}");
        let state = if url.contains("slow") { "failed" } else { "refused" };
        let row = collector.rows(&format!("SELECT state, reason FROM fetch WHERE url = '{url}'"));
        assert_eq!(row, [format!("{state}|{reason}")]);
    }
    assert_eq!((collected.refused, collected.failed), (6, 1));

    // Each picture can be traced.
    let traced = "SELECT page.url, picture.url, picture.status, picture.robots, picture.location, hop.status, picture.etag,
                         length(picture.sha256), length(picture.recipe), picture.asked_at LIKE '20%Z'
                  FROM named JOIN fetch AS picture ON picture.id = named.picture JOIN fetch AS page ON page.id = named.page
                  JOIN hop ON hop.fetch = picture.id WHERE named.name = 'Esther D.'";
    let expected = format!(
        "{}|{}|200|allowed (no robots.txt: answers with status 404 (not found))|{}|302|\"p12\"|64|64|1",
        econ.url("/people/2"),
        econ.url("/e/2.bmp"),
        econ.url("/moved/2.bmp")
    );
    assert_eq!(collector.rows(traced), [expected]);

    // Run again: nothing is asked for that is there or was refused; only what failed.
    log.clear();
    let again = collector.collect();
    assert_eq!((again.new, again.there, again.failed), (0, 5, 1));
    let asked: BTreeSet<String> = log.all().into_iter().map(|seen| seen.path).collect();
    assert_eq!(asked, BTreeSet::from(["/robots.txt".to_owned(), "/s/slow.bmp".to_owned()]));
    assert!(log.all().iter().all(|seen| seen.host == german.host));
}

#[test]
fn a_study_is_refreshed_without_sending_what_has_not_changed() {
    let log = Log::default();
    let site = Site::start(&log);
    site.at("/staff", staff(&[("Ada", "/1.bmp"), ("Alan", "/2.bmp")], ""))
        .at("/1.bmp", picture(1))
        .at("/2.bmp", picture(2));
    let collector =
        Collector::new(&format!("[[site]]\nstart = [\"{}\"]\nclass = \"cs\"\n{LIST}", site.url("/staff")));
    assert_eq!(collector.collect().new, 2);
    log.clear();
    assert_eq!((collector.collect().requests, log.all().len()), (0, 0), "everything is there");

    site.at("/2.bmp", picture(3))
        .at("/staff", staff(&[("Ada", "/1.bmp"), ("Alan", "/2.bmp"), ("New", "/4.bmp")], ""));
    site.at("/4.bmp", picture(4));
    let refreshed = collector.with(&CollectOptions { refresh: true, ..private() }, &Silent).unwrap();
    assert_eq!((refreshed.new, refreshed.unchanged), (2, 1), "{refreshed:#?}");
    let asked: Vec<(String, bool)> =
        log.all().into_iter().map(|s| (s.path, s.headers.contains_key("if-none-match"))).collect();
    let expected =
        [("/robots.txt", false), ("/staff", false), ("/1.bmp", true), ("/2.bmp", true), ("/4.bmp", false)];
    assert_eq!(asked, expected.map(|(path, conditional)| (path.to_owned(), conditional)));

    // Another recipe finds other things on the same pages: those are read again, the pictures are not.
    log.clear();
    let rules = LIST.replace("h3", "img@data-src");
    collector
        .write_recipe(&format!("[[site]]\nstart = [\"{}\"]\nclass = \"cs\"\n{rules}", site.url("/staff")));
    assert_eq!(collector.collect().new, 0);
    assert_eq!(log.paths(&site), ["/robots.txt", "/staff"]);
}

/// Stops when so many addresses were done.
struct Impatient(AtomicU64, u64);

impl Reporter for Impatient {
    fn progress(&self, progress: Progress) {
        self.0.store(progress.done, Ordering::SeqCst);
    }
    fn problem(&self, _: Problem) {}
    fn note(&self, _: &str) {}
    fn cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= self.1
    }
}

#[test]
fn stopped_anywhere_it_goes_on_and_nothing_that_came_is_asked_for_twice() {
    let log = Log::default();
    let site = Site::start(&log);
    let people: Vec<String> = (0..6).map(|number| format!("/{number}.bmp")).collect();
    let entries: Vec<(&str, &str)> = people.iter().map(|path| ("A person", path.as_str())).collect();
    site.at("/staff", staff(&entries, ""));
    for (number, path) in (0..).zip(&people) {
        site.at(path, picture(number));
    }
    let collector =
        Collector::new(&format!("[[site]]\nstart = [\"{}\"]\nclass = \"cs\"\n{LIST}", site.url("/staff")));
    let mut stops = 0;
    let collected = loop {
        match collector.with(&private(), &Impatient(AtomicU64::new(0), 2)) {
            Ok(collected) => break collected,
            Err(CollectError::Stopped) => stops += 1,
            Err(other) => panic!("{other}"),
        }
        // What was under way when it stopped may be asked for again.
        assert!(stops < 20, "it never gets on");
    };
    assert!(stops > 0);
    assert_eq!(collected.there + collected.new, 6);
    let pictures = log.paths(&site).into_iter().filter(|path| path.ends_with(".bmp")).count();
    assert!(pictures <= 6 + stops, "{pictures} requests for 6 pictures, stopped {stops} times");
    assert_eq!(Study::read(&collector.study()).unwrap().status().unwrap().pictures, 6);
}

#[test]
fn a_host_that_cannot_say_what_it_allows_is_not_asked() {
    for (robots, says, state) in [
        (
            status(503, &[("Retry-After", "0")]),
            "robots.txt cannot be read (answers with status 503",
            "failed",
        ),
        (text("User-agent: candor\nCrawl-delay: 60\n"), "asks for 60 seconds between requests", "waiting"),
        (status(429, &[("Retry-After", "3600")]), "asks to wait for 3600 seconds", "waiting"),
        (text("User-agent: *\nDisallow: /\n"), "forbids it (Disallow: /)", "refused"),
    ] {
        let log = Log::default();
        let site = Site::start(&log);
        site.at("/robots.txt", robots).at("/staff", staff(&[], ""));
        let collector = Collector::new(&format!(
            "[[site]]\nstart = [\"{}\"]\nclass = \"cs\"\n{LIST}",
            site.url("/staff")
        ));
        let collected = collector.collect();
        assert!(
            collected.problems.iter().any(|problem| problem.reason.contains(says)),
            "{says}: {collected:#?}"
        );
        assert!(log.paths(&site).iter().all(|path| path == "/robots.txt"));
        assert_eq!(collector.rows("SELECT state FROM fetch WHERE kind = 'page'"), [state], "{says}");
    }
}

#[test]
fn a_private_address_is_refused_unless_it_is_named() {
    let log = Log::default();
    let (site, other) = (Site::start(&log), Site::start(&log));
    site.at("/staff", staff(&[("Ada", &other.url("/1.bmp"))], ""));
    other.at("/1.bmp", picture(1));
    let collector =
        Collector::new(&format!("[[site]]\nstart = [\"{}\"]\nclass = \"cs\"\n{LIST}", site.url("/staff")));
    let collected = collector.with(&CollectOptions::default(), &Silent).unwrap();
    assert!(log.all().is_empty(), "not even robots.txt is asked for");
    assert!(collected.problems[0].reason.contains("this machine itself"), "{collected:#?}");

    assert_eq!((collected.requests, collected.refused), (0, 1));
    // Allowed by the next run, it is asked for.
    let collected = collector.collect();
    assert!(
        collected.pages == 1 && collected.new == 0 && log.paths(&other).is_empty(),
        "the picture's host is not in the recipe"
    );
    let both = CollectOptions { private_hosts: vec![other.host.clone()], ..private() };
    assert_eq!(collector.with(&both, &Silent).unwrap().new, 1);
}

#[test]
fn a_list_of_addresses_needs_no_page() {
    let log = Log::default();
    let site = Site::start(&log);
    site.at("/1.bmp", picture(1))
        .at("/2.bmp", picture(2))
        .at("/same.bmp", picture(2))
        .at("/3.bmp", picture(3));
    let dogs = format!(
        "[[site]]\nclass = \"dog\"\npictures = [\"{}\", \"{}\"]\n",
        site.url("/2.bmp"),
        site.url("/3.bmp")
    );
    let collector =
        Collector::new(&format!("[[site]]\nclass = \"cat\"\npicture_list = \"cats.txt\"\n{dogs}"));
    let list = ["/1.bmp", "/same.bmp"].map(|path| site.url(path)).join("\n");
    fs::write(collector.dir.path().join("cats.txt"), list).unwrap();
    let collected = collector.collect();
    assert_eq!((collected.new, collected.known), (3, 1), "{collected:#?}");
    // The same picture in both classes is told.
    assert!(collected.problems[0].reason.contains("it stays that"), "{collected:#?}");

    // Out as other programs take it, and in again.
    let out = collector.dir.path().join("out");
    let study = Source::open(&collector.study(), &SourceOptions::default(), &Silent).unwrap();
    let layout = LAYOUTS.iter().find(|layout| layout.name == "index-csv").unwrap();
    assert_eq!(export(&study, layout, &out, None, &Silent).unwrap().pictures, 3);
    let table = fs::read_to_string(out.join("index.csv")).unwrap();
    assert!(table.starts_with("id,category,image_url,name,"), "{table}");
    assert!(table.lines().skip(1).all(|line| line.split(',').next().unwrap().len() == 8), "{table}");
    let source = Source::open(&out, &SourceOptions::default(), &Silent).unwrap();
    assert_eq!((source.kind(), source.problems().len()), ("index-csv", 0));
    let urls: BTreeSet<_> =
        candor_core::Dataset::samples(&source).iter().map(|s| s.provenance.url.clone().unwrap()).collect();
    assert_eq!(urls, BTreeSet::from(["/1.bmp", "/same.bmp", "/3.bmp"].map(|path| site.url(path))));
}

/// Every file below `folder` in which `bytes` occur.
fn files_with(folder: &Path, bytes: &[u8]) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files_with(&path, bytes)),
            false if fs::read(&path).unwrap().windows(bytes.len()).any(|window| window == bytes) => {
                found.push(path)
            }
            false => {}
        }
    }
    found
}

#[test]
fn whoever_was_taken_out_does_not_come_back_from_the_web() {
    let log = Log::default();
    let site = Site::start(&log);
    site.at("/robots.txt", text("User-agent: *\nDisallow: /no/\n"))
        .at(
            "/staff",
            staff(
                &[("Ada Lovelace", "/ada.bmp"), ("Alan Turing", "/no/alan.bmp"), ("Grace", "/grace.bmp")],
                "",
            ),
        )
        .at("/ada.bmp", picture(1))
        .at("/grace.bmp", picture(2));
    let collector =
        Collector::new(&format!("[[site]]\nstart = [\"{}\"]\nclass = \"cs\"\n{LIST}", site.url("/staff")));
    assert_eq!(collector.collect().new, 2);
    assert_eq!(
        collector.rows("SELECT name FROM named ORDER BY name"),
        ["Ada Lovelace", "Alan Turing", "Grace"]
    );

    // Names of people are found also where there is no picture of them.
    let mut study = Study::write(&collector.study()).unwrap();
    for name in ["Ada Lovelace", "Alan Turing"] {
        let (doomed, addresses) = (study.find(name).unwrap(), study.find_addresses(name).unwrap());
        assert_eq!((doomed.len(), addresses.len()), if name.starts_with("Ada") { (1, 0) } else { (0, 1) });
        study.forget(&doomed, &[], &addresses).unwrap();
    }
    drop(study);
    let left = ["Ada Lovelace", "ada.bmp", "Alan Turing", "alan.bmp"];
    let nowhere = |when: &str| {
        for text in left {
            assert_eq!(
                files_with(&collector.study(), text.as_bytes()),
                Vec::<std::path::PathBuf>::new(),
                "{text} {when}"
            );
        }
    };
    nowhere("after it was taken out");

    // By address: it is not even asked for. By its bytes, elsewhere: it is not kept.
    log.clear();
    site.at(
        "/staff",
        staff(
            &[
                ("Ada Lovelace", "/ada.bmp"),
                ("A. Lovelace", "/elsewhere.bmp"),
                ("Alan Turing", "/no/alan.bmp"),
            ],
            "",
        ),
    );
    site.at("/elsewhere.bmp", picture(1));
    let again = collector.with(&CollectOptions { refresh: true, ..private() }, &Silent).unwrap();
    assert_eq!((again.new, again.taken_out), (0, 3), "{again:#?}");
    assert!(!log.paths(&site).contains(&"/ada.bmp".to_owned()));
    nowhere("after collecting again");
    assert_eq!(files_with(&collector.study(), b"elsewhere.bmp"), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_preview_asks_for_first_pages_and_writes_nothing() {
    let log = Log::default();
    let site = Site::start(&log);
    site.at("/staff", staff(&[("Ada", "/1.bmp")], "<a class=next href='?2'>on</a>"));
    let collector =
        Collector::new(&format!("[[site]]\nstart = [\"{}\"]\nclass = \"cs\"\n{LIST}", site.url("/staff")));
    let seen = preview(&collector.recipe(), &private(), &Silent).unwrap();
    assert_eq!(log.paths(&site), ["/robots.txt", "/staff"]);
    assert_eq!(seen.sites[0].pictures[0].name.as_deref(), Some("Ada"));
    assert_eq!(seen.sites[0].next, [site.url("/staff?2")]);
    assert!(!collector.study().exists());
}
