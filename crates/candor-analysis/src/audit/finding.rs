//! What a check found: a verdict, one sentence, figures, evidence, what it means and what to do.

use candor_core::{Image, Provenance, SampleId};
use serde::{Deserialize, Serialize};

use super::{Case, ChangedPicture, Learner, LearnerKind};
use crate::evaluate::Interval;
use crate::interval::TestOutcome;

/// A check's answer, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing was found.
    Pass,
    /// These pictures cannot tell.
    Inconclusive,
    /// Something to look into before anything is claimed.
    Warn,
    /// What the classifier seems to do, it does not do.
    Fail,
}

impl Verdict {
    /// `pass`, `inconclusive`, `warn` or `fail`.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        }
    }
}

/// What a finding rests on. Only what rests on the run itself may become a claim about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The run's predictions: saved ones, or those for pictures that the check made.
    #[default]
    Predictions,
    /// Trainings of the run's own recipe.
    OwnRecipe,
    /// Trainings of a small stand-in network: a hint, never a claim.
    Surrogate,
    /// The pictures and what is known of them, whatever the run learned.
    Pictures,
}

impl Basis {
    /// Whether a claim about the run may rest on it.
    pub fn speaks_for_the_run(self) -> bool {
        self != Basis::Surrogate
    }
}

/// A check's answer with its grounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The check's id.
    pub check: String,
    /// In a word.
    pub verdict: Verdict,
    /// What it rests on.
    #[serde(default)]
    pub basis: Basis,
    /// In a sentence with the figure that decides.
    pub headline: String,
    /// What that means, for a reader without statistics.
    pub meaning: String,
    /// What to do; empty where there is nothing to do.
    pub advice: String,
    /// Which pictures were used, and whether the test split was among them.
    pub used: String,
    /// Permutations that were asked for, of a check that permutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_permutations: Option<usize>,
    /// The numbers.
    pub figures: Vec<Figure>,
    /// Curves and distributions to be drawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<Series>,
    /// Tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<Table>,
    /// Pictures to be looked at, the most telling first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// Name of the figure that holds the p-value by which a check decides, corrected for all that it asked.
pub const P_VALUE: &str = "p-value";
/// Name of the figure that holds the smallest p-value that the same test could have given. Above the level the test could
/// not have rejected, and the check is inconclusive.
pub const SMALLEST_POSSIBLE_P: &str = "smallest possible p-value";

/// A number with its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// The number; `None` (JSON null) where it is undefined.
    pub value: Option<f64>,
    /// Its 95 % interval, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// How it is read.
    pub unit: Unit,
}

/// How a figure is read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A share in 0..=1, written in per cent.
    Share,
    /// A difference of shares, written in percentage points.
    Points,
    /// A whole number.
    Count,
    /// A probability under the null hypothesis.
    PValue,
    /// A number as it is.
    Plain,
}

/// A curve, or a distribution with the value that was observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// What is drawn.
    pub title: String,
    /// Name of the horizontal axis.
    pub x: String,
    /// Name of the vertical axis; `None` where `points` are a bare list of values, to be drawn as a histogram over x.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// (x, y); of a distribution y is 1 for each value.
    pub points: Vec<(f64, f64)>,
    /// A value on the horizontal axis to be marked: what was observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<f64>,
}

/// Rows of text under a heading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// One entry a column.
    pub heading: Vec<String>,
    /// One entry a row, as many cells as the heading.
    pub rows: Vec<Vec<String>>,
}

/// One or two pictures with what is to be seen there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What to see.
    pub note: String,
    /// The pictures that belong together.
    pub pictures: Vec<Shown>,
}

/// A picture that is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// Its place among the case's samples.
    pub index: usize,
    /// The original's SHA-256.
    pub id: SampleId,
    /// Where it came from.
    pub provenance: Provenance,
    /// What the check made of it, where it is shown so and not as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<ChangedPicture>,
}

impl Finding {
    /// A verdict with its sentence, and what it means. The registry fills in the check's id.
    pub fn new(verdict: Verdict, headline: impl Into<String>, meaning: impl Into<String>) -> Finding {
        Finding {
            check: String::new(),
            verdict,
            basis: Basis::default(),
            headline: headline.into(),
            meaning: meaning.into(),
            advice: String::new(),
            used: String::new(),
            asked_permutations: None,
            figures: Vec::new(),
            series: Vec::new(),
            tables: Vec::new(),
            evidence: Vec::new(),
        }
    }

    /// These pictures cannot tell: why, and what would.
    pub fn inconclusive(headline: impl Into<String>, advice: impl Into<String>) -> Finding {
        let meaning =
            "This question cannot be answered with these pictures. That is neither good nor bad news.";
        Finding::new(Verdict::Inconclusive, headline, meaning).advice(advice)
    }

    /// With what to do.
    pub fn advice(self, advice: impl Into<String>) -> Finding {
        Finding { advice: advice.into(), ..self }
    }

    /// Resting on something else than the run's predictions.
    pub fn basis(self, basis: Basis) -> Finding {
        Finding { basis, ..self }
    }

    /// With which pictures were used.
    pub fn used(self, used: impl Into<String>) -> Finding {
        Finding { used: used.into(), ..self }
    }

    /// Made by training on so many pictures, without the test split.
    pub(super) fn trained_on(self, pictures: usize, learner: &dyn Learner) -> Finding {
        let summary = learner.summary();
        let used = format!(
            "{pictures} pictures of train and validation, by {summary}; the test split was not touched"
        );
        self.used(used).trained_by(learner)
    }

    /// Resting on what `learner` trained.
    ///
    /// What a stand-in network shows is a hint: its headline says whose it is, it neither passes nor fails, and it is
    /// inconclusive where it would have passed.
    pub(super) fn trained_by(self, learner: &dyn Learner) -> Finding {
        match learner.kind() {
            LearnerKind::OwnRecipe => self.basis(Basis::OwnRecipe),
            LearnerKind::Surrogate => self.into_hint(),
        }
    }

    /// As the hint of a stand-in network.
    fn into_hint(self) -> Finding {
        let verdict = match self.verdict {
            Verdict::Pass | Verdict::Inconclusive => Verdict::Inconclusive,
            Verdict::Warn | Verdict::Fail => Verdict::Warn,
        };
        let headline = format!("A hint from a small stand-in network, not from this run: {}", self.headline);
        let advice = match self.advice.is_empty() {
            true => "Train the run's own recipe instead: give the audit a larger --budget.".to_owned(),
            false => self.advice,
        };
        Finding { verdict, headline, advice, basis: Basis::Surrogate, ..self }
    }

    /// Whether it is about a network that was trained in the place of the one under audit: a hint, and never a claim about that.
    pub fn is_of_another_network(&self) -> bool {
        self.basis == Basis::Surrogate
    }

    /// With one more number.
    pub fn figure(mut self, name: impl Into<String>, value: f64, unit: Unit) -> Finding {
        let value = value.is_finite().then_some(value);
        self.figures.push(Figure { name: name.into(), value, interval: None, unit });
        self
    }

    /// With one more number and its 95 % interval.
    pub fn figure_within(
        mut self,
        name: impl Into<String>,
        value: f64,
        interval: Interval,
        unit: Unit,
    ) -> Finding {
        self.figures.push(Figure { name: name.into(), value: Some(value), interval: Some(interval), unit });
        self
    }

    /// With what a test gave, under the names that every check uses: [`P_VALUE`] and [`SMALLEST_POSSIBLE_P`].
    pub fn tested(self, outcome: TestOutcome) -> Finding {
        self.figure(P_VALUE, outcome.p, Unit::PValue).figure(
            SMALLEST_POSSIBLE_P,
            outcome.smallest_possible_p,
            Unit::PValue,
        )
    }

    /// With a curve or a distribution.
    pub fn with_series(mut self, series: Series) -> Finding {
        self.series.push(series);
        self
    }

    /// With a table.
    pub fn with_table(mut self, table: Table) -> Finding {
        self.tables.push(table);
        self
    }

    /// With pictures to be looked at.
    pub fn with_evidence(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Finding {
        self.evidence.extend(evidence);
        self
    }

    /// The figure called so.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.name == name)?.value
    }
}

impl Series {
    /// A distribution of values, with the one that was observed.
    pub fn distribution(title: &str, x: &str, values: &[f64], observed: f64) -> Series {
        let points = values.iter().map(|&value| (value, 1.0)).collect();
        Series { title: title.to_owned(), x: x.to_owned(), y: None, points, mark: Some(observed) }
    }
}

impl Shown {
    /// The picture at `index` of `case`.
    pub fn of(case: &Case<'_>, index: usize) -> Shown {
        let sample = &case.samples()[index];
        Shown { index, id: sample.id, provenance: sample.provenance.clone(), changed: None }
    }

    /// What became of the picture at `index` of `case`.
    pub fn changed(case: &Case<'_>, index: usize, image: &Image) -> Shown {
        Shown { changed: Some(ChangedPicture::of(image)), ..Shown::of(case, index) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bright, Fake, StandIn};
    use super::*;

    #[test]
    fn verdicts_are_ordered_from_the_best_to_the_worst() {
        assert!(Verdict::Pass < Verdict::Inconclusive && Verdict::Warn < Verdict::Fail);
        let finding = Finding::new(Verdict::Pass, "a", "b").figure("p", f64::NAN, Unit::PValue);
        assert_eq!((finding.value("p"), finding.value("q")), (None, None));
    }

    #[test]
    fn a_stand_in_network_gives_hints_and_old_findings_rest_on_predictions() {
        let fake = Fake::bright(24);
        let trained = |verdict, learner: &dyn Learner| {
            let finding = Finding::new(verdict, "It is so.", "b").trained_on(24, learner);
            (finding.verdict, finding.basis, finding.headline.starts_with("A hint from a small stand-in"))
        };
        let own = Bright(&fake);
        let small = StandIn(&own);
        for (verdict, hint) in [
            (Verdict::Pass, Verdict::Inconclusive),
            (Verdict::Inconclusive, Verdict::Inconclusive),
            (Verdict::Warn, Verdict::Warn),
            (Verdict::Fail, Verdict::Warn),
        ] {
            assert_eq!(trained(verdict, &own), (verdict, Basis::OwnRecipe, false));
            assert_eq!(trained(verdict, &small), (hint, Basis::Surrogate, true));
        }
        assert!(!Basis::Surrogate.speaks_for_the_run() && Basis::OwnRecipe.speaks_for_the_run());
        let mut old = serde_json::to_value(Finding::new(Verdict::Pass, "a", "b")).unwrap();
        old.as_object_mut().unwrap().remove("basis");
        assert_eq!(serde_json::from_value::<Finding>(old).unwrap().basis, Basis::Predictions);
    }
}
