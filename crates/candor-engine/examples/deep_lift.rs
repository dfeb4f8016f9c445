//! Times the contributions behind a figure of explanations: pictures × classes × background on mnist-cnn.
//!
//! `bench/peers/explain` runs it beside `shap`. Prints seconds, the median of a few rounds.

use std::time::Instant;

use candor_engine::{DeepLift, End, Parameters, architecture};

const PICTURES: usize = 20;
const BACKGROUND: usize = 25;
const ROUNDS: usize = 7;

fn main() -> Result<(), candor_engine::EngineError> {
    let architecture = architecture::find("mnist-cnn").expect("it is registered");
    let network = architecture.build(architecture.input, architecture.classes)?;
    let (len, classes) = (network.input().len(), network.output().len());
    let mut deep_lift = DeepLift::new(&network, &Parameters::initial(&network, 1), 64, 0)?;
    let noise = |at: usize| (at * 7919 % 1009) as f32 / 1009.0;
    let pictures: Vec<f32> = (0..PICTURES * len).map(noise).collect();
    let background: Vec<f32> = (0..BACKGROUND * len).map(|at| noise(at + 31)).collect();
    let seeds: Vec<Vec<f32>> =
        (0..classes).map(|unit| (0..classes).map(|other| f32::from(other == unit)).collect()).collect();
    let mut seconds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let mut sums = vec![0.0; classes * len];
            for picture in pictures.chunks_exact(len) {
                let copies = picture.repeat(BACKGROUND);
                deep_lift.multipliers((&copies, &background), End::Score, &seeds, |unit, multipliers| {
                    let pairs = copies.iter().zip(&background).zip(multipliers).enumerate();
                    pairs.for_each(|(at, ((x, r), m))| sums[unit * len + at % len] += (x - r) * m);
                });
            }
            assert!(sums.iter().all(|sum| sum.is_finite()), "contributions are numbers");
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    println!("{}", seconds[ROUNDS / 2]);
    Ok(())
}
