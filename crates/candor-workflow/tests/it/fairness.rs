//! Trainings that treat groups alike: the same bits after an interruption, clear refusals, and the frontier.

use std::fs;
use std::path::Path;

use candor_core::Silent;
use candor_workflow::recipe::RecipeFile;
use candor_workflow::{FrontierRequest, RunRequest, SourceSpec, WorkflowError, fairness_frontier, train};

use super::Place;
use super::fine_tuning::assert_survives;

const SIDE: usize = 10;
const PICTURES: usize = 320;

/// A grey picture as a 24-bit BMP file.
fn bmp(pixels: &[u8]) -> Vec<u8> {
    // Rows are padded to whole words of four bytes, the lowest comes first.
    let row = (3 * SIDE).next_multiple_of(4);
    let size = 54 + row * SIDE;
    let mut file = b"BM".to_vec();
    [size as u32, 0, 54, 40, SIDE as u32, SIDE as u32, 1 | 24 << 16, 0, 0, 0, 0, 0, 0]
        .iter()
        .for_each(|word| file.extend(word.to_le_bytes()));
    for line in pixels.chunks(SIDE).rev() {
        let mut bytes: Vec<u8> = line.iter().flat_map(|&value| [value; 3]).collect();
        bytes.resize(row, 0);
        file.extend(bytes);
    }
    file
}

/// Two classes, light above or below; a fourth of the pictures is of “few” and much darker.
fn write_study(folder: &Path) {
    fs::create_dir_all(folder.join("images")).unwrap();
    let mut table = "id,category,kind,camera\n".to_owned();
    for index in 0..PICTURES {
        let (class, few) = (index % 2, index / 2 % 4 == 0);
        let value = |pixel: usize| {
            let is_light = (pixel / SIDE < SIDE / 2) == (class == 1);
            let value = (if is_light { 130 } else { 80 }) + (index * 31 + pixel * 17) % 100;
            (if few { value / 3 } else { value }) as u8
        };
        let pixels: Vec<u8> = (0..SIDE * SIDE).map(value).collect();
        fs::write(folder.join(format!("images/{index}.bmp")), bmp(&pixels)).unwrap();
        table +=
            &format!("{index},{},{},c{index}\n", ["lower", "upper"][class], if few { "few" } else { "many" });
    }
    fs::write(folder.join("index.csv"), table).unwrap();
}

fn place() -> Place {
    let place = Place::new();
    write_study(&place.at("study"));
    place
}

fn request(place: &Place, out: &str, more: &str) -> RunRequest {
    let request = place.request(out, 2);
    let parse = |text: &str| RecipeFile::parse(text).unwrap();
    let base = parse("[split]\nvalidation = 0.3\ntest = 0.1\n[training]\nbatch_size = 24");
    let recipe = request.recipe.with(&base).with(&parse(more));
    RunRequest { source: SourceSpec::at(place.at("study")), recipe, ..request }
}

#[test]
fn fair_trainings_survive_interruptions() {
    for fairness in ["method = \"group-dro\"\nstep_size = 0.1", "definition = \"demographic-parity\""] {
        let place = place();
        let more = format!("[fairness]\nattribute = \"kind\"\n{fairness}\n[training]\nepochs = 3\n");
        assert_survives(&place, |out| request(&place, out, &more));
    }
}

#[test]
fn the_groups_are_told_and_what_cannot_be_fair_is_refused_before_anything_is_written() {
    let place = place();
    let result =
        train(&request(&place, "run", "[fairness]\nattribute = \"kind\"\n[training]\nepochs = 2"), &Silent);
    let figures = result.unwrap().fairness.expect("it was asked for");
    assert_eq!(figures.gaps.groups.len(), 2);
    assert!(figures.sentence().contains("“few”"), "{}", figures.sentence());

    let cases = [
        ("attribute = \"sex\"", &["no such column", "camera, kind"][..]),
        ("attribute = \"camera\"", &["parts the pictures into no groups"]),
        ("attribute = \"kind\"\n[training]\nbatch_size = 8", &["of “few”", "--batch-size 24"]),
    ];
    for (fairness, needles) in cases {
        let refused = train(&request(&place, "refused", &format!("[fairness]\n{fairness}")), &Silent);
        let error = refused.unwrap_err();
        assert!(matches!(error, WorkflowError::Recipe(_)), "{error:?}");
        for needle in needles {
            assert!(error.to_string().contains(needle), "{needle} is missing in: {error}");
        }
        assert!(!place.at("refused").exists());
    }
}

#[test]
fn a_frontier_holds_each_weight_against_none_and_goes_on_where_it_stopped() {
    let place = place();
    let fair = "[fairness]\nattribute = \"kind\"\n[training]\nepochs = 2";
    let frontier = |strengths: &[f32]| FrontierRequest {
        run: request(&place, "frontier", fair),
        strengths: strengths.to_vec(),
    };
    let drawn = fairness_frontier(&frontier(&[5.0]), &Silent).unwrap();
    let strengths: Vec<Option<f32>> = drawn.runs.iter().map(|run| run.strength).collect();
    assert_eq!(strengths, [None, Some(5.0)]);
    let change = drawn.runs[1].change.as_ref().expect("the groups are large enough to be compared");
    assert!(drawn.runs[0].change.is_none() && change.groups.len() == 2, "{change:?}");
    assert!(change.outcome.p >= change.outcome.smallest_possible_p, "{change:?}");
    assert!(drawn.suggestion.is_none() || change.outcome.p <= 0.05, "chance explains {change:?}");
    assert!(fs::read_to_string(&drawn.plot).unwrap().contains("<svg"));
    let model = drawn.runs[1].run.join("model.safetensors");
    let made = fs::metadata(&model).unwrap().modified().unwrap();
    let again = fairness_frontier(&frontier(&[5.0]), &Silent).unwrap();
    assert_eq!(fs::metadata(&model).unwrap().modified().unwrap(), made, "it was trained again");
    assert_eq!(again.runs[1].accuracy, drawn.runs[1].accuracy);
    let other = fairness_frontier(&frontier(&[7.0]), &Silent).unwrap_err();
    assert!(matches!(other, WorkflowError::NotEmpty { .. }), "{other}");

    let without = FrontierRequest { run: request(&place, "none", ""), strengths: Vec::new() };
    let message = fairness_frontier(&without, &Silent).unwrap_err().to_string();
    assert!(message.contains("--fairness-attribute"), "{message}");
}
