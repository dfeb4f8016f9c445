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
