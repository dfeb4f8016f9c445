//! Folders outside of a study that its pictures were written to, and what becomes of these when a picture is taken out.

use std::fs;

use serde_json::Value;

use crate::crop::with_faces;
use crate::fixtures::{Candor, files};

const WHAT: &str = "dark/003.bmp --study s";

/// A study `s` whose pictures were exported into a folder for each of `layouts`.
fn exported(layouts: &[&str]) -> Candor {
    let candor = Candor::new();
    candor.write_photos("photos", 6);
    candor.json("import photos --study s");
    for layout in layouts {
        candor.json(&format!("export s --to {layout} --out {layout}"));
    }
    candor
}

/// Takes the picture out where files are left that hold it, or may: it is done, and the exit code says that something stays.
fn forget_with_remains(candor: &Candor, what: &str) -> Value {
    let answer = candor.run(&format!("forget {what} --json"));
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    answer.json()
}

fn strings(values: &Value) -> Vec<&str> {
    values.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect()
}

#[test]
fn exports_lose_the_picture_and_what_still_holds_it_is_told() {
    let candor = exported(&["class-folders", "index-csv", "parquet", "web-dataset"]);
    let told = candor.json(&format!("forget {WHAT} --dry-run"));
    let id = told["pictures"][0]["id"].as_str().unwrap()[..8].to_owned();
    let [folders, table, parquet, shards] =
        [0, 1, 2, 3].map(|at| told["outside"][at].as_object().unwrap().clone());
    let (own, raw) = (format!("dark/003-{id}.bmp"), format!("raw/{id}.bmp"));
    assert_eq!(strings(&folders["files"]), [own.as_str()]);
    assert_eq!(
        (strings(&table["files"]), strings(&table["tables"])),
        (vec![raw.as_str()], vec!["index.csv"])
    );
    assert_eq!(parquet["left"][0]["file"], "data/data-00000-of-00001.parquet");
    assert_eq!(
        (&shards["left"][0]["file"], &shards["left"][0]["why"]),
        (&"data-000000.tar".into(), &"holds-others-too".into())
    );
    let words = candor.run(&format!("forget {WHAT} --dry-run"));
    assert!(
        words.code == 0 && words.stdout.contains(&format!("would be deleted: {own}")),
        "{}",
        words.stdout
    );
    assert!(candor.path(&format!("class-folders/{own}")).exists(), "nothing was done yet");

    let gone = forget_with_remains(&candor, WHAT);
    assert_eq!(files(&candor.path("class-folders/dark")).len(), 5);
    assert_eq!(
        (files(&candor.path("class-folders/light")).len(), files(&candor.path("index-csv/raw")).len()),
        (6, 11)
    );
    let index = candor.text("index-csv/index.csv");
    assert!(index.starts_with("id,category,image_url,name") && !index.contains(&id), "{index}");
    assert_eq!(index.lines().count(), 12);
    let receipt: Value =
        serde_json::from_str(&fs::read_to_string(candor.path(gone["receipt"].as_str().unwrap())).unwrap())
            .unwrap();
    assert_eq!(receipt["outside"][0]["files_taken_away"], 1);
    assert_eq!(strings(&receipt["outside"][2]["still_hold_them"]), ["data/data-00000-of-00001.parquet"]);
    assert!(!receipt.to_string().contains(&id), "a receipt speaks of nobody: {receipt}");
    let status = candor.json("status s");
    let stale: Vec<bool> = status["outside"]
        .as_array()
        .unwrap()
        .iter()
        .map(|folder| folder["stale_since"].is_string())
        .collect();
    assert_eq!(stale, [false, false, true, true]);
    // Written anew without the picture, the folder holds nothing of it any more.
    fs::remove_dir_all(candor.path("parquet")).unwrap();
    candor.json("export s --to parquet --out parquet");
    assert_eq!(candor.json("status s")["outside"][3]["stale_since"], Value::Null);
}

#[cfg(unix)]
#[test]
fn what_was_moved_changed_or_linked_is_told_and_not_touched() {
    let candor = exported(&["class-folders", "index-csv"]);
    let id = candor.json(&format!("forget {WHAT} --dry-run"))["pictures"][0]["id"].as_str().unwrap()[..8]
        .to_owned();
    let own = candor.path(&format!("class-folders/dark/003-{id}.bmp"));
    // Renamed within the folder, it is known by its bytes; a twin elsewhere that a link leads to stays.
    candor.write("precious/twin.bmp", candor.read("photos/dark/003.bmp"));
    fs::rename(&own, candor.path("class-folders/light/anna.bmp")).unwrap();
    std::os::unix::fs::symlink(candor.path("precious/twin.bmp"), &own).unwrap();
    std::os::unix::fs::symlink(candor.path("precious"), candor.path("class-folders/more")).unwrap();
    candor.write(&format!("class-folders/light/retouched-{id}.bmp"), "other bytes");
    // A table that another program wrote anew cannot be taken apart.
    let table = candor.text("index-csv/index.csv").replace(',', ";");
    candor.write("index-csv/index.csv", &table);
    let gone = forget_with_remains(&candor, WHAT);
    assert_eq!(
        (&gone["outside"][1]["left"][0]["file"], candor.text("index-csv/index.csv")),
        (&"index.csv".into(), table)
    );
    let outside = &gone["outside"][0];
    assert_eq!(strings(&outside["files"]), ["light/anna.bmp"]);
    let left: Vec<&str> =
        outside["left"].as_array().unwrap().iter().map(|left| left["why"].as_str().unwrap()).collect();
    assert_eq!(left, ["link", "changed"]);
    assert!(candor.path("precious/twin.bmp").exists() && own.is_symlink());

    fs::rename(candor.path("class-folders"), candor.path("elsewhere")).unwrap();
    for there in [false, true] {
        if there {
            std::os::unix::fs::symlink(candor.path("elsewhere"), candor.path("class-folders")).unwrap();
        }
        let words = candor.run("forget dark/004.bmp --study s --dry-run");
        assert!(words.code == 0 && words.stdout.contains("IS NO LONGER THERE"), "{}", words.stdout);
    }
    fs::remove_dir_all(candor.path("index-csv")).unwrap();
    let gone = candor.json("forget dark/004.bmp --study s");
    assert_eq!((&gone["outside"][0]["gone"], files(&candor.path("elsewhere/dark")).len()), (&true.into(), 6));
}

#[test]
fn an_export_that_was_killed_is_looked_through_too() {
    let candor = exported(&["web-dataset", "class-folders"]);
    // What the ledger knows of an export that did not end: what was to be written, and not where.
    let ledger = rusqlite::Connection::open(candor.path("s/study.db")).unwrap();
    ledger.execute("UPDATE outside_copy SET file = NULL", []).unwrap();
    drop(ledger);
    fs::remove_dir_all(candor.path("class-folders/light")).unwrap();
    let gone = forget_with_remains(&candor, WHAT);
    assert_eq!(gone["outside"][0]["left"][0]["file"], "data-000000.tar");
    assert_eq!(gone["outside"][1]["files"].as_array().unwrap().len(), 1);
}

#[test]
fn crops_in_a_folder_go_with_their_picture() {
    let candor = with_faces(2);
    candor.json("import photos --study s");
    candor.json("crop s --out faces --size 24");
    let before = candor.text("faces/crops.csv");
    assert!(before.contains("portrait-1") && candor.text("faces/failures.jsonl").contains("landscape"));
    let gone = candor.json("forget calm/portrait-1.bmp --study s");
    let outside = &gone["outside"][0];
    assert_eq!((&outside["verb"], strings(&outside["tables"])), (&"crop".into(), vec!["crops.csv"]));
    assert_eq!(files(&candor.path("faces/calm")).len(), 1);
    let table = candor.text("faces/crops.csv");
    assert_eq!((table.lines().count(), table.contains("calm/portrait-1")), (4, false), "{table}");
    assert!(!candor.path("faces/crops.html").exists(), "the contact sheet shows faces");
    // In this one no face was found: only the list speaks of it.
    let gone = candor.json("forget calm/landscape.bmp --study s");
    assert_eq!(strings(&gone["outside"][0]["tables"]), ["failures.jsonl"]);
    assert_eq!(candor.text("faces/failures.jsonl"), "");
}
