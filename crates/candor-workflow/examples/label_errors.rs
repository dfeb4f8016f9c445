//! How well wrong labels are found: candor's side of `bench/audit/label_errors`.
//!
//! ```text
//! cargo run --release -p candor-workflow --example label_errors -- SOURCE SHARE FILE
//! ```
//!
//! Flips SHARE of the labels of SOURCE (0 for none), lets the audit's networks answer for each picture without having seen it,
//! and writes FILE: one row a picture with its place in the source, its label, its true label, its rank among the suspects
//! (from 1, empty for none) and the probabilities. With `finding` as FILE, the audit's finding is printed instead (JSON).

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use candor_analysis::Units;
use candor_analysis::audit::planted::{Fault, Planted};
use candor_analysis::audit::{Case, Check, Settings, confident_learning, out_of_fold};
use candor_analysis::near_duplicates::{copies_among, verified};
use candor_core::{Dataset, Image, Seed, Silent, Split};
use candor_data::source::{Source, SourceOptions};
use candor_workflow::{AuditPixels, NetworkLearner};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, share, file] = &arguments[..] else { return Err("SOURCE SHARE FILE".into()) };
    let source = Source::open(Path::new(source), &SourceOptions::default(), &Silent)?;
    let pictures: Vec<(Image, usize)> = (0..source.samples().len())
        .map(|index| Ok((source.image(index)?, source.samples()[index].class)))
        .collect::<Result<_, Box<dyn Error>>>()?;
    let truth: Vec<usize> = pictures.iter().map(|(_, class)| *class).collect();
    let mut planted = Planted::of(source.classes().to_vec(), pictures, Seed(1));
    planted.split = Split { train: (0..planted.len()).collect(), ..Split::default() };
    let planted = match share.parse()? {
        0.0 => planted,
        share => Fault::LabelNoise(share).plant(planted, Seed(1)),
    };
    let pixels = AuditPixels::of(planted.len(), |index| planted.picture(index).clone());
    let learner = NetworkLearner::new(&pixels, planted.classes().len(), 0, &Silent)?;
    let facts = planted.facts();
    let likenesses: Vec<_> = facts.iter().map(|facts| &facts.likeness).collect();
    let copies = copies_among(&likenesses, |_| true).expect("it is not stopped");
    let case = Case {
        copies: &copies,
        pictures: &planted,
        seen: &|index| planted.picture(index).clone(),
        facts: &facts,
        units: &Units::of(planted.samples(), &verified(&copies)),
        split: &planted.split,
        answers: &BTreeMap::new(),
        classifier: None,
        detector: None,
        purpose: None,
        stated: &[],
        findings: &[],
        settings: Settings::default(),
        reporter: &Silent,
    };
    if file == "finding" {
        let check = Check::find("label-errors").ok_or("there is such a check")?;
        println!("{}", serde_json::to_string(&check.run(&case, &learner)?)?);
        return Ok(());
    }
    let answers = out_of_fold(&case, &learner)?;
    let labels: Vec<usize> = answers.indices.iter().map(|&index| planted.samples()[index].class).collect();
    let classes = planted.classes().len();
    let found = confident_learning(&labels, &answers.probabilities, classes);
    let rank: BTreeMap<usize, usize> = found.suspects.iter().copied().zip(1..).collect();
    let mut table = csv::Writer::from_path(file)?;
    let heading = ["place", "label", "truth", "rank"].map(String::from);
    table.write_record(heading.into_iter().chain((0..classes).map(|class| format!("p{class}"))))?;
    for (row, (&index, probabilities)) in
        answers.indices.iter().zip(answers.probabilities.chunks_exact(classes)).enumerate()
    {
        let rank = rank.get(&row).map(usize::to_string).unwrap_or_default();
        let about = [index.to_string(), labels[row].to_string(), truth[index].to_string(), rank];
        table.write_record(about.into_iter().chain(probabilities.iter().map(f32::to_string)))?;
    }
    table.flush()?;
    Ok(())
}
