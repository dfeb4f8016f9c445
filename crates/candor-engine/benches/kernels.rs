//! `cargo bench -p candor-engine`: what each kernel makes on one core, beside the most that the core makes.
//!
//! Criterion shows and keeps the times (its "elements" are floating-point operations). The table at the end holds the
//! fastest single run of each kernel beside the fastest run of multiply-adds in registers, timed in turns with it: a run
//! takes far less than the slice of time that the system gives a process, so the fastest one was alone on its core even
//! on a busy machine.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use candor_engine::layer::Conv2d;
use candor_engine::measure::{Convolution, Kernel, dense, dense_weight_gradient, peak};
use candor_engine::{Inputs, Network, Parameters, Predictor, Shape};
use criterion::{Criterion, Throughput};

/// Billions of operations a second.
struct Line {
    name: String,
    best: f64,
    peak: f64,
}

fn main() {
    let mut criterion = Criterion::default()
        .configure_from_args()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400));
    let mut lines = Vec::new();
    for (name, kernel) in kernels() {
        lines.push(measure(&mut criterion, name, kernel));
    }
    criterion.final_summary();
    show(&lines);
    show_all_threads();
}

/// The shapes of the architectures.
fn kernels() -> Vec<(String, Kernel)> {
    let shapes = [
        ("mnist-cnn 1", 28, 1, 32, 3),
        ("mnist-cnn 2", 13, 32, 64, 3),
        ("simple-cnn 2", 62, 32, 32, 3),
        ("resnet20 stage 1", 32, 16, 16, 3),
        ("resnet20 stage 3", 8, 64, 64, 3),
        ("vgg16 conv1_2", 128, 64, 64, 3),
        ("vgg16 conv3_2", 32, 256, 256, 3),
        ("vgg16 conv5_2", 8, 512, 512, 3),
        ("mobilenet-v2 pointwise", 14, 96, 576, 1),
    ];
    let mut all = Vec::new();
    for (name, side, inputs, filters, kernel) in shapes {
        let shape = Convolution { side, inputs, filters, kernel };
        all.push((format!("{name}, forward"), shape.forward()));
        all.push((format!("{name}, weight gradient"), shape.weight_gradient()));
        if inputs > 1 {
            all.push((format!("{name}, input gradient"), shape.input_gradient()));
        }
        if inputs >= 16 && kernel == 3 {
            all.push((format!("{name}, layer by tiles"), layer(shape)));
        }
    }
    for (side, inputs, kernel) in [(56, 144, 3), (14, 576, 3), (14, 96, 5)] {
        let shape = Convolution { side, inputs, filters: 1, kernel };
        let name = format!("depthwise {kernel}×{kernel}, {inputs} of {side}×{side}");
        all.push((format!("{name}, forward"), shape.depthwise()));
        all.push((format!("{name}, weight gradient"), shape.depthwise_weight_gradient()));
    }
    for (name, side, inputs) in [("mnist-cnn 1", 26, 1), ("simple-cnn 1", 62, 3)] {
        let shape = Convolution { side, inputs, filters: 32, kernel: 3 };
        all.push((format!("{name}, input gradient of 16 seeds"), shape.seeds()));
    }
    for (name, samples, inputs, units) in [("face-mlp 1", 32, 4096, 256), ("mnist-cnn dense", 128, 1600, 128)]
    {
        all.push((format!("{name}, forward"), dense(samples, inputs, units)));
        all.push((format!("{name}, weight gradient"), dense_weight_gradient(samples, inputs, units)));
    }
    all
}

/// Four pictures through the whole layer, which goes by way of tiles. Its operations are counted as if it did not: so
/// it can be beyond the peak.
fn layer(shape: Convolution) -> Kernel {
    const PICTURES: usize = 4;
    let convolution = Conv2d::new(shape.filters, shape.kernel).same();
    let input = Shape::image(shape.side, shape.side, shape.inputs);
    let network = Network::new(input, [convolution]).expect("it fits");
    let parameters = Parameters::initial(&network, 1);
    let mut predictor = Predictor::new(&network, &parameters, PICTURES, 1).expect("one thread can be had");
    let pictures: Vec<f32> = (0..PICTURES * input.len()).map(|at| (at % 17) as f32 / 17.0).collect();
    let mut outputs = vec![0.0; PICTURES * network.output().len()];
    Kernel::new(2 * PICTURES * shape.multiply_adds(), move || {
        predictor.predict(Inputs::Floats(&pictures), &mut outputs);
    })
}

fn measure(criterion: &mut Criterion, name: String, mut kernel: Kernel) -> Line {
    let (mut best, mut peak, mut at_peak) = (0.0_f64, 0.0_f64, peak());
    let mut group = criterion.benchmark_group("kernels");
    group.throughput(Throughput::Elements(kernel.operations as u64));
    group.bench_function(&name, |bencher| {
        bencher.iter_custom(|runs| {
            let mut total = Duration::ZERO;
            for _ in 0..runs {
                let started = Instant::now();
                best = best.max(timed(&mut kernel));
                total += started.elapsed();
            }
            for _ in 0..20 {
                peak = peak.max(timed(&mut at_peak));
            }
            total
        });
    });
    group.finish();
    Line { name, best, peak }
}

/// Billions of operations a second in one run.
fn timed(kernel: &mut Kernel) -> f64 {
    let started = Instant::now();
    kernel.run();
    kernel.operations / started.elapsed().as_secs_f64() / 1e9
}

fn show(lines: &[Line]) {
    println!("\n{:<46} {:>8} {:>8} {:>7}", "one thread, the fastest runs", "GFLOP/s", "peak", "of it");
    // A name on the command line leaves the other kernels out.
    for Line { name, best, peak } in lines.iter().filter(|line| line.best > 0.0) {
        println!("{name:<46} {best:>8.1} {peak:>8.1} {:>6.0}%", 100.0 * best / peak);
    }
}

/// The peak and a wide convolution on all cores at once: each thread has its own data, as the engine's workers do.
fn show_all_threads() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!("\n{threads} threads at once, the sum of their fastest runs");
    let wide = Convolution { side: 32, inputs: 256, filters: 256, kernel: 3 };
    let peak = together(threads, peak, 2000);
    let convolution = together(threads, || wide.forward(), 50);
    println!("{:<46} {peak:>8.1} GFLOP/s", "multiply-adds in registers");
    let share = 100.0 * convolution / peak;
    println!("{:<46} {convolution:>8.1} GFLOP/s {share:>6.0}%", "vgg16 conv3_2, forward");
}

fn together(threads: usize, kernel: impl Fn() -> Kernel + Sync, runs: usize) -> f64 {
    let barrier = Barrier::new(threads);
    let one = || {
        let mut kernel = kernel();
        kernel.run();
        barrier.wait();
        (0..runs).map(|_| timed(&mut kernel)).fold(0.0, f64::max)
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        workers.into_iter().map(|worker| worker.join().expect("a kernel does not panic")).sum()
    })
}
