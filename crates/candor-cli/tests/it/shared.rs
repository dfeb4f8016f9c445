//! Real pictures that are not in the repository; these tests run where `CANDOR_SHARED` names their folder.

use crate::fixtures::{Candor, shared};

#[test]
fn forty_photos_are_studied() {
    let Some(folder) = shared("forty_photos_are_studied") else { return };
    let candor = Candor::new();
    let source = folder.join("data/forks-scissors");
    let result = candor.json(&format!("study {} --out s1", source.display()));
    let pictures = ["train", "validation", "test"].map(|subset| result["split"][subset].as_u64().unwrap());
    assert_eq!(pictures.iter().sum::<u64>(), 40);
    assert!(result["train"]["accuracy"].as_f64().unwrap() > 0.8, "{result}");
}

#[test]
fn pictures_of_all_kinds_are_answered() {
    let Some(folder) = shared("pictures_of_all_kinds_are_answered") else { return };
    let candor = Candor::new();
    candor.write_photos("photos", 8);
    candor.json("train photos --architecture linear --height 8 --width 8 --epochs 1 --out run");
    let result = candor.json(&format!("predict run {}", folder.join("data/photos").display()));
    assert!(result["predictions"].as_array().unwrap().len() >= 3, "{result}");
}
