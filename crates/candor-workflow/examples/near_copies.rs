//! Every pair of pictures in a folder that one search for copies links, as JSON: candor's side of `bench/duplicates/compare`.
//!
//! ```text
//! cargo run --release -p candor-workflow --example near_copies -- FOLDER
//! ```

use std::path::PathBuf;

use candor_analysis::near_duplicates::{Likeness, Search};
use candor_data::decode::{Limits, read_image};
use rayon::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    let likeness = |file: &PathBuf| {
        let image = read_image(file, &Limits::default()).ok()?;
        Some((file.file_name()?.to_string_lossy().into_owned(), Likeness::of(&image)))
    };
    let (names, likenesses): (Vec<String>, Vec<Likeness>) = files.par_iter().filter_map(likeness).unzip();
    let search = Search::new(&likenesses);
    let links: Vec<[&str; 2]> = (0..names.len())
        .into_par_iter()
        .flat_map_iter(|first| search.copies_of(first, 0..first))
        .map(|copies| [names[copies.first].as_str(), names[copies.second].as_str()])
        .collect();
    println!("{}", serde_json::to_string(&links)?);
    Ok(())
}
