//! The ledger's verbs, as they are typed.

use candor_core::Seed;

use crate::fixtures::{Candor, bmp};

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

/// Every file below `folder` in which `bytes` occur.
fn files_with(folder: &std::path::Path, bytes: &[u8]) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = |path: std::path::PathBuf| match path.is_dir() {
        true => files_with(&path, bytes),
        false => {
            let holds = std::fs::read(&path).unwrap().windows(bytes.len()).any(|window| window == bytes);
            Some(path).filter(|_| holds).into_iter().collect()
        }
    };
    entries.flat_map(found).collect()
}

#[test]
fn what_is_forgotten_is_in_no_file_and_does_not_come_back() {
    let candor = Candor::new();
    let photo = |number: usize| {
        // Blobs of light, so that a copy can be told from the others.
        bmp(60, 48, move |x, y| {
            let at = |dx: usize, dy: usize, size: f64| {
                let (dx, dy) = (x as f64 - dx as f64, y as f64 - dy as f64);
                110.0 * (-(dx * dx + dy * dy) / (size * size)).exp()
            };
            let light =
                at(number * 17 % 60, number * 31 % 48, 9.0) + at(number * 41 % 60, number * 13 % 48, 6.0);
            let light = light + at(number * 7 % 60, number * 23 % 48, 13.0);
            let light = light.min(180.0) as u8;
            // Noise of its own, so that its bytes occur nowhere else.
            let noise = Seed(number as u64).at((y * 60 + x) as u64).rng().below(12) as u8;
            [30 + light / 2 + noise, 20 + light / 2, 40 + light]
        })
    };
    let mut index = "id,category,image_url,name\n".to_owned();
    for number in 0..16 {
        let (name, class) = (["Ada Lovelace", "Bob"][usize::from(number != 5)], ["a", "b"][number % 2]);
        index += &format!("p{number},{class},https://x.org/portrait-{number}.bmp,{name}\n");
        candor.write(&format!("photos/raw/p{number}.bmp"), photo(number));
    }
    candor.write("photos/index.csv", index);
    candor.json("import photos --study s");
    candor.json("study s --architecture linear --height 8 --width 8 --epochs 1 --no-baselines");
    let bytes = candor.read("photos/raw/p5.bmp");
    let traces: Vec<Vec<u8>> = vec![
        bytes[600..680].to_vec(),
        b"Ada Lovelace".to_vec(),
        b"portrait-5.bmp".to_vec(),
        b"p5.bmp".to_vec(),
    ];
    let before: usize = traces.iter().map(|trace| files_with(&candor.path("s"), trace).len()).sum();
    assert!(before >= 5, "the study speaks of her: {before}");

    let told = candor.json("forget https://x.org/portrait-5.bmp --study s --dry-run");
    assert_eq!(told["pictures"][0]["attributes"][0], "Ada Lovelace");
    assert_eq!(candor.json("status s")["pictures"], 16);
    // A figure shows her without a word that is hers; a table of groups has a row for her.
    let run = "s/runs/candor-run";
    candor.write(&format!("{run}/explain/deep-shap.svg"), "<svg/>");
    let id = told["pictures"][0]["id"].as_str().unwrap();
    candor.write(&format!("{run}/groups.csv"), format!("id,group\n{id},chain 5\nother,chain 5\n"));

    let gone = candor.json("forget https://x.org/portrait-5.bmp --study s");
    assert_eq!(gone["runs"].as_array().unwrap().len(), 1, "{gone}");
    for trace in &traces {
        let found = files_with(&candor.path("s"), trace);
        assert!(found.is_empty(), "{}: {found:?}", String::from_utf8_lossy(trace));
    }
    assert!(!candor.path(&format!("{run}/explain/deep-shap.svg")).exists());
    assert_eq!(candor.text(&format!("{run}/groups.csv")), "id,group\nother,chain 5\n");
    let status = candor.json("status s");
    assert_eq!((status["pictures"].as_u64(), status["runs"][0]["marks"].as_u64()), (Some(15), Some(1)));
    let report = candor.text(&format!("{run}/report.html"));
    assert!(report.contains("1 picture was taken out of the study"), "the report tells of the mark");

    let mut again = candor.json("import photos --study s");
    assert_eq!((again["new"].as_u64(), again["refused"].as_u64()), (Some(0), Some(1)), "{again}");
    let reason = again["problems"][0]["reason"].take();
    assert!(reason.as_str().unwrap().contains("was taken out of this study"), "{reason}");
    // The same picture with other bytes: one pixel is another.
    let mut copy = bytes;
    copy[54] ^= 1;
    candor.write("copies/a/renamed.bmp", &copy);
    let again = candor.json("import copies --study s");
    assert!(again["problems"][0]["reason"].as_str().unwrap().contains("is a copy of a picture"), "{again}");
    for trace in &traces {
        assert!(files_with(&candor.path("s"), trace).is_empty(), "what is refused is not written down");
    }

    let answer = candor.run("forget https://x.org/portrait-5.bmp --study s");
    assert!(answer.code == 1 && answer.stderr.contains("nothing of it"), "{}", answer.stderr);
    let answer = candor.run("report s/runs/candor-run");
    assert_eq!(answer.code, 0, "{}", answer.stderr);
}

#[test]
fn labels_are_corrected_with_their_history_and_agreement() {
    let candor = imported();
    let set = candor.json("label set s dark/003.bmp light --by anna --why overexposed");
    assert_eq!((set["written"].as_u64(), set["changed"].as_u64()), (Some(1), Some(1)));
    assert_eq!(candor.json("status s")["classes"][1]["pictures"], 13);
    // bob is of the class before, so that two are of two opinions and what held stays; the third decides.
    candor.write(
        "bob.csv",
        "file,label,annotator\ndark/003.bmp,dark,bob\ndark/004.bmp,dark,bob\nnowhere.bmp,dark,bob\n",
    );
    let taken = candor.json("label import s bob.csv");
    assert_eq!((taken["written"].as_u64(), taken["changed"].as_u64()), (Some(2), Some(0)));
    assert_eq!(taken["problems"][0]["place"], "bob.csv, row 2");
    assert_eq!(candor.json("label import s bob.csv")["known"], 2);
    candor.write("cleo.csv", "file,label\ndark/003.bmp,dark\ndark/004.bmp,dark\n");
    assert_eq!(candor.json("label import s cleo.csv --by cleo")["changed"], 1);
    let history = candor.json("label history s dark/003.bmp");
    let said: Vec<&str> =
        history["opinions"].as_array().unwrap().iter().map(|o| o["value"].as_str().unwrap()).collect();
    assert_eq!(said, ["light", "dark", "dark"]);
    assert_eq!(history["opinions"][0]["why"], "overexposed");
    let agreement = candor.json("label agreement s");
    assert_eq!(
        (agreement["pictures"].as_u64(), agreement["annotators"][2].as_str()),
        (Some(2), Some("cleo"))
    );
    assert_eq!(agreement["pairs"][2]["alike"], 2);
    assert!(
        candor.run("label history s --csv").stdout.starts_with("sha256,file,name,label,annotator,why,when\n")
    );
    for (line, says) in [
        ("label set s nowhere.bmp light --by anna", "there is no picture \"nowhere.bmp\" in the study"),
        ("label import s cleo.csv", "row 0 has no annotator"),
        ("label agreement s --attribute mood", "0 annotators said something on \"mood\""),
    ] {
        let answer = candor.run(line);
        assert!(answer.code == 1 && answer.stderr.contains(says), "{line}: {}", answer.stderr);
    }
}
