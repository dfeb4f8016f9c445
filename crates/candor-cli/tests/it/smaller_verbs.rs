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
fn published_figures_that_contradict_each_other_are_found() {
    let candor = Candor::new();
    // A study of 235 portraits: its confusion matrix in per cent, and the accuracy that it claims.
    candor.write(
        "figures.toml",
        r#"
            [confusion_matrix]
            unit = "per-cent"
            cells = [
                ["12.766", "5.957", "0", "6.383"],
                ["3.404", "12.766", "3.830", "8.085"],
                ["3.830", "5.532", "8.511", "3.404"],
                ["5.957", "5.106", "1.277", "13.191"],
            ]
            [[accuracies]]
            name = "simple-cnn"
            value = ".571"
        "#,
    );
    let found = candor.json("check-figures figures.toml");
    assert_eq!(found["pictures"]["count"], 235);
    assert_eq!(found["accuracies"][0]["agrees_with_matrix"], false);
    let told = candor.run("check-figures figures.toml --strict");
    assert_eq!(told.code, 3);
    assert!(told.stdout.lines().all(|line| line.chars().count() <= 80), "{}", told.stdout);
    let template = candor.run("check-figures --template");
    assert_eq!(template.code, 0, "{}", template.stderr);
    candor.write("template.toml", &template.stdout);
    let told = candor.run("check-figures template.toml");
    assert!(told.stdout.contains("simple-cnn: accuracy .571 (contradicted)"), "{}", told.stdout);
    assert_eq!(candor.run("check-figures").code, 2, "a file or --template");
    candor.write("broken.toml", "[confusion_matrix]\nunit = \"per-cent\"\ncells = [[\"a\"]]\n");
    let refused = candor.run("check-figures broken.toml");
    assert!(refused.code == 1 && refused.stderr.contains("broken.toml"), "{}", refused.stderr);
}

#[test]
fn help_is_there_and_wrong_usage_is_code_2() {
    let candor = Candor::new();
    for verb in [
        "demo",
        "study",
        "train",
        "resume",
        "evaluate",
        "predict",
        "report",
        "models",
        "data",
        "doctor",
        "check-figures",
        "import",
        "split",
        "duplicates",
        "label set",
        "label import",
        "forget",
        "status",
    ] {
        let help = candor.run(&format!("{verb} --help"));
        assert_eq!(help.code, 0, "{verb}");
        assert!(help.stdout.contains("--json"), "{verb}: {}", help.stdout);
        assert!(help.stdout.lines().all(|line| line.chars().count() <= 100), "{verb}: {}", help.stdout);
    }
    for wrong in ["", "trian", "train", "predict run", "evaluate run --on tset"] {
        assert_eq!(candor.run(wrong).code, 2, "{wrong}");
    }
}
