//! `audit --repair`: the run again, with copies kept together by the split, and what that does to the accuracy.

use std::path::{Path, PathBuf};

use candor_analysis::near_duplicates::Copies;
use candor_core::{Reporter, Sample, Subset};
use candor_data::study::{Tie, Tied, chains};
use serde::Serialize;

use super::duplicates::as_ties;
use super::train::{SubsetFigures, finish};
use crate::error::{Result, WorkflowError};
use crate::judge::{figures, saved_answers};
use crate::near_copies::near_copies;
use crate::pictures::{SourceSpec, Together, groups_table};
use crate::recipe::{RecipeError, RecipeFile};
use crate::run::{Beginning, Run};
use crate::run_dir::{GROUPS, RECIPE, RunDir, free_name};
use crate::threads::in_pool;

/// A run without copies across its splits, beside the one that had them.
#[derive(Clone, Debug, Serialize)]
pub struct Repaired {
    /// The new run's folder.
    pub run: PathBuf,
    /// Clusters of copies.
    pub clusters: usize,
    /// Pictures in them.
    pub pictures: usize,
    /// What both were judged on: test where the old run was judged on it.
    pub subset: Subset,
    /// Before, with copies torn apart.
    pub before: SubsetFigures,
    /// After, with copies kept together.
    pub after: SubsetFigures,
}

/// Splits again with copies kept together, trains by the same recipe into a folder beside the run's, and judges. `None` where there
/// are no copies. A new split has new test pictures: judging it is a look at those.
///
/// # Errors
/// When the source brings its split along, the training fails, or the person stops it.
pub(super) fn repair(run: &Run, reporter: &dyn Reporter) -> Result<Option<Repaired>> {
    if run.pictures.predefined().is_some() {
        return Err(WorkflowError::OwnSplit { source_name: run.record.spec.name() });
    }
    let copies = in_pool(run.threads, || near_copies(&run.pictures, reporter))?;
    let (together, clusters) = together(&run.prepared.samples, &copies);
    if clusters == 0 {
        return Ok(None);
    }
    let (subset, before) = last_judged(run)?;
    let path = free_name(format!("{}-repaired", run.dir.path().display()));
    let after = train_again(run, &path, &together, subset, reporter)?;
    let pictures = together.len();
    Ok(Some(Repaired { run: path, clusters, pictures, subset, before, after }))
}

/// The pictures that have company, by copies or by the groups that there are, and how many clusters hold copies.
fn together(samples: &[Sample], copies: &[Copies]) -> (Together, usize) {
    let mut ties = as_ties(copies);
    let mut known: Vec<(&str, usize)> =
        samples.iter().enumerate().filter_map(|(at, sample)| Some((sample.group.as_deref()?, at))).collect();
    known.sort_unstable();
    let grouped = known.chunk_by(|a, b| a.0 == b.0).map(|members| Tied {
        tie: Tie::Group,
        why: members[0].0.to_owned(),
        members: members.iter().map(|member| member.1).collect(),
    });
    ties.extend(grouped);
    let chain_of = chains(samples.len(), &ties);
    let mut sizes = vec![0; samples.len()];
    chain_of.iter().for_each(|&chain| sizes[chain] += 1);
    let has_company = |at: &usize| sizes[chain_of[*at]] > 1;
    let name = |at: usize| (samples[at].id, format!("chain {}", chain_of[at]));
    let together = (0..samples.len()).filter(has_company).map(name).collect();
    let mut with_copies: Vec<usize> = copies.iter().map(|copies| chain_of[copies.first]).collect();
    with_copies.sort_unstable();
    with_copies.dedup();
    (together, with_copies.len())
}

/// Test where it was judged, else validation.
fn last_judged(run: &Run) -> Result<(Subset, SubsetFigures)> {
    let mut judged = figures(run, &saved_answers(run)?)?;
    let found = [Subset::Test, Subset::Validation]
        .into_iter()
        .find_map(|subset| Some((subset, judged.remove(&subset)?)));
    let (subset, judgement) = found.ok_or_else(|| WorkflowError::NotJudged {
        run: run.dir.path().to_owned(),
        subset: Subset::Validation,
    })?;
    Ok((subset, SubsetFigures::of(judgement).after(subset, run.history()?.epochs.len())))
}

fn train_again(
    run: &Run,
    path: &Path,
    together: &Together,
    subset: Subset,
    reporter: &dyn Reporter,
) -> Result<SubsetFigures> {
    let dir = RunDir::create(path)?;
    dir.write(GROUPS, groups_table(together))?;
    let text = String::from_utf8_lossy(&run.dir.read(RECIPE)?).into_owned();
    let recipe: RecipeFile = toml::from_str(&text).map_err(RecipeError::from)?;
    let source = SourceSpec { groups: Some(dir.file(GROUPS)), ..run.record.spec.clone() };
    let beginning = Beginning {
        source: &source,
        recipe: &recipe,
        // What was judged on test before is judged on test again.
        study: run.record.study || subset == Subset::Test,
        baselines: run.record.baselines,
        threads: run.threads,
    };
    let repaired = Run::begin(dir, &beginning, reporter)?;
    let result = finish(&repaired, reporter)?;
    let after = if subset == Subset::Test { result.test } else { result.validation };
    after.ok_or_else(|| WorkflowError::NotJudged { run: path.to_owned(), subset })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use candor_core::{Provenance, SampleId};

    use super::*;

    #[test]
    fn copies_and_groups_form_chains_and_lone_pictures_stay_alone() {
        let sample = |(at, group): (usize, Option<&str>)| Sample {
            id: SampleId::of(&[at as u8]),
            class: 0,
            group: group.map(str::to_owned),
            provenance: Provenance { file: String::new(), row: None, url: None },
            attributes: BTreeMap::new(),
        };
        let groups = [None, Some("ann"), None, Some("ann"), None, None];
        let samples: Vec<Sample> = groups.into_iter().enumerate().map(sample).collect();
        let copies = [(0, 1), (4, 5)].map(|(first, second)| Copies {
            first,
            second,
            likeness: 1.0,
            mirrored: false,
            area: 1.0,
        });
        let (together, clusters) = together(&samples, &copies);
        assert_eq!((together.len(), clusters), (5, 2));
        assert_eq!(together[&samples[0].id], together[&samples[3].id]);
        assert_ne!(together[&samples[0].id], together[&samples[4].id]);
        assert!(!together.contains_key(&samples[2].id));
    }
}
