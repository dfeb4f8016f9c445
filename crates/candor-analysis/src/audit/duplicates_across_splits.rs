//! Are pictures judged that were learned from? Exact copies, near ones, and torn groups across the split.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use candor_core::Subset;

use super::{
    AuditErrorKind, Case, Check, Cost, Evidence, Finding, Learner, Scale, Shown, Topic, Unit, Verdict,
};
use crate::near_duplicates::{Copies, Search};

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Duplicates across splits",
    topic: Topic::SoundData,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Is the network judged on pictures that it learned from, or on copies of them?",
    how: "Every picture of validation and test is compared with those of train (and test with validation): the same file, the \
          same group (a person, a burst), and near copies that were scaled, recompressed, cropped, mirrored or made brighter. \
          Near copies are found by their coarse shape and confirmed by laying them over each other.",
    fail_means: "A part of the judged pictures was seen in training: the accuracy is that of remembering as much as of \
                 recognising.",
    misleads: "Different things that look alike at 48×48 pixels (two of one mass product, digits) can pass for copies; crops \
               to less than half of the sides and turned pictures are not found.",
    reference: "Barz & Denzler, Do we train on test data? Purging CIFAR of near-duplicates, Journal of Imaging 6 (2020)",
    scale: Scale::UNWRITTEN,
    run,
};

const ID: &str = "duplicates-across-splits";
/// So large a share of the judged pictures is no longer told as a warning.
const FAIL: f64 = 0.02;
/// So large a share of near copies alone is told.
const WARN: f64 = 0.005;
/// Pairs that are kept as evidence.
const EXHIBITS: usize = 60;

/// Why a judged picture is no new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Same,
    Group,
}

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let subset_of = subsets(case);
    let (same, group) = (twins(case, &subset_of, Kind::Same), twins(case, &subset_of, Kind::Group));
    let near = near(case, &subset_of)?;
    Ok(finding(case, &subset_of, &same, &group, &near))
}

fn subsets(case: &Case<'_>) -> BTreeMap<usize, Subset> {
    let of = |subset| case.split.indices(subset).iter().map(move |&index| (index, subset));
    Subset::ALL.into_iter().flat_map(of).collect()
}

/// Judged pictures with a picture of an earlier subset that has the same id or group.
fn twins(case: &Case<'_>, subset_of: &BTreeMap<usize, Subset>, kind: Kind) -> BTreeMap<usize, usize> {
    let key = |index: usize| match kind {
        Kind::Group => case.samples()[index].group.clone(),
        Kind::Same => Some(case.samples()[index].id.to_string()),
    };
    let mut first: HashMap<String, (Subset, usize)> = HashMap::new();
    for (&index, &subset) in subset_of {
        let Some(key) = key(index) else { continue };
        let entry = first.entry(key).or_insert((subset, index));
        if subset < entry.0 {
            *entry = (subset, index);
        }
    }
    let twin = |(&index, &subset): (&usize, &Subset)| {
        let &(theirs, other) = first.get(&key(index)?)?;
        (theirs < subset).then_some((index, other))
    };
    subset_of.iter().filter_map(twin).collect()
}

/// For each judged picture the likest of an earlier subset, where it is a copy and no mere look-alike.
fn near(
    case: &Case<'_>,
    subset_of: &BTreeMap<usize, Subset>,
) -> Result<BTreeMap<usize, Copies>, AuditErrorKind> {
    let likenesses: Vec<_> = case.facts.iter().map(|facts| facts.likeness.clone()).collect();
    let search = Search::new(&likenesses);
    let judged: Vec<usize> =
        subset_of.iter().filter(|&(_, &subset)| subset > Subset::Train).map(|(&index, _)| index).collect();
    let mut found = BTreeMap::new();
    for (number, &index) in judged.iter().enumerate() {
        case.tell(ID, number, judged.len())?;
        let earlier =
            subset_of.iter().filter(|&(_, &subset)| subset < subset_of[&index]).map(|(&other, _)| other);
        let copies = search.copies_of(index, earlier);
        let theirs = |copies: &Copies| if copies.first == index { copies.second } else { copies.first };
        let is_same = |copies: &Copies| case.samples()[theirs(copies)].id == case.samples()[index].id;
        if let Some(&best) = copies.first().filter(|best| !is_same(best)) {
            found.insert(index, Copies { first: index, second: theirs(&best), ..best });
        }
    }
    Ok(found)
}

fn finding(
    case: &Case<'_>,
    subset_of: &BTreeMap<usize, Subset>,
    same: &BTreeMap<usize, usize>,
    group: &BTreeMap<usize, usize>,
    near: &BTreeMap<usize, Copies>,
) -> Finding {
    let judged = subset_of.values().filter(|&&subset| subset > Subset::Train).count();
    let touched: BTreeSet<usize> = same.keys().chain(group.keys()).chain(near.keys()).copied().collect();
    let share = touched.len() as f64 / judged.max(1) as f64;
    // One or two look-alikes among hundreds may be no copies.
    let few = same.is_empty() && group.is_empty() && (near.len() < 2 || share < WARN);
    let verdict = match touched.len() {
        0 => Verdict::Pass,
        _ if few && share < FAIL => Verdict::Pass,
        _ if share >= FAIL => Verdict::Fail,
        _ => Verdict::Warn,
    };
    let headline = match touched.len() {
        0 => format!("None of the {judged} pictures of validation and test is a copy of a training picture."),
        some => format!(
            "{some} of {judged} pictures of validation and test were seen before: {} the same file, {} near copies, {} of a \
             group that was torn apart.",
            same.len(),
            near.len(),
            group.len()
        ),
    };
    let meaning = match verdict {
        Verdict::Pass => {
            "Whoever learned the training pictures by heart gains next to nothing by it when judged."
        }
        _ => {
            "For these pictures remembering is enough. The accuracy promises more than it will hold on new pictures."
        }
    };
    let advice = match verdict {
        Verdict::Pass => "",
        _ => {
            "Split again so that copies and groups stay together (a column for --group-column does that), train again, and \
              compare the accuracies. Remove what is there twice."
        }
    };
    Finding::new(verdict, headline, meaning)
        .advice(advice)
        .used(format!("all {} pictures of the three splits; no model was asked", subset_of.len()))
        .figure("share of judged pictures seen before", share, Unit::Share)
        .figure("the same file", same.len() as f64, Unit::Count)
        .figure("near copies", near.len() as f64, Unit::Count)
        .figure("of a torn group", group.len() as f64, Unit::Count)
        .with_evidence(exhibits(case, subset_of, same, near))
}

fn exhibits(
    case: &Case<'_>,
    subset_of: &BTreeMap<usize, Subset>,
    same: &BTreeMap<usize, usize>,
    near: &BTreeMap<usize, Copies>,
) -> Vec<Evidence> {
    let exhibit = |index: usize, other: usize, what: String| Evidence {
        note: format!("{} ({}) and {} ({}): {what}", index, subset_of[&index], other, subset_of[&other]),
        pictures: vec![Shown::of(case, index), Shown::of(case, other)],
    };
    let exact = same.iter().map(|(&index, &other)| exhibit(index, other, "the same file".to_owned()));
    let mut by_likeness: Vec<&Copies> = near.values().collect();
    by_likeness.sort_by(|a, b| b.likeness.total_cmp(&a.likeness));
    let close = by_likeness.into_iter().map(|copies| {
        let mirrored = if copies.mirrored { ", mirrored" } else { "" };
        let labels = [copies.first, copies.second].map(|index| case.samples()[index].class);
        let torn = if labels[0] == labels[1] { "" } else { ", and their labels differ" };
        let what = format!("{:.0}% alike{mirrored}{torn}", 100.0 * copies.likeness);
        exhibit(copies.first, copies.second, what)
    });
    exact.chain(close).take(EXHIBITS).collect()
}

#[cfg(test)]
mod tests {
    use candor_core::{Channels, Image, Seed};

    use super::super::Facts;
    use super::super::testing::{Bright, Fake};
    use super::*;

    /// Pictures of smooth noise.
    fn noise() -> Fake {
        let image = |index: usize| {
            let mut rng = Seed(8).at(index as u64).rng();
            let coarse: Vec<f64> = (0..64).map(|_| rng.range(0.0, 255.0)).collect();
            let pixels = (0..1024).map(|i| coarse[i / 32 / 4 * 8 + i % 32 / 4] as u8).collect();
            (Image::new(32, 32, Channels::Grey, pixels).unwrap(), index % 2)
        };
        Fake::of((0..80).map(image).collect())
    }

    fn asked(fake: &Fake) -> Finding {
        fake.with(|case| CHECK.run(case, &Bright(fake)).unwrap())
    }

    #[test]
    fn different_pictures_pass_and_each_kind_of_copy_is_told() {
        let clean = noise();
        let finding = asked(&clean);
        assert_eq!(finding.verdict, Verdict::Pass, "{finding:?}");
        let (train, test) = (clean.split.train[0], clean.split.test[0]);
        let mut exact = noise();
        exact.samples[test].id = exact.samples[train].id;
        assert_eq!(asked(&exact).value("the same file"), Some(1.0));
        let mut group = noise();
        [train, test].into_iter().for_each(|index| group.samples[index].group = Some("ann".into()));
        assert_eq!(asked(&group).value("of a torn group"), Some(1.0));
        let mut near = noise();
        let lighter =
            near.images[train].pixels().iter().map(|v| (f64::from(*v) * 0.8 + 40.0) as u8).collect();
        near.facts[test] = Facts::of(&Image::new(32, 32, Channels::Grey, lighter).unwrap(), None);
        let finding = asked(&near);
        assert_eq!(
            (finding.value("near copies"), finding.verdict),
            (Some(1.0), Verdict::Fail),
            "{finding:?}"
        );
        assert_eq!(
            finding.evidence[0].pictures.iter().map(|shown| shown.index).collect::<Vec<_>>(),
            [test, train]
        );
    }
}
