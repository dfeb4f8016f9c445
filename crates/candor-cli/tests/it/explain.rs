//! Explanations from outside: figures where the gate lets them pass, reasons where not; kept, chosen, never a look.

use crate::fixtures::Candor;

const QUICK: &str = "--architecture linear --height 8 --width 8 --epochs 20 --learning-rate 0.01";

#[test]
fn an_explanation_shows_what_passed_says_what_did_not_and_is_no_look_at_the_test_split() {
    let candor = Candor::new();
    candor.write_pixel_csv("faces.csv", 200, 8);
    candor.json(&format!("study faces.csv --out run {QUICK}"));
    let looks = candor.read("run/looks.json");
    let explained = candor.json("explain run --method grad-cam,deep-shap --background 6");
    let [deep_shap, grad_cam] = &explained["methods"].as_array().unwrap()[..] else { panic!("{explained}") };
    assert_eq!(deep_shap["refused"], serde_json::json!([]), "{explained}");
    assert!(deep_shap["passport"]["additivity"].as_f64().unwrap() < 0.01, "{explained}");
    assert!(grad_cam["refused"][0].as_str().unwrap().contains("no layer with feature maps"), "{explained}");
    let drawing = candor.text("run/explain/deep-shap.svg");
    assert!(drawing.contains("says") && drawing.contains("per pixel"), "the rows and the scale are labelled");
    assert!(candor.read("run/explain/deep-shap.png").starts_with(b"\x89PNG"));
    assert!(candor.path("run/explain/deep-shap-average.svg").exists());
    assert!(!candor.path("run/explain/grad-cam.svg").exists(), "what failed is not drawn");
    let page = candor.text("run/report.html");
    assert!(page.contains("Below each picture: where DeepSHAP finds the evidence"), "galleries have maps");
    assert!(page.contains("Where the evidence for the answer is"), "galleries have maps");
    assert_eq!(candor.read("run/looks.json"), looks);
    let kept = candor.read("run/explain/deep-shap.json");
    assert_eq!(candor.json("explain run --method deep-shap --background 6")["methods"][0], *deep_shap);
    assert_eq!(candor.read("run/explain/deep-shap.json"), kept);
}

#[test]
fn own_pictures_are_explained_and_an_unknown_method_is_wrong_usage() {
    let candor = Candor::new();
    candor.write_photos("photos", 20);
    candor.json(&format!("study photos --out run {QUICK}"));
    let answer =
        candor.run("explain run --method deep-shap --pictures photos/dark/003.bmp photos/light/004.bmp");
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(answer.stdout.lines().all(|line| line.chars().count() <= 80), "{}", answer.stdout);
    let unknown = candor.run("explain run --method tea-leaves");
    assert_eq!(unknown.code, 2, "{}", unknown.stderr);
    assert!(unknown.stderr.contains("deep-shap"), "{}", unknown.stderr);
    assert_eq!(candor.run("explain run --pictures nothing.png").code, 1);
}

#[test]
fn concepts_of_a_class_are_rows_of_patches_with_their_scores() {
    let candor = Candor::new();
    // A bright square in the upper left corner makes the class; the rest is noise.
    let mut rng = candor_core::Seed(4).rng();
    let names: Vec<String> = (0..144).map(|pixel| format!("pixel{pixel}")).collect();
    let mut text = names.join(",") + ",target\n";
    for row in 0..240 {
        let has = row % 2 == 0;
        let bright = |at: usize| has && (1..5).contains(&(at / 12)) && (1..5).contains(&(at % 12));
        (0..144).for_each(|at| text += &format!("{},", if bright(at) { 240 } else { 60 + rng.below(60) }));
        text += &format!("{}\n", if has { "marked" } else { "plain" });
    }
    candor.write("marks.csv", text);
    candor.write("recipe.toml", RECIPE);
    candor.json("study marks.csv --recipe recipe.toml --no-baselines --out run");
    let found = candor.json("explain run --method ace --class marked");
    assert_eq!(found["methods"], serde_json::json!([]), "{found}");
    let [marked] = &found["concepts"].as_array().unwrap()[..] else { panic!("{found}") };
    let first = &marked["concepts"][0];
    assert!(first["score"].as_f64() > Some(0.9) && first["p"].as_f64() < Some(0.05), "{found}");
    assert!(candor.text("run/explain/ace-1.svg").contains("1. for the class"));
    assert!(candor.read("run/explain/ace-1.png").starts_with(b"\x89PNG"));
    assert!(candor.text("run/report.html").contains("Concepts (ACE) of marked"));
    let seen = candor.json("explain run --method filters,feature-maps,maximised");
    assert_eq!(seen["views"].as_array().unwrap().len(), 3, "{seen}");
    for view in ["filters", "feature-maps", "maximised"] {
        assert!(candor.text(&format!("run/explain/{view}.svg")).contains("image"), "{view}");
        assert!(candor.read(&format!("run/explain/{view}.png")).starts_with(b"\x89PNG"), "{view}");
    }
    let page = candor.text("run/report.html");
    assert!(
        page.contains("Pictures that maximise a class") && page.contains("not typical pictures"),
        "the page shows views"
    );
    let told = candor.run("explain run --method ace --class marked");
    assert!(told.stdout.lines().all(|line| line.chars().count() <= 80), "{}", told.stdout);
    let unknown = candor.run("explain run --method ace --class cat");
    assert!(
        unknown.code == 2 && unknown.stderr.contains("choose one of marked, plain"),
        "{}",
        unknown.stderr
    );
}

const RECIPE: &str = r#"
[[network.layers]]
kind = "conv2d"
filters = 8
kernel = 3
activation = "relu"

[[network.layers]]
kind = "max-pool2d"

[[network.layers]]
kind = "flatten"

[[network.layers]]
kind = "dense"
units = 2
activation = "softmax"

[preprocessing]
height = 12
width = 12
channels = "grey"

[training]
epochs = 15
batch_size = 16

[training.optimizer]
kind = "adam"
learning_rate = 0.01
"#;
