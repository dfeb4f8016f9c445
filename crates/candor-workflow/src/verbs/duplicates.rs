//! `duplicates`: pictures that are there more than once, and what shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use candor_analysis::near_duplicates::Copies;
use candor_core::{Dataset, Reporter, Sample, SampleId};
use candor_data::source::{Source, SourceOptions};
use candor_data::study::{ALL, Study, Tie, Tied, chains};
use serde::Serialize;

use crate::error::Result;
use crate::near_copies::near_copies;
use crate::threads::in_pool;

/// Where to look.
#[derive(Clone, Debug)]
pub struct DuplicatesRequest {
    /// A source of pictures, such as a study.
    pub source: PathBuf,
    /// How it is read.
    pub options: SourceOptions,
    /// Threads to compute on, 0 for all cores.
    pub threads: usize,
}

/// What is there more than once.
#[derive(Clone, Debug, Serialize)]
pub struct Duplicates {
    /// Where it was looked for.
    pub source: PathBuf,
    /// Pictures that were compared.
    pub pictures: usize,
    /// The clusters of verified copies, the largest first.
    pub clusters: Vec<DuplicateCluster>,
    /// Pairs that are very similar and may be copies: only a person can tell. The most alike first.
    pub similar: Vec<SimilarPair>,
}

/// Two pictures that are very similar.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SimilarPair {
    /// The one that comes first.
    pub first: DuplicatePicture,
    /// The other.
    pub second: DuplicatePicture,
    /// Correlation of their fine structures once laid over each other.
    pub likeness: f32,
    /// Whether one is like the other in a mirror.
    pub mirrored: bool,
}

/// Copies of one picture, or chains of them.
#[derive(Clone, Debug, Serialize)]
pub struct DuplicateCluster {
    /// The pictures, one for each place where the same bytes were found.
    pub pictures: Vec<DuplicatePicture>,
    /// What ties them.
    pub evidence: Vec<DuplicatePair>,
    /// Whether they are not all of one class: at least one label is wrong, or the classes overlap.
    pub classes_differ: bool,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DuplicatePicture {
    /// Where it was found.
    pub file: String,
    /// SHA-256 of its bytes.
    pub id: SampleId,
    /// Its class.
    pub class: String,
}

/// Two that show the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DuplicatePair {
    /// The place of the one in the cluster's pictures.
    pub first: usize,
    /// The place of the other.
    pub second: usize,
    /// Whether their bytes are the same.
    pub exact: bool,
    /// Correlation of their fine structures once laid over each other, 1 for the same bytes.
    pub likeness: f32,
    /// Whether one is the other in a mirror.
    pub mirrored: bool,
    /// The share of the one's area that the other shows.
    pub area: f32,
}

/// Looks for pictures that are there more than once: the same bytes, and scaled, recompressed, cropped, mirrored or
/// brightened copies. Very similar pictures that cannot be verified as copies are listed apart.
///
/// # Errors
/// When there are no pictures, or the person stops it.
pub fn duplicates(request: &DuplicatesRequest, reporter: &dyn Reporter) -> Result<Duplicates> {
    let DuplicatesRequest { source: place, options, threads } = request;
    let is_study = Study::is_at(place);
    let options = SourceOptions { split: is_study.then(|| ALL.to_owned()), ..options.clone() };
    let (source, pairs) = in_pool(*threads, || -> Result<_> {
        let source = Source::open_part(place, &options, reporter)?;
        let pairs = near_copies(&source, reporter)?;
        Ok((source, pairs))
    })?;
    let elsewhere = if is_study { Study::read(place)?.found_elsewhere()? } else { BTreeMap::new() };
    let samples = source.samples();
    let mut clusters: Vec<DuplicateCluster> = clustered(samples, &pairs, &elsewhere)
        .into_iter()
        .map(|members| cluster(&members, &source, &pairs, &elsewhere))
        .collect();
    // By content: the same pictures give the same list, in whatever order they come.
    clusters.sort_by_key(|cluster| {
        (std::cmp::Reverse(cluster.pictures.len()), cluster.pictures.iter().map(|p| p.id).min())
    });
    let similar = similar(&source, &pairs);
    Ok(Duplicates { source: place.clone(), pictures: samples.len(), clusters, similar })
}

/// Pairs that are not verified, each once for pictures of the same bytes.
fn similar(source: &Source, pairs: &[Copies]) -> Vec<SimilarPair> {
    let picture = |index: usize| {
        let sample = &source.samples()[index];
        let class = source.classes()[sample.class].clone();
        DuplicatePicture { file: sample.provenance.to_string(), id: sample.id, class }
    };
    let mut known = BTreeSet::new();
    let mut similar: Vec<SimilarPair> = pairs
        .iter()
        .filter(|pair| !pair.verified)
        .map(|pair| SimilarPair {
            first: picture(pair.first),
            second: picture(pair.second),
            likeness: pair.likeness,
            mirrored: pair.mirrored,
        })
        .filter(|pair| known.insert([pair.first.id.min(pair.second.id), pair.first.id.max(pair.second.id)]))
        .collect();
    similar.sort_by(|a, b| b.likeness.total_cmp(&a.likeness));
    similar
}

/// Verified copies as what keeps pictures together.
pub(super) fn as_ties(pairs: &[Copies]) -> Vec<Tied> {
    let why = |copies: &Copies| {
        let mirrored = if copies.mirrored { ", mirrored" } else { "" };
        format!("copies: {:.2} alike{mirrored}", copies.likeness)
    };
    let tied = |copies: &Copies| Tied {
        tie: Tie::Duplicates,
        why: why(copies),
        members: vec![copies.first, copies.second],
    };
    pairs.iter().filter(|pair| pair.verified).map(tied).collect()
}

type Elsewhere = BTreeMap<SampleId, Vec<String>>;

/// The members of each cluster: chains of copies, and pictures that were found in several places.
fn clustered(samples: &[Sample], pairs: &[Copies], elsewhere: &Elsewhere) -> Vec<Vec<usize>> {
    let mut ties = as_ties(pairs);
    let mut by_id: BTreeMap<SampleId, Vec<usize>> = BTreeMap::new();
    samples.iter().enumerate().for_each(|(index, sample)| by_id.entry(sample.id).or_default().push(index));
    ties.extend(by_id.into_values().map(|members| Tied {
        tie: Tie::Duplicates,
        why: String::new(),
        members,
    }));
    let mut clusters: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, chain) in chains(samples.len(), &ties).into_iter().enumerate() {
        clusters.entry(chain).or_default().push(index);
    }
    let twice = |members: &Vec<usize>| members.len() > 1 || elsewhere.contains_key(&samples[members[0]].id);
    clusters.into_values().filter(twice).collect()
}

fn cluster(members: &[usize], source: &Source, pairs: &[Copies], elsewhere: &Elsewhere) -> DuplicateCluster {
    let mut pictures = Vec::new();
    let (mut evidence, mut place_of) = (Vec::new(), BTreeMap::new());
    for &index in members {
        let sample = &source.samples()[index];
        let class = &source.classes()[sample.class];
        let first = pictures.len();
        place_of.insert(index, first);
        let files = elsewhere.get(&sample.id).cloned().unwrap_or_else(|| vec![sample.provenance.to_string()]);
        for file in files {
            let twin = pictures.iter().position(|other: &DuplicatePicture| other.id == sample.id);
            if let Some(twin) = twin {
                let second = pictures.len();
                let same = DuplicatePair {
                    first: twin,
                    second,
                    exact: true,
                    likeness: 1.0,
                    mirrored: false,
                    area: 1.0,
                };
                evidence.push(same);
            }
            pictures.push(DuplicatePicture { file, id: sample.id, class: class.clone() });
        }
    }
    for copies in pairs.iter().filter(|pair| pair.verified) {
        if let (Some(&first), Some(&second)) = (place_of.get(&copies.first), place_of.get(&copies.second))
            && pictures[first].id != pictures[second].id
        {
            let Copies { likeness, mirrored, area, .. } = *copies;
            evidence.push(DuplicatePair { first, second, exact: false, likeness, mirrored, area });
        }
    }
    let classes_differ = pictures.iter().any(|picture| picture.class != pictures[0].class);
    DuplicateCluster { pictures, evidence, classes_differ }
}
