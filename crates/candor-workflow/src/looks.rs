//! The test split, under seal: the one place where its pictures are handed out, and where each look is counted.
//!
//! Whoever looks at the test split, changes something and looks again chooses the model by the test pictures; then its
//! accuracy on them says less and less about new ones. So looks are counted, and the report tells the number: not those
//! of one run alone, but those of all runs beside it (in the same folder) whose test pictures are the same. Ten runs
//! that were looked at once each were ten looks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use candor_core::{Sample, SampleId, Split, Subset};
use serde::{Deserialize, Serialize};

use crate::error::{Result, WorkflowError};
use crate::run_dir::{LOOKS, RunDir};

/// A split whose test pictures can be counted, but not touched.
#[derive(Clone, Debug)]
pub(crate) struct SealedSplit(Split);

/// One look at the test split, as it stands in `looks.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// UTC, RFC 3339.
    pub when: String,
    /// SHA-256 of the model's file: another model needs a look of its own.
    pub model: SampleId,
    /// What identifies the test pictures; runs of an older candor did not write it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<SampleId>,
    /// Pictures looked at.
    pub pictures: usize,
    /// What was seen.
    pub accuracy: f64,
}

impl SealedSplit {
    pub fn new(split: Split) -> SealedSplit {
        SealedSplit(split)
    }

    pub fn train(&self) -> &[usize] {
        &self.0.train
    }

    pub fn validation(&self) -> &[usize] {
        &self.0.validation
    }

    /// Who is where, for the audit: it looks for copies among the pictures themselves, and holds a model against test
    /// pictures only where its answers for them were made, and counted, before.
    pub fn for_audit(&self) -> &Split {
        &self.0
    }

    /// Pictures in `subset`.
    pub fn count(&self, subset: Subset) -> usize {
        self.0.indices(subset).len()
    }

    /// Pictures of each class in `subset`. Labels alone say nothing of a model: this is no look.
    pub fn per_class(&self, subset: Subset, samples: &[Sample], classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        self.0.indices(subset).iter().for_each(|&index| counts[samples[index].class] += 1);
        counts
    }

    /// The subset of each of so many pictures, `None` for those in no subset. Which picture is where stands in
    /// `split.json`: this is no look.
    pub fn membership(&self, pictures: usize) -> Vec<Option<Subset>> {
        let mut subsets = vec![None; pictures];
        for subset in Subset::ALL {
            self.0.indices(subset).iter().for_each(|&index| subsets[index] = Some(subset));
        }
        subsets
    }

    /// What identifies the test pictures, in whatever order. This is no look.
    pub fn test_fingerprint(&self, samples: &[Sample]) -> SampleId {
        fingerprint(self.0.test.iter().map(|&index| samples[index].id))
    }

    /// Breaks the seal: hands the test pictures to `judge`, which gives its result and the accuracy, and counts the
    /// look. Gives the result and the number of this run's looks, this one included. `test` identifies the pictures.
    pub fn look_at_test<T>(
        &self,
        run: &RunDir,
        test: SampleId,
        model: SampleId,
        judge: impl FnOnce(&[usize]) -> Result<(T, f64)>,
    ) -> Result<(T, usize)> {
        if self.0.test.is_empty() {
            return Err(WorkflowError::EmptySubset { subset: Subset::Test });
        }
        let (result, accuracy) = judge(&self.0.test)?;
        let pictures = self.0.test.len();
        let looks = count(run, Look { when: now(), model, test: Some(test), pictures, accuracy })?;
        Ok((result, looks))
    }
}

/// Counts another look at what the run's model answered before.
pub(crate) fn count_again(run: &RunDir, test: SampleId) -> Result<()> {
    match looks(run)?.pop() {
        Some(last) => count(run, Look { when: now(), test: Some(test), ..last }).map(drop),
        None => Ok(()),
    }
}

fn count(run: &RunDir, look: Look) -> Result<usize> {
    let mut looks = looks(run)?;
    looks.push(look);
    run.write_json(LOOKS, &looks)?;
    Ok(looks.len())
}

/// The SHA-256 of test pictures by their ids, in whatever order.
pub(crate) fn fingerprint(ids: impl IntoIterator<Item = SampleId>) -> SampleId {
    let mut ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
    ids.sort_unstable();
    SampleId::of(ids.concat().as_bytes())
}

/// Looks at the pictures that `test` identifies by the run and by those beside it.
pub(crate) fn looks_beside(run: &RunDir, test: SampleId) -> Result<usize> {
    // Looks of an older candor do not say at which pictures: within the run they were these.
    let unnamed = looks(run)?.iter().filter(|look| look.test.is_none()).count();
    let path = std::path::absolute(run.path()).unwrap_or_else(|_| run.path().to_owned());
    let folder = path.parent().unwrap_or(&path).to_owned();
    Ok(unnamed + looks_in_folders(&BTreeSet::from([folder]), test)?)
}

/// The same by all runs in `folders`. What is no run, or cannot be read, counts nothing.
pub(crate) fn looks_in_folders(folders: &BTreeSet<PathBuf>, test: SampleId) -> Result<usize> {
    let mut seen = 0;
    for folder in folders {
        let entries = fs::read_dir(folder).map_err(WorkflowError::file(folder, "read"))?;
        seen += entries.flatten().map(|entry| looks_of(&entry.path(), test)).sum::<usize>();
    }
    Ok(seen)
}

fn looks_of(run: &Path, test: SampleId) -> usize {
    let saved = fs::read(run.join(LOOKS)).ok();
    let looks: Vec<Look> = saved.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    looks.iter().filter(|look| look.test == Some(test)).count()
}

pub(crate) fn now() -> String {
    rfc3339(SystemTime::now())
}

/// All looks of the run so far.
fn looks(run: &RunDir) -> Result<Vec<Look>> {
    if run.has(LOOKS) { run.read_json(LOOKS) } else { Ok(Vec::new()) }
}

/// `2026-03-14T09:26:53Z`. Howard Hinnant's days-to-date algorithm; no calendar library for one line of text.
fn rfc3339(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_look_is_counted_and_a_failed_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(dir.path()).unwrap();
        let split = SealedSplit::new(Split { test: vec![4, 5], ..Split::default() });
        let model = SampleId::of(b"model");
        let test = fingerprint([model]);
        let look = || split.look_at_test(&run, test, model, |indices| Ok((indices.to_vec(), 0.5)));
        assert_eq!(look().unwrap(), (vec![4, 5], 1));
        let failed = split.look_at_test(&run, test, model, |_| -> Result<((), f64)> {
            Err(WorkflowError::Stopped { run: None })
        });
        assert!(failed.is_err());
        assert_eq!(look().unwrap().1, 2);
        let saved = looks(&run).unwrap();
        assert_eq!((saved.len(), saved[1].pictures, saved[1].accuracy), (2, 2, 0.5));
    }

    #[test]
    fn runs_beside_each_other_count_together_where_their_test_pictures_are_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let [ours, other] = [SampleId::of(b"ours"), SampleId::of(b"other")];
        let runs: Vec<RunDir> =
            ["a", "b", "c"].map(|name| RunDir::create(&dir.path().join(name)).unwrap()).into();
        let split = SealedSplit::new(Split { test: vec![4, 5], ..Split::default() });
        for (run, test) in runs.iter().zip([ours, ours, other]) {
            split.look_at_test(run, test, ours, |_| Ok(((), 0.5))).unwrap();
        }
        assert_eq!(looks_beside(&runs[0], ours).unwrap(), 2);
        count_again(&runs[1], ours).unwrap();
        assert_eq!(looks_beside(&runs[0], ours).unwrap(), 3);
        assert_eq!(looks_beside(&runs[2], other).unwrap(), 1);
    }

    #[test]
    fn dates_are_right_across_leap_days() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_773_480_413, "2026-03-14T09:26:53Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
        ];
        for (seconds, text) in cases {
            assert_eq!(rfc3339(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}
