//! Trains an architecture and judges it after each epoch: `learn ARCHITECTURE TRAIN TEST [EPOCHS [BATCH [SEED [bf16]]]]`. Each
//! file holds the pixels of all pictures, as bytes, and then one byte a picture for its class. Prints a line of JSON an epoch; the
//! seconds are those of training alone, summed up.

use std::time::Instant;

use candor_engine::{Batch, Inputs, Network, Parameters, Precision, Trainer, TrainingConfig, architecture};

/// Pictures with their classes.
struct Pictures {
    pixels: Vec<u8>,
    classes: Vec<usize>,
    len: usize,
}

impl Pictures {
    fn read(path: &str, network: &Network) -> Pictures {
        let mut pixels = std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let len = network.input().len();
        let count = pixels.len() / (len + 1);
        assert_eq!(pixels.len(), count * (len + 1), "{path} does not hold such pictures");
        let classes = pixels.split_off(count * len).into_iter().map(usize::from).collect();
        Pictures { pixels, classes, len }
    }

    fn gather(&self, chosen: &[usize], pixels: &mut Vec<u8>, classes: &mut Vec<usize>) {
        pixels.clear();
        classes.clear();
        for &index in chosen {
            pixels.extend_from_slice(&self.pixels[index * self.len..][..self.len]);
            classes.push(self.classes[index]);
        }
    }
}

/// Numbers that look random (PCG-XSH-RR; O'Neill, 2014), to shuffle with.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        let state = self.0;
        self.0 = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((((state >> 18) ^ state) >> 27) as u32).rotate_right((state >> 59) as u32)
    }

    fn shuffle(&mut self, values: &mut [usize]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.next() as usize % (last + 1));
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, train, test, numbers @ ..] = &arguments[..] else {
        eprintln!("usage: learn ARCHITECTURE TRAIN TEST [EPOCHS [BATCH [SEED [bf16]]]]");
        std::process::exit(2);
    };
    let number = |at: usize| numbers.get(at).map(|text| text.parse::<u64>().expect("a number"));
    let architecture = architecture::find(name).expect("a registered architecture");
    let network =
        architecture.build(architecture.input, architecture.classes).expect("it fits its own input");
    let epochs = number(0).unwrap_or(architecture.epochs as u64);
    let batch_size = number(1).map_or(architecture.batch_size, |size| size as usize);
    let seed = number(2).unwrap_or(1);
    let name = numbers.get(3).map_or(Precision::F32.name(), String::as_str);
    let precision =
        Precision::ALL.into_iter().find(|precision| precision.name() == name).expect("a precision");

    let (train, test) = (Pictures::read(train, &network), Pictures::read(test, &network));
    let config = TrainingConfig {
        loss: (architecture.loss)(architecture.classes),
        optimizer: (architecture.optimizer)(),
        batch_size,
        precision,
        seed,
        ..TrainingConfig::default()
    };
    let mut trainer =
        Trainer::new(&network, Parameters::initial(&network, seed), &config).expect("it trains");
    let mut order: Vec<usize> = (0..train.classes.len()).collect();
    let (mut random, mut seconds) = (Random(seed), 0.0);
    let (mut pixels, mut targets) = (Vec::new(), Vec::new());
    for epoch in 1..=epochs {
        let started = Instant::now();
        random.shuffle(&mut order);
        for chosen in order.chunks(batch_size) {
            train.gather(chosen, &mut pixels, &mut targets);
            trainer.step(Batch { inputs: Inputs::Bytes(&pixels), targets: &targets });
        }
        seconds += started.elapsed().as_secs_f64();
        let judged = test.classes.chunks(batch_size).zip(test.pixels.chunks(batch_size * test.len));
        let right = judged.map(|(targets, pixels)| {
            trainer.evaluate(Batch { inputs: Inputs::Bytes(pixels), targets }).correct
        });
        let accuracy = right.sum::<usize>() as f64 / test.classes.len() as f64;
        println!("{{\"epoch\":{epoch},\"seconds\":{seconds:.3},\"accuracy\":{accuracy:.4}}}");
    }
}
