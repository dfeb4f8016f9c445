//! The model card: a README.md as the Hugging Face Hub reads it, made of the same values as the report.
//!
//! Mitchell et al., Model Cards for Model Reporting, 2019; the metadata follows the Hub's model card specification
//! (`model-index` with the figures of validation or test). What only the owner can know (licence, purpose) is left for
//! them to fill in. What the audit found goes along with every figure.

use std::fmt::Write;

use candor_analysis::evaluate::Interval;
use candor_core::Channels;

use crate::figure_list::written;
use crate::figures::Scale;
use crate::page::claims::MAY_NOT;
use crate::{Model, Report, SubsetEvaluation, baseline_verdict, cautions, figures};

/// The card of the first of the report's models.
///
/// # Panics
/// When the report has no model.
pub fn model_card(report: &Report) -> String {
    let model = &report.models[0];
    let judged = model.judged();
    let sections = [
        metadata(report, model, judged),
        format!("# {}\n\n{}\n\n{}\n", report.title, report.summary.learned, report.summary.certainty),
        what_it_is(report, model),
        data(report),
        evaluation(report, model),
        limits(),
        how_to_load(report),
    ];
    sections.join("\n")
}

fn metadata(report: &Report, model: &Model, judged: Option<&SubsetEvaluation>) -> String {
    let results = judged.map_or_else(String::new, |judged| model_index(report, model, judged));
    format!(
        "---\nlicense: unknown\nlibrary_name: candor\npipeline_tag: image-classification\ntags:\n- image-classification\n\
         - candor\n{results}---\n"
    )
}

/// The figures for machines. Text is quoted as JSON is, which is YAML too.
fn model_index(report: &Report, model: &Model, judged: &SubsetEvaluation) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let evaluation = &judged.evaluation;
    let metrics = [
        ("accuracy", "Accuracy", evaluation.accuracy.value),
        ("balanced_accuracy", "Balanced accuracy", evaluation.balanced_accuracy),
        ("log_loss", "Log loss", evaluation.log_loss),
    ];
    let mut text = format!(
        "model-index:\n- name: {}\n  results:\n  - task:\n      type: image-classification\n      name: Image classification\n    \
         dataset:\n      type: images\n      name: {}\n      split: {}\n    metrics:\n",
        quoted(&model.network.name),
        quoted(&report.title),
        judged.subset
    );
    for (kind, name, value) in metrics.into_iter().filter(|(_, _, value)| value.is_finite()) {
        let _ = write!(text, "    - type: {kind}\n      value: {value}\n      name: {name}\n");
    }
    // A comment of YAML: the metadata has no field for what is wrong with a figure.
    for caution in cautions(report) {
        let _ = writeln!(text, "    # {}", caution.replace(['\n', '\r'], " "));
    }
    text
}

fn what_it_is(report: &Report, model: &Model) -> String {
    let input = report.data.input;
    let colour = if input.channels == Channels::Grey { "grey" } else { "colour" };
    format!(
        "## What it is\n\nA neural network (`{}`, {} parameters) that was trained with candor {}. It takes a {colour} \
         picture of {}×{} pixels with values divided by 255, and gives a probability for each of {} classes:\n{}.\n",
        model.network.name,
        figures::count(model.network.parameters()),
        report.reproduce.version,
        input.width,
        input.height,
        report.data.classes.len(),
        report.data.classes.join(", ")
    )
}

fn data(report: &Report) -> String {
    let data = &report.data;
    let counts = data.counts.iter().map(|counts| {
        format!(
            "- {}: {} pictures\n",
            counts.subset,
            figures::count(counts.per_class.iter().sum::<usize>() as u64)
        )
    });
    format!(
        "## Data\n\nSource: `{}`. {}\n\n{}- left out: {}\n",
        data.source,
        data.split,
        counts.collect::<String>(),
        data.left_out.len()
    )
}

/// A figure with its interval, where it has one.
fn both(scale: Scale, value: f64, interval: Option<Interval>) -> String {
    interval.map_or_else(|| written(scale, value, None), |interval| scale.write_both(value, interval))
}

fn evaluation(report: &Report, model: &Model) -> String {
    let mut text = "## How good it is\n\nEach figure of pictures that had no part in the training with its 95% interval. Read it with what the \
                    audit found, below.\n\n\
                    | pictures | accuracy | balanced accuracy | log loss |\n|---|---|---|---|\n"
        .to_owned();
    for judged in &model.evaluations {
        let evaluation = &judged.evaluation;
        let _ = writeln!(
            text,
            "| {} {} | {} | {} | {} |",
            figures::count(evaluation.accuracy.pictures),
            judged.subset,
            judged.accuracy_in_words(),
            both(Scale::PerCent, evaluation.balanced_accuracy, judged.intervals.balanced_accuracy),
            both(Scale::Plain, evaluation.log_loss, judged.intervals.log_loss)
        );
    }
    if let Some(comparison) = model.baselines.values().last() {
        let _ = writeln!(text, "\n{}", baseline_verdict("The network", comparison));
    }
    if let Some(looks) = model.judged().and_then(|judged| judged.looks) {
        let _ = writeln!(text, "\nEvaluations on the test pictures so far: {looks}.");
    }
    text += "\n### What the audit found\n\n";
    for caution in cautions(report) {
        let _ = writeln!(text, "- {caution}");
    }
    text
}

fn limits() -> String {
    let claims = MAY_NOT.map(|(claim, reason)| format!("- **{claim}** {reason}\n")).concat();
    format!(
        "## What it must not be used for\n\nTo judge people: a decision about a person needs a human being who answers for it. Nor may \
         anybody claim:\n\n{claims}"
    )
}

fn how_to_load(report: &Report) -> String {
    format!(
        "## How to use it\n\n```sh\ncandor predict model.safetensors picture.jpg\n```\n\nThe classes and the preprocessing are in the \
         file's metadata. To train the same model again:\n\n```sh\n{}\n```\n",
        report.reproduce.command
    )
}
