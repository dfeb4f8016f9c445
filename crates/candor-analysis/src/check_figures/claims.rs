//! One published figure at a time: what it claims, and what the other figures say of it.

use serde::{Deserialize, Serialize};

use super::check::{CheckedAccuracy, Finding, FindingKind, overlap};
use super::published::{Average, Metric, PublishedAccuracy, PublishedFigures, PublishedScore};
use super::table::{Counts, Digits, ShareTable};
use super::words;
use crate::evaluate::{Accuracy, ConfusionMatrix};

/// A published figure with its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedClaim {
    /// What is claimed: `simple-cnn: accuracy .571`.
    pub claim: String,
    /// What the other figures say of it.
    pub verdict: ClaimVerdict,
    /// Why, in a sentence.
    pub because: String,
}

/// What the other figures say of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimVerdict {
    /// The confusion matrix gives this figure.
    Agrees,
    /// Nothing contradicts it, and nothing confirms it.
    Possible,
    /// It cannot be checked from what was published.
    NotChecked,
    /// The matrix gives another figure; it may be of another model or of other pictures.
    Doubtful,
    /// It cannot be right together with the other figures.
    Contradicted,
}

impl ClaimVerdict {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            ClaimVerdict::Agrees => "agrees",
            ClaimVerdict::Possible => "possible",
            ClaimVerdict::NotChecked => "not checked",
            ClaimVerdict::Doubtful => "doubtful",
            ClaimVerdict::Contradicted => "contradicted",
        }
    }
}

/// What is known before the claims are looked at.
pub(super) struct Known<'a> {
    pub figures: &'a PublishedFigures,
    pub pictures: Option<u64>,
    /// The counts behind the matrix, where they are exact.
    pub counts: Option<&'a ConfusionMatrix>,
    /// What its diagonal can add up to.
    pub diagonal: Option<Counts>,
    /// What the recall of each class can be, where the matrix is normalised by row.
    pub recalls: Option<&'a [(f64, f64)]>,
}

/// Every accuracy: its figures, its verdict, and what is worth saying.
pub(super) fn check_accuracies(known: &Known<'_>) -> (Vec<CheckedAccuracy>, Vec<CheckedClaim>, Vec<Finding>) {
    let figures = &known.figures.accuracies;
    let checked: Vec<CheckedAccuracy> = figures.iter().map(|published| compared(published, known)).collect();
    let one_agrees = checked.iter().any(|accuracy| accuracy.agrees_with_matrix == Some(true));
    let (mut claims, mut findings) = (Vec::new(), Vec::new());
    for (published, checked) in figures.iter().zip(&checked) {
        let claim = format!("{}: accuracy {}", published.name, published.value);
        let (verdict, reasons) = verdict(published, checked, known, one_agrees);
        let name = &published.name;
        findings.extend(reasons.iter().map(|(kind, reason)| Finding {
            kind: *kind,
            contradiction: verdict == ClaimVerdict::Contradicted,
            sentence: format!("{name}: {reason}."),
        }));
        let because = match reasons.is_empty() {
            true => "Nothing published contradicts or confirms it.".to_owned(),
            false => reasons.iter().map(|(_, reason)| format!("{reason}.")).collect::<Vec<_>>().join(" "),
        };
        claims.push(CheckedClaim { claim, verdict, because });
    }
    (checked, claims, findings)
}

/// One accuracy beside the number of pictures and the matrix.
fn compared(published: &PublishedAccuracy, known: &Known<'_>) -> CheckedAccuracy {
    let share = published.share();
    let counts = |pictures| [Digits::Rounded, Digits::CutOff].map(|digits| share.counts(pictures, digits)[0]);
    let whole = |pictures: u64| counts(pictures).iter().any(Option::is_some);
    let agrees = |diagonal| {
        let counts = counts(known.pictures?);
        Some(counts.into_iter().flatten().any(|count| overlap(count, diagonal)))
    };
    let accuracy = known.counts.map(Accuracy::of);
    // A mean over folds of unequal sizes, or over trainings, is not the share of the diagonal.
    let is_one = !published.is_mean() || equal_folds(published);
    CheckedAccuracy {
        name: published.name.clone(),
        published: published.value.to_string(),
        value: share.value(0),
        possible: known.pictures.and_then(|pictures| possible(published, &share, pictures, whole)),
        agrees_with_matrix: known.diagonal.filter(|_| is_one).and_then(agrees),
        within_interval: accuracy.map(|accuracy| accuracy.interval.contains(share.value(0))),
    }
}

fn equal_folds(published: &PublishedAccuracy) -> bool {
    let sizes = &published.fold_pictures;
    published.runs.is_none() && !sizes.is_empty() && sizes.iter().all(|size| *size == sizes[0])
}

/// Whether so many pictures can give this figure; `None` where that cannot be said.
fn possible(
    published: &PublishedAccuracy,
    share: &ShareTable,
    pictures: u64,
    whole: impl Fn(u64) -> bool,
) -> Option<bool> {
    let PublishedAccuracy { folds, fold_pictures, runs, .. } = published;
    match (folds, fold_pictures.as_slice(), runs) {
        (None, [], None) => Some(whole(pictures)),
        (None, [], Some(runs)) => Some(whole(pictures.checked_mul(*runs)?)),
        (_, [], _) => None,
        (_, sizes, None) => mean_of_folds(share, sizes),
        (_, _, Some(_)) => None,
    }
}

/// Whether the mean of one fraction a fold can be printed so; `None` for more than two different sizes of folds.
fn mean_of_folds(share: &ShareTable, sizes: &[u64]) -> Option<bool> {
    let mut different = sizes.to_vec();
    different.sort_unstable();
    different.dedup();
    let of = |size: u64| sizes.iter().filter(|&&other| other == size).count() as u64 * size;
    let (low, high) = share.bounds(0);
    let folds = sizes.len() as f64;
    match different[..] {
        // The mean of fractions of one size is a fraction of all.
        [size] => {
            Some([Digits::Rounded, Digits::CutOff].iter().any(|&d| share.counts(of(size), d)[0].is_some()))
        }
        [a, b] => Some((0..=of(a)).any(|hits| {
            let rest = |end: f64| (folds * end - hits as f64 / a as f64) * b as f64;
            // A hair more than the digits: the fractions here are not exact.
            let (first, last) = ((rest(low) - 1e-6).ceil().max(0.0), (rest(high) + 1e-6).floor());
            first <= last && first <= of(b) as f64
        })),
        _ => None,
    }
}

type Reasons = Vec<(FindingKind, String)>;

fn verdict(
    published: &PublishedAccuracy,
    checked: &CheckedAccuracy,
    known: &Known<'_>,
    one_agrees: bool,
) -> (ClaimVerdict, Reasons) {
    use FindingKind::{AccuracyAgainstMatrix, ImpossibleAccuracy};
    let value = &published.value;
    let mut contradictions = Reasons::new();
    if let (Some(false), Some(pictures)) = (checked.possible, known.pictures) {
        contradictions.push((ImpossibleAccuracy, impossible(published, checked.value, pictures)));
    }
    let folds: u64 = published.fold_pictures.iter().sum();
    if let Some(pictures) = known.pictures.filter(|&pictures| folds > 0 && folds != pictures) {
        let reason = format!("its folds hold {folds} pictures, but there are {pictures}");
        contradictions.push((ImpossibleAccuracy, reason));
    }
    let of_matrix = known.counts.map(Accuracy::of);
    let is_claimed = published.of_matrix.unwrap_or(!one_agrees);
    if checked.agrees_with_matrix == Some(false) && is_claimed {
        contradictions.push((AccuracyAgainstMatrix, against_matrix(checked, of_matrix)));
    }
    contradictions.extend(outside_of_recalls(published, known).map(|reason| (AccuracyAgainstMatrix, reason)));
    match checked.agrees_with_matrix {
        _ if !contradictions.is_empty() => (ClaimVerdict::Contradicted, contradictions),
        Some(true) => {
            (ClaimVerdict::Agrees, vec![(AccuracyAgainstMatrix, format!("{value} agrees with the matrix"))])
        }
        Some(false) if published.of_matrix.is_none() => {
            let reason = format!(
                "{}; another accuracy agrees with it. If this one is of another model or of other pictures, write of_matrix = false",
                against_matrix(checked, of_matrix)
            );
            (ClaimVerdict::Doubtful, vec![(AccuracyAgainstMatrix, reason)])
        }
        _ if published.is_mean() && checked.possible.is_none() => {
            let reason = format!(
                "{value} is a mean over several evaluations, which cannot be checked without the number of pictures of each \
                 (\"fold_pictures\", of at most two different sizes, or \"pictures\" and \"runs\")"
            );
            (ClaimVerdict::NotChecked, vec![(ImpossibleAccuracy, reason)])
        }
        _ if checked.possible.is_none() => (ClaimVerdict::NotChecked, Vec::new()),
        _ => (ClaimVerdict::Possible, Vec::new()),
    }
}

fn impossible(published: &PublishedAccuracy, value: f64, pictures: u64) -> String {
    let text = published.value.to_string();
    match (published.runs, published.fold_pictures.is_empty()) {
        (Some(runs), true) => words::no_fraction(&text, value, pictures * runs),
        (None, true) => words::no_fraction(&text, value, pictures),
        _ => format!("{text} is not the mean of fractions of the {} folds", published.fold_pictures.len()),
    }
}

/// `.571 contradicts the matrix, whose diagonal gives .472, and is outside its 95 % interval`
fn against_matrix(checked: &CheckedAccuracy, of_matrix: Option<Accuracy>) -> String {
    let matrix = of_matrix.map_or_else(String::new, |accuracy| {
        let interval = match checked.within_interval {
            Some(false) => ", and is outside its 95 % interval",
            _ => "",
        };
        format!(", whose diagonal gives {}{interval}", words::share(accuracy.value))
    });
    format!("{} is not the accuracy of the matrix{matrix}", checked.published)
}

/// An accuracy is a mean of the recalls, weighted by the classes' pictures: it cannot lie outside of them.
fn outside_of_recalls(published: &PublishedAccuracy, known: &Known<'_>) -> Option<String> {
    let recalls = known.recalls.filter(|_| known.counts.is_none() && published.of_matrix != Some(false))?;
    let low = recalls.iter().map(|recall| recall.0).fold(f64::INFINITY, f64::min);
    let high = recalls.iter().map(|recall| recall.1).fold(0.0, f64::max);
    let (least, most) = published.share().bounds(0);
    (most < low || least > high).then(|| {
        format!(
            "{} is outside the range of the recalls in the matrix ({} to {}), of which an accuracy is a weighted mean",
            published.value,
            words::share(low),
            words::share(high)
        )
    })
}

/// Every precision, recall and F1: its verdict, and what is worth saying.
pub(super) fn check_scores(known: &Known<'_>) -> (Vec<CheckedClaim>, Vec<Finding>) {
    let (mut claims, mut findings) = (Vec::new(), Vec::new());
    for score in &known.figures.scores {
        let (verdict, because) = against_counts(score, known)
            .or_else(|| against_recalls(score, known))
            .or_else(|| against_each_other(score, known.figures))
            .unwrap_or((
                ClaimVerdict::NotChecked,
                "It takes a confusion matrix, or precision, recall and F1 of the same class, to check it."
                    .to_owned(),
            ));
        let claim = format!("{}: {}", score.title(), score.value);
        if matches!(verdict, ClaimVerdict::Agrees | ClaimVerdict::Contradicted) {
            let contradiction = verdict == ClaimVerdict::Contradicted;
            let sentence = format!("{}: {because}", score.title());
            findings.push(Finding { kind: FindingKind::Score, contradiction, sentence });
        }
        claims.push(CheckedClaim { claim, verdict, because });
    }
    (claims, findings)
}

fn against_counts(score: &PublishedScore, known: &Known<'_>) -> Option<(ClaimVerdict, String)> {
    let counts = known.counts.filter(|_| score.of_matrix != Some(false))?;
    let value = value_of(score, known.figures, counts)?;
    let agrees = may_print(&score.share(), value);
    let because = format!("The matrix gives {}, {} is published.", words::share(value), score.value);
    Some((if agrees { ClaimVerdict::Agrees } else { ClaimVerdict::Contradicted }, because))
}

/// A matrix that is normalised by row has the recalls on its diagonal.
fn against_recalls(score: &PublishedScore, known: &Known<'_>) -> Option<(ClaimVerdict, String)> {
    let recalls =
        known.recalls.filter(|_| score.metric == Metric::Recall && score.of_matrix != Some(false))?;
    let (low, high) = match (&score.class, score.average) {
        (Some(class), _) => *recalls.get(known.figures.class_called(class)?)?,
        (None, Some(Average::Macro)) => {
            let mean =
                |end: fn(&(f64, f64)) -> f64| recalls.iter().map(end).sum::<f64>() / recalls.len() as f64;
            (mean(|recall| recall.0), mean(|recall| recall.1))
        }
        _ => return None,
    };
    let (least, most) = score.share().bounds(0);
    let agrees = least <= high && low <= most;
    let because = format!(
        "The matrix gives {} to {}, {} is published.",
        words::share(low),
        words::share(high),
        score.value
    );
    Some((if agrees { ClaimVerdict::Agrees } else { ClaimVerdict::Contradicted }, because))
}

/// Without a matrix: F1 is the harmonic mean of precision and recall of the same class.
fn against_each_other(score: &PublishedScore, figures: &PublishedFigures) -> Option<(ClaimVerdict, String)> {
    score.class.as_ref()?;
    let of = |metric| {
        figures
            .scores
            .iter()
            .find(|other| other.metric == metric && other.class == score.class && other.name == score.name)
    };
    let (precision, recall, f1) = (of(Metric::Precision)?, of(Metric::Recall)?, of(Metric::F1)?);
    let [p, r, f] = [precision, recall, f1].map(|score| score.share().bounds(0));
    let (low, high) = (harmonic(p.0, r.0), harmonic(p.1, r.1));
    if f.0 <= high && low <= f.1 {
        return Some((
            ClaimVerdict::Possible,
            "Precision, recall and F1 of this class fit together.".to_owned(),
        ));
    }
    let because = format!(
        "With a precision of {} and a recall of {}, F1 is {} to {}, but {} is published.",
        precision.value,
        recall.value,
        words::share(low),
        words::share(high),
        f1.value
    );
    Some((ClaimVerdict::Contradicted, because))
}

fn harmonic(precision: f64, recall: f64) -> f64 {
    if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
}

/// Whether a value is printed so when rounded or cut off.
fn may_print(share: &ShareTable, value: f64) -> bool {
    let (low, high) = share.bounds(0);
    (low - 1e-12..high + 1e-12).contains(&value)
}

/// The score that counts give. What no picture was predicted as has a precision of 0, as other programs print it.
fn value_of(score: &PublishedScore, figures: &PublishedFigures, counts: &ConfusionMatrix) -> Option<f64> {
    let cells = counts.counts();
    let classes = cells.len();
    let sum = |values: &mut dyn Iterator<Item = u64>| values.sum::<u64>() as f64;
    let support = |class: usize| sum(&mut cells[class].iter().copied());
    let of_class = |class: usize| {
        let hits = cells[class][class] as f64;
        let predicted = sum(&mut (0..classes).map(|row| cells[row][class]));
        let share = |of: f64| if of > 0.0 { hits / of } else { 0.0 };
        let (precision, recall) = (share(predicted), share(support(class)));
        match score.metric {
            Metric::Precision => precision,
            Metric::Recall => recall,
            Metric::F1 => harmonic(precision, recall),
        }
    };
    let pictures = counts.pictures() as f64;
    match (&score.class, score.average) {
        (Some(class), _) => figures.class_called(class).map(of_class),
        (None, Some(Average::Macro)) => Some((0..classes).map(of_class).sum::<f64>() / classes as f64),
        (None, Some(Average::Weighted)) => {
            Some((0..classes).map(|class| support(class) * of_class(class)).sum::<f64>() / pictures)
        }
        (None, Some(Average::Micro)) => Some(counts.correct() as f64 / pictures),
        (None, None) => None,
    }
}
