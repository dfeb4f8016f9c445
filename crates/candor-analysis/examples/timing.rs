//! Times what a report asks of this crate for 10,000 pictures of 10 classes: `cargo run --release --example timing`.

use std::time::Instant;

use candor_analysis::interval::{Bootstrap, Groups, Measure, bootstrap};
use candor_analysis::{Evaluation, LabelledPredictions};
use candor_core::Seed;

const PICTURES: usize = 10_000;
const CLASSES: usize = 10;

fn main() {
    let mut rng = Seed(1).rng();
    let truth: Vec<usize> = (0..PICTURES).map(|_| rng.below(CLASSES)).collect();
    let probabilities = truth.iter().flat_map(|&class| {
        let mut row: Vec<f64> = (0..CLASSES).map(|_| rng.unit()).collect();
        row[class] += 1.0;
        let sum: f64 = row.iter().sum();
        row.into_iter().map(move |value| (value / sum) as f32)
    });
    let probabilities = probabilities.collect();
    let classes = (0..CLASSES).map(|class| class.to_string()).collect();
    let predictions = LabelledPredictions::new(classes, truth, probabilities).expect("well formed");
    timed("every metric once", || Evaluation::of(&predictions));
    let plan = Bootstrap::new(Seed(2));
    let groups = Groups::singles(PICTURES);
    let measures = [Measure::Accuracy, Measure::MacroF1, Measure::LogLoss, Measure::RocAuc];
    for measure in measures {
        timed(&format!("2,000 resamplings, {measure:?}"), || {
            bootstrap(&predictions, &groups, &[measure], plan)
        });
    }
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) {
    let start = Instant::now();
    std::hint::black_box(work());
    println!("{what}: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
}
