//! The model card: what is in it, and that the Hugging Face Hub's own reader takes it.

use candor_analysis::audit::{Finding, Verdict};
use candor_report::{AuditedFinding, croissant, model_card, to_json};

use crate::fixture::{Wanted, report};
use crate::python::Python;

const READ: &str = "
import sys
from huggingface_hub import ModelCard
card = ModelCard.load(sys.argv[1])
result = card.data.eval_results[0]
print(card.data.pipeline_tag, result.task_type, result.dataset_split, len(card.data.eval_results), round(result.metric_value, 6))
";

#[test]
fn it_says_what_the_model_is_and_what_it_is_not_for() {
    let card = model_card(&report(&Wanted { classes: 3, models: 1, layers: 6, picture_px: 20 }));
    for words in [
        "pipeline_tag: image-classification",
        "model-index:",
        "## What it must not be used for",
        "A face does not tell character",
        "| 36 test |",
        "simple model",
        "Evaluations on the test pictures so far: 2.",
        "candor study pictures",
    ] {
        assert!(card.contains(words), "{words}: {card}");
    }
}

#[test]
fn the_hub_s_own_reader_takes_it() {
    let Some(python) = Python::with("huggingface_hub", "the_hub_s_own_reader_takes_it") else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("README.md");
    let report = report(&Wanted { classes: 6, models: 1, layers: 6, picture_px: 20 });
    std::fs::write(&path, model_card(&report)).expect("the card is written");
    let accuracy = report.models[0].judged().expect("judged").evaluation.accuracy.value;
    let accuracy = (accuracy * 1e6).round() / 1e6;
    let expected = format!("image-classification image-classification test 3 {accuracy}");
    assert_eq!(python.ask(READ, &path), expected);
}

#[test]
fn what_the_audit_found_goes_along_with_every_figure() {
    let mut report = report(&Wanted { classes: 3, models: 1, layers: 6, picture_px: 20 });
    let copies = "73 of the 119 evaluated pictures are copies of training pictures.";
    let finding =
        Finding { check: "duplicates-across-splits".into(), ..Finding::new(Verdict::Fail, copies, "") };
    let audit = report.audit.as_mut().expect("the fixture is audited");
    audit.findings.push(AuditedFinding { finding, pictures: vec![] });
    audit.not_asked = vec!["corruptions".into()];
    let card = model_card(&report);
    let (metadata, text) = card[4..].split_once("---\n").expect("the metadata end");
    assert!(metadata.contains("# Fail, ") && metadata.contains(copies), "{metadata}");
    assert!(text.contains(copies) && text.contains("One check was not run: corruptions."), "{text}");
    assert!(croissant(&report, b"id\n").contains(copies));
    let json: serde_json::Value = serde_json::from_str(&to_json(&report)).expect("JSON");
    assert!(
        json["cautions"][0].as_str().is_some_and(|first| first.starts_with("Fail, ")),
        "{}",
        json["cautions"]
    );
    report.audit = None;
    for text in [model_card(&report), croissant(&report, b"id\n"), to_json(&report)] {
        assert!(text.contains("This model was not audited"), "{text}");
    }
}
