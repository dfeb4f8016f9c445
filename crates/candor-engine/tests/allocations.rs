//! How much memory a training step asks for: nothing. A binary of its own, because it counts for the whole process.
#![allow(missing_docs)]
// An allocator cannot be written without; this one only counts and hands on.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use candor_engine::{
    Batch, Inputs, Optimizer, Parameters, Precision, Shape, Trainer, TrainingConfig, architecture,
};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the promises that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Steps that are counted.
const STEPS: usize = 126;

#[test]
fn a_training_step_asks_for_no_memory() {
    // A thread that ends asks for memory (crossbeam's epoch is handed on). So none ends while another trainer's steps
    // are counted.
    let mut trainers = Vec::new();
    for (name, input) in [
        ("mnist-cnn", Shape::image(14, 14, 1)),
        ("face-mlp", Shape::image(9, 7, 1)),
        ("resnet8", Shape::image(8, 8, 3)),
    ] {
        let cases =
            Precision::ALL.into_iter().flat_map(|precision| [1, 2].map(|threads| (precision, threads)));
        for (precision, threads) in cases {
            let mut trainer = trainer(name, input, precision, threads);
            let counted = allocations(&mut trainer, input);
            trainers.push(trainer);
            let case = format!("{name} in {} on {threads} threads", precision.name());
            assert_eq!(counted, 0, "{case}: {counted} allocations in {STEPS} steps");
        }
    }
}

fn trainer(name: &str, input: Shape, precision: Precision, threads: usize) -> Trainer {
    let architecture = architecture::find(name).unwrap();
    let network = architecture.build(input, 10).unwrap();
    let config = TrainingConfig {
        loss: (architecture.loss)(10),
        optimizer: Optimizer::default(),
        clip_norm: 1.0,
        average: 0.9,
        batch_size: 8,
        precision,
        threads,
        ..TrainingConfig::default()
    };
    Trainer::new(&network, Parameters::initial(&network, 1), &config).unwrap()
}

/// How often [`STEPS`] steps ask for memory.
fn allocations(trainer: &mut Trainer, input: Shape) -> usize {
    let pixels: Vec<u8> = (0..8 * input.len()).map(|at| (at * 37 % 251) as u8).collect();
    let targets: Vec<usize> = (0..8).collect();
    let batch = Batch { inputs: Inputs::Bytes(&pixels), targets: &targets };
    // The first steps wake threads and fill what is kept.
    (0..10).for_each(|_| assert!(trainer.step(batch).loss.is_finite()));
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    (0..STEPS).for_each(|_| assert!(trainer.step(batch).loss.is_finite()));
    ALLOCATIONS.load(Ordering::Relaxed) - before
}
