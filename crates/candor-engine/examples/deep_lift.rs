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
    let noise = |at: usize| (at * 7919 % 1009) as f32 / 1009.0;
    let pictures: Vec<f32> = (0..PICTURES * len).map(noise).collect();
    let background: Vec<f32> = (0..BACKGROUND * len).map(|at| noise(at + 31)).collect();
    let parameters = Parameters::initial(&network, 1);
    let seeds: Vec<Vec<f32>> =
        (0..classes).map(|unit| (0..classes).map(|other| f32::from(other == unit)).collect()).collect();
    let mut seconds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let mut deep_lift = DeepLift::new(&network, &parameters, &background, BACKGROUND, 0)?;
            let parts = deep_lift.contributions(&pictures, End::Score, &seeds);
            assert!(parts.iter().all(|part| part.is_finite()), "contributions are numbers");
            Ok(start.elapsed().as_secs_f64())
        })
        .collect::<Result<_, candor_engine::EngineError>>()?;
    seconds.sort_by(f64::total_cmp);
    println!("{}", seconds[ROUNDS / 2]);
    Ok(())
}
