//! Doctor, data, and what holds for all verbs.

use crate::fixtures::Candor;

#[test]
fn the_doctor_trains_and_predicts() {
    let candor = Candor::new();
    let found = candor.json("doctor");
    let checks = found["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 4);
    assert!(checks.iter().all(|check| check["ok"] == true), "{found}");
    assert!(candor.run("doctor").stdout.contains("All is well."));
}

#[test]
fn known_data_sets_are_listed_and_local_copies_are_verified() {
    let candor = Candor::new();
    let list = candor.json("data list");
    let names: Vec<&str> = list["datasets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|dataset| dataset["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["mnist", "fashion-mnist", "cifar10"]);
    candor.write("copies/train-images-idx3-ubyte.gz", "something else");
    let answer = candor.run("data get mnist --from copies --to mnist");
    assert_eq!(answer.code, 1);
    assert!(answer.stderr.contains("train-images-idx3-ubyte.gz"), "{}", answer.stderr);
    assert_eq!(candor.run("data get imagenet").code, 2);
}

#[test]
fn help_is_there_and_wrong_usage_is_code_2() {
    let candor = Candor::new();
    for verb in
        ["demo", "study", "train", "resume", "evaluate", "predict", "report", "models", "data", "doctor"]
    {
        let help = candor.run(&format!("{verb} --help"));
        assert_eq!(help.code, 0, "{verb}");
        assert!(help.stdout.contains("--json"), "{verb}: {}", help.stdout);
        assert!(help.stdout.lines().all(|line| line.chars().count() <= 100), "{verb}: {}", help.stdout);
    }
    for wrong in ["", "trian", "train", "predict run", "evaluate run --on tset"] {
        assert_eq!(candor.run(wrong).code, 2, "{wrong}");
    }
}
