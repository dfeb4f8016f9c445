//! Answers for files, good and bad.

use serde_json::Value;

use crate::fixtures::{Candor, bmp};

fn trained() -> Candor {
    let candor = Candor::new();
    candor.write_photos("photos", 12);
    candor.json(
        "train photos --architecture linear --height 8 --width 8 --epochs 30 --learning-rate 0.01 --out run",
    );
    candor.write("new/a.bmp", bmp(90, 50, |_, _| [30, 15, 60]));
    candor.write("new/b.bmp", bmp(20, 70, |_, _| [210, 105, 60]));
    candor
}

#[test]
fn a_bad_file_is_named_and_the_others_are_answered() {
    let candor = trained();
    candor.write("text.jpg", "Dear editor, this is not a picture at all.");
    candor.write("cut.bmp", &bmp(40, 40, |_, _| [1, 2, 3])[..300]);
    let answer = candor.run("predict run new/b.bmp text.jpg missing.png cut.bmp new/a.bmp --json");
    assert_eq!(answer.code, 1);
    let labels: Vec<Value> =
        answer.json()["predictions"].as_array().unwrap().iter().map(|file| file["label"].clone()).collect();
    assert_eq!(labels, ["light", "dark"]);
    let problems = answer.json()["problems"].as_array().unwrap().clone();
    let places: Vec<&str> = problems.iter().map(|problem| problem["place"].as_str().unwrap()).collect();
    assert_eq!(places, ["text.jpg", "missing.png", "cut.bmp"]);
    for place in places {
        assert!(answer.stderr.contains(&format!("left out: {place}: ")), "{}", answer.stderr);
    }
}

#[test]
fn folders_tables_and_csv_say_the_same() {
    let candor = trained();
    let json = candor.json("predict run/model.safetensors new");
    let probability = |file: usize| json["predictions"][file]["probabilities"][0].as_f64().unwrap();
    assert!(probability(0) > 0.5 && probability(1) < 0.5, "{json}");

    let csv = candor.run("predict run new --csv").stdout;
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0], ["file", "label", "probability", "p(dark)", "p(light)"]);
    assert_eq!((rows[1][1], rows[2][1]), ("dark", "light"));
    assert_eq!(rows[1][3].parse::<f64>().unwrap() as f32, probability(0) as f32);

    let table = candor.run("predict run new").stdout;
    assert!(table.contains("a.bmp") && table.contains("dark"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
}

#[test]
fn what_is_no_model_is_named() {
    let candor = Candor::new();
    candor.write("notes.safetensors", "no tensors");
    for (model, says) in [("missing", "there is no such file or folder"), ("notes.safetensors", "is damaged")]
    {
        let answer = candor.run(&format!("predict {model} x.jpg"));
        assert_eq!(answer.code, 1);
        assert!(answer.stderr.contains(model) && answer.stderr.contains(says), "{}", answer.stderr);
    }
}
