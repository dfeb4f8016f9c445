//! Does it hold for a source that it has not seen? Trained on all sources but one, judged on that one.

use std::collections::BTreeSet;

use super::exchange::per_cent;
use super::folds::folds;
use super::{
    Answers, AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Sources, Table, Task, Topic, Unit,
    Verdict,
};
use crate::Units;
use crate::evaluate::Interval;
use crate::interval::student;

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Leave one source out",
    topic: Topic::SeesTheThing,
    cost: Cost::Training,
    permutes: false,
    asks: "Does it still know the classes on pictures from a source that it has not seen?",
    how: "Where pictures come from several sources (a column that says so, web sites, folders below the class, cameras, a few large \
          groups), a network is trained on all sources but one and tested on that one, for each source in turn. Beside it, networks \
          learn from a part of every source and are tested on the rest of it; copies stay together, and so do groups where a \
          source has several. The difference of the two accuracies, source by source, has a 95 % interval (Student's) with sources as the \
          units: what holds for these few need not hold for others.",
    fail_means: "It recognises the sources rather than the classes: somewhere else it would not work.",
    misleads: "Leaving a source out also leaves its pictures out. Few sources give wide intervals. Where each class has a source of its \
               own nothing can be told apart at all, and that is a fail too.",
    reference: "Zech et al., Variable generalization performance of a deep learning model to detect pneumonia, PLOS Medicine 15 (2018)",
    scale: Scale {
        pass: "The interval of the share of the gain that is left lies above half.",
        inconclusive: "No sources, fewer than two with 10 pictures or more; a gain below 10 points on known sources; or too few sources to tell a \
                       loss of half of the gain from none.",
        warn: "Less than four fifths of the gain is left on sources not seen, and the interval of the loss lies above 0.",
        fail: "Less than half of the gain is left, and the interval of the loss lies above 0; or at least 95 % of every class come from a \
               source of its own.",
    },
    run,
};

const ID: &str = "leave-one-source-out";
/// Sources with fewer pictures of train and validation are not left out.
const LEAST: usize = 10;
/// Sources that are left out, at most: the largest.
const MOST: usize = 12;
/// Shares of the gain that are left.
const FAIL: f64 = 0.5;
const WARN: f64 = 0.8;
/// A gain that is worth asking after.
const LEAST_GAIN: f64 = 0.1;
/// From this share of a class's pictures on a source is the class's own.
const OWN: f64 = 0.95;
const FOLDS: usize = 5;

fn run(case: &Case<'_>, learner: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let Some(sources) = case.sources() else {
        return Ok(Finding::inconclusive(
            "Nothing says where the pictures come from.",
            "Add a column “source” (web site, photographer, camera) to the index, or folders below the classes.",
        ));
    };
    if let Some(confounded) = confounded(case, &sources) {
        return Ok(confounded);
    }
    let pool: Vec<usize> = case.pool().into_iter().filter(|&index| sources.of[index].is_some()).collect();
    let left_out = large(&sources, &pool);
    if left_out.len() < 2 {
        return Ok(Finding::inconclusive(
            format!("Fewer than two sources have {LEAST} pictures or more in train and validation."),
            "Add pictures of several sources.",
        ));
    }
    case.tell(ID, 0, left_out.len() + FOLDS)?;
    let labels = case.labels();
    let (tasks, outs) = tasks(case, &sources, &pool, &left_out, &labels);
    let answers = learner.learn(&tasks)?;
    let (out, within) = answers.split_at(outs);
    let chance = case.majority(&joined(out).indices);
    let compared = compared(&sources, &left_out, out, &joined(within), &labels);
    Ok(finding(&sources, &compared, chance).trained_on(pool.len(), learner))
}

/// Each class from a source of its own: what is learned may be either.
fn confounded(case: &Case<'_>, sources: &Sources) -> Option<Finding> {
    let mut counts = vec![vec![0usize; sources.names.len()]; case.classes().len()];
    for (sample, source) in case.samples().iter().zip(&sources.of) {
        source.iter().for_each(|&source| counts[sample.class][source] += 1);
    }
    let main = |counts: &Vec<usize>| (0..counts.len()).max_by_key(|&source| counts[source]).unwrap_or(0);
    let mains: BTreeSet<usize> = counts.iter().map(main).collect();
    let own = |of: &Vec<usize>| of[main(of)] as f64 >= OWN * of.iter().sum::<usize>() as f64;
    if mains.len() < case.classes().len() || !counts.iter().all(own) {
        return None;
    }
    let row =
        |(class, counts): (&String, &Vec<usize>)| vec![class.clone(), sources.names[main(counts)].clone()];
    let headline = format!(
        "Every class comes from a source of its own ({}): class and source cannot be told apart.",
        sources.what
    );
    let finding = Finding::new(
        Verdict::Fail,
        headline,
        "Whatever differs between the sources (background, camera, light, the person who took the pictures) differs between \
         the classes too. A network can name the source and look as if it knew the class, and no test on these pictures \
         can find out.",
    );
    Some(
        finding
            .advice("Collect pictures of every class from every source. Until then claim nothing about the classes.")
            .used("the sources of all pictures; no model was asked")
            .figure("sources", sources.names.len() as f64, Unit::Count)
            .with_table(Table {
                title: "Where the classes come from".to_owned(),
                heading: ["class", "source"].map(String::from).to_vec(),
                rows: case.classes().iter().zip(&counts).map(row).collect(),
            }),
    )
}

/// The sources with enough pictures, the largest first.
fn large(sources: &Sources, pool: &[usize]) -> Vec<usize> {
    let mut sizes = vec![0; sources.names.len()];
    pool.iter().for_each(|&index| sources.of[index].into_iter().for_each(|source| sizes[source] += 1));
    let mut large: Vec<usize> = (0..sizes.len()).filter(|&source| sizes[source] >= LEAST).collect();
    large.sort_by_key(|&source| std::cmp::Reverse(sizes[source]));
    large.truncate(MOST);
    large
}

/// One training for each source that is left out, then the folds of all; and how many the former are.
fn tasks(
    case: &Case<'_>,
    sources: &Sources,
    pool: &[usize],
    left_out: &[usize],
    labels: &[usize],
) -> (Vec<Task>, usize) {
    let seed = case.seed(ID);
    let task = |learn, answer, name: &str| Task {
        labels: labels.to_vec(),
        learn,
        answer,
        seed: seed.derive("training").derive(name),
    };
    let within = within_sources(case, sources, pool);
    let out = |&source: &usize| {
        let (answer, others): (Vec<usize>, Vec<usize>) =
            pool.iter().partition(|index| sources.of[**index] == Some(source));
        // A copy of one of its pictures would be the source, seen.
        let seen: BTreeSet<usize> = answer.iter().map(|&index| within.unit(index)).collect();
        let learn = others.into_iter().filter(|&index| !seen.contains(&within.unit(index))).collect();
        task(learn, answer, &sources.names[source])
    };
    let mut tasks: Vec<Task> = left_out.iter().map(out).collect();
    let outs = tasks.len();
    // Every fold has a part of each class of each source.
    let classes = case.classes().len();
    let strata: Vec<usize> = (0..labels.len())
        .map(|index| sources.of[index].map_or(0, |source| source * classes + labels[index]))
        .collect();
    let folds = folds(&within, pool, &strata, FOLDS, seed.derive("folds"));
    tasks.extend(folds.into_iter().map(|cut| task(cut.learn, cut.judge, "all")));
    (tasks, outs)
}

/// What belongs together within a source. Where the sources themselves are the units, such as groups that are pages, only
/// copies are.
fn within_sources(case: &Case<'_>, sources: &Sources, pool: &[usize]) -> Units {
    let mut parts = vec![BTreeSet::new(); sources.names.len()];
    pool.iter().for_each(|&index| {
        sources.of[index].into_iter().for_each(|source| {
            parts[source].insert(case.units.unit(index));
        });
    });
    parts.retain(|parts| !parts.is_empty());
    if parts.iter().filter(|parts| parts.len() == 1).count() * 2 < parts.len() {
        return case.units.clone();
    }
    case.units.of_copies(case.samples())
}

/// One source: the accuracy of those that learned from a part of it, and of the one that did not.
#[derive(Clone, Copy, Debug, PartialEq)]
struct SourceAccuracies {
    source: usize,
    pictures: usize,
    known: f64,
    unseen: f64,
}

fn compared(
    sources: &Sources,
    left_out: &[usize],
    out: &[Answers],
    within: &Answers,
    labels: &[usize],
) -> Vec<SourceAccuracies> {
    let known = |source: usize| {
        let answers = within.classes().into_iter().zip(&within.indices);
        let own: Vec<bool> = answers
            .filter(|(_, index)| sources.of[**index] == Some(source))
            .map(|(class, index)| class == labels[*index])
            .collect();
        own.iter().filter(|right| **right).count() as f64 / own.len().max(1) as f64
    };
    let one = |(&source, answers): (&usize, &Answers)| SourceAccuracies {
        source,
        pictures: answers.indices.len(),
        known: known(source),
        unseen: answers.accuracy(labels),
    };
    left_out.iter().zip(out).map(one).collect()
}

/// The mean loss on a source that was not seen, each source counting alike, with its 95 % interval. It is Student's over
/// sources, and never narrower than what the number of pictures of each allows.
fn loss(compared: &[SourceAccuracies]) -> (f64, Interval) {
    let count = compared.len() as f64;
    let mean = compared.iter().map(|one| one.known - one.unseen).sum::<f64>() / count;
    let between = compared.iter().map(|one| (one.known - one.unseen - mean).powi(2)).sum::<f64>()
        / (count - 1.0)
        / count;
    let variance = |share: f64, pictures: f64| {
        let share = (share * pictures + 1.0) / (pictures + 2.0);
        share * (1.0 - share) / pictures
    };
    let of_pictures = |one: &SourceAccuracies| {
        let pictures = one.pictures.max(1) as f64;
        variance(one.known, pictures) + variance(one.unseen, pictures)
    };
    let within = compared.iter().map(of_pictures).sum::<f64>() / count / count;
    let half = student::two_sided_quantile(0.05, count - 1.0) * between.max(within).sqrt();
    (mean, Interval { low: mean - half, high: mean + half })
}

fn verdict(gain: f64, lost: f64, interval: Interval) -> Verdict {
    let left = 1.0 - lost / gain.max(1e-9);
    match () {
        () if gain < LEAST_GAIN => Verdict::Inconclusive,
        () if interval.low > 0.0 && left < FAIL => Verdict::Fail,
        () if interval.low > 0.0 && left < WARN => Verdict::Warn,
        () if interval.high <= (1.0 - FAIL) * gain => Verdict::Pass,
        () => Verdict::Inconclusive,
    }
}

fn finding(sources: &Sources, compared: &[SourceAccuracies], chance: f64) -> Finding {
    let mean =
        |of: fn(&SourceAccuracies) -> f64| compared.iter().map(of).sum::<f64>() / compared.len() as f64;
    let (known, unseen) = (mean(|one| one.known), mean(|one| one.unseen));
    let (lost, interval) = loss(compared);
    let gain = known - chance;
    let verdict = verdict(gain, lost, interval);
    let points = |share: f64| format!("{:.0}", (100.0 * share).round() + 0.0);
    let both = format!(
        "On {} sources that it has not seen it is right for {}, on sources that it knows for {}: {} points less ({} to {}).",
        compared.len(),
        per_cent(unseen),
        per_cent(known),
        points(lost),
        points(interval.low),
        points(interval.high)
    );
    let (headline, meaning, advice) = match verdict {
        Verdict::Inconclusive if gain < LEAST_GAIN => (
            format!(
                "On sources that it knows it is right for {}, naming the most frequent class for {}: there is nothing that could be lost \
                 on others.",
                per_cent(known),
                per_cent(chance)
            ),
            "Where nothing is learned there is nothing that could fail elsewhere.",
            "See what better-than-chance says first.",
        ),
        Verdict::Inconclusive => (
            format!("{both} So few sources cannot tell a large loss from none."),
            "Whether it knows the classes or the sources is open: only a loss outside this interval could be excluded.",
            "Add pictures of every class from more sources.",
        ),
        Verdict::Pass => (both, "Most of what it knows holds for a source that it has not seen.", ""),
        _ => (
            both,
            "A good part of its accuracy comes from knowing the source: its background, its light, its camera. On pictures \
             from anywhere else expect the lower figure, or less.",
            "Claim the accuracy on unseen sources. Collect pictures of every class from more sources.",
        ),
    };
    let row = |one: &SourceAccuracies| {
        vec![
            sources.names[one.source].clone(),
            one.pictures.to_string(),
            per_cent(one.known),
            per_cent(one.unseen),
        ]
    };
    Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure("accuracy, sources known", known, Unit::Share)
        .figure("accuracy, source not seen", unseen, Unit::Share)
        .figure("naming the most frequent class", chance, Unit::Share)
        .figure_within("accuracy lost on a source not seen", lost, interval, Unit::Points)
        .figure("share of the gain that is left", (1.0 - lost / gain.max(1e-9)).max(0.0), Unit::Share)
        .figure("sources left out", compared.len() as f64, Unit::Count)
        .with_table(Table {
            title: format!("By source ({})", sources.what),
            heading: ["left out", "pictures", "known", "not seen"].map(String::from).to_vec(),
            rows: compared.iter().map(row).collect(),
        })
}

fn joined(answers: &[Answers]) -> Answers {
    Answers {
        indices: answers.iter().flat_map(|answers| answers.indices.clone()).collect(),
        probabilities: answers.iter().flat_map(|answers| answers.probabilities.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use candor_core::Seed;

    use super::super::LearnError;
    use super::super::testing::{Bright, Fake};
    use super::*;

    /// Right where it has seen the source, class 0 elsewhere.
    struct KnowsSources<'a>(&'a Fake);

    impl Learner for KnowsSources<'_> {
        fn summary(&self) -> String {
            "a map".to_owned()
        }

        fn learn(&self, tasks: &[Task]) -> Result<Vec<Answers>, LearnError> {
            let source = |index: &usize| &self.0.samples[*index].attributes["source"];
            let one = |task: &Task| {
                let known = |index: &usize| task.learn.iter().any(|other| source(other) == source(index));
                let row = |index: &usize| {
                    if known(index) && task.labels[*index] == 1 { [0.0, 1.0] } else { [1.0, 0.0] }
                };
                Answers {
                    indices: task.answer.clone(),
                    probabilities: task.answer.iter().flat_map(row).collect(),
                }
            };
            Ok(tasks.iter().map(one).collect())
        }
    }

    fn asked(fake: &Fake) -> Finding {
        fake.with(|case| CHECK.run(case, &Bright(fake)).unwrap())
    }

    fn with_sources(mut fake: Fake, source: impl Fn(usize) -> usize) -> Fake {
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            sample.attributes.insert("source".into(), format!("s{}", source(index)));
        }
        fake
    }

    #[test]
    fn what_holds_everywhere_passes_and_what_turns_round_elsewhere_fails() {
        assert_eq!(asked(&Fake::bright(160)).verdict, Verdict::Inconclusive);
        let good = with_sources(Fake::bright(320), |index| index / 2 % 4);
        assert_eq!(asked(&good).verdict, Verdict::Pass, "{:?}", asked(&good));
        let bad = good.with(|case| CHECK.run(case, &KnowsSources(&good)).unwrap());
        assert_eq!(bad.verdict, Verdict::Fail, "{bad:?}");
        let said = "On 3 sources that it has not seen it is right for 50%, on sources that it knows for 100%: 50 points less";
        assert!(bad.headline.starts_with(said), "{}", bad.headline);
    }

    #[test]
    fn where_the_group_is_the_source_the_known_folds_are_cut_within_it() {
        let mut fake = with_sources(Fake::bright(320), |index| index / 2 % 4);
        for sample in &mut fake.samples {
            sample.group = sample.attributes.get("source").cloned();
        }
        let finding = fake.with(|case| CHECK.run(case, &KnowsSources(&fake)).unwrap());
        assert_eq!(finding.value("accuracy, sources known"), Some(1.0), "{finding:?}");
        assert_eq!(finding.verdict, Verdict::Fail);
        fake.samples.iter_mut().for_each(|sample| {
            sample.attributes.clear();
        });
        let of_groups = fake.with(|case| case.sources()).unwrap();
        assert_eq!(of_groups.what, "the group");
    }

    /// What the check would say of sources whose differences have a mean of `lost` and vary by `spread`.
    fn drawn(sources: usize, pictures: usize, lost: f64, spread: f64, seed: Seed) -> Verdict {
        let mut rng = seed.rng();
        let mut share = |of: f64| {
            let hits = (0..pictures).filter(|_| rng.unit() < of).count();
            hits as f64 / pictures as f64
        };
        let compared: Vec<SourceAccuracies> = (0..sources)
            .map(|source| {
                let by = spread * (share(0.5) - 0.5) * 2.0 * (pictures as f64).sqrt();
                let known = share(0.85);
                let unseen = share((0.85 - lost + by).clamp(0.0, 1.0));
                SourceAccuracies { source, pictures, known, unseen }
            })
            .collect();
        let known = compared.iter().map(|one| one.known).sum::<f64>() / sources as f64;
        let (lost, interval) = loss(&compared);
        verdict(known - 0.5, lost, interval)
    }

    #[test]
    fn few_sources_or_many_the_size_is_at_most_one_in_forty_and_a_loss_is_found() {
        for (sources, pictures, spread) in
            [(2, 10, 0.0), (2, 80, 0.1), (3, 40, 0.05), (5, 20, 0.0), (5, 80, 0.1), (12, 40, 0.05)]
        {
            let draws = (0..1000).map(|draw| drawn(sources, pictures, 0.0, spread, Seed(8).at(draw)));
            let false_alarms = draws.filter(|verdict| *verdict >= Verdict::Warn).count();
            // Two-sided 5 %, one side: exact binomial, 999 times in 1,000 at most 42 of 1,000.
            assert!(false_alarms <= 42, "{sources} sources of {pictures}: {false_alarms} of 1000");
        }
        let found =
            (0..200).filter(|&draw| drawn(10, 64, 0.3, 0.05, Seed(9).at(draw)) == Verdict::Fail).count();
        assert!(found >= 180, "{found} of 200");
        let few = (0..200).filter(|&draw| drawn(2, 40, 0.0, 0.05, Seed(9).at(draw)) == Verdict::Pass).count();
        assert!(few < 100, "two sources seldom exclude a loss of half: {few} of 200");
    }

    #[test]
    fn classes_with_sources_of_their_own_cannot_be_told_apart_from_them() {
        let finding = asked(&with_sources(Fake::bright(80), |index| index % 2));
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.headline.starts_with("Every class comes from a source of its own"), "{finding:?}");
    }
}
