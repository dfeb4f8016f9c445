//! Runs held against each other, from outside.

use serde_json::Value;

use crate::fixtures::Candor;

const QUICK: &str = "--architecture linear --height 8 --width 8 --no-baselines";

/// Pictures of 8×8, light above or below, with noise of their own: no two are copies.
fn noisy_faces(rows: usize) -> String {
    let names: Vec<String> = (0..64).map(|pixel| format!("pixel{pixel}")).collect();
    let mut text = names.join(",") + ",target\n";
    let mut state = 1_u32;
    for row in 0..rows {
        let values = (0..64).map(|pixel| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let light = if (pixel < 32) == (row % 2 == 1) { 120 } else { 20 };
            (light + (state >> 24) % 130).to_string()
        });
        text += &format!("{},{}\n", values.collect::<Vec<_>>().join(","), row % 2);
    }
    text
}

/// A run that has learned and one that has not.
fn two_runs(candor: &Candor) {
    candor.write("faces.csv", noisy_faces(400));
    candor
        .json(&format!("train faces.csv --out good {QUICK} --epochs 20 --learning-rate 0.01 --split-seed 1"));
    candor.json(&format!(
        "train faces.csv --out bad {QUICK} --epochs 1 --learning-rate 0.0000001 --split-seed 1"
    ));
}

#[test]
fn the_better_run_is_found_on_validation_and_the_test_split_stays_sealed() {
    let candor = Candor::new();
    two_runs(&candor);
    let result = candor.json("compare bad good");
    assert_eq!((&result["subset"], &result["best"]), (&"validation".into(), &1.into()), "{result}");
    assert_eq!(result["looks"], Value::Null);
    let pair = &result["pairs"][0];
    assert_eq!(pair["verdict"], "better", "{pair}");
    assert!(pair["difference"]["interval"]["low"].as_f64().unwrap() > 0.0, "{pair}");
    let (p, smallest) = (&pair["test"]["p"], &pair["test"]["smallest_possible_p"]);
    assert!(p.as_f64() >= smallest.as_f64() && p.as_f64() < Some(0.05), "{pair}");
    assert!(!candor.path("good/looks.json").exists());
    let words = candor.run("compare bad good").stdout;
    assert!(words.contains("Run B is clearly better than A."), "{words}");
    assert!(words.lines().all(|line| line.chars().count() <= 80), "{words}");
}

#[test]
fn the_test_split_is_looked_at_only_when_asked_and_every_look_of_the_study_is_counted() {
    let candor = Candor::new();
    two_runs(&candor);
    assert_eq!(candor.json("compare bad good --test")["looks"], 2);
    let again = candor.json("compare bad good --test");
    assert_eq!((&again["looks"], &again["subset"]), (&4.into(), &"test".into()));
    assert_eq!(candor.json("evaluate good --on test")["test"]["looks"], 5, "those of the run beside it too");
    assert!(candor.run("compare bad good --test").stdout.contains("by all runs in these folders: 7."));
}

#[test]
fn several_runs_are_corrected_for_their_number() {
    let candor = Candor::new();
    two_runs(&candor);
    candor.json(&format!(
        "train faces.csv --out other {QUICK} --epochs 20 --learning-rate 0.01 --seed 7 --split-seed 1"
    ));
    let result = candor.json("compare bad good other");
    let pairs = result["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 3, "{result}");
    for pair in pairs {
        let (p, smallest) = (&pair["test"]["p"], &pair["test"]["smallest_possible_p"]);
        assert!(smallest.as_f64() <= p.as_f64(), "{pair}");
    }
    let words = candor.run("compare bad good other").stdout;
    assert!(words.contains("corrected for 3 pairs"), "{words}");
}

#[test]
fn of_equal_runs_none_is_called_the_best() {
    let candor = Candor::new();
    candor.write("faces.csv", noisy_faces(400));
    for seed in [1, 2] {
        candor.json(&format!(
            "train faces.csv --out run{seed} {QUICK} --epochs 20 --learning-rate 0.01 --seed {seed} --split-seed 1"
        ));
    }
    let result = candor.json("compare run1 run2");
    assert_eq!(
        (&result["best"], &result["pairs"][0]["verdict"]),
        (&Value::Null, &"no-clear-difference".into())
    );
    let words = candor.run("compare run1 run2").stdout;
    assert!(words.contains("No run is clearly better than another."), "{words}");
    assert!(words.contains("could be detected"), "{words}");
}

#[test]
fn what_cannot_be_compared_is_named_with_what_to_do() {
    let candor = Candor::new();
    two_runs(&candor);
    candor.json(&format!("train faces.csv --out elsewhere {QUICK} --epochs 1 --split-seed 9"));
    candor.json(&format!(
        "train faces.csv --out named {QUICK} --epochs 1 --class-names up,down --split-seed 1"
    ));
    let cases = [
        ("compare good elsewhere", 1, "their splits differ"),
        ("compare good named", 1, "their classes differ: 0, 1 and up, down"),
        ("compare good good", 1, "1 different runs"),
        ("compare good faces.csv", 1, "is no run of candor"),
        ("compare good", 2, "2"),
    ];
    for (line, code, words) in cases {
        let answer = candor.run(line);
        assert_eq!(answer.code, code, "{line}: {}", answer.stderr);
        assert!(answer.stderr.contains(words), "{line}: {}", answer.stderr);
    }
}
