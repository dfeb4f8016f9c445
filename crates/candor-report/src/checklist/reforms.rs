//! The REFORMS checklist, for everyone who publishes what a network learned.

use super::{
    BLANK, Part, all_cautions, ask, classes, filled, findings, left_out, origins, preprocessing, sizes, told,
    unknown,
};
use crate::{Report, baseline_verdict};

/// The checklist of the report's first model as Markdown: 32 items in 8 modules.
///
/// # Panics
/// When the report has no model.
pub fn reforms(report: &Report) -> String {
    let number = |part: usize, place: usize| format!("{}{}.", part + 1, char::from(b'a' + place as u8));
    format!(
        "# {}: REFORMS checklist\n\n{} After Kapoor et al., REFORMS, Science Advances 10 (2024), \
         <https://reforms.cs.princeton.edu>, where each item is explained.\n{}",
        report.title,
        told(report, &MODULES),
        filled(report, &MODULES, number)
    )
}

static MODULES: [Part<'static>; 8] = [
    (
        "Study goals",
        &[
            ask("About which population or distribution is a claim made?", unknown),
            ask("Why this population?", unknown),
            ask("Why machine learning?", unknown),
        ],
    ),
    (
        "Computational reproducibility",
        &[
            ask("Which data, and where can they be obtained?", data),
            ask("Which code, in which version?", code),
            ask("On which computers?", machine),
            ask("Where are the instructions?", instructions),
            ask("Which script produces all results?", instructions),
        ],
    ),
    (
        "Data quality",
        &[
            ask("Where do the data come from, when, and who labelled them?", origins),
            ask("From which set were they sampled?", unknown),
            ask("Why are they useful for this task?", unknown),
            ask("What is predicted, and how is it distributed?", classes),
            ask("How many samples are there, and how many of each outcome?", sizes),
            ask("How much is missing?", left_out),
            ask("Do the sampled pictures represent the population of the claim?", unknown),
        ],
    ),
    (
        "Data preprocessing",
        &[
            ask("What was excluded, and why?", left_out),
            ask("What was done with impossible or damaged samples?", left_out),
            ask("How were the raw data changed before they entered the model?", preprocessing),
        ],
    ),
    (
        "Modelling",
        &[
            ask("Which models were trained?", models),
            ask("Why these?", unknown),
            ask("How were they evaluated: splits, folds?", |report| Some(report.data.split.clone())),
            ask("How was the reported model chosen?", chosen),
            ask("How were hyperparameters set?", hyperparameters),
            ask("Which baselines was it compared with?", baselines),
        ],
    ),
    (
        "Data leakage",
        &[
            ask("Did preparing and modelling use the training pictures only?", sealed),
            ask("How were duplicates and dependencies between training and test treated?", dependencies),
            ask("Is what the model sees legitimate for the task?", legitimate),
        ],
    ),
    (
        "Metrics and uncertainty",
        &[
            ask("Which metrics, and why?", metrics),
            ask("How uncertain are they?", uncertainty),
            ask("Which statistical tests?", tests),
        ],
    ),
    (
        "Generalisability and limitations",
        &[
            ask("What supports validity outside these data?", external),
            ask("Where are the findings not expected to hold?", limits),
        ],
    ),
];

fn data(report: &Report) -> Option<String> {
    Some(format!("`{}`. A link or DOI: {BLANK}", report.data.source))
}

fn code(report: &Report) -> Option<String> {
    Some(format!("candor {}; the recipe is in the run's `recipe.toml`.", report.reproduce.version))
}

fn machine(report: &Report) -> Option<String> {
    let facts: Vec<String> =
        report.reproduce.facts.iter().map(|fact| format!("{}: {}", fact.name, fact.value)).collect();
    (!facts.is_empty()).then(|| facts.join("; "))
}

fn instructions(report: &Report) -> Option<String> {
    Some(format!("`{}`", report.reproduce.command))
}

fn models(report: &Report) -> Option<String> {
    let network = &report.models[0].network;
    let others = report.models[0].baselines.values().last().map(|comparison| comparison.baselines.len());
    let others =
        others.map(|count| format!(", and {count} simple models for comparison")).unwrap_or_default();
    Some(format!("`{}`, {} parameters{others}.", network.name, network.parameters()))
}

fn chosen(report: &Report) -> Option<String> {
    let history = &report.models[0].training.history;
    let epoch = history.best_epoch?;
    Some(match history.is_validated() {
        true => format!(
            "The epoch with the best figure on validation ({epoch} of {}). Whether other runs were tried: {BLANK}",
            history.epochs.len()
        ),
        false => format!(
            "The last epoch ({epoch}); there was no validation. Whether other runs were tried: {BLANK}"
        ),
    })
}

fn hyperparameters(report: &Report) -> Option<String> {
    let facts = &report.models[0].training.recipe;
    let told: Vec<String> = facts.iter().map(|fact| format!("{} {}", fact.name, fact.value)).collect();
    Some(format!("{}. Whether they were searched for, and on which pictures: {BLANK}", told.join("; ")))
}

fn baselines(report: &Report) -> Option<String> {
    Some(baseline_verdict("The network", report.models[0].baselines.values().last()?))
}

fn sealed(_: &Report) -> Option<String> {
    Some(
        "Nothing is fitted in preprocessing. Augmentation and training use the training split, and the best epoch is chosen on \
         validation. Every evaluation on the test split is counted."
            .to_owned(),
    )
}

fn dependencies(report: &Report) -> Option<String> {
    let kept = match report.data.groups {
        Some(groups) => format!("All pictures of a group are in one subset ({} groups).", groups.groups),
        None => {
            format!("Exact copies are in one subset. Whether pictures belong together in other ways: {BLANK}")
        }
    };
    Some(
        [Some(kept), findings(report, &["duplicates-across-splits"])]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" "),
    )
}

fn legitimate(report: &Report) -> Option<String> {
    findings(report, &["nothing-to-see", "shortcut-regions"])
}

fn metrics(report: &Report) -> Option<String> {
    report.models[0].judged()?;
    Some(format!(
        "Accuracy, balanced accuracy, precision, recall and F1 of each class, ROC AUC, average precision, log loss, Brier score, \
         calibration error. Why the one that matters does: {BLANK}"
    ))
}

fn uncertainty(report: &Report) -> Option<String> {
    let judged = report.models[0].judged()?;
    let accuracy = judged.accuracy_in_words();
    let looks = judged
        .looks
        .map(|looks| format!(" Evaluations on the test pictures so far: {looks}."))
        .unwrap_or_default();
    let scatter = findings(report, &["seed-variance"]).unwrap_or_default();
    Some(format!(
        "95 % intervals of shares by Agresti and Coull, of all other figures by bootstrap; what belongs together (groups, copies) \
         counts as such. Accuracy on {}: {accuracy}.{looks} What the audit says of this figure: {} {scatter}",
        judged.subset,
        all_cautions(report)
    ))
}

fn tests(report: &Report) -> Option<String> {
    findings(report, &["better-than-chance", "subgroups", "calibration"])
}

fn external(report: &Report) -> Option<String> {
    findings(report, &["leave-one-source-out", "corruptions"])
}

fn limits(report: &Report) -> Option<String> {
    findings(report, &["subgroups", "too-few", "split-drift"])
        .map(|found| format!("{found} What else: {BLANK}"))
}
