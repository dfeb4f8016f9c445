//! Reports of any number of classes about pictures that are drawn here.

use std::collections::BTreeMap;

use candor_analysis::Evaluation;
use candor_analysis::audit::{Evidence, Finding, Series, Shown, Unit, Verdict};
use candor_analysis::baseline::{BASELINES, BaselineComparison, LeftOut};
use candor_analysis::evaluate::{LabelledPredictions, Pick, galleries, least_certain};
use candor_analysis::explain::gate::Passport;
use candor_analysis::explain::gate::randomised::Randomised;
use candor_analysis::interval::{Bootstrap, Groups, Intervals};
use candor_core::{Channels, Fit, Image, Preprocessing, Problem, Provenance, SampleId, Seed, Subset};
use candor_report::{
    Answer, Audit, AuditedFinding, Data, Epoch, Explanation, Fact, Gallery, GroupSizes, History, Layer,
    Model, NetworkDrawing, Origin, Picture, PictureSizes, Report, Reproduce, Scores, Shape, SubsetCounts,
    SubsetEvaluation, Summary, Training, shuffled_labels_lesson,
};

const PER_CLASS: usize = 12;

/// What is to be reported.
pub struct Wanted {
    pub classes: usize,
    pub models: usize,
    pub layers: usize,
    pub picture_px: usize,
}

/// A report with everything in it: long names, an unreadable file, a class that is hard.
pub fn report(wanted: &Wanted) -> Report {
    let classes: Vec<String> = (0..wanted.classes).map(name).collect();
    let models: Vec<Model> = (0..wanted.models).map(|index| model(wanted, &classes, index)).collect();
    let lesson = (models.len() > 1).then(|| shuffled_labels_lesson(&models[0], &models[1]));
    Report {
        title: format!("{} kinds of things found on the beach", wanted.classes),
        summary: Summary::of(&models[0], Some(&audit(wanted))),
        data: data(wanted, &classes),
        models,
        lesson,
        audit: Some(audit(wanted)),
        explanations: explanations(),
        gallery_maps: Some("deep-shap".into()),
        reproduce: Reproduce {
            command: "candor study pictures --architecture simple-cnn --seed 1 --out a-folder-with-a-rather-long-name".into(),
            version: "0.1.0".into(),
            seed: 1,
            facts: vec![Fact::new("Threads", "2"), Fact::new("Instruction set", "AVX2 and FMA")],
        },
    }
}

/// Of methods and of views, one that was shown and one that was refused.
fn explanations() -> Vec<Explanation> {
    let passport = |failures| Passport {
        additivity: Some(0.002),
        randomised: vec![
            Randomised { layers: 1, alike: 0.3, structure: 0.5 },
            Randomised { layers: 2, alike: 0.04, structure: 0.1 },
        ],
        deletion: [0.2, 0.5],
        insertion: [0.7, 0.5],
        p_values: [0.005, 0.005],
        failures,
    };
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 9 9\"><rect width=\"9\" height=\"9\"/></svg>";
    let refused = vec!["The maps show the pictures, not what the network learned.".to_owned()];
    vec![
        Explanation {
            method: "deep-shap".into(),
            passport: Some(passport(Vec::new())),
            refused: Vec::new(),
            summary: None,
            share_on_border: Some(0.25),
            share_on_face: Some([0.5, 0.3]),
            drawing: Some(svg.into()),
        },
        Explanation {
            method: "grad-cam".into(),
            passport: Some(passport(refused.clone())),
            refused,
            summary: None,
            share_on_border: None,
            share_on_face: None,
            drawing: None,
        },
        Explanation {
            method: "ace: cat".into(),
            passport: None,
            refused: Vec::new(),
            summary: Some(
                "4 parts recur: 2 speak for the class, 1 speaks against it. 1 was not significant.".into(),
            ),
            share_on_border: None,
            share_on_face: None,
            drawing: Some(svg.into()),
        },
        Explanation {
            method: "feature-maps".into(),
            passport: None,
            refused: Vec::new(),
            summary: None,
            share_on_border: None,
            share_on_face: None,
            drawing: Some(svg.into()),
        },
        Explanation {
            method: "filters".into(),
            passport: None,
            refused: vec!["the network's first layer is not a convolution of the picture".into()],
            summary: None,
            share_on_border: None,
            share_on_face: None,
            drawing: None,
        },
    ]
}

/// One finding of each verdict with everything that a finding can have.
fn audit(wanted: &Wanted) -> Audit {
    let verdicts = [Verdict::Fail, Verdict::Pass];
    let finding = |(check, verdict): (&&candor_analysis::audit::Check, Verdict)| {
        let table = candor_analysis::audit::Table {
            title: "What was seen".into(),
            heading: vec!["where".into(), "how often".into()],
            rows: vec![vec!["in the <corner>".into(), "12".into()]],
        };
        let shown = picture(wanted, 0, 3);
        let pictures =
            vec![Shown { index: 3, id: shown.id, provenance: shown.provenance.clone(), changed: None }];
        let interval = candor_analysis::evaluate::Interval::of_counts(8, 10);
        let finding = Finding::new(verdict, "Most of it is read off the corner.", "It means what it says.")
            .advice("Crop the corner away.")
            .used("20 pictures")
            .figure_within("share", 0.8, interval, Unit::Share)
            .figure("p-value", f64::NAN, Unit::PValue)
            .with_series(Series::distribution("Chance", "accuracy", &[0.4, 0.5], 0.9))
            .with_table(table)
            .with_evidence([Evidence { note: "the corner".into(), pictures }]);
        AuditedFinding { finding: Finding { check: check.id.into(), ..finding }, pictures: vec![vec![shown]] }
    };
    let findings = candor_analysis::audit::CHECKS.iter().zip(verdicts).map(finding).collect();
    Audit { findings, not_asked: vec!["another-check".into()], command: "candor audit run".into() }
}

fn name(class: usize) -> String {
    const NAMES: [&str; 6] = [
        "can",
        "plastic bottle without its label, crushed",
        "Donaudampfschifffahrtsgesellschaftskapitän",
        "net",
        "rope <blue> & \"orange\"",
        "glass bottle",
    ];
    match class {
        0..6 => NAMES[class].to_owned(),
        _ => format!("kind of thing {class}"),
    }
}

/// A disc whose place and colour follow from the class, on noise.
pub fn image(class: usize, index: usize, side_px: usize) -> Image {
    let mut rng = Seed(9).at(class as u64).at(index as u64).rng();
    let colour = [class * 67 % 200 + 40, class * 31 % 200 + 40, index * 23 % 200 + 40];
    let radius = side_px as f64 * rng.range(0.2, 0.45);
    let middle = side_px as f64 / 2.0;
    let mut pixels = Vec::with_capacity(side_px * side_px * 3);
    for y in 0..side_px {
        for x in 0..side_px {
            let inside = (x as f64 - middle).hypot(y as f64 - middle) < radius;
            let value = |channel: usize| if inside { colour[channel] as u8 } else { 60 };
            pixels.extend((0..3).map(|channel| value(channel).saturating_add(rng.below(30) as u8)));
        }
    }
    Image::new(side_px, side_px, Channels::Rgb, pixels).expect("three values a pixel")
}

fn picture(wanted: &Wanted, class: usize, index: usize) -> Picture {
    let image = image(class, index, wanted.picture_px);
    Picture {
        id: SampleId::of(image.pixels()),
        image,
        provenance: Provenance {
            file: format!("class-{class}/a-long-name-{index:04}.jpg"),
            row: None,
            url: None,
        },
        truth: class,
        answer: None,
        map: None,
    }
}

fn predictions(classes: &[String], per_class: usize, sharpness: f64, seed: Seed) -> LabelledPredictions {
    let k = classes.len();
    let truth: Vec<usize> = (0..k * per_class).map(|i| i / per_class).collect();
    let mut rng = seed.rng();
    let mut probabilities = Vec::with_capacity(truth.len() * k);
    for &label in &truth {
        let weights: Vec<f64> = (0..k)
            .map(|class| {
                let likeness = if class == label {
                    1.0
                } else if class.abs_diff(label) == 1 {
                    0.6
                } else {
                    0.0
                };
                (sharpness * likeness + rng.range(0.0, 4.0)).exp()
            })
            .collect();
        let sum: f64 = weights.iter().sum();
        probabilities.extend(weights.iter().map(|weight| (weight / sum) as f32));
    }
    LabelledPredictions::new(classes.to_vec(), truth, probabilities).expect("probabilities add up to 1")
}

fn model(wanted: &Wanted, classes: &[String], index: usize) -> Model {
    let sharpness = if index == 0 { 5.0 } else { 0.0 };
    let seed = Seed(3).at(index as u64);
    let judge = |subset: Subset, sharpness| {
        let predictions = predictions(classes, PER_CLASS, sharpness, seed.derive(subset.name()));
        let evaluation = Evaluation::of(&predictions);
        let plan = Bootstrap { resamples: 60, seed };
        let groups = Groups::singles(predictions.len());
        let intervals = Intervals::of(&predictions, &evaluation, &groups, plan);
        SubsetEvaluation::new(subset, 12, (subset == Subset::Test).then_some(2), evaluation, intervals)
    };
    let tested = predictions(classes, PER_CLASS, sharpness, seed.derive("test"));
    Model {
        name: ["real labels", "shuffled labels"][index.min(1)].into(),
        note: (index > 0).then(|| "The labels were shuffled before training.".to_owned()),
        training: Training {
            history: history(index),
            recipe: vec![
                Fact::new("Optimiser", "Adam, learning rate .001"),
                Fact::new("Batch", "32 pictures"),
            ],
            recipe_toml: "architecture = \"simple-cnn\"\nepochs = 20\n\n[optimiser]\nkind = \"adam\"\n"
                .into(),
            seconds: 83.2,
            images_per_second: 12_345.6,
        },
        evaluations: vec![
            judge(Subset::Train, 7.0),
            judge(Subset::Validation, sharpness),
            judge(Subset::Test, sharpness),
        ],
        baselines: baselines(&tested),
        least_certain: show(wanted, &least_certain(&tested, 5)),
        galleries: gallery(wanted, &tested),
        network: drawing(wanted.layers, classes.len()),
    }
}

/// Every simple model, each right once in so many pictures; one of them left out.
fn baselines(model: &LabelledPredictions) -> BTreeMap<Subset, BaselineComparison> {
    let classes = model.classes().len();
    let answers = |place: usize| {
        let answer = |(index, &truth): (usize, &usize)| {
            if index % (place + 2) == 0 { (truth + 1) % classes } else { truth }
        };
        model.truth().iter().enumerate().map(answer).collect::<Vec<usize>>()
    };
    let guesses: Vec<_> =
        BASELINES.iter().enumerate().skip(1).map(|(place, baseline)| (baseline.id, answers(place))).collect();
    let groups = Groups::singles(model.len());
    let plan = Bootstrap { resamples: 50, seed: Seed(1) };
    let comparison =
        BaselineComparison::of(model, &guesses, &groups, plan, (2_000, 7_200)).expect("there are guesses");
    let left_out = vec![LeftOut { id: "most-frequent".into(), reason: "it was too easy".into() }];
    BTreeMap::from([(Subset::Test, BaselineComparison { left_out, ..comparison })])
}

fn history(index: usize) -> History {
    let epoch = |epoch: usize| {
        let t = epoch as f64;
        let scores = |speed: f64, limit: f64| Scores {
            loss: 2.3 * (-t / speed).exp() + limit * 0.3 + 0.02 * t * limit,
            accuracy: (1.0 - limit) * (1.0 - (-t / speed).exp()),
        };
        let validation = if index == 0 { scores(5.0, 0.2) } else { scores(1.0, 0.9) };
        Epoch {
            epoch,
            train: scores(4.0, 0.05),
            validation: Some(validation),
            learning_rate: Some(0.001),
            seconds: 4.1,
        }
    };
    History { loss_name: "cross-entropy".into(), epochs: (1..=20).map(epoch).collect(), best_epoch: Some(14) }
}

fn show(wanted: &Wanted, picks: &[Pick]) -> Vec<Picture> {
    let one = |pick: &Pick| Picture {
        answer: Some(Answer { predicted: pick.predicted, probability: pick.probability }),
        map: Some(image(pick.truth + 1, pick.index, wanted.picture_px)),
        ..picture(wanted, pick.truth, pick.index)
    };
    picks.iter().map(one).collect()
}

fn gallery(wanted: &Wanted, predictions: &LabelledPredictions) -> Vec<Gallery> {
    galleries(predictions, 5)
        .into_iter()
        .map(|gallery| Gallery {
            class: gallery.class,
            right: show(wanted, &gallery.right),
            missed: show(wanted, &gallery.missed),
            false_alarms: show(wanted, &gallery.false_alarms),
        })
        .collect()
}

fn data(wanted: &Wanted, classes: &[String]) -> Data {
    let counts = |subset, count| SubsetCounts { subset, per_class: vec![count; classes.len()] };
    let problem = |index| Problem {
        place: format!("class-{index}/broken-{index}.jpg"),
        reason:
            "not a picture that candor can read: it begins with “<!DOCTYPE html>”; was a page saved instead?"
                .into(),
    };
    Data {
        source: "pictures/".into(),
        classes: classes.to_vec(),
        counts: vec![
            counts(Subset::Train, 1200),
            counts(Subset::Validation, 120),
            counts(Subset::Test, PER_CLASS),
        ],
        origins: vec![
            Origin { name: "photos.example.org".into(), pictures: vec![900, 100, 30] },
            Origin { name: "pictures/".into(), pictures: vec![300 * classes.len(), 20, PER_CLASS] },
        ],
        groups: Some(GroupSizes { groups: 210, smallest: 1, largest: 14, ungrouped: 3 }),
        sizes: Some(PictureSizes { smallest: (120, 90), median: (1024, 768), largest: (6000, 4000) }),
        input: Preprocessing { height: 64, width: 64, channels: Channels::Rgb, fit: Fit::Crop },
        split: "Drawn by seed 1, each class in the same proportions.".into(),
        samples: (0..classes.len())
            .flat_map(|class| (100..103).map(move |i| (class, i)))
            .map(|(class, i)| picture(wanted, class, i))
            .collect(),
        left_out: (0..3).map(problem).collect(),
    }
}

/// Convolutions with a pooling every other layer, then two dense layers.
pub fn drawing(layers: usize, classes: usize) -> NetworkDrawing {
    let mut side = 128;
    let mut channels = 16;
    let mut stack = Vec::new();
    while stack.len() + 4 < layers {
        if stack.len() % 3 == 2 && side > 2 {
            side /= 2;
            stack.push(layer(
                "MaxPool2d",
                "MaxPool 2",
                Shape::Maps { height: side, width: side, channels },
                0,
            ));
        } else {
            channels = (channels * 5 / 4).min(512);
            let output = Shape::Maps { height: side, width: side, channels };
            stack.push(layer(
                "Conv2d",
                &format!("Conv {channels} 3×3 same, ReLU"),
                output,
                (channels * 90) as u64,
            ));
        }
    }
    let units = side * side * channels;
    stack.push(layer("Flatten", "Flatten", Shape::Vector { units }, 0));
    stack.push(layer("Dense", "Dense 64, ReLU", Shape::Vector { units: 64 }, (units * 64 + 64) as u64));
    stack.push(layer("Dropout", "Dropout .5", Shape::Vector { units: 64 }, 0));
    stack.push(layer(
        "Dense",
        &format!("Dense {classes}, softmax"),
        Shape::Vector { units: classes },
        (65 * classes) as u64,
    ));
    NetworkDrawing {
        name: "simple-cnn".into(),
        input: Shape::Maps { height: 128, width: 128, channels: 3 },
        layers: stack,
    }
}

fn layer(kind: &str, label: &str, output: Shape, parameters: u64) -> Layer {
    Layer { kind: kind.into(), label: label.into(), output, parameters, multiply_adds: parameters * 100 }
}
