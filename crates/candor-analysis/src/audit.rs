//! The audit: how far may this classifier be believed?
//!
//! A [`Check`] asks one question of a [`Case`] (pictures, split, the classifier and its answers) and gives one
//! [`Finding`]: pass, warn, fail or inconclusive, with its figures, its evidence, what it means and what to do. Each check
//! is one file; [`CHECKS`] lists them for the command line, the report and the manual. Where a check has to train, it
//! hands [`Task`]s to a [`Learner`] of the caller's: a five-line fake is enough to test it. [`planted`] makes pictures
//! with one known fault each, on which the checks are measured.

pub mod adversarial;
mod attributes;
mod better_than_chance;
mod calibration;
pub mod camouflage;
mod case;
mod changed_picture;
mod claims;
mod corruptions;
mod duplicates_across_splits;
mod error;
mod exchange;
mod facts;
mod feedback_loop;
mod figures;
mod finding;
mod folds;
mod group_gaps;
mod imbalance;
mod label_errors;
mod learner;
mod leave_one_source_out;
mod memorisation;
mod nothing_to_see;
mod outliers;
pub mod planted;
mod seed_variance;
mod shortcut_regions;
mod split_drift;
mod subgroups;
#[cfg(test)]
mod testing;
mod too_few;

use std::fmt;

pub use attributes::{Grouping, columns};
pub use case::{Answers, Case, Settings, Sources, StatedFigures};
pub use changed_picture::ChangedPicture;
pub use error::{AuditError, AuditErrorKind};
pub use facts::{Facts, FileFacts, Format};
pub use finding::{Evidence, Figure, Finding, Series, Shown, Table, Unit, Verdict};
pub use group_gaps::{GroupAccuracy, GroupGap, GroupGaps};
pub use label_errors::{Suspicions, confident_learning, out_of_fold, suspects};
pub use learner::{LearnError, Learner, Task};
pub use too_few::smallest_difference;

/// Every check, in the order of the report: first what makes all others idle.
pub static CHECKS: [&Check; 20] = [
    &better_than_chance::CHECK,
    &memorisation::CHECK,
    &seed_variance::CHECK,
    &nothing_to_see::CHECK,
    &leave_one_source_out::CHECK,
    &shortcut_regions::CHECK,
    &feedback_loop::CHECK,
    &duplicates_across_splits::CHECK,
    &label_errors::CHECK,
    &split_drift::CHECK,
    &imbalance::CHECK,
    &too_few::CHECK,
    &outliers::CHECK,
    &figures::CHECK,
    &subgroups::CHECK,
    &calibration::CHECK,
    &corruptions::CHECK,
    &camouflage::CHECK,
    &adversarial::CHECK,
    &claims::CHECK,
];

/// What a check is about; the report orders by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Topic {
    /// Is anything learned?
    Learned,
    /// Does it see the thing, or something else?
    SeesTheThing,
    /// Is the data sound?
    SoundData,
    /// For whom does it fail?
    ForWhom,
    /// How easily is it fooled?
    Fooled,
    /// What may be said?
    MaySay,
}

impl Topic {
    /// The topic as the question that it answers.
    pub fn question(self) -> &'static str {
        match self {
            Topic::Learned => "Is anything learned?",
            Topic::SeesTheThing => "Does it see the thing, or something else?",
            Topic::SoundData => "Is the data sound?",
            Topic::ForWhom => "For whom does it fail?",
            Topic::Fooled => "How easily is it fooled?",
            Topic::MaySay => "What may be said?",
        }
    }
}

/// What a check costs: `candor study` runs the cheap ones, `candor audit` all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Seconds; nothing is trained but simple models.
    Cheap,
    /// Minutes: networks are trained, or asked thousands of times.
    Training,
}

/// The severity scale of a check: from which figure on its verdict is what. The limits are the constants that the check
/// itself reads, so that a verdict always follows from the figures printed beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// What has to be shown for a pass.
    pub pass: &'static str,
    /// When these pictures cannot tell.
    pub inconclusive: &'static str,
    /// From where on it warns; empty where it never does.
    pub warn: &'static str,
    /// From where on it fails; empty where it never does.
    pub fail: &'static str,
}

impl Scale {
    /// Of a check whose scale is still to be written down.
    pub const UNWRITTEN: Scale = Scale { pass: "", inconclusive: "", warn: "", fail: "" };

    /// Each verdict with what it takes, from the best to the worst; one that a check never gives says so.
    pub fn lines(&self) -> [(Verdict, &'static str); 4] {
        let or_never = |text: &'static str| if text.is_empty() { "Never." } else { text };
        [
            (Verdict::Pass, or_never(self.pass)),
            (Verdict::Inconclusive, or_never(self.inconclusive)),
            (Verdict::Warn, or_never(self.warn)),
            (Verdict::Fail, or_never(self.fail)),
        ]
    }
}

/// When each check passes, is inconclusive, warns or fails, as a table in Markdown: for the manual.
pub fn severity_table() -> String {
    let row = |check: &&Check| {
        let cells = check.scale.lines().map(|(_, takes)| takes.replace('|', "\\|"));
        format!("| **{}** | {} |\n", check.id, cells.join(" | "))
    };
    let rows: String = CHECKS.iter().filter(|check| check.scale != Scale::UNWRITTEN).map(row).collect();
    format!("| check | pass | inconclusive | warn | fail |\n|---|---|---|---|---|\n{rows}")
}

/// One question to a case.
pub struct Check {
    /// Its name on the command line and in files.
    pub id: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Where it belongs.
    pub topic: Topic,
    /// What it costs.
    pub cost: Cost,
    /// Whether it permutes, so that its finding depends on how many permutations were asked for.
    pub permutes: bool,
    /// What it asks, in plain words.
    pub asks: &'static str,
    /// How it finds out.
    pub how: &'static str,
    /// What a fail means.
    pub fail_means: &'static str,
    /// What each of its verdicts means.
    pub scale: Scale,
    /// When it misleads.
    pub misleads: &'static str,
    /// After whom.
    pub reference: &'static str,
    run: fn(&Case<'_>, &dyn Learner) -> Result<Finding, AuditErrorKind>,
}

impl Check {
    /// The check with this id.
    pub fn find(id: &str) -> Option<&'static Check> {
        CHECKS.into_iter().find(|check| check.id == id)
    }

    /// Whether it sums up what the other checks found: it is asked after them, and again when they change.
    pub fn sums_up(&self) -> bool {
        self.topic == Topic::MaySay
    }

    /// Whether its finding depends on the figures that are told of the classifier ([`Case::stated`]).
    pub fn reads_stated_figures(&self) -> bool {
        std::ptr::eq(self, &figures::CHECK)
    }

    /// Asks. Whatever is random depends on the case's seed and on the check's id alone.
    ///
    /// # Errors
    /// When the person asked to stop, or the learner or the classifier gives up.
    pub fn run(&self, case: &Case<'_>, learner: &dyn Learner) -> Result<Finding, AuditError> {
        let failed = |kind| AuditError::new(self.id, kind);
        let finding = (self.run)(case, learner).map_err(failed)?;
        Ok(Finding { check: self.id.to_owned(), ..finding })
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{Bright, Fake};
    use super::*;

    #[test]
    fn ids_are_unique_found_and_every_word_is_there() {
        for check in CHECKS {
            assert!(std::ptr::eq(Check::find(check.id).unwrap(), check), "{check:?}");
            assert!(check.asks.ends_with('?'), "{check:?}");
            for text in [check.title, check.how, check.fail_means, check.misleads, check.reference] {
                assert!(!text.is_empty(), "{check:?}");
            }
        }
        assert!(Check::find("is-it-good").is_none());
    }

    #[test]
    fn every_check_answers_for_a_tiny_case_alike_each_time_and_says_what_to_do() {
        let fake = Fake::bright(24);
        for check in CHECKS {
            let run = || fake.with(|case| check.run(case, &Bright(&fake)).unwrap());
            let finding = run();
            assert_eq!(finding, run(), "{check:?}");
            assert_eq!(finding.check, check.id);
            assert!(!finding.headline.is_empty() && !finding.meaning.is_empty(), "{finding:?}");
            assert!(finding.verdict == Verdict::Pass || !finding.advice.is_empty(), "{finding:?}");
            let text = serde_json::to_string(&finding).unwrap();
            assert_eq!(serde_json::from_str::<Finding>(&text).unwrap(), finding);
        }
    }
}
