//! The page in a real browser, where there is one: nothing sticks out, no picture is missing, nothing is complained of.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use candor_report::{Report, render_html};

use crate::fixture::{Wanted, report};

/// Shows the page in a frame of the wanted width and writes down what it finds. A frame, because a browser's window
/// cannot be made as narrow as a phone. All of it happens before the outer page has loaded, which is what the browser
/// waits for before it writes the document out.
const HARNESS: &str = r#"<!DOCTYPE html><meta charset="utf-8"><title>harness</title><body>
<iframe width="WIDTH" height="900"></iframe><script>
const text = new TextDecoder().decode(Uint8Array.from(atob("PAGE"), c => c.charCodeAt(0)));
const frame = document.querySelector("iframe");
frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement;
  page.querySelectorAll("details").forEach(d => d.open = true);
  const pictures = [...page.images];
  const found = {
    width: root.clientWidth,
    content: Math.max(root.scrollWidth, page.body.scrollWidth),
    pictures: pictures.length,
    missing: pictures.filter(p => !p.complete || p.naturalWidth === 0).length,
    small_text: [...page.querySelectorAll("svg text")].filter(t => {
      const scale = t.ownerSVGElement.getScreenCTM().a;
      return parseFloat(frame.contentWindow.getComputedStyle(t).fontSize) * scale < 7;
    }).length,
  };
  document.title = "found:" + Object.entries(found).map(e => e.join("=")).join(",") + ";";
};
frame.srcdoc = text;
</script>"#;

fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|candidate| candidate.is_file())
}

/// What the harness found, and what the browser wrote to its console.
fn look(browser: &Path, page: &str, width: usize) -> (String, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("harness.html");
    let harness = HARNESS.replace("WIDTH", &width.to_string()).replace("PAGE", &STANDARD.encode(page));
    std::fs::write(&file, harness).expect("the harness can be written");
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"])
        .args(["--disable-background-networking", "--disable-component-update", "--hide-scrollbars"])
        .args(["--enable-logging=stderr", "--window-size=1400,1000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("file://{}", file.display()))
        .output()
        .expect("the browser starts");
    let dom = String::from_utf8_lossy(&output.stdout);
    let found = dom.split("<title>found:").nth(1).and_then(|rest| rest.split(';').next());
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let found = found.unwrap_or_else(|| panic!("the harness did not end: {errors}")).to_owned();
    (found, errors.lines().filter(|line| line.contains("CONSOLE")).collect::<Vec<_>>().join("\n"))
}

fn value(found: &str, key: &str) -> usize {
    let pair = found.split(',').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    pair.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{key} in {found}"))
}

fn check(browser: &Path, name: &str, report: &Report) {
    let page = render_html(report);
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.html"));
    std::fs::write(&copy, &page).expect("the page can be kept for a person to look at");
    for width in [390, 1280] {
        let (found, console) = look(browser, &page, width);
        assert!(value(&found, "content") <= value(&found, "width"), "{name} at {width}: {found}");
        assert_eq!(value(&found, "pictures"), page.matches("<img").count(), "{name} at {width}: {found}");
        assert_eq!(value(&found, "missing"), 0, "{name} at {width}: {found}");
        assert_eq!(value(&found, "small_text"), 0, "{name} at {width}: {found}");
        assert_eq!(console, "", "{name} at {width}");
    }
}

#[test]
fn the_page_fits_a_phone_and_a_desktop() {
    let Some(browser) = browser() else {
        println!("skipped: no chromium on the path");
        return;
    };
    let wanted = |classes, models, layers, picture_px| Wanted { classes, models, layers, picture_px };
    check(&browser, "two-classes", &report(&wanted(2, 1, 6, 200)));
    check(&browser, "ten-classes-two-models", &report(&wanted(10, 2, 12, 28)));
    check(&browser, "sixty-classes", &report(&wanted(60, 1, 40, 96)));
}

#[test]
fn a_broken_page_would_be_noticed() {
    let Some(browser) = browser() else {
        println!("skipped: no chromium on the path");
        return;
    };
    let good = render_html(&report(&Wanted { classes: 2, models: 1, layers: 6, picture_px: 40 }));
    let broken =
        "<div style='width:3000px'>wide</div><img src='picture.png' alt=''><script>1</script></body>";
    let (found, console) = look(&browser, &good.replace("</body>", broken), 390);
    assert!(value(&found, "content") >= 3000, "{found}");
    assert_eq!(value(&found, "missing"), 1, "{found}");
    assert!(console.contains("Content Security Policy"), "{console}");
}
