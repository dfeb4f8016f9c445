//! Measures one thing on one architecture and prints a line of JSON: `bench mnist-cnn train|infer|latency|start`.
//!
//! Pixels are random: the time does not depend on what they show. `--batch N`, `--threads N` and `--seconds S` change
//! the conditions; `train` and `infer` report the median over repeated runs of about a fifth of the seconds each.

use std::time::{Duration, Instant};

use candor_engine::{
    Batch, Inputs, Isa, Network, Parameters, Predictor, Trainer, TrainingConfig, architecture,
};

struct Settings {
    name: String,
    measure: String,
    batch: Option<usize>,
    threads: usize,
    seconds: f64,
}

fn settings() -> Option<Settings> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<f64>().ok()
    };
    Some(Settings {
        name: arguments.first()?.clone(),
        measure: arguments.get(1)?.clone(),
        batch: option("--batch").map(|batch| batch as usize),
        threads: option("--threads").map_or(0, |threads| threads as usize),
        seconds: option("--seconds").unwrap_or(3.0),
    })
}

fn main() {
    let started = Instant::now();
    let Some(settings) = settings() else {
        eprintln!(
            "usage: bench ARCHITECTURE train|infer|latency|start [--batch N] [--threads N] [--seconds S]"
        );
        std::process::exit(2);
    };
    let Some(architecture) = architecture::find(&settings.name) else {
        eprintln!("there is no architecture called {}", settings.name);
        std::process::exit(2);
    };
    let network =
        architecture.build(architecture.input, architecture.classes).expect("it fits its own input");
    let classes = architecture.classes;
    let line = match settings.measure.as_str() {
        "train" => train(&network, architecture, classes, &settings),
        "infer" => infer(&network, &settings),
        "latency" => latency(&network, &settings),
        "start" => {
            let mut training = Training::new(&network, architecture, classes, &settings);
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

struct Training {
    trainer: Trainer,
    pixels: Vec<u8>,
    targets: Vec<usize>,
}

impl Training {
    fn new(
        network: &Network,
        architecture: &architecture::Architecture,
        classes: usize,
        settings: &Settings,
    ) -> Training {
        let batch_size = settings.batch.unwrap_or(architecture.batch_size);
        let config = TrainingConfig {
            loss: (architecture.loss)(classes),
            optimizer: (architecture.optimizer)().with_learning_rate(1e-3),
            batch_size,
            threads: settings.threads,
            seed: 1,
            ..TrainingConfig::default()
        };
        let trainer = Trainer::new(network, Parameters::initial(network, 1), &config)
            .expect("a registered architecture trains");
        let targets = (0..batch_size).map(|sample| sample % classes).collect();
        Training { trainer, pixels: noise(batch_size * network.input().len()), targets }
    }

    fn step(&mut self) {
        self.trainer.step(Batch { inputs: Inputs::Bytes(&self.pixels), targets: &self.targets });
    }
}

fn train(
    network: &Network,
    architecture: &architecture::Architecture,
    classes: usize,
    settings: &Settings,
) -> String {
    let mut training = Training::new(network, architecture, classes, settings);
    let batch = training.targets.len();
    let rate = median_rate(settings.seconds, batch, || training.step());
    // Backward costs about twice the forward pass, less the input's gradient of the first layer.
    format!("\"images_per_s\":{rate:.1},\"batch\":{batch},\"peak_rss_mb\":{}", peak_memory_mb())
}

fn infer(network: &Network, settings: &Settings) -> String {
    let batch = settings.batch.unwrap_or(128);
    let parameters = Parameters::initial(network, 1);
    let mut predictor = Predictor::new(network, &parameters, batch, settings.threads)
        .expect("a registered architecture runs");
    let pixels = noise(batch * network.input().len());
    let mut outputs = vec![0.0; batch * network.output().len()];
    let rate =
        median_rate(settings.seconds, batch, || predictor.predict(Inputs::Bytes(&pixels), &mut outputs));
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
