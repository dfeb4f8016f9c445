//! What must hold for every page, whatever is reported.

use candor_report::{HTML_LIMIT_BYTES, Report, render_html, to_json};

use crate::fixture::{Wanted, image, report};

fn cases() -> Vec<(&'static str, Report)> {
    let wanted = |classes, models, layers, picture_px| Wanted { classes, models, layers, picture_px };
    vec![
        ("two classes", report(&wanted(2, 1, 6, 200))),
        ("ten classes, two models", report(&wanted(10, 2, 10, 28))),
        ("sixty classes, forty layers", report(&wanted(60, 1, 40, 96))),
    ]
}

#[test]
fn a_page_is_small_and_names_nothing_outside_itself() {
    for (name, report) in cases() {
        let page = render_html(&report);
        assert!(page.len() <= HTML_LIMIT_BYTES, "{name}: {} bytes", page.len());
        for outside in ["src=\"http", "href=\"http", "url(", "@import", "<script", "<link", "onload="] {
            assert!(!page.contains(outside), "{name}: {outside}");
        }
        assert!(page.contains("default-src 'none'"), "{name}");
    }
}

#[test]
fn the_sections_come_in_their_order() {
    let order = [
        "What the audit found",
        "What was learned",
        "How sure that is",
        "Look at this first",
        "id=\"audit\"",
        "id=\"data\"",
        "id=\"training\"",
        "id=\"evaluation\"",
        "id=\"baselines\"",
        "id=\"galleries\"",
        "id=\"network\"",
        "id=\"claims\"",
        "id=\"reproduce\"",
        "id=\"record\"",
    ];
    for (name, report) in cases() {
        let page = render_html(&report);
        let places: Vec<usize> = order.iter().map(|part| page.find(part).expect(part)).collect();
        assert!(places.is_sorted(), "{name}: {places:?}");
    }
}

#[test]
fn every_picture_has_words_and_names_are_escaped() {
    for (name, report) in cases() {
        let page = render_html(&report);
        assert!(page.matches("<img").count() > 10, "{name}");
        let words = [
            " alt=\"A picture of the class",
            " alt=\"Where the evidence for the answer is",
            " alt=\"Figure: ",
        ];
        let told: usize = words.iter().map(|words| page.matches(words).count()).sum();
        assert_eq!(page.matches("<img").count(), told, "{name}");
        assert_eq!(page.matches("<svg").count(), page.matches("role=\"img\"").count(), "{name}");
        assert!(!page.contains("<blue>"), "{name}");
    }
}

#[test]
fn the_page_does_not_say_that_anything_is_compliant() {
    for (name, report) in cases() {
        assert!(!render_html(&report).to_lowercase().contains("complian"), "{name}");
    }
}

#[test]
fn more_pictures_than_fit_are_made_smaller_and_then_left_out() {
    let mut report = report(&Wanted { classes: 2, models: 1, layers: 6, picture_px: 96 });
    let noise = image(0, 0, 96);
    let gallery = &mut report.models[0].galleries[0];
    let mut one = gallery.right[0].clone();
    one.image = noise;
    gallery.right = vec![one; 4000];
    let page = render_html(&report);
    assert!(page.len() <= HTML_LIMIT_BYTES, "{}", page.len());
    assert!(page.matches("<img").count() > 500, "most of them are there");
}

#[test]
fn many_classes_and_many_broken_files_do_not_make_the_page_large() {
    let mut report = report(&Wanted { classes: 300, models: 1, layers: 6, picture_px: 16 });
    report.data.left_out = vec![report.data.left_out[0].clone(); 20_000];
    let page = render_html(&report);
    assert!(page.len() <= HTML_LIMIT_BYTES, "{}", page.len());
    assert!(page.contains("And 19,950 more") && page.contains("too large for this page"));
}

#[test]
fn the_json_has_every_figure_and_no_pixels() {
    let report = report(&Wanted { classes: 3, models: 2, layers: 6, picture_px: 40 });
    let json: serde_json::Value = serde_json::from_str(&to_json(&report)).expect("JSON");
    assert_eq!(json["schema"], 1);
    assert_eq!(json["models"][1]["name"], "shuffled labels");
    let test = &json["models"][0]["evaluations"][2];
    assert_eq!(test["subset"], "test");
    assert_eq!(
        test["evaluation"]["accuracy"]["correct"].as_u64(),
        Some(report.models[0].evaluations[2].evaluation.accuracy.correct)
    );
    assert_eq!(test["evaluation"]["confusion_matrix"].as_array().map(Vec::len), Some(3));
    let picture = &json["models"][0]["galleries"][0]["right"][0];
    assert_eq!(picture["id"].as_str().map(str::len), Some(64));
    assert!(picture.get("image").is_none());
}

#[test]
fn a_model_that_was_not_judged_and_an_empty_study_still_make_a_page() {
    let mut report = report(&Wanted { classes: 2, models: 1, layers: 6, picture_px: 40 });
    let model = &mut report.models[0];
    model.evaluations.clear();
    model.galleries.clear();
    model.training.history.epochs.clear();
    report.summary = candor_report::Summary::of(&report.models[0], None);
    report.data.samples.clear();
    report.data.left_out.clear();
    let page = render_html(&report);
    assert!(page.contains("was trained but not evaluated") && page.contains("Not evaluated."));
    assert!(!page.contains("NaN"));
}
