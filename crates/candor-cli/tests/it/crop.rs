//! Faces cut out of pictures, as it is typed.

use crate::fixtures::{Candor, bmp};

/// 120×120, grey: Eileen Collins, by NASA.
const ASTRONAUT: &[u8] = include_bytes!("../../../candor-data/tests/fixtures/faces/astronaut.pgm");

/// `photos/` with the classes `calm` and `warm`: `each` pictures of a face, moved and lit differently, and one without.
pub fn with_faces(each: usize) -> Candor {
    let candor = Candor::new();
    let face = &ASTRONAUT[ASTRONAUT.len() - 120 * 120..];
    for (class, tint) in [("calm", [0, 0, 30]), ("warm", [30, 0, 0])] {
        for number in 0..each {
            let pixel = |x: usize, y: usize| {
                let grey = face[(y + 120 - number) % 120 * 120 + (x + 120 - 2 * number) % 120];
                tint.map(|tint| grey / 5 * 4 + tint / 2 + number as u8)
            };
            candor.write(&format!("photos/{class}/portrait-{number}.bmp"), bmp(120, 120, pixel));
        }
    }
    candor.write("photos/calm/landscape.bmp", bmp(60, 40, |x, y| [(3 * x) as u8, (5 * y) as u8, 80]));
    candor
}

#[test]
fn faces_of_a_study_are_cut_out_once_learned_from_and_forgotten() {
    let candor = with_faces(6);
    candor.json("import photos --study s");
    let refused = candor.run("train s --crops");
    assert!(refused.code == 1 && refused.stderr.contains("candor crop"), "{}", refused.stderr);
    let first = candor.json("crop s --size 32");
    assert_eq!(
        (first["looked_at"].as_u64(), first["new"].as_u64(), first["crops"].as_u64()),
        (Some(13), Some(12), Some(12))
    );
    assert_eq!(first["failures"][0]["file"], "calm/landscape.bmp");
    let words = candor.run("crop s --size 32").stdout;
    assert!(
        words.starts_with("0 pictures looked at, 13 were before; 12 crops of 32×32 pixels in s."),
        "{words}"
    );
    let line: serde_json::Value =
        serde_json::from_str(candor.text("s/derived/failures.jsonl").trim()).unwrap();
    assert_eq!(
        (&line["file"], &line["failure"]),
        (&"calm/landscape.bmp".into(), &"no face was found".into())
    );
    assert!(candor.text("s/derived/crops.html").contains("12 crops, the least sure first"));
    let status = candor.run("status s").stdout;
    assert!(status.contains("faces cut out (32×32): 12; pictures without one: 1"), "{status}");

    let trained =
        candor.json("study s --crops --architecture linear --height 8 --width 8 --epochs 1 --no-baselines");
    let counts = &trained["split"];
    let learned: u64 =
        ["train", "validation", "test"].iter().map(|subset| counts[subset].as_u64().unwrap()).sum();
    assert_eq!(learned, 12, "{counts}");
    let crop = candor.json("forget portrait-3.bmp --study s --dry-run")["pictures"][0]["crops"][0].clone();
    let crop = crop.as_str().unwrap().to_owned();
    assert!(candor.path(&format!("s/derived/{crop}")).exists());
    assert!(candor.text("s/runs/candor-run/predictions.csv").contains(&crop));

    let gone = candor.json("forget portrait-3.bmp --study s");
    assert_eq!((gone["pictures"].as_array().unwrap().len(), gone["runs"].as_array().unwrap().len()), (2, 1));
    assert!(!candor.path(&format!("s/derived/{crop}")).exists());
    for file in ["s/derived/crops.html", "s/runs/candor-run/predictions.csv", "s/runs/candor-run/split.json"]
    {
        let text = candor.text(file);
        assert!(!text.contains(&crop) && !text.contains("portrait-3"), "{file}");
    }
    assert_eq!(candor.json("status s")["crops"]["crops"], 10);
}

#[test]
fn faces_of_any_source_go_into_a_folder_by_class() {
    let candor = with_faces(2);
    let refused = candor.run("crop photos");
    assert!(
        refused.code == 1 && refused.stderr.contains("candor crop photos --out DIR"),
        "{}",
        refused.stderr
    );
    let made = candor.json("crop photos --out faces --faces largest --margin 0.1 --size 24");
    assert_eq!(
        (made["new"].as_u64(), made["margin"].as_f64(), &made["which"]),
        (Some(4), Some(0.1), &"largest".into())
    );
    let table = candor.text("faces/crops.csv");
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("file,class,original,original_sha256,x,y,width,height,score"));
    for line in lines.by_ref() {
        let file = line.split(',').next().unwrap();
        assert_eq!(candor.read(&format!("faces/{file}"))[..4], *b"\x89PNG", "{line}");
    }
    assert_eq!(table.lines().count(), 5);
    let again = candor.run("crop photos --out faces");
    assert!(again.code == 1 && again.stderr.contains("not empty"), "{}", again.stderr);
    assert_eq!(candor.run("crop photos --out more --margin -1").code, 2);
    let imported = candor.json("import faces --study s");
    assert_eq!((imported["new"].as_u64(), imported["classes"]["warm"].as_u64()), (Some(4), Some(2)));
}
