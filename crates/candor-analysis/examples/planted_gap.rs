//! Writes a study with a gap between two groups into a folder, with an `index.csv` that says who is of which.
//!
//! ```text
//! cargo run --release -p candor-analysis --example planted_gap -- DIR [shortcut|noisy] [PICTURES] [SEED]
//! ```
//!
//! The pictures are discs and crosses on coloured backgrounds (`audit::planted`). With `shortcut` a corner has the class's
//! colour for most, and the other class's for one in seven (“few”): a network that reads the corner fails them, though their
//! shapes are as plain as all others. With `noisy` one in ten is noisy.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use candor_analysis::audit::planted::{Fault, Planted, clean};
use candor_core::{Dataset, Image, Seed};
use image::RgbImage;

/// One in so many is of the few.
const FEW: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = PathBuf::from(arguments.first().ok_or("name a folder to write into")?);
    let noisy = arguments.iter().any(|word| word == "noisy");
    let mut numbers = arguments[1..].iter().filter_map(|word| word.parse().ok());
    let (pictures, seed) = (numbers.next().unwrap_or(3000), Seed(numbers.next().unwrap_or(1) as u64));
    let study = clean(pictures, seed);
    let study = if noisy { Fault::NoisySubgroup.plant(study, seed) } else { study };
    fs::create_dir_all(folder.join("images"))?;
    let mut table = "id,category,image_url,name,kind\n".to_owned();
    for index in 0..study.len() {
        let (image, kind) = if noisy {
            (study.picture(index).clone(), kind(&study, index))
        } else {
            with_corner(&study, index, seed)
        };
        let (width, height) = (image.width() as u32, image.height() as u32);
        let file =
            RgbImage::from_raw(width, height, image.pixels().to_vec()).ok_or("not a colour picture")?;
        file.save(folder.join("images").join(format!("{index}.png")))?;
        writeln!(table, "{index},{},,,{kind}", study.classes()[study.samples()[index].class])?;
    }
    fs::write(folder.join("index.csv"), table)?;
    println!("{} pictures in {}", study.len(), folder.display());
    Ok(())
}

fn kind(study: &Planted, index: usize) -> &str {
    &study.samples()[index].attributes["kind"]
}

/// The picture with a red or a blue corner.
fn with_corner(study: &Planted, index: usize, seed: Seed) -> (Image, &'static str) {
    let is_few = seed.derive("kind").at(index as u64).rng().below(FEW) == 0;
    let says = (study.samples()[index].class == 1) != is_few;
    let colour: [u8; 3] = if says { [220, 40, 40] } else { [40, 40, 220] };
    let image = study.picture(index);
    let mut pixels = image.pixels().to_vec();
    let side = image.width() / 6;
    for (x, y) in (0..side).flat_map(|y| (0..side).map(move |x| (x, y))) {
        pixels[3 * (y * image.width() + x)..][..3].copy_from_slice(&colour);
    }
    let image = Image::new(image.width(), image.height(), image.channels(), pixels);
    (image.expect("the size is the same"), if is_few { "few" } else { "many" })
}
