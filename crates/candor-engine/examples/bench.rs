//! Measures one thing on one architecture and prints a line of JSON:
//! `bench mnist-cnn train|finetune|cached|infer|latency|start`.
//!
//! Beside the registered architectures there are `conv-8`, `conv-64`, ...: four 3×3 convolutions of so many filters on
//! 32×32 colour pictures, to see how speed grows with the channels. `finetune` trains what stands behind `--behind LAYER` (for `vgg16` by default `conv5_2`) and runs the rest forward;
//! `cached` has what the rest makes at hand.
//! `--batch N`, `--threads N`, `--side PIXELS`, `--seconds S` and `--precision bf16` (of learning) change the conditions; `train` and `infer` report the
//! median over repeated runs of about a fifth of the seconds each. `--pictures FILE` takes pictures from a file of bytes
//! (all pixels, then one byte a class); else pixels are random, for which little but the sparsity of gradients differs.

use std::time::{Duration, Instant};

use candor_engine::layer::{Activation, Conv2d, Dense, GlobalAvgPool, Layer};
use candor_engine::{
    Batch, Inputs, Isa, Loss, Network, Optimizer, Parameters, Precision, Predictor, Shape, Trainer,
    TrainingConfig, architecture,
};

struct Settings {
    name: String,
    measure: String,
    batch: Option<usize>,
    threads: usize,
    side: Option<usize>,
    seconds: f64,
    behind: String,
    pictures: Option<String>,
    precision: Precision,
}

fn settings() -> Option<Settings> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let option = |name: &str| text(name)?.parse::<f64>().ok();
    Some(Settings {
        name: arguments.first()?.clone(),
        measure: arguments.get(1)?.clone(),
        batch: option("--batch").map(|batch| batch as usize),
        threads: option("--threads").map_or(0, |threads| threads as usize),
        side: option("--side").map(|side| side as usize),
        seconds: option("--seconds").unwrap_or(3.0),
        behind: text("--behind").unwrap_or_else(|| "conv5_2".to_owned()),
        pictures: text("--pictures"),
        precision: text("--precision").map_or(Precision::F32, |name| precision(&name)),
    })
}

fn precision(name: &str) -> Precision {
    let found = Precision::ALL.into_iter().find(|precision| precision.name() == name);
    found.unwrap_or_else(|| panic!("there is no precision called {name}"))
}

fn main() {
    let started = Instant::now();
    let Some(settings) = settings() else {
        eprintln!(
            "usage: bench ARCHITECTURE train|finetune|cached|infer|latency|start [--batch N] [--threads N] [--side PIXELS] [--seconds S] [--precision bf16]"
        );
        std::process::exit(2);
    };
    let Some(subject) = Subject::new(&settings) else {
        eprintln!("there is no architecture called {}", settings.name);
        std::process::exit(2);
    };
    let line = match settings.measure.as_str() {
        "train" => train(&subject, &settings),
        "finetune" => finetune(&subject, &settings, true),
        "cached" => finetune(&subject, &settings, false),
        "infer" => infer(&subject.network, &settings),
        "latency" => latency(&subject.network, &settings),
        "start" => {
            let mut training = Training::new(&subject, &settings);
            training.step();
            format!("\"start_to_first_step_s\":{:.4}", started.elapsed().as_secs_f64())
        }
        other => {
            eprintln!("there is no measure called {other}");
            std::process::exit(2);
        }
    };
    let (net, measure, isa) = (&settings.name, &settings.measure, Isa::detect());
    println!(
        "{{\"framework\":\"candor\",\"net\":\"{net}\",\"measure\":\"{measure}\",\"isa\":\"{isa}\",{line}}}"
    );
}

/// What is measured.
struct Subject {
    network: Network,
    loss: Loss,
    optimizer: Optimizer,
    classes: usize,
    batch: usize,
}

impl Subject {
    fn new(settings: &Settings) -> Option<Subject> {
        let sized = |input: Shape| match (input, settings.side) {
            (Shape::Image { channels, .. }, Some(side)) => Shape::image(side, side, channels),
            (own, _) => own,
        };
        if let Some(filters) = settings.name.strip_prefix("conv-") {
            let network = convolutions(sized(Shape::image(32, 32, 3)), filters.parse().ok()?);
            let batch = settings.batch.unwrap_or(32);
            return Some(Subject {
                network,
                loss: Loss::CrossEntropy,
                optimizer: Optimizer::adam(1e-3),
                classes: 10,
                batch,
            });
        }
        let architecture = architecture::find(&settings.name)?;
        let classes = architecture.classes;
        let network = architecture.build(sized(architecture.input), classes);
        Some(Subject {
            network: network.unwrap_or_else(|error| panic!("{error}")),
            loss: (architecture.loss)(classes),
            optimizer: (architecture.optimizer)().with_learning_rate(1e-3),
            classes,
            batch: settings.batch.unwrap_or(architecture.batch_size),
        })
    }

    /// For the network or for a part of it.
    fn trainer(&self, network: &Network, settings: &Settings) -> Trainer {
        let config = TrainingConfig {
            loss: self.loss,
            optimizer: self.optimizer,
            batch_size: self.batch,
            precision: settings.precision,
            threads: settings.threads,
            seed: 1,
            ..TrainingConfig::default()
        };
        Trainer::new(network, Parameters::initial(network, 1), &config)
            .expect("a registered architecture trains")
    }
}

fn convolutions(input: Shape, filters: usize) -> Network {
    let convolution = || Layer::from(Conv2d::new(filters, 3).same().activation(Activation::Relu));
    let top: [Layer; 2] = [GlobalAvgPool::default().into(), Dense::new(10, Activation::Softmax).into()];
    let layers = std::iter::repeat_with(convolution).take(4).chain(top);
    Network::new(input, layers).expect("convolutions keep the size")
}

/// Pictures with their classes, taken a batch at a time, round and round.
struct Pictures {
    pixels: Vec<u8>,
    targets: Vec<usize>,
    len: usize,
    batch: usize,
    next: usize,
}

impl Pictures {
    fn new(network: &Network, classes: usize, batch: usize, settings: &Settings) -> Pictures {
        let len = network.input().len();
        let (pixels, targets) = match &settings.pictures {
            Some(file) => {
                let mut bytes = std::fs::read(file).expect("the file of pictures can be read");
                let count = bytes.len() / (len + 1);
                assert!(
                    count * (len + 1) == bytes.len() && count >= batch,
                    "{file} does not hold such pictures"
                );
                let targets = bytes.split_off(count * len).into_iter().map(usize::from).collect();
                (bytes, targets)
            }
            None => (noise(batch * len), (0..batch).map(|sample| sample % classes).collect()),
        };
        Pictures { pixels, targets, len, batch, next: 0 }
    }

    fn batch(&mut self) -> (&[u8], &[usize]) {
        if self.next + self.batch > self.targets.len() {
            self.next = 0;
        }
        let (start, end) = (self.next, self.next + self.batch);
        self.next = end;
        (&self.pixels[start * self.len..end * self.len], &self.targets[start..end])
    }
}

struct Training {
    trainer: Trainer,
    pictures: Pictures,
}

impl Training {
    fn new(subject: &Subject, settings: &Settings) -> Training {
        let trainer = subject.trainer(&subject.network, settings);
        let pictures = Pictures::new(&subject.network, subject.classes, subject.batch, settings);
        Training { trainer, pictures }
    }

    fn step(&mut self) {
        let (pixels, targets) = self.pictures.batch();
        self.trainer.step(Batch { inputs: Inputs::Bytes(pixels), targets });
    }
}

/// The front runs forward, before each step or only once, and the rest is trained on what comes out of it.
fn finetune(subject: &Subject, settings: &Settings, each_step: bool) -> String {
    let (network, batch) = (&subject.network, subject.batch);
    let (front, back) = network.split_after(&settings.behind).unwrap_or_else(|error| panic!("{error}"));
    let mut predictor = Predictor::new(&front, &Parameters::initial(&front, 1), batch, settings.threads)
        .expect("the front of a registered architecture runs");
    let mut trainer = subject.trainer(&back, settings);
    let mut pictures = Pictures::new(network, subject.classes, batch, settings);
    let mut maps = vec![0.0; batch * front.output().len()];
    predictor.predict(Inputs::Bytes(pictures.batch().0), &mut maps);
    let rate = median_rate(settings.seconds, batch, || {
        let (pixels, targets) = pictures.batch();
        if each_step {
            predictor.predict(Inputs::Bytes(pixels), &mut maps);
        }
        trainer.step(Batch { inputs: Inputs::Floats(&maps), targets });
    });
    format!("\"images_per_s\":{rate:.1},\"batch\":{batch},\"peak_rss_mb\":{}", peak_memory_mb())
}

fn train(subject: &Subject, settings: &Settings) -> String {
    let mut training = Training::new(subject, settings);
    let batch = training.pictures.batch;
    let rate = median_rate(settings.seconds, batch, || training.step());
    format!("\"images_per_s\":{rate:.1},\"batch\":{batch},\"peak_rss_mb\":{}", peak_memory_mb())
}

fn infer(network: &Network, settings: &Settings) -> String {
    let batch = settings.batch.unwrap_or(128);
    let parameters = Parameters::initial(network, 1);
    let mut predictor = Predictor::new(network, &parameters, batch, settings.threads)
        .expect("a registered architecture runs");
    let mut pictures = Pictures::new(network, 2, batch, settings);
    let mut outputs = vec![0.0; batch * network.output().len()];
    let rate = median_rate(settings.seconds, batch, || {
        predictor.predict(Inputs::Bytes(pictures.batch().0), &mut outputs);
    });
    let gflops = rate * 2.0 * network.multiply_adds() as f64 / 1e9;
    format!(
        "\"images_per_s\":{rate:.1},\"batch\":{batch},\"gflops\":{gflops:.1},\"peak_rss_mb\":{}",
        peak_memory_mb()
    )
}

fn latency(network: &Network, settings: &Settings) -> String {
    let parameters = Parameters::initial(network, 1);
    let mut predictor =
        Predictor::new(network, &parameters, 1, settings.threads).expect("a registered architecture runs");
    let pixels = noise(network.input().len());
    let mut outputs = vec![0.0; network.output().len()];
    let mut times = Vec::new();
    let end = Instant::now() + Duration::from_secs_f64(settings.seconds);
    while Instant::now() < end || times.len() < 20 {
        let started = Instant::now();
        predictor.predict(Inputs::Bytes(&pixels), &mut outputs);
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    format!("\"latency_ms\":{:.4},\"calls\":{}", median(&mut times), times.len())
}

/// Images a second: the median of five runs after one that is not counted.
fn median_rate(seconds: f64, batch: usize, mut run: impl FnMut()) -> f64 {
    run();
    let mut rates: Vec<f64> = (0..5)
        .map(|_| {
            let (started, mut steps) = (Instant::now(), 0);
            while steps == 0 || started.elapsed().as_secs_f64() < seconds / 5.0 {
                run();
                steps += 1;
            }
            (steps * batch) as f64 / started.elapsed().as_secs_f64()
        })
        .collect();
    median(&mut rates)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// The most memory that the process has held, in megabytes; 0 where the system does not say.
fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}
