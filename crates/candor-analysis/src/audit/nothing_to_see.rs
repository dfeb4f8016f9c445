//! Could the answer be read off without seeing the thing? Simple models that see only what should say nothing.

use super::{AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Table, Topic, Unit, Verdict};
use crate::baseline::{Baseline, Lesson, Rows, View};
use crate::evaluate::Interval;

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Nothing to see",
    topic: Topic::SeesTheThing,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Could the answers be read off the border, the colour, the file or the source, without seeing the thing?",
    how: "Logistic regressions learn from the training pictures, each from one thing that should say nothing: the corners of \
          the picture, its mean colour, an 8×8 thumbnail, the size and compression of its file, its file name (digits and \
          length only), its source. They are judged on the same pictures as the network. What counts is the share of what \
          the network gains over naming the most frequent class that each of them gains too.",
    fail_means: "A model that cannot see the thing does nearly as well: the accuracy does not show that the network sees it.",
    misleads: "Things that fill the picture reach its border, which is shown but decides nothing, and sometimes its corners; a colour may be what the classes are about: then a \
               high share is no fault. A low share does not prove that the network uses nothing of the kind.",
    reference: "Geirhos et al., Shortcut learning in deep neural networks, Nature Machine Intelligence 2 (2020); Torralba & \
                Efros, Unbiased look at dataset bias, CVPR (2011)",
    scale: Scale::UNWRITTEN,
    run,
};

const ID: &str = "nothing-to-see";
/// A share of the network's gain from which nothing is left to be proud of.
const FAIL: f64 = 0.8;
/// A share that has to be told.
const WARN: f64 = 0.6;
/// A gain over chance below this is not worth a word, clear or not.
const LEAST_GAIN: f64 = 0.1;
/// Pictures to learn from, at most: with as many each model takes a second.
const MOST_TO_LEARN_FROM: usize = 2_000;
/// Fewer judged pictures than this say nothing.
const LEAST_JUDGED: usize = 20;
/// Each number of the metadata is cut into so many parts with as many pictures each.
const BINS: usize = 8;

/// What is seen of the pictures to learn from, and of those that are judged; `None` where there is nothing of the kind.
type Look = fn(&Case<'_>, &[usize], &[usize]) -> Option<[Rows; 2]>;

/// Something that should say nothing.
struct Blind {
    name: &'static str,
    /// The worst that follows from it.
    at_worst: Verdict,
    rows: Look,
}

/// In the order of the table. A thing that fills the picture is at its border, a network never sees a file's name, and a
/// colour may be what the classes are about.
static BLIND: [Blind; 7] = [
    Blind {
        name: "the corners",
        at_worst: Verdict::Fail,
        rows: |case, a, b| seen(case, View::Corners, a, b),
    },
    Blind { name: "the border", at_worst: Verdict::Pass, rows: |case, a, b| seen(case, View::Border, a, b) },
    Blind {
        name: "the mean colour",
        at_worst: Verdict::Warn,
        rows: |case, a, b| seen(case, View::MeanColour, a, b),
    },
    Blind {
        name: "an 8×8 thumbnail",
        at_worst: Verdict::Pass,
        rows: |case, a, b| seen(case, View::Thumbnail, a, b),
    },
    Blind { name: "the file (size, compression)", at_worst: Verdict::Fail, rows: metadata },
    Blind { name: "the file's name", at_worst: Verdict::Pass, rows: names },
    Blind { name: "the source (web site, folder)", at_worst: Verdict::Fail, rows: source },
];

/// How far one of them came.
struct Score {
    name: &'static str,
    at_worst: Verdict,
    accuracy: f64,
    interval: Interval,
    /// Of the network's gain over chance; `None` where the network gains nothing.
    share: Option<f64>,
    verdict: Verdict,
}

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let Some((subset, answers)) = case.judged().filter(|(_, answers)| answers.indices.len() >= LEAST_JUDGED)
    else {
        return Ok(Finding::inconclusive(
            format!(
                "The network was judged on fewer than {LEAST_JUDGED} pictures: too few to hold anything against it."
            ),
            "Judge it on more pictures: raise --validation-share or --test-share, or add pictures.",
        ));
    };
    let judged = &answers.indices;
    let network = answers.accuracy(&case.labels());
    let chance = case.majority(judged);
    let learn = drawn(case);
    let mut scores = Vec::new();
    for (number, blind) in BLIND.iter().enumerate() {
        case.tell(ID, number, BLIND.len())?;
        scores.extend(score(case, blind, &learn, judged, (network, chance)));
    }
    let used = format!(
        "{} training pictures to learn from, {} {subset} pictures to judge on",
        learn.len(),
        judged.len()
    );
    Ok(finding(&scores, network, chance, judged.len()).used(used))
}

fn drawn(case: &Case<'_>) -> Vec<usize> {
    let mut learn = case.split.train.clone();
    if learn.len() > MOST_TO_LEARN_FROM {
        case.seed(ID).rng().shuffle(&mut learn);
        learn.truncate(MOST_TO_LEARN_FROM);
        learn.sort_unstable();
    }
    learn
}

/// `None` where there is nothing of the kind to learn from.
fn score(
    case: &Case<'_>,
    blind: &Blind,
    learn: &[usize],
    judged: &[usize],
    (network, chance): (f64, f64),
) -> Option<Score> {
    let [known, new] = (blind.rows)(case, learn, judged)?;
    let labels =
        |indices: &[usize]| indices.iter().map(|&index| case.samples()[index].class).collect::<Vec<_>>();
    let model = Baseline::find("logistic-regression")?;
    let learned = model.learn(&Lesson::new(&known, &labels(learn), case.classes().len())).ok()?;
    let right =
        learned.guess(&new).iter().zip(labels(judged)).filter(|(guess, truth)| *guess == truth).count();
    let accuracy = right as f64 / judged.len() as f64;
    let interval = Interval::wilson(right as u64, judged.len() as u64);
    let share = (network - chance >= LEAST_GAIN).then(|| (accuracy - chance) / (network - chance));
    let clear = interval.low > chance && accuracy - chance >= LEAST_GAIN;
    let verdict = match share {
        _ if !clear => Verdict::Pass,
        Some(share) if share < WARN => Verdict::Pass,
        Some(share) if share < FAIL => Verdict::Warn,
        _ => Verdict::Fail,
    };
    let verdict = verdict.min(blind.at_worst);
    Some(Score { name: blind.name, at_worst: blind.at_worst, accuracy, interval, share, verdict })
}

/// What is enough to see, at most three of them, the most telling first: “the source (100%) or the corners (98%)”.
fn enough(scores: &[Score]) -> String {
    let mut telling: Vec<&Score> = scores.iter().filter(|score| score.verdict > Verdict::Pass).collect();
    telling.sort_by(|a, b| {
        (b.verdict, b.accuracy).partial_cmp(&(a.verdict, a.accuracy)).expect("accuracies are numbers")
    });
    let told: Vec<String> = telling
        .iter()
        .take(3)
        .map(|score| format!("{} ({:.0}%)", score.name, 100.0 * score.accuracy))
        .collect();
    match told.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => told.concat(),
    }
}

fn finding(scores: &[Score], network: f64, chance: f64, judged: usize) -> Finding {
    let worst = |score: &&Score| (score.verdict, (score.share.unwrap_or(0.0) * 1e6) as i64);
    let Some(first) = scores.iter().filter(|score| score.at_worst > Verdict::Pass).max_by_key(worst) else {
        return Finding::inconclusive(
            "None of the simple models could learn.",
            "Add pictures to the training split.",
        );
    };
    let per_cent = |share: f64| format!("{:.0}%", 100.0 * share);
    let learned = network - chance >= LEAST_GAIN;
    let verdict =
        if learned || first.verdict > Verdict::Pass { first.verdict } else { Verdict::Inconclusive };
    let (name, theirs, ours) = (first.name, per_cent(first.accuracy), per_cent(network));
    let headline = match verdict {
        Verdict::Inconclusive => format!(
            "The network gains hardly anything over naming the most frequent class ({ours}, {}): nothing to compare.",
            per_cent(chance)
        ),
        Verdict::Pass => format!(
            "What should say nothing says little: at best {name}, with {theirs} where the network reaches {ours}."
        ),
        _ => format!(
            "Seeing only {} is enough to name the classes; the network reaches {ours}.",
            enough(scores)
        ),
    };
    let meaning = match verdict {
        Verdict::Pass => {
            "The network's accuracy is not explained by borders, colours, files or sources alone."
        }
        Verdict::Inconclusive => "Where nothing is learned there is nothing to explain.",
        _ => {
            "Whoever cannot see the thing at all answers nearly as well. So the accuracy is no evidence that the \
              network looks at the thing: it may look at the background, the light, the web site, the camera."
        }
    };
    let advice = match verdict {
        Verdict::Pass => "",
        Verdict::Inconclusive => "See what better-than-chance says first.",
        _ => {
            "Collect pictures of every class from the same places, with the same camera and background, or crop to the \
              thing; then train again. Until then do not claim that it tells the things apart."
        }
    };
    let finding = Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure_within("accuracy of the network", network, Interval::of_share(network, judged), Unit::Share)
        .figure("accuracy of naming the most frequent class", chance, Unit::Share);
    let with_figures = scores.iter().fold(finding, |finding, score| {
        finding.figure_within(
            format!("accuracy seeing only {}", score.name),
            score.accuracy,
            score.interval,
            Unit::Share,
        )
    });
    with_figures.with_table(table(scores))
}

fn table(scores: &[Score]) -> Table {
    let row = |score: &Score| {
        let share = score.share.map_or("–".to_owned(), |share| format!("{:.0}%", 100.0 * share.max(0.0)));
        vec![score.name.to_owned(), format!("{:.0}%", 100.0 * score.accuracy), share]
    };
    Table {
        title: "How far each gets".to_owned(),
        heading: ["it sees only", "accuracy", "share of the network's gain"].map(String::from).to_vec(),
        rows: scores.iter().map(row).collect(),
    }
}

fn seen(case: &Case<'_>, view: View, learn: &[usize], judged: &[usize]) -> Option<[Rows; 2]> {
    Some(
        [learn, judged]
            .map(|indices| Rows::of(indices.iter().map(|&index| view.row(&(case.seen)(index))).collect())),
    )
}

fn metadata(case: &Case<'_>, learn: &[usize], judged: &[usize]) -> Option<[Rows; 2]> {
    binned(learn, judged, |index| case.facts[index].row())
}

/// Digits and length, not letters: a name like `cat-12.jpg` says the class, but no network ever sees it.
fn names(case: &Case<'_>, learn: &[usize], judged: &[usize]) -> Option<[Rows; 2]> {
    binned(learn, judged, |index| {
        let provenance = &case.samples()[index].provenance;
        let name = provenance.file.rsplit(['/', '\\']).next().unwrap_or_default();
        let digits: String = name.chars().filter(char::is_ascii_digit).take(15).collect();
        vec![name.len() as f64, digits.len() as f64, digits.parse().unwrap_or(0.0)]
    })
}

fn source(case: &Case<'_>, learn: &[usize], judged: &[usize]) -> Option<[Rows; 2]> {
    let sources = case.sources()?;
    let row = |&index: &usize| {
        let mut row = vec![0.0; sources.names.len()];
        sources.of[index].into_iter().for_each(|source| row[source] = 1.0);
        row
    };
    Some([learn, judged].map(|indices| Rows::of(indices.iter().map(row).collect())))
}

/// Each number as a place among those learned from: one value of 1 a number. `None` where all are alike.
fn binned(learn: &[usize], judged: &[usize], row: impl Fn(usize) -> Vec<f64>) -> Option<[Rows; 2]> {
    let known: Vec<Vec<f64>> = learn.iter().map(|&index| row(index)).collect();
    let new: Vec<Vec<f64>> = judged.iter().map(|&index| row(index)).collect();
    let columns = known.iter().chain(&new).map(Vec::len).min()?;
    let edges: Vec<Vec<f64>> = (0..columns).map(|column| edges(&known, column)).collect();
    if edges.iter().all(|edges| edges.len() < 2) {
        return None;
    }
    let place = |row: &Vec<f64>| {
        edges.iter().enumerate().flat_map(|(column, edges)| one_hot(edges, row[column])).collect::<Vec<f64>>()
    };
    Some([&known, &new].map(|rows| Rows::of(rows.iter().map(place).collect())))
}

/// The values that begin the parts of a column, ascending and different.
fn edges(rows: &[Vec<f64>], column: usize) -> Vec<f64> {
    let mut values: Vec<f64> = rows.iter().map(|row| row[column]).collect();
    values.sort_by(f64::total_cmp);
    let mut edges: Vec<f64> = (0..BINS).map(|bin| values[bin * values.len() / BINS]).collect();
    edges.dedup();
    edges
}

fn one_hot(edges: &[f64], value: f64) -> Vec<f64> {
    let place = edges.iter().rposition(|&edge| value >= edge).unwrap_or(0);
    (0..edges.len()).map(|at| f64::from(u8::from(at == place))).collect()
}

#[cfg(test)]
mod tests {
    use candor_core::{Channels, Image, Seed};

    use super::super::testing::{Bright, Fake};
    use super::super::{FileFacts, Format};
    use super::*;

    fn asked(fake: &Fake) -> Finding {
        fake.with(|case| CHECK.run(case, &Bright(fake)).unwrap())
    }

    #[test]
    fn what_is_in_the_middle_passes() {
        // The mean colour tells these classes apart too: that is worth a warning at most.
        let finding = asked(&Fake::bright(160));
        assert!(finding.value("accuracy seeing only the border").unwrap() < 0.7, "{finding:?}");
        assert_eq!(finding.verdict, Verdict::Warn);
        assert!(finding.headline.contains("the mean colour"), "{}", finding.headline);
    }

    /// Noise, with a border as light as the class says.
    fn bordered(pictures: usize) -> Fake {
        let image = |index: usize| {
            let mut rng = Seed(6).at(index as u64).rng();
            let outside = |i: usize| i % 16 < 3 || i < 48;
            let light = |i: usize| if outside(i) && index % 2 == 1 { 120 } else { 40 };
            let pixels = (0..256).map(|i| (light(i) + rng.below(100)) as u8).collect();
            (Image::new(16, 16, Channels::Grey, pixels).unwrap(), index % 2)
        };
        Fake::of((0..pictures).map(image).collect())
    }

    #[test]
    fn a_border_that_gives_the_class_away_fails() {
        let finding = asked(&bordered(160));
        assert_eq!(finding.verdict, Verdict::Fail, "{finding:?}");
        assert!(finding.headline.contains("the corners"), "{}", finding.headline);
    }

    #[test]
    fn files_and_sources_that_give_the_class_away_fail() {
        let noise = |index: usize| {
            let mut rng = Seed(7).at(index as u64).rng();
            let pixels = (0..256).map(|_| rng.below(256) as u8).collect();
            (Image::new(16, 16, Channels::Grey, pixels).unwrap(), index % 2)
        };
        let mut fake = Fake::of((0..160).map(noise).collect());
        for (index, facts) in fake.facts.iter_mut().enumerate() {
            let quantisation = Some(if index % 2 == 0 { 9.0 } else { 40.0 });
            facts.file = Some(FileFacts { bytes: 900, format: Format::Jpeg, exif: false, quantisation });
        }
        assert!(asked(&fake).headline.contains("the file (size"), "{:?}", asked(&fake));
        fake.facts.iter_mut().for_each(|facts| facts.file = None);
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            sample.attributes.insert("site".into(), format!("{}", index % 2 * 3 + index % 3));
        }
        let finding = asked(&fake);
        assert!(finding.headline.contains("the source") && finding.verdict == Verdict::Fail, "{finding:?}");
    }

    #[test]
    fn few_judged_pictures_say_nothing() {
        assert_eq!(asked(&Fake::bright(24)).verdict, Verdict::Inconclusive);
    }
}
