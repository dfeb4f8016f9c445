//! Reports of real runs: what their records say, and that their pages hold up in a browser.

use serde_json::Value;

use crate::browser::Browser;
use crate::fixtures::{Candor, shared};

/// The record of `run`. That it is as the published schema says is seen when `candor` goes.
pub fn record_of(candor: &Candor, run: &str) -> Value {
    serde_json::from_str(&candor.text(&format!("{run}/report.json"))).unwrap()
}

fn check(candor: &Candor, run: &str, name: &str) -> Value {
    let page = candor.text(&format!("{run}/report.html"));
    assert!(page.len() <= 5_000_000, "{name}: {} bytes", page.len());
    assert!(!page.to_lowercase().contains("compliant"), "{name}: nothing here certifies");
    if let Some(browser) = Browser::find(name) {
        browser.check(name, &page, env!("CARGO_TARGET_TMPDIR"));
    }
    record_of(candor, run)
}

/// A pixel CSV of noise: nothing tells its `classes` apart.
fn noise(rows: usize, side: usize, name: impl Fn(usize) -> String) -> String {
    let names: Vec<String> = (0..side * side).map(|pixel| format!("pixel{pixel}")).collect();
    let mut rng = candor_core::Seed(8).rng();
    let mut text = names.join(",") + ",target\n";
    for row in 0..rows {
        (0..side * side).for_each(|_| text += &format!("{},", rng.below(256)));
        text += &format!("\"{}\"\n", name(row));
    }
    text
}

const QUICK: &str = "--architecture linear --height 8 --width 8 --epochs 3";

#[test]
fn labels_that_say_nothing_are_not_reported_as_learned() {
    let candor = Candor::new();
    candor.write("noise.csv", noise(240, 8, |row| ["first", "second"][row % 2].to_owned()));
    candor.json(&format!("study noise.csv --out run {QUICK}"));
    let record = check(&candor, "run", "two-classes-random-labels");
    let learned = record["summary"]["learned"].as_str().unwrap();
    let doubts = [
        "do not show that it is better than guessing",
        "does not show that this is better than chance",
        "Whether that is better than guessing was not tested",
    ];
    assert!(doubts.iter().any(|doubt| learned.contains(doubt)), "{learned}");
}

#[test]
fn sixty_classes_with_long_names_fit_the_page_and_the_terminal() {
    let candor = Candor::new();
    let name = |row: usize| format!("a class of things with quite a long name, number {:02}", row % 60);
    candor.write("many.csv", noise(900, 8, name));
    let answer = candor.run(&format!("study many.csv --out run {QUICK}"));
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(answer.stdout.lines().all(|line| line.chars().count() <= 80), "{}", answer.stdout);
    assert!(answer.stdout.contains("48 more are in the report"), "{}", answer.stdout);
    check(&candor, "run", "sixty-classes-real-run");
}

#[test]
fn one_class_alone_is_refused_before_any_training() {
    let candor = Candor::new();
    candor.write("one.csv", noise(30, 8, |_| "only".to_owned()));
    let answer = candor.run(&format!("study one.csv --out run {QUICK}"));
    assert_eq!(answer.code, 1, "{}", answer.stdout);
    assert!(
        answer.stderr.contains("holds only the class \"only\": a classifier needs at least two"),
        "{}",
        answer.stderr
    );
    assert!(!candor.path("run").exists(), "nothing is left behind");
}

#[test]
fn pictures_of_groups_are_resampled_by_groups() {
    let candor = Candor::new();
    let rows = noise(240, 8, |row| ["first", "second"][row % 2].to_owned());
    let grouped: Vec<String> = rows
        .lines()
        .enumerate()
        .map(
            |(row, line)| {
                if row == 0 { format!("{line},person") } else { format!("{line},p{}", (row - 1) / 6) }
            },
        )
        .collect();
    candor.write("grouped.csv", grouped.join("\n") + "\n");
    candor.json(&format!("study grouped.csv --group-column person --out run {QUICK}"));
    let record = record_of(&candor, "run");
    let judged = record["models"][0]["evaluations"].as_array().unwrap().last().unwrap();
    let (groups, pictures) = (&judged["intervals"]["groups"], &judged["evaluation"]["pictures"]);
    assert_eq!(6 * groups.as_u64().unwrap(), pictures.as_u64().unwrap());
    assert!(candor.text("run/report.html").contains("pictures of one group err together"));
}

#[test]
fn forks_scissors_mnist_and_the_pictures_inside_candor() {
    let candor = Candor::new();
    candor.json("study built-in:fashion-mnist --architecture linear --epochs 1 --out demo");
    check(&candor, "demo", "built-in");
    let Some(folder) = shared("forks_scissors_mnist_and_the_pictures_inside_candor") else { return };
    let data = |name: &str| folder.join("data").join(name).display().to_string();
    candor.json(&format!("study {} --epochs 3 --out forks", data("forks-scissors")));
    check(&candor, "forks", "forks-scissors");
    candor.json(&format!("study {} --architecture mnist-cnn --epochs 1 --out mnist", data("mnist")));
    check(&candor, "mnist", "mnist");
}
