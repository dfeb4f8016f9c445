//! A data sheet for the pictures of a run.

use super::{
    BLANK, Part, ask, classes, filled, findings, left_out, origins, preprocessing, sizes, told, unknown,
};
use crate::Report;

/// The sheet as Markdown.
pub fn data_sheet(report: &Report) -> String {
    let number = |part: usize, place: usize| format!("{}.{}", part + 1, place + 1);
    format!(
        "# {}: data sheet\n\n{} After Gebru et al., Datasheets for datasets, Communications of the ACM 64 (2021).\n{}",
        report.title,
        told(report, &PARTS),
        filled(report, &PARTS, number)
    )
}

static PARTS: [Part<'static>; 7] = [
    (
        "Motivation",
        &[
            ask("What was the collection made for?", unknown),
            ask("Who made it, and who paid for it?", unknown),
        ],
    ),
    (
        "Composition",
        &[
            ask("What is a sample, and how many are there?", sizes),
            ask("Of which larger set are they a sample, and do they represent it?", unknown),
            ask("What are the labels, and how many samples carry each?", classes),
            ask("What is missing?", left_out),
            ask("Which samples belong together?", groups),
            ask("How is it split, and why?", |report| Some(report.data.split.clone())),
            ask("Which errors, noise and duplicates does it contain?", errors),
            ask("Does it contain anything confidential, offensive or upsetting?", unknown),
            ask(
                "Can people be identified from it, and what sensitive information does it contain about them?",
                unknown,
            ),
        ],
    ),
    (
        "Collection",
        &[
            ask("Where, when and how were the samples acquired?", origins),
            ask("Who collected them, and how were they paid?", unknown),
            ask("Was there an ethical review?", unknown),
            ask("Do the people shown know, did they consent, and how can they withdraw?", unknown),
        ],
    ),
    (
        "Preprocessing, cleaning, labelling",
        &[
            ask("What was done to the samples?", preprocessing),
            ask("Are the raw data kept?", |_| Some("candor changes no original.".to_owned())),
        ],
    ),
    (
        "Uses",
        &[
            ask("What has it been used for?", used),
            ask("What must it not be used for?", |_| {
                Some(format!(
                    "To infer character, crime, orientation or profession from a face: a picture does not show them. What else: {BLANK}"
                ))
            }),
        ],
    ),
    (
        "Distribution",
        &[
            ask("Who receives it, how, and under which licence?", unknown),
            ask("Which rights of others or rules apply?", unknown),
        ],
    ),
    (
        "Maintenance",
        &[
            ask("Who maintains it, and how can they be contacted?", unknown),
            ask("How are errors corrected, and how are people removed?", unknown),
        ],
    ),
];

fn groups(report: &Report) -> Option<String> {
    let groups = report.data.groups?;
    Some(format!(
        "{} groups of {} to {} pictures; {} pictures belong to none.",
        groups.groups, groups.smallest, groups.largest, groups.ungrouped
    ))
}

fn errors(report: &Report) -> Option<String> {
    findings(report, &["duplicates-across-splits", "label-errors", "outliers", "imbalance"])
}

fn used(report: &Report) -> Option<String> {
    Some(format!("To train `{}` with candor. What else: {BLANK}", report.models.first()?.network.name))
}
