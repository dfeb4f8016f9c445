//! The table: for each scenario the verdicts that are true, the phrases that are not, and the claims that may not be supported.

use super::super::Verdict::{self, Fail, Inconclusive, Pass, Warn};
use super::brain::Brain::{self, Direction, Means, Nearest};

/// What may be said in one scenario.
pub struct Expected {
    /// Its name.
    pub scenario: &'static str,
    /// How the classifier under audit learns there.
    pub brain: Brain,
    /// The checks that are asked, with the verdicts that are true.
    pub checks: &'static [(&'static str, &'static [Verdict])],
    /// Phrases that would be false in any finding.
    pub never: &'static [&'static str],
    /// Words of claims that may not be supported.
    pub unsupported: &'static [&'static str],
}

/// Something is wrong, and it is found.
const FOUND: &[Verdict] = &[Warn, Fail];
/// Something is wrong: at least it is not passed.
const NOT_PASSED: &[Verdict] = &[Inconclusive, Warn, Fail];
/// Nothing is wrong.
const QUIET: &[Verdict] = &[Pass, Inconclusive];
/// Either is true: what counts is what may not be said.
const ANY: &[Verdict] = &[Pass, Inconclusive, Warn, Fail];
const PASSED: &[Verdict] = &[Pass];

const CHANCE: &str = "better-than-chance";
const BY_HEART: &str = "memorisation";
const NOTHING_SEEN: &str = "nothing-to-see";
const SOURCES: &str = "leave-one-source-out";
const REGIONS: &str = "shortcut-regions";
const COPIES: &str = "duplicates-across-splits";
const LABELS: &str = "label-errors";
const DRIFT: &str = "split-drift";
const GROUPS: &str = "subgroups";
const CALIBRATION: &str = "calibration";

/// Words that say that nothing can be learned.
const NOTHING_LEARNED: &[&str] = &["Nothing is learned", "nothing was learned", "is a guess"];
const SOMETHING_LEARNED: &[&str] = &["Something is learned"];
const BY_THE_THING: &[&str] = &["looks at the thing", "no shortcut was found", "No shortcut was found."];
/// The checks that have to be quiet on sound pictures.
const SOUND: &[(&str, &[Verdict])] = &[
    (CHANCE, PASSED),
    (BY_HEART, QUIET),
    (NOTHING_SEEN, QUIET),
    (SOURCES, QUIET),
    (REGIONS, QUIET),
    (COPIES, QUIET),
    (LABELS, QUIET),
    (DRIFT, QUIET),
    (GROUPS, QUIET),
    (CALIBRATION, QUIET),
];

const fn row(
    scenario: &'static str,
    brain: Brain,
    checks: &'static [(&'static str, &'static [Verdict])],
    never: &'static [&'static str],
    unsupported: &'static [&'static str],
) -> Expected {
    Expected { scenario, brain, checks, never, unsupported }
}

#[rustfmt::skip]
pub static EXPECTED: [Expected; 34] = [
    row("fine", Direction, &[(CHANCE, PASSED), (BY_HEART, QUIET)], NOTHING_LEARNED, &[]),
    // A third of these small, noisy copies is not even found to be similar: what is right for them counts as learned.
    row("copies", Nearest, &[(CHANCE, ANY), (COPIES, NOT_PASSED)], SOMETHING_LEARNED, &["accuracy is"]),
    row("cols2", Means, &[(GROUPS, FOUND)], &["No clear gap"], &["gap", "group"]),
    row("cols10", Means, &[(GROUPS, FOUND)], &["No clear gap"], &["gap", "group"]),
    row("people", Means, SOUND, NOTHING_LEARNED, &[]),
    row("sites", Nearest, &[(SOURCES, FOUND)], &[], &["one source", "not seen"]),
    row("sites-grouped", Nearest, &[(SOURCES, FOUND)], &[], &["one source", "not seen"]),
    row("compas", Means, &[(GROUPS, FOUND)], &["No clear gap"], &["gap", "group"]),
    row("texture", Means, &[(NOTHING_SEEN, QUIET), (REGIONS, QUIET), (DRIFT, QUIET), (LABELS, QUIET)], NOTHING_LEARNED, &[]),
    row("clean-things", Means, SOUND, NOTHING_LEARNED, &[]),
    row("clean-discs", Means, &[(NOTHING_SEEN, QUIET), (COPIES, QUIET), (DRIFT, QUIET), (REGIONS, QUIET)], NOTHING_LEARNED, &[]),
    row("clean-three", Means, SOUND, NOTHING_LEARNED, &[]),
    row("one-group-a-source", Means, SOUND, NOTHING_LEARNED, &[]),
    row("signs", Means, &[(CHANCE, QUIET), (COPIES, &[Pass, Inconclusive, Warn]), (LABELS, QUIET), (DRIFT, QUIET)],
        &["at least one label is wrong", "were seen before"], &[]),
    row("small", Means, &[(CHANCE, QUIET), (BY_HEART, QUIET), (COPIES, QUIET), (LABELS, QUIET), (DRIFT, QUIET), (GROUPS, QUIET), (CALIBRATION, QUIET)],
        NOTHING_LEARNED, &[]),
    row("weak", Means, &[(CHANCE, QUIET)], NOTHING_LEARNED, &[]),
    row("minority", Means, &[(CHANCE, QUIET), (COPIES, QUIET), (DRIFT, QUIET)], NOTHING_LEARNED, &[]),
    row("random-labels", Means, &[(CHANCE, NOT_PASSED), (BY_HEART, NOT_PASSED)], SOMETHING_LEARNED, &["better than chance"]),
    row("random-majority", Means, &[(CHANCE, NOT_PASSED), (BY_HEART, NOT_PASSED)], SOMETHING_LEARNED, &["better than chance"]),
    row("jpeg-quality", Means, &[(NOTHING_SEEN, NOT_PASSED)], BY_THE_THING, &["hortcut"]),
    // A pattern all over the picture cannot be told from a texture: nothing finds it, and nothing may deny it.
    row("camera-noise", Means, &[(NOTHING_SEEN, ANY)], BY_THE_THING, &[]),
    row("file-names", Means, &[(NOTHING_SEEN, FOUND)], &[], &["hortcut"]),
    row("exif-software", Means, &[(NOTHING_SEEN, FOUND)], &[], &["hortcut"]),
    row("hot-pixel", Means, &[(REGIONS, FOUND)], BY_THE_THING, &["hortcut"]),
    row("date-stamp", Means, &[(REGIONS, FOUND)], BY_THE_THING, &["hortcut"]),
    row("middle-patch", Means, &[(REGIONS, FOUND)], BY_THE_THING, &["hortcut"]),
    row("scanner-line", Means, &[(REGIONS, FOUND)], BY_THE_THING, &["hortcut"]),
    row("torn-bursts", Nearest, &[(COPIES, NOT_PASSED)], &[], &["accuracy is"]),
    row("torn-person", Nearest, &[(CHANCE, NOT_PASSED), (COPIES, FOUND)], SOMETHING_LEARNED, &["better than chance", "accuracy is"]),
    row("rotated-copies", Nearest, &[(COPIES, NOT_PASSED)], &[], &["accuracy is"]),
    row("same-file-two-classes", Means, &[(LABELS, FOUND)], &[], &["abels are right"]),
    row("flips-30", Means, &[(LABELS, NOT_PASSED)], &[], &["abels are right"]),
    row("asymmetric-flips", Means, &[(LABELS, NOT_PASSED)], &[], &["abels are right"]),
    row("blurred-test", Means, &[(DRIFT, FOUND)], &[], &["accuracy is"]),
];
