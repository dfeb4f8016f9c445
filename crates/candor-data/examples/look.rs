//! Looks at a source as training would: what it lists, what it leaves out, what its pictures are like, how it splits.
//!
//! `cargo run --release -p candor-data --example look -- FOLDER_OR_FILE [pixel-max]`, or a single picture.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use candor_core::{Channels, Dataset, Fit, Preprocessing, Seed, Silent, Subset};
use candor_data::augment::{Augmentation, Variant};
use candor_data::decode::{Limits, read_image};
use candor_data::prepare::{Prepared, prepare, survey};
use candor_data::source::{Source, SourceOptions};
use candor_data::split::{Fractions, split};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("which folder, table or picture?")?;
    let pixel_max = arguments.next().map(|max| max.parse()).transpose()?;
    let (path, options) = (Path::new(&path), SourceOptions { pixel_max, ..SourceOptions::default() });
    if let Ok(image) = read_image(path, &Limits::default()) {
        let mean = image.pixels().iter().map(|&v| f64::from(v)).sum::<f64>() / image.pixels().len() as f64;
        println!("{}×{} {:?}, mean {mean:.2}", image.width(), image.height(), image.channels());
        return Ok(());
    }
    let start = Instant::now();
    let mut source = Source::open(path, &options, &Silent)?;
    println!(
        "{}: {} pictures of {:?} in {:?}",
        source.kind(),
        source.samples().len(),
        source.classes(),
        start.elapsed()
    );

    let seen = survey(&source, &Silent)?;
    println!("{seen:?}");
    let channels = if seen.all_grey { Channels::Grey } else { Channels::Rgb };
    let side = seen.median_width.min(seen.median_height).min(64);
    let input = Preprocessing { height: side, width: side, channels, fit: Fit::Stretch };
    let start = Instant::now();
    let prepared = prepare(&source, input, &Silent)?;
    println!("prepared {} at {side}×{side} in {:?}", prepared.len(), start.elapsed());
    source.retain(&prepared.kept);
    for problem in source.problems().iter().chain(&prepared.problems) {
        println!("left out: {}: {}", problem.place, problem.reason);
    }

    let parts = split(&source, source.predefined(), Fractions::default(), Seed(1))?;
    for subset in Subset::ALL {
        println!("{subset}: {}", parts.split.indices(subset).len());
    }
    parts.problems.iter().for_each(|problem| println!("{}: {}", problem.place, problem.reason));
    vary(&prepared);
    Ok(())
}

/// Times the augmentation of SYSTEMS.md's B4 on one core.
fn vary(prepared: &Prepared) {
    let augmentation = Augmentation {
        rotation_degrees: 15.0,
        zoom: 0.1,
        horizontal_flip: true,
        factor: 1,
        ..Augmentation::default()
    };
    let mut out = vec![0; prepared.preprocessing.bytes()];
    let start = Instant::now();
    for sample in 0..prepared.len() {
        let variant = Variant { epoch: 0, sample: sample as u64, copy: 0 };
        augmentation.apply(&prepared.preprocessing, Seed(1), variant, prepared.image(sample), &mut out);
    }
    println!("{:?} a variant", start.elapsed() / prepared.len() as u32);
}
