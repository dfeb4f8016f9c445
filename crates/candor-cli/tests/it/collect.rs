//! `candor collect`, as it is typed: killed and gone on with, with a browser, with its mistakes.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::fixtures::Candor;
use crate::web::{Log, Site, page, picture, text};

/// A page with so many people, and their pictures.
fn staffed(site: &Site, people: u32) {
    let entry = |number: u32| {
        site.at(&format!("/p/{number}.bmp"), picture(number));
        format!("<li><img src='p/{number}.bmp'><h3>Person {number}</h3></li>")
    };
    let entries: String = (0..people).map(entry).collect();
    site.at("/robots.txt", text("")).at("/staff", page(&format!("<ul>{entries}</ul>")));
}

fn write_recipe(candor: &Candor, site: &Site, more: &str) {
    let recipe = format!(
        "contact = \"me@uni.example\"\n[politeness]\nseconds_between_requests = 0.02\n\
         [[site]]\nstart = [\"{}\"]\nclass = \"cs\"\nentry = \"li\"\nname = \"h3\"\n{more}",
        site.url("/staff")
    );
    candor.write("recipe.toml", recipe);
}

const COLLECT: &str = "collect recipe.toml --study s --allow-private --less-polite";

#[test]
fn killed_anywhere_it_goes_on_and_asks_again_only_for_what_was_under_way() {
    let log = Log::default();
    let site = Site::start(&log);
    staffed(&site, 12);
    let candor = Candor::new();
    write_recipe(&candor, &site, "");
    let mut kills = 0;
    for requests in [1, 3, 6, 11] {
        log.clear();
        let mut child = candor.command(COLLECT).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while log.all().len() < requests && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        kills += usize::from(!child.wait().unwrap().success());
        let status = candor.json("status s");
        assert_eq!(status["missing"], 0, "{status}");
    }
    assert!(kills > 1);
    log.clear();
    let there = candor.json("status s")["pictures"].as_u64().unwrap();
    let collected = candor.json(COLLECT);
    assert_eq!((collected["there"].as_u64(), collected["new"].as_u64()), (Some(there), Some(12 - there)));
    let asked = log.paths(&site).into_iter().filter(|path| path.ends_with(".bmp")).count() as u64;
    assert_eq!(asked, 12 - there, "nothing that is there is asked for");
    log.clear();
    let words = candor.run(COLLECT).stdout;
    assert!(
        words.starts_with("0 pictures new in s, 12 there already; 0 hosts asked with 0 requests."),
        "{words}"
    );
    assert!(log.all().is_empty());
    let status = candor.json("status s");
    assert_eq!((&status["pictures"], &status["sources"][0]["kind"]), (&12.into(), &"collect".into()));
}

#[test]
fn a_preview_and_a_name_are_shown_as_they_are_found() {
    let log = Log::default();
    let site = Site::start(&log);
    staffed(&site, 9);
    site.at("/robots.txt", text("User-agent: *\nDisallow: /p/8.bmp\n"));
    let candor = Candor::new();
    write_recipe(&candor, &site, "");
    let words = candor.run(&format!("{COLLECT} --dry-run")).stdout;
    assert!(
        words.contains("9 pictures named") && words.contains("Person 0") && words.contains("… and 1 more"),
        "{words}"
    );
    assert!(words.lines().all(|line| line.chars().count() <= 80), "{words}");
    assert!(!candor.path("s").exists());

    let answer = candor.run(COLLECT);
    assert!(
        answer.stdout.contains("8 pictures new") && answer.stdout.contains("1 refused or not there"),
        "{}",
        answer.stdout
    );
    assert!(answer.stdout.lines().all(|line| line.chars().count() <= 80), "{}", answer.stdout);
    assert!(answer.stderr.contains("forbids it (Disallow: /p/8.bmp)"), "{}", answer.stderr);
    candor.json("export s --to index-csv --out out");
    let again = candor.json("import out --study again");
    assert_eq!((again["new"].as_u64(), again["problems"].as_array().unwrap().len()), (Some(8), 0));

    let unknown = candor.command("forget --study s").arg("person 8").output().unwrap();
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("it has \"Person 8\""), "{unknown:?}");
    candor.command("forget --study s").arg("Person 8").output().unwrap();
    let gone = candor.command("forget --study s --json").arg("Person 3").output().unwrap();
    let gone: serde_json::Value = serde_json::from_slice(&gone.stdout).unwrap();
    assert_eq!(gone["pictures"].as_array().unwrap().len(), 1, "{gone}");
    log.clear();
    let refreshed = candor.json(&format!("{COLLECT} --refresh"));
    assert_eq!(
        (refreshed["new"].as_u64(), refreshed["taken_out"].as_u64()),
        (Some(0), Some(2)),
        "{refreshed}"
    );
    let asked = log.paths(&site);
    assert!(!asked.contains(&"/p/3.bmp".to_owned()) && !asked.contains(&"/p/8.bmp".to_owned()), "{asked:?}");
}

#[test]
fn what_cannot_be_followed_is_said_before_anything_is_asked_for() {
    let log = Log::default();
    let site = Site::start(&log);
    staffed(&site, 1);
    let candor = Candor::new();
    write_recipe(&candor, &site, "script = true\n");
    for (line, code, says) in [
        (
            "collect recipe.toml --study s",
            2,
            "line 3, politeness.seconds_between_requests: 0.02 must be at least 1",
        ),
        (COLLECT, 1, "needs a browser: start chromedriver"),
        ("collect nowhere.toml --study s", 2, "nowhere.toml: the recipe cannot be read"),
    ] {
        let answer = candor.run(line);
        assert_eq!(answer.code, code, "{line}: {}", answer.stderr);
        assert!(answer.stderr.contains(says), "{line}: {}", answer.stderr);
    }
    let answer = candor.run(&format!("{COLLECT} --browser http://127.0.0.1:1"));
    assert!(answer.code == 1 && answer.stderr.contains("no WebDriver answers there"), "{}", answer.stderr);
    assert!(log.all().is_empty());
}

/// A chromedriver on a port of its own, ended with the test.
struct Driver {
    process: Child,
    address: String,
}

impl Driver {
    /// `None` where there is none.
    fn start() -> Option<Driver> {
        let mut command = Command::new("chromedriver");
        let started = command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut process = started.ok()?;
        let says = BufReader::new(process.stdout.take()?).lines().map_while(Result::ok);
        let port = says
            .filter_map(|line| {
                line.rsplit_once("successfully on port ")?.1.trim_end_matches('.').parse::<u16>().ok()
            })
            .next();
        let address = format!("http://127.0.0.1:{}", port.unwrap_or_default());
        Some(Driver { process, address })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_page_built_by_script_is_read_through_a_browser() {
    let Some(driver) = Driver::start() else {
        println!("skipped: there is no chromedriver here");
        return;
    };
    let log = Log::default();
    let (site, other) = (Site::start(&log), Site::start(&log));
    let script = "<ul id=list></ul><script>
        fetch('/people.json').then(answer => answer.json()).then(people => {
          list.innerHTML = people.map(name => `<li><img src=\"p/${name}.bmp\"><h3>${name}</h3></li>`).join('');
        });
        fetch('http://169.254.169.254/latest/meta-data/');
        new Image().src = '/tracker.bmp';
        </script>";
    site.at("/robots.txt", text("User-agent: *\nDisallow: /p/Secret\n"))
        .at("/staff", page(script))
        .at("/people.json", text("[\"Ada\", \"Alan\", \"Secret\"]"))
        .at("/p/Ada.bmp", picture(1))
        .at("/p/Alan.bmp", picture(2));
    let candor = Candor::new();
    write_recipe(&candor, &site, "script = true\n");
    let line = format!("{COLLECT} --browser {}", driver.address);
    let collected = candor.json(&line);
    assert_eq!((collected["new"].as_u64(), collected["refused"].as_u64()), (Some(2), Some(1)), "{collected}");
    // Browsers ask for a site's icon by themselves.
    let paths: Vec<String> = log.paths(&site).into_iter().filter(|path| path != "/favicon.ico").collect();
    // Plainly first, then by the browser with its script; pictures by candor alone, once each.
    let first = ["/robots.txt", "/staff", "/staff", "/people.json"];
    assert_eq!(paths[..4], first, "{paths:?}");
    assert_eq!(paths[4..].iter().filter(|path| path.ends_with(".bmp")).count(), 2, "{paths:?}");
    let agents: Vec<_> = log.all().iter().map(|seen| seen.headers["user-agent"].clone()).collect();
    assert!(agents.iter().all(|agent| agent.contains("(+me@uni.example)")), "{agents:?}");
    assert!(log.paths(&other).is_empty());

    log.clear();
    assert_eq!(candor.json(&line)["requests"], 0);
    assert!(log.all().is_empty(), "nothing is asked for that is there");
}
