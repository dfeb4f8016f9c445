//! Do the figures stated for this classifier agree: with each other, and with its saved predictions?

use super::{
    AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, StatedFigures, Table, Topic, Unit, Verdict,
};
use crate::check_figures::{CheckedFigures, ClaimVerdict, check};
use crate::evaluate::{Accuracy, ConfusionMatrix};

pub(super) static CHECK: Check = Check {
    id: "figures",
    title: "Figures that contradict each other",
    topic: Topic::SoundData,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Do the figures stated for this classifier agree with each other and with its predictions?",
    how: "The arithmetic of candor check-figures, on the run's own evaluation and on the figures claimed for it (--figures FILE). Can \
          each figure come from this number of pictures? Do matrix, accuracies, precision, recall, F1 and class shares agree? The \
          run's own figures are counted again from the saved predictions. Claimed accuracies are compared with the interval of the \
          run's own.",
    fail_means: "At least one of the figures is wrong, whatever the classifier can do.",
    misleads: "Figures can agree with each other and still be wrong. A claimed accuracy on other pictures may rightly differ from the \
               one here.",
    reference: "Brown and Heathers, The GRIM test, Social Psychological and Personality Science 8 (2017)",
    scale: Scale {
        pass: "Every statement of figures was checked; no figure is contradicted or doubtful, and no claimed accuracy is above the \
               95 % interval of the run's own.",
        inconclusive: "No figures are stated, or one statement cannot be read.",
        warn: "A claimed accuracy is above the 95 % interval of the run's own, or a claim does not agree with its own matrix while \
               another one does.",
        fail: "A figure contradicts another one, is not possible with its number of pictures, or is not that of the saved predictions.",
    },
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
            "No figures are stated for this classifier.",
            "Evaluate it: candor evaluate. To check figures that somebody claims for it, use --figures FILE.",
        ));
    }
    let judged: Vec<Judged> = case.stated.iter().map(|stated| judge(case, stated)).collect();
    let worst = judged.iter().rev().max_by_key(|one| one.verdict).expect("there is at least one");
    let headline = match worst.verdict {
        Verdict::Pass => match case.stated.iter().any(|stated| !stated.own) {
            true => "No contradiction was found in the figures of the evaluation, the claimed figures and the saved predictions."
                .to_owned(),
            false => "No contradiction was found in the figures of the evaluation and the saved predictions.".to_owned(),
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
        heading: ["stated by", "what follows"].map(String::from).to_vec(),
        rows: rows.collect(),
    };
    Ok(Finding::new(worst.verdict, headline, meaning)
        .advice(advice)
        .used("the stated figures and the saved predictions")
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
    for claim in checked.claims.iter().filter(|claim| claim.verdict == ClaimVerdict::Doubtful) {
        verdict = verdict.max(Verdict::Warn);
        sentences.push(format!("{}. {}", claim.claim, claim.because));
    }
    for (sentence, is_higher) in beside.into_iter().flatten() {
        verdict = if is_higher { verdict.max(Verdict::Warn) } else { verdict };
        sentences.push(sentence);
    }
    let rest = checked.findings.iter().filter(|finding| !finding.contradiction);
    sentences.extend(rest.map(|finding| finding.sentence.clone()));
    if sentences.is_empty() {
        sentences.push("Nothing follows from these figures.".to_owned());
    }
    Judged { verdict, by, sentences }
}

/// The run's own figures have to be those of its own answers.
fn against_answers(checked: &CheckedFigures, counted: &ConfusionMatrix) -> Option<String> {
    let told = checked.counts.as_ref().filter(|told| *told != counted)?;
    Some(format!(
        "It counts {} correct of {}, but {} of {} saved predictions are correct.",
        told.correct(),
        told.pictures(),
        counted.correct(),
        counted.pictures()
    ))
}

/// Each claimed accuracy beside the one that was counted, and whether it lies above its interval; those above come first.
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
            "{name}: {published} is {where_} the 95% interval of what was counted here, {:.1}% to {:.1}% ({} of {} pictures correct).",
            100.0 * low,
            100.0 * high,
            own.correct,
            own.pictures
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
        Verdict::Pass => {
            ("The figures do not contradict each other. That does not prove that they are right.", "")
        }
        Verdict::Inconclusive => (
            "The stated figures cannot be checked in this form.",
            "Give the number of pictures, a confusion matrix, accuracies or scores; candor check-figures --template shows how.",
        ),
        Verdict::Warn => (
            "More is claimed than these pictures show. The claim may be about other pictures, or the best of several attempts.",
            "Ask on which pictures the claimed figure was counted, and how many attempts there were; print the figure of this run.",
        ),
        Verdict::Fail => (
            "At least one printed figure is wrong: no set of pictures gives all of them.",
            "Count again from the saved predictions (candor evaluate), and print matrix, accuracy and number of pictures of the same \
             evaluation.",
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
        assert!(finding.headline.contains("saved predictions are correct"), "{}", finding.headline);
    }

    #[test]
    fn claims_are_contradicted_doubted_or_accepted() {
        let accuracy =
            |value: &str| format!("pictures = 40\n[[accuracies]]\nname = 'cnn'\nvalue = '{value}'");
        for (value, verdict, says) in [
            ("90 %", Verdict::Pass, "No contradiction"),
            ("100 %", Verdict::Warn, "above the 95% interval of what was counted here"),
            ("91.7 %", Verdict::Fail, "is not a fraction of 40"),
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

    #[test]
    fn a_claim_beside_a_matrix_that_gives_another_figure_is_doubtful_even_where_a_second_claim_agrees() {
        // 49 of 100 are right; .80 is claimed, and .49 as well.
        let matrix = "[confusion_matrix]\nunit = 'counts'\ncells = [[25, 25], [26, 24]]\n";
        let claim = |value: &str| format!("[[accuracies]]\nname = 'cnn {value}'\nvalue = '{value}'\n");
        let both = [matrix.to_owned(), claim(".80"), claim(".49")].concat();
        let finding = asked(&[told(false, &both)]);
        assert_eq!(finding.verdict, Verdict::Warn, "{finding:?}");
        assert!(finding.headline.contains(".80"), "{}", finding.headline);
        let alone = asked(&[told(false, &[matrix.to_owned(), claim(".80")].concat())]);
        assert_eq!(alone.verdict, Verdict::Fail, "{alone:?}");
        let fine = asked(&[told(false, &[matrix.to_owned(), claim(".49")].concat())]);
        assert_eq!(fine.verdict, Verdict::Pass, "{fine:?}");
    }
}
