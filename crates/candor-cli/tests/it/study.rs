//! The ledger's verbs, as they are typed.

use crate::fixtures::Candor;

fn imported() -> Candor {
    let candor = Candor::new();
    candor.write_photos("photos", 12);
    candor.json("import photos --study s");
    candor
}

#[test]
fn pictures_are_imported_once_counted_and_learned_from() {
    let candor = Candor::new();
    candor.write_photos("photos", 12);
    candor.write("photos/dark/broken.jpg", "not a picture");
    let first = candor.json("import photos --study s");
    assert_eq!((first["new"].as_u64(), first["classes"]["dark"].as_u64()), (Some(24), Some(12)));
    assert_eq!(first["problems"][0]["place"], "dark/broken.jpg");
    let again = candor.run("import photos --study s");
    assert!(again.stdout.starts_with("0 pictures taken into s; 24 were there already."), "{}", again.stdout);

    let trained = candor.json("train s --architecture linear --height 8 --width 8 --epochs 2");
    assert_eq!(trained["run"], "s/runs/candor-run");
    let status = candor.json("status s");
    assert_eq!((status["pictures"].as_u64(), status["missing"].as_u64()), (Some(24), Some(0)));
    assert_eq!(status["runs"][0]["trained"], true);
    let words = candor.run("status s").stdout;
    assert!(words.contains("s/runs/candor-run"), "{words}");
    assert!(words.lines().all(|line| line.chars().count() <= 80), "{words}");
    let answers = candor.json("predict s/runs/candor-run s/blobs");
    assert_eq!(answers["problems"].as_array().unwrap().len(), 0);
}

#[test]
fn what_is_no_study_is_named_with_what_to_do() {
    let candor = imported();
    candor.write("thesis/text.docx", "years of work");
    for (line, says) in [
        ("status photos", "photos: is no study of candor: it has no study.db"),
        ("import photos --study thesis", "thesis: the folder is not empty, and no study"),
        ("import nowhere --study s", "nowhere: there is no such file or folder"),
    ] {
        let answer = candor.run(line);
        assert_eq!(answer.code, 1, "{line}");
        assert!(answer.stderr.contains(says), "{line}: {}", answer.stderr);
    }
}

#[test]
fn a_split_and_its_copies_are_told_and_trainings_take_it() {
    let candor = imported();
    candor.write("more/dark/twin.bmp", candor.read("photos/dark/003.bmp"));
    candor.json("import more --study s");
    let found = candor.json("duplicates s");
    let exact = found["clusters"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|cluster| cluster["evidence"].as_array().unwrap());
    assert_eq!(exact.filter(|pair| pair["exact"] == true).count(), 1);

    let words = candor.run("split s --together none --folds 3").stdout;
    assert!(words.contains("fold-3 (fold 3 of 3, seed 1)"), "{words}");
    let made =
        candor.json("split s --together none --train-share 0.5 --validation-share 0.25 --test-share 0.25");
    assert_eq!(made["splits"][0]["classes"]["dark"], serde_json::json!([6, 3, 3]));
    let trained = candor.json("train s --architecture linear --height 8 --width 8 --epochs 1");
    assert_eq!(trained["split"], serde_json::json!({"train": 12, "validation": 6, "test": 6}));
    let fold = candor.json("train s --split fold-2 --architecture linear --height 8 --width 8 --epochs 1");
    assert_eq!(fold["split"]["test"], 8);
    let refused = candor.run("split s --leave-out site");
    assert!(refused.code == 1 && refused.stderr.contains("choose site, source"), "{}", refused.stderr);
    assert_eq!(candor.run("split s --together dupes").code, 2);
}
