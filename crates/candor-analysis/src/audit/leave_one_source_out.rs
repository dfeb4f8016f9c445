//! Does it hold for a source that it has not seen? Trained on all sources but one, judged on that one.

use super::folds::folds;
use super::{
    Answers, AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Sources, Table, Task, Topic, Unit,
    Verdict,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Leave one source out",
    topic: Topic::SeesTheThing,
    cost: Cost::Training,
    permutes: false,
    asks: "Does it still know the classes on pictures from a source that it has not seen?",
    how: "Where pictures come from several sources (a column that says so, web sites, folders below the class, a few large groups), \
          a network is trained on all sources but one and judged on that one, for each source in turn; beside it, networks \
          that learned from all sources, judged on as many pictures. What counts is the share of the gain over chance that \
          is left.",
    fail_means: "It recognises the sources rather than the classes: somewhere else it would not work.",
    misleads: "Leaving a source out also leaves its pictures out. Where each class has a source of its own nothing can be told \
               apart at all, and that is a fail too.",
    reference: "Zech et al., Variable generalization performance of a deep learning model to detect pneumonia, PLOS Medicine 15 (2018)",
    scale: Scale::UNWRITTEN,
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
    if let Some(told) = confounded(case, &sources) {
        return Ok(told);
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
    Ok(finding(case, &sources, &left_out, out, within, &labels).trained_on(pool.len(), learner))
}

/// Each class from a source of its own: what is learned may be either.
fn confounded(case: &Case<'_>, sources: &Sources) -> Option<Finding> {
    let mut counts = vec![vec![0usize; sources.names.len()]; case.classes().len()];
    for (sample, source) in case.samples().iter().zip(&sources.of) {
        source.iter().for_each(|&source| counts[sample.class][source] += 1);
    }
    let main = |counts: &Vec<usize>| (0..counts.len()).max_by_key(|&source| counts[source]).unwrap_or(0);
    let mains: std::collections::BTreeSet<usize> = counts.iter().map(main).collect();
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
    let out = |&source: &usize| {
        let (answer, learn) = pool.iter().partition(|index| sources.of[**index] == Some(source));
        task(learn, answer, &sources.names[source])
    };
    let mut tasks: Vec<Task> = left_out.iter().map(out).collect();
    let outs = tasks.len();
    let folds = folds(case.units, pool, labels, FOLDS, seed.derive("folds"));
    tasks.extend(folds.into_iter().map(|cut| task(cut.learn, cut.judge, "all")));
    (tasks, outs)
}

fn finding(
    case: &Case<'_>,
    sources: &Sources,
    left_out: &[usize],
    out: &[Answers],
    within: &[Answers],
    labels: &[usize],
) -> Finding {
    let within = joined(within);
    let of_source = |source: usize| {
        let right = within.classes().into_iter().zip(&within.indices);
        let own: Vec<bool> = right
            .filter(|(_, index)| sources.of[**index] == Some(source))
            .map(|(class, index)| class == labels[*index])
            .collect();
        own.iter().filter(|right| **right).count() as f64 / own.len().max(1) as f64
    };
    let all_out = joined(out);
    let chance = case.majority(&all_out.indices);
    let rows: Vec<(usize, f64, f64)> = left_out
        .iter()
        .zip(out)
        .map(|(&source, answers)| (source, of_source(source), answers.accuracy(labels)))
        .collect();
    let known = Answers::clone(&within).accuracy(labels);
    let unknown = all_out.accuracy(labels);
    let kept = (unknown - chance) / (known - chance).max(1e-9);
    let verdict = match () {
        () if known - chance < LEAST_GAIN => Verdict::Inconclusive,
        () if kept < FAIL => Verdict::Fail,
        () if kept < WARN => Verdict::Warn,
        () => Verdict::Pass,
    };
    let per_cent = |share: f64| format!("{:.0}%", 100.0 * share);
    let (known_words, unknown_words) = (per_cent(known), per_cent(unknown));
    let (headline, meaning, advice) = match verdict {
        Verdict::Inconclusive => (
            format!(
                "The network gains hardly anything even on sources it knows ({known_words}): nothing to lose."
            ),
            "Where nothing is learned there is nothing that could fail elsewhere.",
            "See what better-than-chance says first.",
        ),
        Verdict::Pass => (
            format!(
                "On sources it has not seen it is right for {unknown_words}, on those it knows for {known_words}."
            ),
            "Most of what it knows holds for a source that it has not seen.",
            "",
        ),
        _ => (
            format!(
                "On sources it has not seen it is right for {unknown_words}, on those it knows for {known_words}."
            ),
            "A good part of its accuracy comes from knowing the source: its background, its light, its camera. On pictures \
             from anywhere else expect the lower figure, or less.",
            "Claim the accuracy on unseen sources. Collect pictures of every class from more sources.",
        ),
    };
    Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure("accuracy, sources known", known, Unit::Share)
        .figure("accuracy, source not seen", unknown, Unit::Share)
        .figure("naming the most frequent class", chance, Unit::Share)
        .figure("share of the gain that is left", kept.max(0.0), Unit::Share)
        .with_table(Table {
            title: format!("By source ({})", sources.what),
            heading: ["left out", "known", "not seen"].map(String::from).to_vec(),
            rows: rows
                .into_iter()
                .map(|(source, known, out)| {
                    vec![sources.names[source].clone(), per_cent(known), per_cent(out)]
                })
                .collect(),
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
        let good = with_sources(Fake::bright(160), |index| index / 2 % 4);
        assert_eq!(asked(&good).verdict, Verdict::Pass, "{:?}", asked(&good));
        let bad = good.with(|case| CHECK.run(case, &KnowsSources(&good)).unwrap());
        assert_eq!(bad.verdict, Verdict::Fail, "{bad:?}");
        assert!(
            bad.headline
                .starts_with("On sources it has not seen it is right for 50%, on those it knows for 100%")
        );
    }

    #[test]
    fn classes_with_sources_of_their_own_cannot_be_told_apart_from_them() {
        let finding = asked(&with_sources(Fake::bright(80), |index| index % 2));
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.headline.starts_with("Every class comes from a source of its own"), "{finding:?}");
    }
}
