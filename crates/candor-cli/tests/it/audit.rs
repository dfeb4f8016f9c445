//! The audit from outside: findings in the terminal, on the disk and on the page; kept, chosen, and judged strictly.

use serde_json::Value;

use crate::fixtures::{Candor, bmp};
use crate::rendered::record_of;

const QUICK: &str = "--architecture linear --height 8 --width 8 --epochs 20 --learning-rate 0.01";

fn verdicts(audited: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = audited["findings"].as_array().unwrap().iter();
    findings.map(|finding| (text(&finding["check"]), text(&finding["verdict"]))).collect()
}

#[test]
fn an_audit_asks_what_is_wanted_keeps_what_holds_and_writes_it_down() {
    let candor = Candor::new();
    candor.write_pixel_csv("faces.csv", 200, 8);
    candor.json(&format!("study faces.csv --out run {QUICK}"));
    assert!(candor.path("run/audit/nothing-to-see.json").exists(), "a study asks what takes seconds");
    assert!(!candor.path("run/audit/better-than-chance.json").exists());
    let asked = candor.json("audit run --only better-than-chance --permutations 19");
    assert_eq!(verdicts(&asked), [("better-than-chance".to_owned(), "pass".to_owned())]);
    let kept = candor.read("run/audit/better-than-chance.json");
    assert_eq!(
        candor.json("audit run --only better-than-chance --permutations 19")["findings"],
        asked["findings"]
    );
    assert_eq!(candor.read("run/audit/better-than-chance.json"), kept);
    let more = candor.json("audit run --only better-than-chance --permutations 29");
    assert_ne!(more["findings"], asked["findings"], "another effort is another answer");
    let record = record_of(&candor, "run");
    let found = record["audit"]["findings"].as_array().unwrap();
    assert!(found.iter().any(|finding| finding["check"] == "better-than-chance"), "{record}");
    assert!(candor.text("run/report.html").contains("What the audit found"));
}

#[test]
fn a_strict_audit_ends_with_3_where_a_check_fails_and_an_unknown_check_is_wrong_usage() {
    let candor = Candor::new();
    candor.write_marked_csv("marked.csv", 240, 8);
    candor.json(&format!("study marked.csv --out run {QUICK}"));
    let strict = candor.run("audit run --only shortcut-regions --strict");
    assert_eq!(strict.code, 3, "{}", strict.stdout);
    assert!(strict.stdout.starts_with("Audit, shortcut-regions (fail): "), "{}", strict.stdout);
    assert!(strict.stdout.lines().all(|line| line.chars().count() <= 80), "{}", strict.stdout);
    assert_eq!(candor.run("audit run --only shortcut-regions").code, 0);
    let unknown = candor.run("audit run --only fairness");
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("nothing-to-see"), "{}", unknown.stderr);
    candor.write_photos("photos", 4);
    assert!(candor.run("audit photos").stderr.contains("is no run of candor"));
}

#[test]
fn claimed_figures_are_kept_with_the_run_and_held_against_its_answers() {
    let candor = Candor::new();
    candor.write_pixel_csv("faces.csv", 200, 8);
    candor.json(&format!("study faces.csv --out run {QUICK}"));
    let own = candor.json("audit run --only figures");
    assert_eq!(verdicts(&own), [("figures".to_owned(), "pass".to_owned())]);
    candor.write("claims.toml", "pictures = 40\n[[accuracies]]\nname = 'paper'\nvalue = '91.7 %'\n");
    let audited = candor.run("audit run --only figures --figures claims.toml");
    assert!(
        audited.stdout.starts_with("Audit, figures (fail): claims.toml: paper: 91.7 % is"),
        "{}",
        audited.stdout
    );
    assert_eq!(verdicts(&candor.json("audit run --only figures"))[0].1, "fail", "they are kept with the run");
    assert!(candor.text("run/report.html").contains("is not a fraction of 40"));
    let missing = candor.run("audit run --figures nowhere.toml");
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("nowhere.toml"), "{}", missing.stderr);
}

#[test]
fn copies_are_kept_together_by_a_repair_and_both_accuracies_are_told() {
    let candor = Candor::new();
    for number in 0..120usize {
        // Coarse noise of its own for each picture; the copies are a little lighter.
        let cell =
            |x: usize, y: usize| (number * 7919 + (x / 8) * 104_729 + (y / 8) * 1_299_709).pow(2) / 64 % 150;
        let picture = |lighter: usize| bmp(64, 64, |x, y| [(cell(x, y) + lighter) as u8; 3]);
        let folder = ["photos/even", "photos/odd"][number % 2];
        candor.write(&format!("{folder}/{number}.bmp"), picture(40));
        if number.is_multiple_of(3) {
            candor.write(&format!("{folder}/{number}-copy.bmp"), picture(60));
        }
    }
    candor.json(&format!("study photos --out run {QUICK}"));
    let repaired = &candor.json("audit run --only duplicates-across-splits --repair")["repaired"];
    assert!(repaired["clusters"].as_u64().unwrap() > 5, "{repaired}");
    assert!(repaired["before"]["accuracy"].is_f64() && repaired["after"]["accuracy"].is_f64(), "{repaired}");
    let found = candor.json("audit run-repaired --only duplicates-across-splits");
    assert_eq!(verdicts(&found), [("duplicates-across-splits".to_owned(), "pass".to_owned())], "{found}");
}
