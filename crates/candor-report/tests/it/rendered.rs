//! Pages about made-up studies in a real browser, where there is one.

use candor_report::render_html;

use crate::browser::Browser;
use crate::fixture::{Wanted, report};

fn wanted(classes: usize, models: usize, layers: usize, picture_px: usize) -> Wanted {
    Wanted { classes, models, layers, picture_px }
}

#[test]
fn pages_can_be_read_on_a_phone_and_a_desktop_light_and_dark() {
    let Some(browser) = Browser::find("pages_can_be_read_on_a_phone_and_a_desktop_light_and_dark") else {
        return;
    };
    for (name, wanted) in [
        ("two-classes", wanted(2, 1, 6, 200)),
        ("ten-classes-two-models", wanted(10, 2, 12, 28)),
        ("sixty-classes", wanted(60, 1, 40, 96)),
    ] {
        browser.check(name, &render_html(&report(&wanted)), env!("CARGO_TARGET_TMPDIR"));
    }
}

#[test]
fn a_broken_page_would_be_noticed() {
    let Some(browser) = Browser::find("a_broken_page_would_be_noticed") else { return };
    let good = render_html(&report(&wanted(2, 1, 6, 40)));
    let broken = "<div style='width:3000px'>wide</div><img src='picture.png' alt=''><script>1</script>\
                  <p style='color:#999;background:#aaa'>faint</p>\
                  <svg aria-label='a' viewBox='0 0 100 20'><text y='9'>one word</text><text y='9'>another</text></svg></body>";
    let found = browser.look(&good.replace("</body>", broken));
    assert!(found.console.contains("Content Security Policy"), "{}", found.console);
    assert_eq!(found.views.len(), 4);
    for view in found.views {
        assert!(view["content"].as_u64() >= Some(3000), "{view}");
        assert_eq!(
            (view["missing"].as_array().map(Vec::len), view["nameless"].as_u64()),
            (Some(1), Some(1)),
            "{view}"
        );
        assert_eq!(view["faint"], serde_json::json!(["faint"]));
        assert_eq!(view["overlapping"], serde_json::json!(["one word / another"]));
    }
}
