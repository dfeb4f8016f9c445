//! The audit from outside on data whose truth is known: what would be false is not printed, neither in the terminal nor on
//! the page. More data sets, and every check: candor-analysis, `audit/scenario_tests.rs`.

use serde_json::Value;

use crate::fixtures::{Candor, bmp};

const LINEAR: &str =
    "--architecture linear --height 16 --width 16 --channels grey --epochs 20 --learning-rate 0.01";

/// SplitMix64 of a place: the same noise each time.
fn random(place: u64) -> u64 {
    let z = place.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `count` pictures of 16×16 with noise, in folder `name` with its `index.csv`. `row` gives class and further column, `light`
/// how light a pixel of a class is.
fn write_study(
    candor: &Candor,
    name: &str,
    count: u64,
    row: impl Fn(u64) -> (&'static str, &'static str),
    light: impl Fn(u64, usize, usize) -> u8,
) {
    let mut table = "id,category,file,kind".to_owned();
    for index in 0..count {
        let (class, kind) = row(index);
        let pixel = |x: usize, y: usize| {
            let noise = random(index * 1000 + (16 * y + x) as u64) % 50;
            [light(index, x, y) + noise as u8; 3]
        };
        candor.write(&format!("{name}/raw/{index}.bmp"), bmp(16, 16, pixel));
        table += &format!("\n{index},{class},raw/{index}.bmp,{kind}");
    }
    candor.write(&format!("{name}/index.csv"), table);
}

fn coin(index: u64) -> bool {
    random(index + 1_000_000).is_multiple_of(2)
}

/// The finding of one check, and everything that is printed about the run.
fn audited(candor: &Candor, run: &str, check: &str) -> (Value, String) {
    let found = candor.json(&format!("audit {run} --only {check},claims --permutations 39"));
    let printed = candor.run(&format!("audit {run} --only {check},claims --permutations 39")).stdout;
    let finding = found["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == check);
    (finding.expect("it was asked").clone(), printed + &candor.text(&format!("{run}/report.html")))
}

/// The claims that the audit calls supported.
fn supported(candor: &Candor, run: &str) -> String {
    let claims: Value = serde_json::from_slice(&candor.read(&format!("{run}/audit/claims.json"))).unwrap();
    let rows = claims["finding"]["tables"][0]["rows"].as_array().unwrap().clone();
    let supported = rows.iter().filter(|row| row[0] == "supported");
    supported.map(|row| row[1].as_str().unwrap().to_owned()).collect::<Vec<_>>().join("\n")
}

#[test]
fn labels_drawn_by_lot_are_not_called_learned() {
    let candor = Candor::new();
    let class = |index| (if coin(index) { "a" } else { "b" }, "x");
    write_study(&candor, "lot", 200, class, |_, _, _| 80);
    candor.json(&format!("study lot --out run {LINEAR}"));
    let (finding, printed) = audited(&candor, "run", "better-than-chance");
    assert_ne!(finding["verdict"], "pass", "{finding}");
    assert!(!printed.contains("Something is learned"), "{finding}");
    assert!(!supported(&candor, "run").contains("better than chance"));
}

#[test]
fn a_gap_of_fifty_points_is_found() {
    let candor = Candor::new();
    let shown = coin;
    let bad = |index: u64| random(index + 2_000_000) % 10 < 3;
    let row = |index: u64| {
        let dark = if bad(index) { random(index + 3_000_000).is_multiple_of(2) } else { shown(index) };
        (if dark { "dark" } else { "light" }, if bad(index) { "bad" } else { "good" })
    };
    let middle = |at: usize| (4..12).contains(&at);
    let light =
        |index: u64, x: usize, y: usize| if middle(x) && middle(y) && !shown(index) { 160 } else { 80 };
    write_study(&candor, "gap", 1000, row, light);
    candor.json(&format!("study gap --out run {LINEAR}"));
    let (finding, printed) = audited(&candor, "run", "subgroups");
    assert!(finding["verdict"] == "warn" || finding["verdict"] == "fail", "{finding}");
    assert!(!printed.contains("No clear gap"), "{finding}");
    assert!(!supported(&candor, "run").contains("gap"));
}

#[test]
fn four_pixels_that_decide_are_no_thing() {
    let candor = Candor::new();
    let row = |index: u64| (if index.is_multiple_of(2) { "a" } else { "b" }, "x");
    let patch = |x: usize, y: usize| (7..9).contains(&x) && (7..9).contains(&y);
    let light = |index: u64, x: usize, y: usize| match (patch(x, y), index.is_multiple_of(2)) {
        (true, true) => 5,
        (true, false) => 200,
        _ => 80,
    };
    write_study(&candor, "patch", 300, row, light);
    candor.json(&format!("study patch --out run {LINEAR}"));
    let (finding, printed) = audited(&candor, "run", "shortcut-regions");
    assert!(finding["verdict"] == "warn" || finding["verdict"] == "fail", "{finding}");
    assert!(!printed.contains("tells the classes apart by the thing"), "{finding}");
    assert!(!supported(&candor, "run").contains("hortcut"));
}
