//! Where the pictures of a run come from, and how they belong together, in numbers.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use candor_core::{Sample, Subset};
use candor_report::{GroupSizes, Origin};

use crate::run::Run;

/// Pictures of each place in each of `subsets`, the place with most pictures first.
pub(super) fn origins(run: &Run, subsets: &[Subset]) -> Vec<Origin> {
    let places = run.record.spec.places();
    let mut counts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let samples = &run.prepared.samples;
    for (index, subset) in run.split.membership(samples.len()).into_iter().enumerate() {
        let column = subsets.iter().position(|&known| Some(known) == subset);
        let Some(column) = column else { continue };
        let name = name(&samples[index], &places[run.pictures.place_of(index)]);
        counts.entry(name).or_insert_with(|| vec![0; subsets.len()])[column] += 1;
    }
    let named = counts.into_iter().map(|(name, pictures)| Origin { name: name.to_owned(), pictures });
    let mut origins: Vec<Origin> = named.collect();
    origins.sort_by_key(|origin| Reverse(origin.total()));
    origins
}

/// The web site; else the file, where one file holds many pictures; else the place that was named.
fn name<'a>(sample: &'a Sample, place: &'a str) -> &'a str {
    let provenance = &sample.provenance;
    let file = provenance.row.map(|_| provenance.file.as_str());
    provenance.site().or(file).unwrap_or(place)
}

/// `None` where no sample says to which group it belongs.
pub(super) fn group_sizes(samples: &[Sample]) -> Option<GroupSizes> {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for group in samples.iter().filter_map(|sample| sample.group.as_deref()) {
        *sizes.entry(group).or_default() += 1;
    }
    Some(GroupSizes {
        groups: sizes.len(),
        smallest: sizes.values().copied().min()?,
        largest: sizes.values().copied().max()?,
        ungrouped: samples.len() - sizes.values().sum::<usize>(),
    })
}

#[cfg(test)]
mod tests {
    use candor_core::{Provenance, SampleId};

    use super::*;

    fn sample(group: Option<&str>, row: Option<u64>, url: Option<&str>) -> Sample {
        Sample {
            id: SampleId::of(b"picture"),
            class: 0,
            group: group.map(str::to_owned),
            provenance: Provenance { file: "faces.csv".into(), row, url: url.map(str::to_owned) },
            attributes: Default::default(),
        }
    }

    #[test]
    fn a_site_says_more_than_a_file_and_a_file_of_many_more_than_the_folder() {
        let cases = [
            (sample(None, None, None), "photos"),
            (sample(None, Some(3), None), "faces.csv"),
            (sample(None, Some(3), Some("https://a.org/x.jpg")), "a.org"),
            (sample(None, None, Some("not an address")), "photos"),
        ];
        for (sample, expected) in cases {
            assert_eq!(name(&sample, "photos"), expected, "{sample:?}");
        }
    }

    #[test]
    fn groups_are_counted_with_their_sizes() {
        let samples = [Some("a"), Some("b"), None, Some("a")].map(|group| sample(group, None, None));
        let sizes = GroupSizes { groups: 2, smallest: 1, largest: 2, ungrouped: 1 };
        assert_eq!(group_sizes(&samples), Some(sizes));
        assert_eq!(group_sizes(&[sample(None, None, None)]), None);
    }
}
