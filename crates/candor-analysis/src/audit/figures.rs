//! Do the figures that are told of this classifier agree: with each other, and with its answers?

use super::{
    AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, StatedFigures, Table, Topic, Unit, Verdict,
};
use crate::check_figures::{CheckedFigures, check};
use crate::evaluate::{Accuracy, ConfusionMatrix};

pub(super) static CHECK: Check = Check {
    id: "figures",
    title: "Figures that contradict",
    topic: Topic::SoundData,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Do the figures that are told of this classifier agree with each other and with its answers?",
    how: "The arithmetic of candor check-figures on the run's own evaluation and on the figures claimed of it (--figures FILE): is \
          each a possible fraction of so many pictures, do matrix, accuracies and class shares agree? The own ones are counted again \
          from the saved answers; claimed accuracies are laid beside the interval of the own one.",
    fail_means: "At least one of the figures is wrong, whatever the classifier can do.",
    misleads: "Figures can agree with each other and be wrong. A claimed accuracy of other pictures may rightly differ from the one \
               here.",
    reference: "Brown and Heathers, The GRIM test, Social Psychological and Personality Science 8 (2017)",
    scale: Scale::UNWRITTEN,
    run,
};

/// What one statement of figures comes to.
struct Judged {
    verdict: Verdict,
    by: String,
    sentences: Vec<String>,
}

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    if case.stated.is_empty() {
        return Ok(Finding::inconclusive(
            "No figures are told of this classifier.",
            "Judge it: candor evaluate. Figures that somebody claims of it are checked with --figures FILE.",
        ));
    }
    let judged: Vec<Judged> = case.stated.iter().map(|stated| judge(case, stated)).collect();
    let worst = judged.iter().rev().max_by_key(|one| one.verdict).expect("there is at least one");
    let headline = match worst.verdict {
        Verdict::Pass => match case.stated.iter().any(|stated| !stated.own) {
            true => "The figures of the evaluation and the claimed ones agree with each other and with the answers.".to_owned(),
            false => "The figures of the evaluation agree with each other and with the answers.".to_owned(),
        },
        _ => format!("{}: {}", worst.by, worst.sentences[0]),
    };
    let wrong = judged.iter().filter(|one| one.verdict == Verdict::Fail).count();
    let (meaning, advice) = words(worst.verdict);
    let rows = judged
        .iter()
        .flat_map(|one| one.sentences.iter().map(|sentence| vec![one.by.clone(), sentence.clone()]));
    let table = Table {
        title: "What follows from the figures".to_owned(),
        heading: ["told by", "what follows"].map(String::from).to_vec(),
        rows: rows.collect(),
    };
    Ok(Finding::new(worst.verdict, headline, meaning)
        .advice(advice)
        .used("figures as they are told, and the saved answers")
        .figure("statements of figures", judged.len() as f64, Unit::Count)
        .figure("statements that contradict", wrong as f64, Unit::Count)
        .with_table(table))
}

/// What matters most comes first among the sentences.
fn judge(case: &Case<'_>, stated: &StatedFigures) -> Judged {
    let by = stated.by.clone();
    let checked = match check(&stated.figures) {
        Ok(checked) => checked,
        Err(error) => {
            return Judged { verdict: Verdict::Inconclusive, by, sentences: vec![format!("{error}.")] };
        }
    };
    let answers = case.judged().and_then(|(_, answers)| case.labelled(answers));
    let counted = answers.map(|answers| ConfusionMatrix::of(&answers));
    let against = counted.as_ref().and_then(|counted| match stated.own {
        true => against_answers(&checked, counted),
        false => None,
    });
    let beside = counted.as_ref().filter(|_| !stated.own).map(|counted| beside_own(&checked, counted));
    let contradictions = checked.findings.iter().filter(|finding| finding.contradiction);
    let mut sentences: Vec<String> =
        against.into_iter().chain(contradictions.map(|finding| finding.sentence.clone())).collect();
    let mut verdict = if sentences.is_empty() { Verdict::Pass } else { Verdict::Fail };
    for (sentence, is_higher) in beside.into_iter().flatten() {
        verdict = if is_higher { verdict.max(Verdict::Warn) } else { verdict };
        sentences.push(sentence);
    }
    let rest = checked.findings.iter().filter(|finding| !finding.contradiction);
    sentences.extend(rest.map(|finding| finding.sentence.clone()));
    if sentences.is_empty() {
        sentences.push("Nothing follows from them.".to_owned());
    }
    Judged { verdict, by, sentences }
}

/// The run's own figures have to be those of its own answers.
fn against_answers(checked: &CheckedFigures, counted: &ConfusionMatrix) -> Option<String> {
    let told = checked.counts.as_ref().filter(|told| *told != counted)?;
    Some(format!(
        "It counts {} right of {}, but the saved answers are right in {} of {}.",
        told.correct(),
        told.pictures(),
        counted.correct(),
        counted.pictures()
    ))
}

/// Each claimed accuracy beside the one that was counted, and whether it lies above what that allows; those above come first.
fn beside_own(checked: &CheckedFigures, counted: &ConfusionMatrix) -> Vec<(String, bool)> {
    let own = Accuracy::of(counted);
    let sentence = |name: &str, published: &str, value: f64| {
        let (low, high) = (own.interval.low, own.interval.high);
        let where_ = match value {
            value if value > high => "above",
            value if value < low => "below",
            _ => "within",
        };
        let sentence = format!(
            "{name}: {published} lies {where_} what was counted here, {:.1}% of {} pictures ({:.1} to {:.1}%).",
            100.0 * own.value,
            own.pictures,
            100.0 * low,
            100.0 * high
        );
        (sentence, where_ == "above")
    };
    let mut all: Vec<(String, bool)> =
        checked.accuracies.iter().map(|one| sentence(&one.name, &one.published, one.value)).collect();
    all.sort_by_key(|&(_, is_above)| !is_above);
    all
}

fn words(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => ("Nothing in the figures contradicts. That they agree does not make them true.", ""),
        Verdict::Inconclusive => (
            "What was claimed cannot be checked as it stands.",
            "Give the number of pictures, a confusion matrix or accuracies; candor check-figures --help says how.",
        ),
        Verdict::Warn => (
            "More is claimed than these pictures show. It may have been counted on other pictures, or chosen among several attempts.",
            "Ask on which pictures the claimed figure was counted, and how many attempts there were; print the figure of this run.",
        ),
        Verdict::Fail => (
            "At least one printed figure is wrong: no set of pictures gives them all.",
            "Count again from the saved answers (candor evaluate), and print matrix, accuracy and number of pictures of one and the \
             same evaluation.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bright, Fake};
    use super::*;
    use crate::check_figures::PublishedFigures;

    fn asked(stated: &[StatedFigures]) -> Finding {
        let mut fake = Fake::bright(200);
        fake.answer(|index| index % 10 != 0);
        fake.with(|case| CHECK.run(&Case { stated, ..*case }, &Bright(&fake)).unwrap())
    }

    fn told(own: bool, toml: &str) -> StatedFigures {
        let figures: PublishedFigures = toml::from_str(toml).unwrap();
        StatedFigures { by: if own { "evaluation" } else { "claims.toml" }.to_owned(), own, figures }
    }

    #[test]
    fn own_figures_have_to_be_those_of_the_answers() {
        let mut fake = Fake::bright(200);
        fake.answer(|index| index % 10 != 0);
        let counted =
            fake.with(|case| ConfusionMatrix::of(&case.labelled(case.judged().unwrap().1).unwrap()));
        let cells = |add: u64| {
            let [[a, b], [c, d]] = [0, 1].map(|row| [0, 1].map(|column| counted.counts()[row][column]));
            format!("[confusion_matrix]\nunit = 'counts'\ncells = [[{}, {b}], [{c}, {d}]]", a + add)
        };
        assert_eq!(asked(&[told(true, &cells(0))]).verdict, Verdict::Pass);
        let finding = asked(&[told(true, &cells(3))]);
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.headline.contains("but the saved answers are right in"), "{}", finding.headline);
    }

    #[test]
    fn claims_are_contradicted_doubted_or_let_stand() {
        let accuracy =
            |value: &str| format!("pictures = 40\n[[accuracies]]\nname = 'cnn'\nvalue = '{value}'");
        for (value, verdict, says) in [
            ("90 %", Verdict::Pass, "agree"),
            ("100 %", Verdict::Warn, "above what was counted here"),
            ("91.7 %", Verdict::Fail, "is no fraction of 40"),
        ] {
            let finding = asked(&[told(false, &accuracy(value))]);
            assert_eq!(finding.verdict, verdict, "{finding:?}");
            assert!(finding.headline.contains(says), "{}", finding.headline);
        }
        assert_eq!(asked(&[]).verdict, Verdict::Inconclusive);
        let nothing = asked(&[told(false, "")]);
        assert_eq!(nothing.verdict, Verdict::Inconclusive);
        assert!(nothing.headline.starts_with("claims.toml: "), "{}", nothing.headline);
    }
}
