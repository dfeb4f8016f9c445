//! A report about the simplest network there is, one Dense unit a class, on real pictures: once with the real labels
//! and once with shuffled ones.
//!
//! ```text
//! cargo run --release -p candor-report --example fashion -- FOLDER report.html
//! ```
//! `FOLDER` holds Fashion-MNIST's `t10k-images-idx3-ubyte.gz` and `t10k-labels-idx1-ubyte.gz`.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use candor_analysis::evaluate::{LabelledPredictions, Pick, galleries};
use candor_analysis::interval::{Bootstrap, Groups, Intervals};
use candor_core::{Channels, Fit, Image, Preprocessing, Provenance, SampleId, Seed, Subset};
use candor_report::{
    Answer, Data, Epoch, Fact, Gallery, History, Layer, Model, NetworkDrawing, Picture, PictureSizes, Report,
    Reproduce, Scores, Shape, SubsetCounts, SubsetEvaluation, Summary, Training, render_html,
    shuffled_labels_lesson,
};
use flate2::read::GzDecoder;

const SIDE: usize = 28;
const PIXELS: usize = SIDE * SIDE;
const SEED: Seed = Seed(1);
const EPOCHS: usize = 40;
const CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];
/// Which of the ten thousand pictures belong to which subset.
const SPLIT: [(Subset, std::ops::Range<usize>); 3] =
    [(Subset::Train, 0..2000), (Subset::Validation, 2000..2500), (Subset::Test, 2500..6500)];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, output] = arguments.as_slice() else {
        return Err("usage: fashion FOLDER report.html".into());
    };
    let pictures = unpack(&Path::new(folder).join("t10k-images-idx3-ubyte.gz"), 16)?;
    let labels: Vec<usize> = unpack(&Path::new(folder).join("t10k-labels-idx1-ubyte.gz"), 8)?
        .into_iter()
        .map(usize::from)
        .collect();
    let mut shuffled = labels.clone();
    SEED.derive("shuffle").rng().shuffle(&mut shuffled);

    let real = learn("real labels", &pictures, &labels)?;
    let shuffled = learn("shuffled labels", &pictures, &shuffled)?;
    let report = Report {
        title: "Fashion-MNIST, with real and with shuffled labels".into(),
        summary: Summary::of(&real, None),
        data: data(&pictures, &labels),
        lesson: Some(shuffled_labels_lesson(&real, &shuffled)),
        models: vec![real, shuffled],
        audit: None,
        explanations: Vec::new(),
        gallery_maps: None,
        reproduce: Reproduce {
            command: format!("cargo run --release -p candor-report --example fashion -- {folder} {output}"),
            version: env!("CARGO_PKG_VERSION").into(),
            seed: SEED.0,
            facts: vec![Fact::new("Threads", "1")],
        },
    };
    std::fs::write(output, render_html(&report))?;
    Ok(())
}

/// The bytes behind an IDX header of `header` bytes.
fn unpack(path: &Path, header: usize) -> Result<Vec<u8>, Box<dyn Error>> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut bytes = Vec::new();
    GzDecoder::new(file).read_to_end(&mut bytes)?;
    Ok(bytes.split_off(header))
}

fn pixels(pictures: &[u8], index: usize) -> &[u8] {
    &pictures[index * PIXELS..(index + 1) * PIXELS]
}

/// One Dense unit a class, trained by stochastic gradient descent on cross-entropy.
struct Linear {
    weights: Vec<[f32; PIXELS]>,
    biases: [f32; 10],
}

impl Linear {
    fn new() -> Linear {
        Linear { weights: vec![[0.0; PIXELS]; 10], biases: [0.0; 10] }
    }

    fn probabilities(&self, picture: &[u8]) -> [f32; 10] {
        let logit = |class: usize| {
            let terms = self.weights[class].iter().zip(picture).map(|(w, &p)| w * f32::from(p) / 255.0);
            self.biases[class] + terms.sum::<f32>()
        };
        let logits: [f32; 10] = std::array::from_fn(logit);
        let most = logits.iter().copied().fold(f32::MIN, f32::max);
        let exponentials = logits.map(|logit| (logit - most).exp());
        let sum: f32 = exponentials.iter().sum();
        exponentials.map(|e| e / sum)
    }

    fn step(&mut self, picture: &[u8], label: usize, rate: f32) {
        for (class, probability) in self.probabilities(picture).into_iter().enumerate() {
            let slope = rate * (probability - f32::from(u8::from(class == label)));
            self.biases[class] -= slope;
            for (weight, &pixel) in self.weights[class].iter_mut().zip(picture) {
                *weight -= slope * f32::from(pixel) / 255.0;
            }
        }
    }

    fn predict(
        &self,
        pictures: &[u8],
        labels: &[usize],
        range: std::ops::Range<usize>,
    ) -> Result<LabelledPredictions, Box<dyn Error>> {
        let probabilities = range.clone().flat_map(|i| self.probabilities(pixels(pictures, i))).collect();
        let classes = CLASSES.map(String::from).to_vec();
        Ok(LabelledPredictions::new(classes, labels[range].to_vec(), probabilities)?)
    }
}

fn learn(name: &str, pictures: &[u8], labels: &[usize]) -> Result<Model, Box<dyn Error>> {
    let start = Instant::now();
    let (mut model, mut history) =
        (Linear::new(), History { loss_name: "cross-entropy".into(), ..Default::default() });
    for epoch in 1..=EPOCHS {
        let begun = Instant::now();
        let mut order: Vec<usize> = SPLIT[0].1.clone().collect();
        SEED.derive("order").at(epoch as u64).rng().shuffle(&mut order);
        order.iter().for_each(|&i| model.step(pixels(pictures, i), labels[i], 0.01));
        let scores = |range: &std::ops::Range<usize>| {
            let predictions = model.predict(pictures, labels, range.clone())?;
            let evaluation = candor_analysis::Evaluation::of(&predictions);
            Ok::<_, Box<dyn Error>>(Scores { loss: evaluation.log_loss, accuracy: evaluation.accuracy.value })
        };
        history.epochs.push(Epoch {
            epoch,
            train: scores(&SPLIT[0].1)?,
            validation: Some(scores(&SPLIT[1].1)?),
            learning_rate: Some(0.01),
            seconds: begun.elapsed().as_secs_f64(),
        });
    }
    history.best_epoch = Some(EPOCHS);
    let seconds = start.elapsed().as_secs_f64();
    let mut evaluations = Vec::new();
    for (subset, range) in &SPLIT {
        let predictions = model.predict(pictures, labels, range.clone())?;
        let evaluation = candor_analysis::Evaluation::of(&predictions);
        let groups = Groups::singles(predictions.len());
        let intervals = Intervals::of(&predictions, &evaluation, &groups, Bootstrap::new(SEED));
        let looks = (*subset == Subset::Test).then_some(1);
        evaluations.push(SubsetEvaluation::new(*subset, EPOCHS, looks, evaluation, intervals));
    }
    let test = SPLIT[2].1.clone();
    Ok(Model {
        baselines: Default::default(),
        name: name.into(),
        note: None,
        training: Training {
            history,
            recipe: vec![Fact::new("Optimiser", "SGD, learning rate .01"), Fact::new("Batch", "1 picture")],
            recipe_toml: format!("architecture = \"linear\"\nepochs = {EPOCHS}\nseed = {}\n", SEED.0),
            seconds,
            images_per_second: (EPOCHS * SPLIT[0].1.len()) as f64 / seconds,
        },
        evaluations,
        least_certain: vec![],
        galleries: gallery(&model.predict(pictures, labels, test.clone())?, pictures, test.start),
        network: drawing(),
    })
}

fn gallery(predictions: &LabelledPredictions, pictures: &[u8], first: usize) -> Vec<Gallery> {
    let show = |picks: Vec<Pick>| {
        let picture = |pick: &Pick| Picture {
            answer: Some(Answer { predicted: pick.predicted, probability: pick.probability }),
            map: None,
            ..picture(pictures, first + pick.index, pick.truth)
        };
        picks.iter().map(picture).collect()
    };
    galleries(predictions, 6)
        .into_iter()
        .map(|gallery| Gallery {
            class: gallery.class,
            right: show(gallery.right),
            missed: show(gallery.missed),
            false_alarms: show(gallery.false_alarms),
        })
        .collect()
}

fn picture(pictures: &[u8], index: usize, truth: usize) -> Picture {
    let pixels = pixels(pictures, index);
    Picture {
        image: Image::new(SIDE, SIDE, Channels::Grey, pixels.to_vec()).expect("a row is 28 × 28"),
        id: SampleId::of(pixels),
        provenance: Provenance {
            file: "t10k-images-idx3-ubyte.gz".into(),
            row: Some(index as u64),
            url: None,
        },
        truth,
        answer: None,
        map: None,
    }
}

fn data(pictures: &[u8], labels: &[usize]) -> Data {
    let counts = |range: &std::ops::Range<usize>| {
        let of_class = |class| labels[range.clone()].iter().filter(|&&label| label == class).count();
        (0..CLASSES.len()).map(of_class).collect()
    };
    let samples = (0..CLASSES.len()).flat_map(|class| {
        let of_class = labels.iter().enumerate().filter(move |&(_, &label)| label == class);
        of_class.take(3).map(|(index, &label)| picture(pictures, index, label))
    });
    Data {
        source: "Fashion-MNIST, test set (Zalando Research, MIT)".into(),
        classes: CLASSES.map(String::from).to_vec(),
        counts: SPLIT
            .iter()
            .map(|(subset, range)| SubsetCounts { subset: *subset, per_class: counts(range) })
            .collect(),
        origins: vec![],
        groups: None,
        sizes: Some(PictureSizes { smallest: (SIDE, SIDE), median: (SIDE, SIDE), largest: (SIDE, SIDE) }),
        input: Preprocessing { height: SIDE, width: SIDE, channels: Channels::Grey, fit: Fit::Stretch },
        split: "In the order of the file: the first 2,000 to train on, 500 to validate, 4,000 to test."
            .into(),
        samples: samples.collect(),
        left_out: vec![],
    }
}

fn drawing() -> NetworkDrawing {
    let layer = |kind: &str, label: &str, units, parameters| Layer {
        kind: kind.into(),
        label: label.into(),
        output: Shape::Vector { units },
        parameters,
        multiply_adds: parameters,
    };
    NetworkDrawing {
        name: "linear".into(),
        input: Shape::Maps { height: SIDE, width: SIDE, channels: 1 },
        layers: vec![layer("Flatten", "Flatten", PIXELS, 0), layer("Dense", "Dense 10, softmax", 10, 7850)],
    }
}
