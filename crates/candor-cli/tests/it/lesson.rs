//! The lessons, as a teacher gives them.

use serde_json::Value;

use crate::browser::Browser;
use crate::fixtures::Candor;

const TAX: &str = "country,tax,emissions\na,5,5\nb,10,4.3\nc,15,3.7\nd,25,2.9\n";

fn check_page(candor: &Candor, folder: &str) {
    let page = candor.text(&format!("{folder}/lesson.html"));
    assert!(page.contains("Questions for the class") && !page.contains("NaN"), "{folder}");
    if let Some(browser) = Browser::find(folder) {
        browser.check(&format!("lesson-{folder}"), &page, env!("CARGO_TARGET_TMPDIR"));
    }
}

fn value(found: &Value, path: &str) -> f64 {
    found.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path}: {found}"))
}

#[test]
fn a_line_is_learned_and_a_rate_that_diverges_is_said() {
    let candor = Candor::new();
    candor.write("tax.csv", TAX);
    let line = "lesson regression tax.csv --x tax --y emissions --at 20";
    let told = candor.run(&format!("{line} --out learned"));
    assert_eq!(told.code, 0, "{}", told.stderr);
    let text = told.stdout.replace('\n', " ");
    for expected in
        ["The loss is 25.78 at the start", "w = -0.103, b = 5.397", "f(20) = 3.33", "0.1  diverges"]
    {
        assert!(text.contains(expected), "{expected}: {}", told.stdout);
    }
    assert!(told.stdout.lines().all(|line| line.chars().count() <= 80), "{}", told.stdout);
    check_page(&candor, "learned");
    let found = candor.json(&format!("{line} --rate 0.1 --out flown"));
    assert_eq!(found["regression"]["outcome"], "diverges");
    assert!((value(&found, "/regression/largest_rate") - 0.004_089_5).abs() < 1e-6);
    assert_eq!(found, serde_json::from_str::<Value>(&candor.text("flown/lesson.json")).unwrap());
    check_page(&candor, "flown");
}

#[test]
fn what_stands_wrong_in_a_table_is_named_with_its_row() {
    let candor = Candor::new();
    candor.write("tax.csv", TAX);
    candor.write("comma.csv", "tax;emissions\n5;5\n10;4,3\n");
    candor.write("alike.csv", "tax,emissions\n5,5\n5,4\n");
    candor.write("gaps.csv", "tax,emissions\n5,5\n7,\n10,4\n");
    let cases = [
        (
            "tax.csv --x taxes --y emissions",
            "has no column \"taxes\" for the x; it has: country, tax, emissions",
        ),
        ("tax.csv --x country --y emissions", "row 2: \"a\" in the column \"country\" is no number"),
        (
            "comma.csv --x tax --y emissions",
            "row 3: \"4,3\" in the column \"emissions\" is no number: write it with a point",
        ),
        ("alike.csv --x tax --y emissions", "every x is 5: no line"),
        ("tax.csv --x tax --y emissions --rate -1", "a learning rate is a number above 0, not -1"),
        ("none.csv --x tax --y emissions", "none.csv"),
    ];
    for (line, expected) in cases {
        let refused = candor.run(&format!("lesson regression {line} --out none"));
        assert_eq!(refused.code, 1, "{line}: {}", refused.stdout);
        assert!(refused.stderr.contains(expected), "{line}: {}", refused.stderr);
        assert!(!candor.path("none").exists(), "{line}: nothing is left behind");
    }
    let told = candor.run("lesson regression gaps.csv --x tax --y emissions --out gaps");
    assert!(told.stderr.contains("row 3: nothing stands in the column \"emissions\""), "{}", told.stderr);
    assert_eq!(told.code, 0);
}

#[test]
fn scores_say_who_is_out_of_line_and_how_sure_that_is() {
    let candor = Candor::new();
    let values = [0.21, 0.23, 0.22, 0.2, 0.24, 0.22, 0.6, 0.21];
    let rows: String = values
        .iter()
        .enumerate()
        .map(|(at, v)| format!("department {at},{v},{},north\n", 40 + 300 * (at % 2)))
        .collect();
    candor.write("rates.csv", format!("department,rate,cases,place\n{rows}x,0.3,9,south\n"));
    let line = "lesson scores rates.csv --entity department --value rate";
    let told = candor.run(&format!("{line} --cases cases --among place --out scores"));
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(told.stdout.contains("department 6 (Z = +2.46"), "{}", told.stdout);
    assert!(told.stdout.lines().all(|line| line.chars().count() <= 80), "{}", told.stdout);
    assert!(told.stderr.contains("the group \"south\": it has fewer than 3"), "{}", told.stderr);
    check_page(&candor, "scores");
    let found = candor.json(&format!("{line} --out all"));
    assert_eq!(found["groups"][0]["entities"].as_array().unwrap().len(), 9);
    assert!(value(&found, "/groups/0/normality/p") < 0.01);
}

#[test]
fn a_kernel_finds_edges_and_its_pictures_lie_beside_the_page() {
    let candor = Candor::new();
    candor.write("edge.bmp", crate::fixtures::bmp(60, 40, |x, _| if x < 30 { [20; 3] } else { [220; 3] }));
    let found = candor.json("lesson convolution edge.bmp --kernel sobel-x --out edges");
    assert_eq!((value(&found, "/highest"), value(&found, "/lowest")), (800.0, 0.0));
    assert!(candor.read("edges/output.png").starts_with(b"\x89PNG"));
    check_page(&candor, "edges");
    let mut typed = candor.command("lesson convolution edge.bmp --out typed --kernel");
    let answer = crate::fixtures::Answer::of(typed.arg("1 0 -1; 2 0 -2; 1 0 -1").output().unwrap());
    assert!(
        answer.stdout.contains("The kernel\n1  0  -1\n2  0  -2\n1  0  -1\n"),
        "{}{}",
        answer.stdout,
        answer.stderr
    );
    let refused = candor.run("lesson convolution edge.bmp --kernel sobel --out none");
    assert!(refused.stderr.contains("kernels with a name are sobel-x"), "{}", refused.stderr);
}

#[test]
fn labels_drawn_by_lot_are_learned_by_heart_and_hold_for_no_new_stone() {
    let candor = Candor::new();
    let found = candor.json("lesson random-labels --stones 120 --permutations 4 --out stones");
    let (seen, new) = (value(&found, "/by_lot/seen"), value(&found, "/by_lot/new"));
    assert!(seen > 0.85 && new < 0.75, "{seen} {new}");
    assert!(value(&found, "/by_sight/new") > new + 0.05, "{found}");
    let asked: Vec<&Value> =
        found["by_lot"]["findings"].as_array().unwrap().iter().map(|f| &f["check"]).collect();
    assert_eq!(asked, ["better-than-chance", "memorisation"]);
    assert!(candor.text("stones/stones/index.csv").starts_with("file,label,shape\nstone-0001.png,"));
    assert!(candor.path("stones/label/report.html").is_file());
    check_page(&candor, "stones");
}
