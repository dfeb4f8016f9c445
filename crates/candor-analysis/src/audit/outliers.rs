//! Pictures that do not belong: blank ones, odd sizes, odd colours.

use super::{
    AuditErrorKind, Case, Check, Cost, Evidence, Facts, Finding, Learner, Scale, Shown, Topic, Unit, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "outliers",
    title: "Outliers",
    topic: Topic::SoundData,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Are there pictures that show nothing, or are quite unlike all others in size or colour?",
    how: "Blank: the standard deviation of the light is below 1 % of its range. Odd: area, proportion, brightness, contrast, red against blue \
          lie more than eight robust standard deviations (from the median absolute deviation) from the median of all pictures.",
    fail_means: "Pictures that show nothing of their class are learned from, or evaluated.",
    misleads: "What is rare is not wrong: a single night shot is odd, and may belong.",
    reference: "Rousseeuw & Croux, Alternatives to the median absolute deviation, JASA 88 (1993)",
    scale: Scale {
        pass: "No picture is blank. Odd ones are listed: what is rare is not wrong.",
        inconclusive: "Never: every picture is looked at.",
        warn: "At least one picture is blank, fewer than 2 %.",
        fail: "2 % of the pictures or more are blank.",
    },
    run,
};

/// Standard deviation of the luma below which nothing is to be seen.
const BLANK: f64 = 0.01;
/// Robust standard deviations.
const ODD: f64 = 8.0;
/// From this share of blank pictures on it is a fail.
const FAIL: f64 = 0.02;
const EXHIBITS: usize = 40;

/// One number of a picture that can be odd: its name, the number, and the least spread that it is measured in.
type Trait = (&'static str, fn(&Facts) -> f64, f64);

static TRAITS: [Trait; 5] = [
    ("area", |facts| ((facts.width * facts.height) as f64).ln(), 0.1),
    ("proportion", |facts| (facts.width as f64 / facts.height as f64).ln(), 0.05),
    ("brightness", |facts| facts.mean.iter().sum::<f64>() / 3.0, 0.02),
    ("contrast", |facts| facts.spread, 0.02),
    ("colour", |facts| facts.mean[0] - facts.mean[2], 0.02),
];

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let blank: Vec<usize> = (0..case.facts.len()).filter(|&index| case.facts[index].spread < BLANK).collect();
    let mut odd: Vec<OddPicture> = Vec::new();
    for &(name, number, least) in &TRAITS {
        let values: Vec<f64> = case.facts.iter().map(number).collect();
        let (middle, spread) = robust(&values, least);
        for (index, value) in values.into_iter().enumerate() {
            let distance = (value - middle).abs() / spread;
            if distance <= ODD || blank.contains(&index) {
                continue;
            }
            match odd.iter_mut().find(|picture| picture.index == index) {
                Some(picture) => picture.traits.push((distance, name)),
                None => odd.push(OddPicture { index, traits: vec![(distance, name)] }),
            }
        }
    }
    odd.sort_by(|a, b| b.distance().total_cmp(&a.distance()));
    Ok(finding(case, &blank, &odd))
}

/// A picture unlike the others, with how far it is off by which traits.
struct OddPicture {
    index: usize,
    traits: Vec<(f64, &'static str)>,
}

impl OddPicture {
    fn distance(&self) -> f64 {
        self.traits.iter().map(|&(distance, _)| distance).fold(0.0, f64::max)
    }

    fn note(&self) -> String {
        let one =
            |&(distance, name): &(f64, &str)| format!("{name}: {distance:.0} deviations from the median");
        self.traits.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

/// Median, and median absolute deviation on the scale of a standard deviation, at least `least`.
fn robust(values: &[f64], least: f64) -> (f64, f64) {
    let middle = median(values.to_vec());
    let deviations = values.iter().map(|value| (value - middle).abs()).collect();
    (middle, (1.4826 * median(deviations)).max(least))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

fn finding(case: &Case<'_>, blank: &[usize], odd: &[OddPicture]) -> Finding {
    let pictures = case.facts.len();
    let share = blank.len() as f64 / pictures.max(1) as f64;
    let verdict = match () {
        () if share >= FAIL => Verdict::Fail,
        () if !blank.is_empty() => Verdict::Warn,
        () => Verdict::Pass,
    };
    let are = |count: usize| match count {
        0 => "None is".to_owned(),
        1 => "One is".to_owned(),
        some => format!("{some} are"),
    };
    let headline = match (blank.len(), odd.len()) {
        (0, 0) => {
            format!("None of {pictures} pictures is blank, or far from the others in size, light or colour.")
        }
        (0, odd) => format!(
            "None of {pictures} pictures is blank. {} far from the others in size, light or colour: a list to look at.",
            are(odd)
        ),
        (blank, odd) => format!(
            "Of {pictures} pictures {} blank: nothing can be seen. {} far from the others in size, light or colour.",
            are(blank).to_lowercase(),
            are(odd)
        ),
    };
    let (meaning, advice) = match (verdict, odd.is_empty()) {
        (Verdict::Pass, true) => ("Nothing stands out by its size, light or colour.", ""),
        (Verdict::Pass, false) => (
            "What is rare is not wrong. But a logo, an error page or a scan that got in by mistake would be among these.",
            "Look at them; take out what does not belong, and train again.",
        ),
        _ => (
            "A blank picture teaches nothing, and what it is answered is luck.",
            "Look at them; take out what does not belong, and train again.",
        ),
    };
    let exhibit = |index: usize, note: String| Evidence { note, pictures: vec![Shown::of(case, index)] };
    let blanks = blank.iter().map(|&index| exhibit(index, "blank".to_owned()));
    let odds = odd.iter().map(|picture| exhibit(picture.index, picture.note()));
    Finding::new(verdict, headline, meaning)
        .advice(advice)
        .used("all pictures; no model was asked")
        .figure("blank pictures", blank.len() as f64, Unit::Count)
        .figure("odd pictures", odd.len() as f64, Unit::Count)
        .with_evidence(blanks.chain(odds).take(EXHIBITS))
}

#[cfg(test)]
mod tests {
    use candor_core::{Channels, Image};

    use super::super::testing::{Bright, Fake};
    use super::*;

    #[test]
    fn blank_and_odd_pictures_are_shown() {
        let asked = |fake: &Fake| fake.with(|case| CHECK.run(case, &Bright(fake)).unwrap());
        let mut fake = Fake::bright(160);
        assert_eq!(asked(&fake).verdict, Verdict::Pass, "{:?}", asked(&fake));
        fake.facts[9].width = 1600;
        let odd = asked(&fake);
        assert_eq!(odd.verdict, Verdict::Pass, "what is rare is no fault");
        let said = "None of 160 pictures is blank. One is far from the others in size, light or colour: a list to look at.";
        assert_eq!((odd.headline.as_str(), odd.value("odd pictures")), (said, Some(1.0)));
        fake.facts[7] = Facts::of(&Image::filled(16, 16, Channels::Grey, 40), None);
        let finding = asked(&fake);
        assert_eq!(finding.verdict, Verdict::Warn);
        assert!(
            finding.headline.starts_with("Of 160 pictures one is blank: nothing can be seen"),
            "{}",
            finding.headline
        );
        let shown: Vec<usize> = finding.evidence.iter().map(|evidence| evidence.pictures[0].index).collect();
        assert_eq!(shown, [7, 9], "{finding:?}");
    }
}
