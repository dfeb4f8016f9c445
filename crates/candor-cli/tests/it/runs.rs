//! Study, train, evaluate and report, on pictures that are easy to tell apart.

use serde_json::Value;

use crate::fixtures::{Candor, files};

const QUICK: &str = "--architecture linear --height 8 --width 8 --epochs 20 --learning-rate 0.01";

#[test]
fn a_study_leaves_everything_behind_and_says_it_in_one_object() {
    let candor = Candor::new();
    candor.write_photos("photos", 20);
    candor.write("photos/dark/broken.jpg", "no picture");
    let answer = candor.run(&format!("study photos --out s1 --json {QUICK}"));
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let result = answer.json();
    assert_eq!(result["model"]["parameters"], 8 * 8 * 3 * 2 + 2);
    assert_eq!(result["split"], serde_json::json!({ "train": 28, "validation": 4, "test": 8 }));
    assert_eq!(result["test"]["confusion_matrix"], serde_json::json!([[4, 0], [0, 4]]));
    for figure in [&result["train"]["accuracy"], &result["test"]["accuracy"], &result["images_per_second"]] {
        assert!(figure.as_f64().unwrap() > 0.9, "{result}");
    }
    assert!(result["problems"][0]["place"].as_str().unwrap().contains("broken.jpg"), "{result}");
    let expected = [
        "audit",
        "baselines.json",
        "checkpoint.safetensors",
        "choices.json",
        "evaluation.json",
        "history.csv",
        "history.json",
        "looks.json",
        "model.safetensors",
        "predictions.csv",
        "predictions.parquet",
        "problems.json",
        "recipe.toml",
        "report.html",
        "report.json",
        "source.json",
        "split.json",
        "units.json",
    ];
    assert_eq!(files(&candor.path("s1")), expected);
    let page = candor.text("s1/report.html");
    assert!(page.contains("broken.jpg"), "what was left out stands in the report");
    assert!(!page.contains("src=\"http") && !page.contains("<script"), "the page needs no network");
}

#[test]
fn simple_models_stand_beside_the_network_unless_they_are_not_wanted() {
    let candor = Candor::new();
    candor.write_photos("photos", 20);
    let answer = candor.run(&format!("study photos --out s1 {QUICK}"));
    let words = answer.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let verdict = "The network does not clearly beat the best of 10 simple models";
    assert_eq!(words.matches(verdict).count(), 1, "{words}");
    assert!(candor.text("s1/report.html").contains(verdict));
    let trained = candor.json(&format!("train photos --out s2 {QUICK}"));
    let beside = &trained["validation"]["baselines"];
    assert_eq!(beside["baselines"].as_array().map(Vec::len), Some(10), "{trained}");
    assert_eq!((&beside["learned_from"], &beside["training_pictures"]), (&28.into(), &28.into()));
    assert!(!candor.text("s2/baselines.json").contains("test"), "the test split is sealed");
    candor.json("evaluate s2 --on test");
    assert!(candor.text("s2/baselines.json").contains("\"test\""));
    let without = candor.json(&format!("study photos --out s3 --no-baselines {QUICK}"));
    assert_eq!(without["test"]["baselines"], Value::Null);
    assert!(!candor.path("s3/baselines.json").exists());
}

#[test]
fn with_nothing_typed_choices_are_made_and_told() {
    let candor = Candor::new();
    candor.write_photos("photos", 10);
    let answer = candor.run("study photos --epochs 2");
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    for told in
        ["size: 40×30, because all pictures are 40×30", "channels: rgb", "To choose yourself: --architecture"]
    {
        assert!(answer.stderr.contains(told), "{told}: {}", answer.stderr);
    }
    assert!(answer.stdout.contains("Report: candor-run/report.html"), "{}", answer.stdout);
    assert!(answer.stdout.lines().all(|line| line.chars().count() <= 80), "{}", answer.stdout);
    let quiet = candor.run("study photos --epochs 1 --quiet");
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
    assert!(candor.path("candor-run-2/report.html").exists());
}

#[test]
fn the_test_split_is_sealed_until_it_is_looked_at_and_looks_are_counted() {
    let candor = Candor::new();
    candor.write_photos("photos", 20);
    let trained = candor.json(&format!("train photos --out run {QUICK}"));
    assert_eq!(trained["test"], Value::Null);
    assert!(!candor.path("run/looks.json").exists());
    assert!(!candor.text("run/predictions.csv").contains("\ntest,"));
    let looks = |line: &str| candor.json(line)["test"]["looks"].clone();
    assert_eq!(looks("evaluate run --on validation"), Value::Null);
    assert_eq!(looks("evaluate run"), 1);
    assert_eq!(looks("evaluate run --on test"), 2);
    assert_eq!(looks("report run"), 2, "rendering the report is no look");
    let recorded: Value = serde_json::from_slice(&candor.read("run/looks.json")).unwrap();
    assert_eq!(recorded.as_array().unwrap().len(), 2);
    assert!(candor.run("evaluate run").stdout.contains("look number 3"));
}

#[test]
fn resuming_a_study_that_has_ended_changes_nothing_and_looks_at_nothing() {
    let candor = Candor::new();
    candor.write_photos("photos", 20);
    let mut before = candor.json(&format!("study photos --out run {QUICK}"));
    let mut after = candor.json("resume run");
    assert_eq!(after["test"]["looks"], 1);
    for result in [&mut before, &mut after] {
        result.as_object_mut().unwrap().remove("run");
    }
    assert_eq!(before, after);
}

#[test]
fn the_report_is_rendered_again_from_what_was_saved() {
    let candor = Candor::new();
    candor.write_photos("photos", 20);
    candor.json(&format!("study photos --out run {QUICK}"));
    let before: Value = serde_json::from_slice(&candor.read("run/report.json")).unwrap();
    std::fs::remove_file(candor.path("run/report.json")).unwrap();
    candor.json("report run --card hub");
    let card = candor.text("hub/README.md");
    assert!(card.starts_with("---\nlicense: unknown\n") && card.contains("model-index:"), "{card}");
    let after: Value = serde_json::from_slice(&candor.read("run/report.json")).unwrap();
    assert_eq!(before["models"], after["models"]);
}

#[test]
fn a_model_can_be_judged_on_pictures_from_elsewhere_and_trained_with_a_test_source() {
    let candor = Candor::new();
    candor.write_photos("photos", 20);
    candor.write_photos("others", 5);
    candor.json(&format!("train photos --out run {QUICK}"));
    let elsewhere = candor.json("evaluate run --source others");
    assert_eq!(elsewhere["figures"]["pictures"], 10);
    assert_eq!(elsewhere["figures"]["accuracy"], 1.0);
    let with_test = candor.json(&format!("study photos --test-source others --out other {QUICK}"));
    assert_eq!(with_test["split"]["test"], 10);
    assert_eq!(
        with_test["split"]["train"].as_u64().unwrap() + with_test["split"]["validation"].as_u64().unwrap(),
        40
    );
}

#[test]
fn shuffled_labels_teach_nothing() {
    let candor = Candor::new();
    candor.write_pixel_csv("faces.csv", 400, 8);
    let real = candor.json(&format!("study faces.csv --out real {QUICK}"));
    let shuffled = candor.json(&format!("study faces.csv --shuffle-labels 3 --out shuffled {QUICK}"));
    let test = |result: &Value| result["test"]["accuracy"].as_f64().unwrap();
    assert!(test(&real) > 0.95, "{real}");
    assert!((0.3..0.7).contains(&test(&shuffled)), "{shuffled}");
}

#[test]
fn folders_that_cannot_be_used_are_named_with_what_to_do() {
    let candor = Candor::new();
    candor.write_photos("photos", 6);
    candor.write("full/thesis.docx", "years of work");
    candor.write("one/only/a.bmp", crate::fixtures::bmp(4, 4, |_, _| [1, 2, 3]));
    let cases = [
        ("train photos --out full", &["full", "not empty", "--out"][..]),
        ("train nowhere --out x", &["nowhere", "no such file or folder"]),
        ("train one --out x", &["one", "only the class \"only\""]),
        ("resume photos", &["photos", "is no run of candor"]),
        ("evaluate photos", &["photos", "is no run of candor"]),
        ("report photos", &["photos", "is no run of candor"]),
    ];
    for (line, needles) in cases {
        let answer = candor.run(line);
        assert_eq!(answer.code, 1, "{line}: {}", answer.stderr);
        for needle in needles {
            assert!(answer.stderr.contains(needle), "{line}: {needle} is missing in {}", answer.stderr);
        }
        let json = candor.run(&format!("{line} --json")).json();
        assert!(json["error"]["message"].is_string(), "{json}");
    }
    assert!(!candor.path("x").exists());
}

#[test]
fn a_loss_that_is_no_number_any_more_is_told_with_a_smaller_rate() {
    let candor = Candor::new();
    candor.write_photos("photos", 12);
    let answer = candor.run(
        "train photos --out run --height 8 --width 8 --optimizer sgd --learning-rate 1e30 --loss mean-squared-error \
         --epochs 5 --layer kind=\"flatten\" --layer kind=\"dense\",units=2",
    );
    assert_eq!(answer.code, 1, "{}{}", answer.stdout, answer.stderr);
    assert!(
        answer.stderr.contains("diverged") && answer.stderr.contains("--learning-rate 1"),
        "{}",
        answer.stderr
    );
}
