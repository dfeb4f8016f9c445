//! What a run writes down of its pictures: `source.json` and `split.json`.

use std::collections::{BTreeMap, HashMap};

use candor_core::{Sample, SampleId, Split, Subset};
use serde::{Deserialize, Serialize};

use super::SourceSpec;

/// `source.json`: where the pictures came from, and what they were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// Paths are absolute.
    #[serde(flatten)]
    pub spec: SourceSpec,
    /// The kind of source.
    pub kind: String,
    /// Class names, in the order of the labels.
    pub classes: Vec<String>,
    /// Pictures that were read.
    pub pictures: usize,
    /// SHA-256 over the ids and classes of all pictures, in order.
    pub fingerprint: SampleId,
    /// Whether the run is to be judged and reported once it is trained (`candor study`).
    pub study: bool,
    /// Whether simple models are to be judged beside it; not with `--no-baselines`.
    #[serde(default = "yes")]
    pub baselines: bool,
}

fn yes() -> bool {
    true
}

/// SHA-256 over the ids and classes of all samples, in order.
pub fn fingerprint(samples: &[Sample]) -> SampleId {
    let mut text = String::with_capacity(samples.len() * 68);
    for sample in samples {
        text.push_str(&format!("{} {}\n", sample.id, sample.class));
    }
    SampleId::of(text.as_bytes())
}

/// `split.json`: which picture is in which subset, by index and by id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitRecord {
    /// Indices into the pictures that could be read.
    pub indices: Split,
    /// The same as ids: these hold when pictures come and go.
    pub ids: BTreeMap<Subset, Vec<SampleId>>,
}

impl SplitRecord {
    /// Of `split` over `samples`.
    pub fn new(split: Split, samples: &[Sample]) -> SplitRecord {
        let ids = |subset| split.indices(subset).iter().map(|&index| samples[index].id).collect();
        let ids = Subset::ALL.into_iter().map(|subset| (subset, ids(subset))).collect();
        SplitRecord { indices: split, ids }
    }

    /// Finds the split's pictures among `samples` by their ids; says how many are gone and how many are new.
    pub fn find_in(&self, samples: &[Sample]) -> (Split, Difference) {
        let mut places: HashMap<SampleId, Vec<usize>> = HashMap::new();
        // Backwards, so that of equal pictures the first is taken first.
        samples.iter().enumerate().rev().for_each(|(index, s)| places.entry(s.id).or_default().push(index));
        let mut gone = 0;
        let [train, validation, test] = Subset::ALL.map(|subset| {
            let ids = self.ids.get(&subset).map_or(&[][..], Vec::as_slice);
            let found = ids.iter().filter_map(|id| {
                let place = places.get_mut(id).and_then(Vec::pop);
                gone += usize::from(place.is_none());
                place
            });
            let mut indices: Vec<usize> = found.collect();
            indices.sort_unstable();
            indices
        });
        let split = Split { train, validation, test };
        let new = samples.len() - split.len();
        (split, Difference { gone, new })
    }
}

/// How pictures differ from those that a run began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Pictures that are no longer there.
    pub gone: usize,
    /// Pictures that were not there.
    pub new: usize,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Difference { gone: 0, new: 0 } => f.write_str("they are in another order or class"),
            Difference { gone, new } => write!(f, "{gone} are gone or changed, {new} are new"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(names: &str) -> Vec<Sample> {
        let sample = |name: char| Sample {
            id: SampleId::of(name.to_string().as_bytes()),
            class: 0,
            group: None,
            provenance: Default::default(),
            attributes: Default::default(),
        };
        names.chars().map(sample).collect()
    }

    #[test]
    fn a_split_is_found_again_by_ids() {
        let split = Split { train: vec![0, 1], validation: vec![2], test: vec![3] };
        let record = SplitRecord::new(split.clone(), &samples("aabc"));
        let found = |names| record.find_in(&samples(names));
        assert_eq!(found("aabc"), (split, Difference { gone: 0, new: 0 }));
        let moved = Split { train: vec![1, 3], validation: vec![2], test: vec![] };
        assert_eq!(found("xaba"), (moved, Difference { gone: 1, new: 1 }));
    }

    #[test]
    fn the_fingerprint_sees_ids_classes_and_order() {
        let one = samples("ab");
        let mut relabelled = one.clone();
        relabelled[1].class = 1;
        let all = [&one, &samples("ba"), &samples("a"), &relabelled].map(|s| fingerprint(s));
        assert!((1..4).all(|other| all[other] != all[0]));
        assert_eq!(fingerprint(&samples("ab")), all[0]);
    }
}
