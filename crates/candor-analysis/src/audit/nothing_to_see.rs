//! Could the answer be read off without seeing the thing? Simple models that see only what should say nothing; and, where
//! one of them gets far, whether the network depends on what it sees.

mod cue;
mod reliance;

use self::cue::{CUES, Cue, Kind, blind_answers};
use self::reliance::{Reliance, reliance};
use super::exchange::{Asked, per_cent, share_by_units};
use super::{AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Table, Topic, Unit, Verdict};
use crate::evaluate::Interval;

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Nothing to see",
    topic: Topic::SeesTheThing,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Could the answers be read off the border, the colour, the file or the source, and does the network do so?",
    how: "Logistic regressions learn from the training pictures, each from one thing that should say nothing: the corners of \
          the picture, its border, its mean colour, the size and compression of its file, the camera, software and day in its EXIF \
          data or the pattern of its file name (IMG, DSC), its source. That shows whether the pictures carry a cue. Where one gains \
          half of what the network gains over naming the most frequent class, the network is asked whether it depends on it: \
          the place or the mean colour is exchanged for that of another picture, files are scaled and compressed alike, and for \
          what cannot be changed its answers are compared where the cue says the right class and where it says the wrong one. \
          All with 95 % intervals by units.",
    fail_means: "The network answers by something that is not the thing.",
    misleads: "Only these cues are tested. A network that uses a cue and the thing, each enough by itself, loses little when one goes. \
               A colour may be what the classes are about, so colour never fails. Compressing files again also takes away detail.",
    reference: "Geirhos et al., Shortcut learning in deep neural networks, Nature Machine Intelligence 2 (2020); Torralba & \
                Efros, Unbiased look at dataset bias, CVPR (2011)",
    scale: Scale {
        pass: "No cue gains half of the network's gain by itself. Or, of each that does, the interval of what the network loses without it begins \
               below a quarter of its gain and ends below half; of the mean colour, it begins below half; of a place, it begins no higher than what \
               the rest of the picture costs.",
        inconclusive: "Fewer than 20 evaluated pictures, or a gain below 10 points; or the mean colour gains half by itself and the network \
                       clearly loses half or more with it; or a cue gains half and what the network loses with it is known too roughly.",
        warn: "A place, the file or an origin gains half by itself, and the network clearly loses a quarter of its gain with it, and clearly \
               more than with the rest; or fewer than 10 pictures disagree with an origin that gains half.",
        fail: "The same with half of the network's gain. Clearly: the whole 95 % interval.",
    },
    run,
};

const ID: &str = "nothing-to-see";
/// A share of the network's gain from which a cue is enough to be asked after.
const ENOUGH: f64 = 0.5;
/// Shares of its gain that the network loses without a cue.
const LARGE: f64 = 0.5;
const PART: f64 = 0.25;
/// A gain over chance below this is not worth a word, clear or not.
const LEAST_GAIN: f64 = 0.1;
/// Pictures to learn from, at most: with as many each model takes a second.
const MOST_TO_LEARN_FROM: usize = 2_000;
/// Evaluated pictures for which the network is asked again, at most; fewer than the least say nothing.
const MOST: usize = 400;
const LEAST: usize = 20;

/// How far a simple model came that sees one cue only, and what the network showed.
struct Score {
    cue: &'static Cue,
    accuracy: f64,
    interval: Interval,
    /// Of the network's gain over chance.
    share: f64,
    /// Where the cue is enough to be asked after.
    reliance: Option<Reliance>,
}

impl Score {
    fn verdict(&self) -> Verdict {
        let Some(reliance) = &self.reliance else { return Verdict::Pass };
        let Some(Interval { low, high }) = reliance.interval() else {
            let is_inseparable = matches!(reliance, Reliance::Inseparable { .. });
            return if is_inseparable { Verdict::Warn } else { Verdict::Inconclusive };
        };
        let more_than_rest = match reliance {
            Reliance::Loss { loss, rest: Some(rest) } => loss.interval.low > rest.share,
            _ => true,
        };
        match () {
            () if low >= LARGE && self.cue.is_colour() => Verdict::Inconclusive,
            () if self.cue.is_colour() || !more_than_rest => Verdict::Pass,
            () if low >= LARGE => Verdict::Fail,
            () if low >= PART => Verdict::Warn,
            () if high >= LARGE => Verdict::Inconclusive,
            () => Verdict::Pass,
        }
    }
}

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let judged = case.judged().filter(|(_, answers)| answers.indices.len() >= LEAST);
    let Some((subset, answers)) = judged else {
        return Ok(Finding::inconclusive(
            format!(
                "Fewer than {LEAST} pictures were evaluated: too few to compare the network with simple models."
            ),
            "Evaluate it on more pictures: raise --validation-share or --test-share, or add pictures.",
        ));
    };
    let judged = &answers.indices;
    let network = answers.accuracy(&case.labels());
    let chance = case.majority(judged);
    if network - chance < LEAST_GAIN {
        return Ok(Finding::inconclusive(
            format!(
                "The network is right for {}, naming the most frequent class for {}: too little is learned to ask where it comes from.",
                per_cent(network),
                per_cent(chance)
            ),
            "See what better-than-chance says first.",
        ));
    }
    let learn = drawn(case, case.split.train.clone(), MOST_TO_LEARN_FROM);
    let places = drawn(case, (0..judged.len()).collect(), MOST);
    let asked = match case.classifier {
        Some(classifier) => {
            Some(Asked::of(case, classifier, places.iter().map(|&place| judged[place]).collect())?)
        }
        None => None,
    };
    let mut scores = Vec::new();
    for (number, cue) in CUES.iter().enumerate() {
        case.tell(ID, number, CUES.len())?;
        let Some(blind) = blind_answers(case, cue, &learn, judged) else { continue };
        let right =
            judged.iter().zip(&blind).map(|(&index, &answer)| (index, answer == case.samples()[index].class));
        let (accuracy, interval) = share_by_units(case, right);
        let share = (accuracy - chance) / (network - chance);
        let is_enough = interval.low > chance && accuracy - chance >= LEAST_GAIN && share >= ENOUGH;
        let reliance = match (&asked, is_enough) {
            (_, false) => None,
            (None, true) => Some(Reliance::Unknown),
            (Some(asked), true) => {
                let blind: Vec<usize> = places.iter().map(|&place| blind[place]).collect();
                Some(reliance(case, asked, cue, &blind)?)
            }
        };
        scores.push(Score { cue, accuracy, interval, share, reliance });
    }
    let used = format!(
        "{} training pictures for the simple models, {} {subset} pictures to compare, the network's answers for {} of them, changed",
        learn.len(),
        judged.len(),
        if asked.is_some() { places.len() } else { 0 }
    );
    Ok(finding(&scores, network, chance, judged.len()).used(used))
}

fn drawn(case: &Case<'_>, mut all: Vec<usize>, most: usize) -> Vec<usize> {
    if all.len() > most {
        case.seed(ID).rng().shuffle(&mut all);
        all.truncate(most);
        all.sort_unstable();
    }
    all
}

fn finding(scores: &[Score], network: f64, chance: f64, judged: usize) -> Finding {
    let by_weight = |a: &&Score, b: &&Score| {
        (a.verdict(), a.share).partial_cmp(&(b.verdict(), b.share)).expect("shares are numbers")
    };
    let Some(first) = scores.iter().rev().max_by(by_weight) else {
        return Finding::inconclusive(
            "None of the simple models could learn.",
            "Add pictures to the training split.",
        );
    };
    let verdict = first.verdict();
    let headline = match &first.reliance {
        None => format!(
            "No shortcut of these kinds was found: the most telling cue, {}, gives {}, where the network reaches {} and naming the most frequent class {}.",
            first.cue.name,
            per_cent(first.accuracy),
            per_cent(network),
            per_cent(chance)
        ),
        Some(_) if verdict == Verdict::Pass => {
            let present: Vec<&Score> = scores.iter().filter(|score| score.reliance.is_some()).collect();
            let others = match present.len() {
                1 => String::new(),
                2 => " One more cue gives much and was tested alike.".to_owned(),
                more => format!(" {} more cues give much and were tested alike.", more - 1),
            };
            format!("No shortcut of these kinds was found. {}{others}", sentence(first))
        }
        Some(_) => sentence(first),
    };
    let (meaning, advice) = meaning(first, verdict);
    let finding = Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure_within("accuracy of the network", network, Interval::of_share(network, judged), Unit::Share)
        .figure("accuracy of naming the most frequent class", chance, Unit::Share);
    let with_figures = scores.iter().fold(finding, |finding, score| {
        let accuracy = format!("accuracy seeing only {}", score.cue.name);
        let finding = finding.figure_within(accuracy, score.accuracy, score.interval, Unit::Share);
        match &score.reliance {
            Some(Reliance::Loss { loss, .. }) => {
                let name = format!("share of the network's gain lost without {}", score.cue.name);
                finding.figure_within(name, loss.share, loss.interval, Unit::Share)
            }
            Some(Reliance::Misled { lost, interval, .. }) => {
                let name = format!("accuracy lost where {} misleads", score.cue.name);
                finding.figure_within(name, *lost, *interval, Unit::Points)
            }
            _ => finding,
        }
    });
    with_figures.with_table(table(scores))
}

/// What a cue gives by itself, and what the network does without it.
fn sentence(score: &Score) -> String {
    let name = score.cue.name;
    let upper = name[..1].to_uppercase() + &name[1..];
    let verb = if name.ends_with('s') && name.starts_with("the corners") { "give" } else { "gives" };
    let alone = format!("{upper} alone {verb} {}", per_cent(score.accuracy));
    let cost = |words: &str| match score.cue.kind {
        Kind::File => {
            format!("with all files scaled and compressed alike the network loses {words} of its gain")
        }
        _ => format!(
            "exchanging {} costs the network {words} of its gain",
            if verb == "give" { "them" } else { "it" }
        ),
    };
    match score.reliance.as_ref().unwrap_or(&Reliance::Unknown) {
        Reliance::Loss { loss, rest } => {
            let rest =
                rest.map(|rest| format!(", exchanging everything else {}", rest.words())).unwrap_or_default();
            let colour = match score.verdict() {
                Verdict::Inconclusive if score.cue.is_colour() => {
                    " Whether the colour is what the classes are about, these figures cannot tell."
                }
                Verdict::Inconclusive => " Too few pictures to say whether it depends on that.",
                _ => "",
            };
            format!("{alone}; {}{rest}.{colour}", cost(&loss.words()))
        }
        Reliance::Misled { pictures, right, lost, interval } => format!(
            "{alone}; on the {pictures} pictures where it says the wrong class, the network is right for {}, {} points less than elsewhere ({} to {}).",
            per_cent(*right),
            (100.0 * lost).round() + 0.0,
            (100.0 * interval.low).round() + 0.0,
            (100.0 * interval.high).round() + 0.0
        ),
        Reliance::Inseparable { pictures } => {
            let few = match pictures {
                0 => "no picture disagrees with it".to_owned(),
                1 => "only one picture disagrees with it".to_owned(),
                some => format!("only {some} pictures disagree with it"),
            };
            format!(
                "{alone}; {few}, so that nothing shows whether the network sees the class or where its pictures come from."
            )
        }
        Reliance::Unknown => format!("{alone}; the network could not be asked whether it depends on it."),
    }
}

fn meaning(first: &Score, verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass if first.reliance.is_none() => {
            ("None of these cues explains the network's accuracy. Others were not tested here.", "")
        }
        Verdict::Pass => (
            "The pictures carry a cue, but it is not what decides the network's answers. Others were not tested here.",
            "",
        ),
        Verdict::Inconclusive if first.cue.is_colour() => (
            "The answers depend on the colour or the brightness of the whole picture. That is right where it is what tells the classes \
             apart (forest and water), and a shortcut where it is the light, the camera or the season.",
            "Decide whether colour may decide. If not, collect pictures of every class in the same light, or train with changes of colour.",
        ),
        Verdict::Inconclusive => (
            "The pictures carry a cue, and it is not known whether the network depends on it.",
            "Evaluate it on more pictures: raise --validation-share or --test-share, or add pictures.",
        ),
        _ => (
            "The accuracy is no evidence that the network looks at the thing: it may look at the background, the camera, the \
             compression or the place where the pictures come from.",
            "Collect pictures of every class from the same places, with the same camera and background, or crop to the \
             thing; then train again. Until then do not claim that it tells the things apart.",
        ),
    }
}

fn table(scores: &[Score]) -> Table {
    let row = |score: &Score| {
        let relies = match &score.reliance {
            None => "not asked: too little".to_owned(),
            Some(Reliance::Loss { loss, .. }) => loss.words(),
            Some(Reliance::Misled { lost, interval, .. }) => {
                format!(
                    "{:.0} points ({:.0} to {:.0})",
                    100.0 * lost,
                    100.0 * interval.low,
                    100.0 * interval.high
                )
            }
            Some(Reliance::Inseparable { .. }) => "cannot be told".to_owned(),
            Some(Reliance::Unknown) => "could not be asked".to_owned(),
        };
        vec![score.cue.name.to_owned(), per_cent(score.accuracy), per_cent(score.share.max(0.0)), relies]
    };
    Table {
        title: "How far each cue gets, and what the network loses without it".to_owned(),
        heading: ["it sees only", "accuracy", "share of the network's gain", "lost without it"]
            .map(String::from)
            .to_vec(),
        rows: scores.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests;
