//! Writes the audit's scenarios into folders, each with an `index.csv`, for the command line.
//!
//! ```text
//! cargo run --release -p candor-analysis --example draw_scenarios -- DIR [NAME…]
//! candor study DIR/NAME --split-column subset [--group-column group] --out RUN && candor audit RUN
//! ```
//!
//! What is true of each is printed. Pictures are PNG files, or the JPEG files whose bytes the scenario is about.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use candor_analysis::audit::planted::Planted;
use candor_analysis::audit::planted::scenarios::{SCENARIOS, Scenario};
use candor_core::{Channels, Dataset, Seed, Subset};
use image::{ExtendedColorType, save_buffer};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, names) = arguments.split_first().ok_or("name a folder to write into")?;
    for scenario in
        SCENARIOS.iter().filter(|one| names.is_empty() || names.iter().any(|name| name == one.name))
    {
        let planted = scenario.draw(Seed(1));
        write(&Path::new(folder).join(scenario.name), &planted)?;
        let Scenario { name, truth, .. } = scenario;
        println!("{name} ({} pictures): {truth}", planted.len());
    }
    Ok(())
}

fn write(folder: &Path, planted: &Planted) -> Result<(), Box<dyn Error>> {
    let samples = planted.samples();
    let columns: Vec<&String> = samples[0].attributes.keys().collect();
    let mut subsets = vec![Subset::Train; planted.len()];
    for subset in Subset::ALL {
        planted.split.indices(subset).iter().for_each(|&index| subsets[index] = subset);
    }
    let grouped = samples.iter().any(|sample| sample.group.is_some());
    let fetched = samples.iter().any(|sample| sample.provenance.url.is_some());
    let mut table = "id,category,file,subset".to_owned();
    table += if grouped { ",group" } else { "" };
    table += if fetched { ",image_url" } else { "" };
    columns.iter().for_each(|column| table += &format!(",{column}"));
    for (index, sample) in samples.iter().enumerate() {
        let named = sample.provenance.file.contains('.');
        let file = match (named, planted.file(index)) {
            (true, _) => sample.provenance.file.clone(),
            (false, Some(_)) => format!("pictures/{index}.jpg"),
            (false, None) => format!("pictures/{index}.png"),
        };
        let path = folder.join(&file);
        fs::create_dir_all(path.parent().ok_or("a file lies in a folder")?)?;
        match planted.file(index) {
            Some(bytes) => fs::write(&path, bytes)?,
            None => {
                let image = planted.picture(index);
                let colour = match image.channels() {
                    Channels::Grey => ExtendedColorType::L8,
                    Channels::Rgb => ExtendedColorType::Rgb8,
                };
                save_buffer(&path, image.pixels(), image.width() as u32, image.height() as u32, colour)?;
            }
        }
        let (class, subset) = (&planted.classes()[sample.class], subsets[index].name());
        write!(table, "\n{index},{class},{file},{subset}")?;
        let (group, url) = (&sample.group, &sample.provenance.url);
        let known = group.iter().filter(|_| grouped).chain(url.iter().filter(|_| fetched));
        known.chain(sample.attributes.values()).try_for_each(|value| write!(table, ",{value}"))?;
    }
    fs::write(folder.join("index.csv"), table + "\n")?;
    Ok(())
}
