//! The claims: what people say of a classifier, in the words of what was tested, with the checks that each rests on.
//!
//! A claim is written from the figures of the findings that it rests on, where there are some. It says no more than they do.

use super::super::attributes::groupings;
use super::super::{Case, Finding};

/// A claim, and the checks that it rests on.
pub(super) struct Claim {
    /// The claim in a sentence, of this case.
    pub says: fn(&Case<'_>) -> String,
    /// The ids of the checks. The claim is as strong as the weakest of them.
    pub rests_on: &'static [&'static str],
    /// Whether it speaks of pictures that had no part in the training: validation chose the epoch.
    pub needs_test: bool,
}

const fn claim(says: fn(&Case<'_>) -> String, rests_on: &'static [&'static str]) -> Claim {
    Claim { says, rests_on, needs_test: false }
}

pub(super) static CLAIMS: [Claim; 11] = [
    claim(
        |_| "Its predictions on pictures that it was not trained on are better than chance.".to_owned(),
        &["better-than-chance", "duplicates-across-splits"],
    ),
    Claim { says: accuracy, rests_on: &["duplicates-across-splits", "split-drift"], needs_test: true },
    claim(
        |_| "The figures stated for it agree with each other and with its saved predictions.".to_owned(),
        &["figures"],
    ),
    claim(shortcuts, &["nothing-to-see", "shortcut-regions"]),
    claim(
        |_| {
            "Trained without the pictures from one source, it still recognises the classes in that source's pictures."
                .to_owned()
        },
        &["leave-one-source-out"],
    ),
    claim(
        |_| {
            "Trained again on another split, its accuracy changes little: the standard deviation is at most 6 points."
                .to_owned()
        },
        &["seed-variance"],
    ),
    claim(groups, &["subgroups"]),
    claim(|_| "Its stated probabilities agree with how often it is correct.".to_owned(), &["calibration"]),
    claim(
        |_| {
            "Slight noise, blur, JPEG compression, pixelation, and slight changes of brightness and contrast each leave at least \
             half of its gain over the most frequent class."
                .to_owned()
        },
        &["corruptions"],
    ),
    claim(
        |_| {
            "A bar, patch, mask, sunglasses or stripes over 2% of the picture change fewer than a quarter of its correct \
             predictions at arbitrary places, and fewer than half in the best place that was tried."
                .to_owned()
        },
        &["camouflage"],
    ),
    claim(
        |_| {
            "At least half of its correct predictions survive an attack with its own gradient (PGD) that changes no value by more \
             than 8 of 255."
                .to_owned()
        },
        &["adversarial"],
    ),
];

/// What nobody can show with the pictures of one study.
pub(super) const NEVER: [&str; 4] = [
    "It cannot be fooled by changes made on purpose.",
    "It knows what causes a picture to belong to a class.",
    "What it says about a single picture or person is true.",
    "It works on pictures of another kind, place or time.",
];

fn finding<'a>(case: &'a Case<'_>, check: &str) -> Option<&'a Finding> {
    case.findings.iter().find(|finding| finding.check == check)
}

fn accuracy(case: &Case<'_>) -> String {
    let measured = case.judged().and_then(|(_, answers)| case.accuracy(answers));
    match measured.map(|accuracy| accuracy.interval) {
        Some(interval) => format!(
            "On other pictures from the same source, its accuracy is between {:.0}% and {:.0}% (95% confidence).",
            100.0 * interval.low,
            100.0 * interval.high
        ),
        None => "On other pictures from the same source, its accuracy is about what was measured.".to_owned(),
    }
}

/// What `nothing-to-see` calls its figures, before what the simple model saw.
const SEEING_ONLY: &str = "accuracy seeing only ";

/// Which shortcuts were looked for: a shortcut of another kind may be there.
fn shortcuts(case: &Case<'_>) -> String {
    let seen = finding(case, "nothing-to-see").into_iter().flat_map(|finding| &finding.figures);
    let seen: Vec<&str> = seen.filter_map(|figure| figure.name.strip_prefix(SEEING_ONLY)).collect();
    let looked_for = match &seen[..] {
        [] => "the kinds that nothing-to-see and shortcut-regions look for".to_owned(),
        _ => {
            format!("these kinds (reading the class off {}, or off one region of the picture)", any_of(&seen))
        }
    };
    format!("No shortcut of {looked_for} was found. Other kinds were not looked for.")
}

/// `a`, `a or b`, `a, b or c`.
fn any_of(items: &[&str]) -> String {
    match items {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn groups(case: &Case<'_>) -> String {
    let columns: Vec<String> = groupings(case).into_iter().map(|grouping| grouping.what).collect();
    match &columns[..] {
        [] => "Its errors are about as frequent in every group of pictures.".to_owned(),
        [one] => format!("Between the groups of {one}, no clear gap in its errors was found."),
        [first @ .., last] => format!(
            "Between the groups of {} and {last}, no clear gap in its errors was found.",
            first.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::Fake;
    use super::super::super::{Unit, Verdict};
    use super::*;

    #[test]
    fn a_claim_names_what_was_looked_for() {
        let fake = Fake::bright(40);
        assert!(fake.with(shortcuts).contains("that nothing-to-see and shortcut-regions look for"));
        let finding = Finding { check: "nothing-to-see".into(), ..Finding::new(Verdict::Pass, "x", "y") }
            .figure("accuracy seeing only the corners", 0.5, Unit::Share)
            .figure("accuracy seeing only the file (size)", 0.5, Unit::Share);
        let says = fake.with(|case| shortcuts(&Case { findings: &[finding], ..*case }));
        assert!(says.contains("off the corners or the file (size), or off one region"), "{says}");
        assert!(says.ends_with("Other kinds were not looked for."), "{says}");
    }

    #[test]
    fn groups_are_named_one_or_several() {
        let mut fake = Fake::bright(64);
        assert!(fake.with(groups).contains("every group"));
        for (columns, says) in
            [(&["sex"][..], "groups of sex, no"), (&["sex", "skin"], "of sex and skin, no")]
        {
            for (index, sample) in fake.samples.iter_mut().enumerate() {
                for &column in columns {
                    sample.attributes.insert(column.into(), ["a", "b"][index / 2 % 2].into());
                }
            }
            assert!(fake.with(groups).contains(says), "{}", fake.with(groups));
        }
    }
}
