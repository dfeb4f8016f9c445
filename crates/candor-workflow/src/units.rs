//! `units.json`: which of a run's pictures belong together: copies of one file, near copies, one group.
//!
//! Found once a run, and read by everything that splits, resamples, permutes or gives an interval: evaluation, audit, comparison.

use candor_analysis::Units;
use candor_analysis::near_duplicates::{Copies, verified};
use candor_core::{Dataset, Reporter, Sample, SampleId};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::near_copies::near_copies;
use crate::pictures::fingerprint;
use crate::run::Run;
use crate::run_dir::{RunDir, UNITS};
use crate::threads::in_pool;

/// Among more pictures near copies are not looked for: it would take minutes, and the time grows with the square.
pub(crate) const MOST_PICTURES: usize = 20_000;

/// What belongs together, as in `units.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedUnits {
    /// Of which pictures.
    pictures: SampleId,
    /// Whether near copies were looked for: not among very many pictures.
    pub near_copies_sought: bool,
    /// Pairs of near copies and of very similar pictures, places among the run's pictures.
    pub near_copies: Vec<Copies>,
    /// The unit of each picture, counted from 0.
    units: Vec<usize>,
}

impl SavedUnits {
    /// Looks for near copies, where the pictures are not too many for that.
    pub fn find(pictures: &dyn Dataset, samples: &[Sample], reporter: &dyn Reporter) -> Result<SavedUnits> {
        let sought = samples.len() <= MOST_PICTURES;
        let near_copies = match sought {
            true => near_copies(pictures, reporter)?,
            false => {
                reporter.note(&format!(
                    "near copies were not looked for: with {} pictures (more than {MOST_PICTURES}) it would take minutes",
                    samples.len()
                ));
                Vec::new()
            }
        };
        let units = Units::of(samples, &verified(&near_copies));
        let units = (0..samples.len()).map(|index| units.unit(index)).collect();
        Ok(SavedUnits { pictures: fingerprint(samples), near_copies_sought: sought, near_copies, units })
    }

    /// The samples with their units as groups: what a split must not tear apart.
    pub fn as_groups(&self, samples: &[Sample]) -> Vec<Sample> {
        let mut sizes = vec![0; samples.len()];
        self.units.iter().for_each(|&unit| sizes[unit] += 1);
        let group = |unit: usize| (sizes[unit] > 1).then(|| format!("unit {unit}"));
        let of = |(sample, &unit): (&Sample, &usize)| Sample { group: group(unit), ..sample.clone() };
        samples.iter().zip(&self.units).map(of).collect()
    }

    /// As a partition of the run's pictures.
    pub fn units(&self, samples: &[Sample]) -> Units {
        Units::of(samples, &verified(&self.near_copies))
    }
}

/// What belongs together among the run's pictures: as it is saved, or found and saved now.
pub(crate) fn saved_units(run: &Run, reporter: &dyn Reporter) -> Result<SavedUnits> {
    let samples = &run.prepared.samples;
    // What another version wrote is found again.
    let saved = run.dir.read_json::<SavedUnits>(UNITS).ok();
    if let Some(saved) = saved.filter(|saved| saved.pictures == fingerprint(samples)) {
        return Ok(saved);
    }
    let found = in_pool(run.threads, || SavedUnits::find(&run.pictures, samples, reporter))?;
    run.dir.write_json(UNITS, &found)?;
    Ok(found)
}

/// The run's pictures as units.
pub(crate) fn units(run: &Run, reporter: &dyn Reporter) -> Result<Units> {
    Ok(saved_units(run, reporter)?.units(&run.prepared.samples))
}

/// What belongs together among any pictures.
pub(crate) fn units_of(pictures: &dyn Dataset, samples: &[Sample], reporter: &dyn Reporter) -> Result<Units> {
    Ok(SavedUnits::find(pictures, samples, reporter)?.units(samples))
}

/// Names of the units of those of a run's pictures that are at `indices`, as its folder has them. `None` where it has none, or
/// where its `pictures` are others.
pub(crate) fn saved_names(
    dir: &RunDir,
    pictures: SampleId,
    indices: &[usize],
) -> Option<Vec<Option<String>>> {
    let saved = dir.read_json::<SavedUnits>(UNITS).ok().filter(|saved| saved.pictures == pictures)?;
    indices.iter().map(|&index| saved.units.get(index).map(|unit| Some(unit.to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use candor_core::{Channels, Image, Provenance, ReadError, Rng, Seed, Silent, Subset};
    use candor_data::split::{Fractions, split};

    use super::*;

    /// Blobs of random place, size and light, each picture three times: as it is, brighter, and with noise.
    struct Copied(Vec<Sample>, Vec<Image>, Vec<String>);

    impl Copied {
        fn new(originals: u64) -> Copied {
            let pixels = |rng: &mut Rng| {
                let blobs: Vec<[f64; 4]> = (0..40)
                    .map(|_| [rng.unit(), rng.unit(), rng.range(0.02, 0.15), rng.range(-90.0, 90.0)])
                    .collect();
                let value = move |i: usize| {
                    let (x, y) = ((i % 64) as f64 / 64.0, (i / 64) as f64 / 64.0);
                    let light = |[a, b, size, light]: &[f64; 4]| {
                        light * (-((x - a).powi(2) + (y - b).powi(2)) / size.powi(2)).exp()
                    };
                    128.0 + blobs.iter().map(light).sum::<f64>()
                };
                (0..64 * 64).map(value).collect::<Vec<f64>>()
            };
            let image = |values: Vec<f64>| {
                let bytes = values.into_iter().map(|value| value.clamp(0.0, 255.0) as u8).collect();
                Image::new(64, 64, Channels::Grey, bytes).unwrap()
            };
            let images = (0..originals).flat_map(|original| {
                let mut rng = Seed(9).at(original).rng();
                let plain = pixels(&mut rng);
                let brighter = plain.iter().map(|value| value * 1.1).collect();
                let noisy = plain.iter().map(|value| value + rng.range(-6.0, 6.0)).collect();
                [image(plain), image(brighter), image(noisy)]
            });
            let images: Vec<Image> = images.collect();
            let sample = |image: &Image| Sample {
                id: SampleId::of(image.pixels()),
                class: 0,
                group: None,
                provenance: Provenance::default(),
                attributes: Default::default(),
            };
            Copied(images.iter().map(sample).collect(), images, vec!["blobs".to_owned()])
        }
    }

    impl Dataset for Copied {
        fn classes(&self) -> &[String] {
            &self.2
        }

        fn samples(&self) -> &[Sample] {
            &self.0
        }

        fn image(&self, index: usize) -> std::result::Result<Image, ReadError> {
            Ok(self.1[index].clone())
        }
    }

    #[test]
    fn near_copies_are_one_unit_in_every_step_and_others_are_not() {
        let copied = Copied::new(40);
        let found = SavedUnits::find(&copied, copied.samples(), &Silent).unwrap();
        let units = found.units(copied.samples());
        assert!(found.near_copies_sought);
        assert_eq!(
            units.members(&(0..120).collect::<Vec<_>>()),
            (0..40).map(|i| vec![3 * i, 3 * i + 1, 3 * i + 2]).collect::<Vec<_>>()
        );
        let tied = Copied(found.as_groups(copied.samples()), Vec::new(), copied.2.clone());
        let parts = split(&tied, None, Fractions::default(), Seed(3)).unwrap();
        for subset in Subset::ALL {
            let indices = parts.split.indices(subset);
            assert!(
                indices.len() >= 3 && indices.iter().all(|&index| indices.contains(&(index / 3 * 3))),
                "{subset}"
            );
        }
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::create(folder.path()).unwrap();
        dir.write_json(UNITS, &found).unwrap();
        let names = saved_names(&dir, fingerprint(copied.samples()), &[4, 0, 5]).unwrap();
        assert_eq!((names[0] == names[2], names[0] == names[1]), (true, false));
        assert_eq!(saved_names(&dir, SampleId::of(b"others"), &[4, 0, 5]), None);
    }
}
