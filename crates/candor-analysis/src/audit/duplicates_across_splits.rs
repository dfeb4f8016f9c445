//! Are pictures judged that were learned from? Exact copies, near ones, and torn groups across the split.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use candor_core::Subset;

use super::{
    AuditErrorKind, Case, Check, Cost, Evidence, Finding, Learner, Scale, Shown, Topic, Unit, Verdict,
};
use crate::near_duplicates::Copies;

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Duplicates across splits",
    topic: Topic::SoundData,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Is the network judged on pictures that it learned from, or on copies of them?",
    how: "Every picture of validation and test is compared with those of train (and test with validation): the same file, the \
          same group (a person, a burst), and copies that were scaled, recompressed, cropped, mirrored or made brighter. Copies \
          are found by their coarse shape and confirmed by laying them over each other: every detailed part has to agree, and \
          the two have to be far more alike than different pictures of this set are. What is only very similar is listed, and \
          does not count as a copy.",
    fail_means: "A part of the pictures of validation and test was seen in training: the accuracy is that of remembering as \
                 much as of recognising.",
    misleads: "Two shots of one scene in which nothing moved can count as copies. In sets of fewer than some dozen pictures, \
               and of drawings that are all alike, copies that were changed cannot be confirmed and are only listed. Crops to \
               less than half of the sides and turned pictures are not found.",
    reference: "Barz & Denzler, Do we train on test data? Purging CIFAR of near-duplicates, Journal of Imaging 6 (2020)",
    scale: Scale {
        pass: "No picture of validation and test is a copy of an earlier one or of its group, and fewer than 2 % are very similar \
               to one.",
        inconclusive: "None is a copy for certain, but 2 % or more are so similar to an earlier one that only a person can tell.",
        warn: "At least one picture of validation and test is a copy of an earlier one or of its group.",
        fail: "2 % or more are.",
    },
    run,
};

const ID: &str = "duplicates-across-splits";
/// So large a share of copies fails; so large a share of very similar pictures leaves it open.
const FAIL: f64 = 0.02;
/// Pairs that are kept as evidence.
const EXHIBITS: usize = 60;

/// What two pictures have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    File,
    Pixels,
    Group,
}

/// For each picture of validation and test that has one: a picture of an earlier subset, by what they have in common.
struct Found {
    file: BTreeMap<usize, usize>,
    group: BTreeMap<usize, usize>,
    copies: BTreeMap<usize, Copies>,
    similar: BTreeMap<usize, Copies>,
}

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    case.tell(ID, 0, 1)?;
    let subset_of = subsets(case);
    let file = twins(case, &subset_of, Kind::File);
    let group = twins(case, &subset_of, Kind::Group);
    let mut copies = near(case, &subset_of, true);
    let equal = twins(case, &subset_of, Kind::Pixels);
    copies.extend(equal.iter().map(|(&first, &second)| (first, equal_pixels(first, second))));
    copies.retain(|index, _| !file.contains_key(index));
    let mut similar = near(case, &subset_of, false);
    similar.retain(|index, _| {
        ![&file, &group].iter().any(|found| found.contains_key(index)) && !copies.contains_key(index)
    });
    Ok(finding(case, &subset_of, &Found { file, group, copies, similar }))
}

fn equal_pixels(first: usize, second: usize) -> Copies {
    Copies { first, second, likeness: 1.0, mirrored: false, area: 1.0, verified: true }
}

fn subsets(case: &Case<'_>) -> BTreeMap<usize, Subset> {
    let of = |subset| case.split.indices(subset).iter().map(move |&index| (index, subset));
    Subset::ALL.into_iter().flat_map(of).collect()
}

/// Pictures with one of an earlier subset that has the same file, pixels or group.
fn twins(case: &Case<'_>, subset_of: &BTreeMap<usize, Subset>, kind: Kind) -> BTreeMap<usize, usize> {
    let key = |index: usize| match kind {
        Kind::Group => case.samples()[index].group.clone(),
        Kind::File => Some(case.samples()[index].id.to_string()),
        Kind::Pixels => case.facts[index]
            .likeness
            .shows_something()
            .then(|| case.facts[index].likeness.pixels().to_string()),
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

/// For each picture of validation and test the likest of an earlier subset, among verified copies or among the others.
fn near(case: &Case<'_>, subset_of: &BTreeMap<usize, Subset>, verified: bool) -> BTreeMap<usize, Copies> {
    let mut found: BTreeMap<usize, Copies> = BTreeMap::new();
    for pair in case.copies.iter().filter(|pair| pair.verified == verified) {
        let [Some(first), Some(second)] = [pair.first, pair.second].map(|index| subset_of.get(&index)) else {
            continue;
        };
        let (later, earlier) = match first.cmp(second) {
            std::cmp::Ordering::Equal => continue,
            std::cmp::Ordering::Less => (pair.second, pair.first),
            std::cmp::Ordering::Greater => (pair.first, pair.second),
        };
        let pair = Copies { first: later, second: earlier, ..*pair };
        let best = found.entry(later).or_insert(pair);
        if pair.likeness > best.likeness {
            *best = pair;
        }
    }
    found
}

fn finding(case: &Case<'_>, subset_of: &BTreeMap<usize, Subset>, found: &Found) -> Finding {
    let later = subset_of.values().filter(|&&subset| subset > Subset::Train).count();
    let touched: BTreeSet<usize> =
        found.file.keys().chain(found.group.keys()).chain(found.copies.keys()).copied().collect();
    let share_of = |count: usize| count as f64 / later.max(1) as f64;
    let (share, similar) = (share_of(touched.len()), share_of(found.similar.len()));
    let verdict = match touched.len() {
        0 if similar < FAIL => Verdict::Pass,
        0 => Verdict::Inconclusive,
        _ if share >= FAIL => Verdict::Fail,
        _ => Verdict::Warn,
    };
    let (meaning, advice) = match verdict {
        Verdict::Pass => ("Remembering training pictures does not help on these pictures.", ""),
        Verdict::Inconclusive => (
            "Pictures of one kind can be this similar without being copies: of drawings and digits they are. If they are copies, \
             the accuracy promises too much.",
            "Look at the pairs below. If they show the same picture, split again so that they stay together (a column for \
             --group-column does that).",
        ),
        _ => (
            "For these pictures remembering is enough. The accuracy may promise more than holds on new pictures.",
            "Split again so that copies and groups stay together (a column for --group-column does that), train again, and \
             compare the accuracies. Remove duplicates.",
        ),
    };
    Finding::new(verdict, headline(later, touched.len(), share, found), meaning)
        .advice(advice)
        .used(format!("all {} pictures of the three splits; no model was used", subset_of.len()))
        .figure("share of pictures seen before", share, Unit::Share)
        .figure("the same file", found.file.len() as f64, Unit::Count)
        .figure("copies", found.copies.len() as f64, Unit::Count)
        .figure("of a torn group", found.group.len() as f64, Unit::Count)
        .figure("very similar", found.similar.len() as f64, Unit::Count)
        .with_evidence(exhibits(case, subset_of, found))
}

fn headline(later: usize, touched: usize, share: f64, found: &Found) -> String {
    let similar = match found.similar.len() {
        0 => String::new(),
        1 => " 1 is very similar to one: please look.".to_owned(),
        some => format!(" {some} are very similar to one: please look."),
    };
    if touched == 0 {
        return format!(
            "None of the {later} pictures of validation and test is a verified copy of an earlier picture.{similar}"
        );
    }
    let kinds = [
        (found.file.len(), "the same file"),
        (found.copies.len(), "copies"),
        (found.group.len(), "of a group that was torn apart"),
    ];
    let kinds = kinds.iter().filter(|(count, _)| *count > 0).map(|(count, how)| format!("{count} {how}"));
    let kinds: Vec<String> = kinds.collect();
    let were = if touched == 1 { "was" } else { "were" };
    let also = match found.similar.len() {
        0 => String::new(),
        1 => " 1 more is very similar to an earlier picture: please look.".to_owned(),
        some => format!(" {some} more are very similar to an earlier picture: please look."),
    };
    format!(
        "{touched} of {later} pictures of validation and test ({:.1}%) {were} seen before: {}.{also}",
        100.0 * share,
        kinds.join(", ")
    )
}

fn exhibits(case: &Case<'_>, subset_of: &BTreeMap<usize, Subset>, found: &Found) -> Vec<Evidence> {
    let exhibit = |index: usize, other: usize, what: String| Evidence {
        note: format!("{} ({}) and {} ({}): {what}", index, subset_of[&index], other, subset_of[&other]),
        pictures: vec![Shown::of(case, index), Shown::of(case, other)],
    };
    let exact = found.file.iter().map(|(&index, &other)| exhibit(index, other, "the same file".to_owned()));
    let pair = |copies: &Copies| {
        let mirrored = if copies.mirrored { ", mirrored" } else { "" };
        let labels = [copies.first, copies.second].map(|index| case.samples()[index].class);
        let torn = if labels[0] == labels[1] { "" } else { ", and their labels differ" };
        let kind = if copies.verified { "copies" } else { "very similar" };
        let what = format!("{kind} ({:.2} alike{mirrored}){torn}", copies.likeness);
        exhibit(copies.first, copies.second, what)
    };
    let by_likeness = |found: &BTreeMap<usize, Copies>| {
        let mut pairs: Vec<Copies> = found.values().copied().collect();
        pairs.sort_by(|a, b| b.likeness.total_cmp(&a.likeness));
        pairs
    };
    let close = [&found.copies, &found.similar].into_iter().flat_map(by_likeness);
    exact.chain(close.map(|copies| pair(&copies))).take(EXHIBITS).collect()
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
        fake.with_copies_sought(|case| CHECK.run(case, &Bright(fake)).unwrap())
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
        assert_eq!((finding.value("copies"), finding.verdict), (Some(1.0), Verdict::Fail), "{finding:?}");
        assert_eq!(
            finding.evidence[0].pictures.iter().map(|shown| shown.index).collect::<Vec<_>>(),
            [test, train]
        );
        let mut pixels = noise();
        pixels.facts[test] = pixels.facts[train].clone();
        let finding = asked(&pixels);
        assert_eq!((finding.value("copies"), finding.verdict), (Some(1.0), Verdict::Fail), "{finding:?}");
    }

    /// Rings of one width with a number of strokes in them, each drawn on its own: alike, and none a copy.
    fn signs() -> Fake {
        let image = |index: usize| {
            let mut rng = Seed(9).at(index as u64).rng();
            let (x, y, radius) = (rng.range(22.0, 26.0), rng.range(22.0, 26.0), rng.range(16.0, 20.0));
            let (ground, strokes) = (rng.range(40.0, 160.0), 1 + index % 2);
            let value = |column: f64, row: f64| {
                let away = ((column - x).powi(2) + (row - y).powi(2)).sqrt();
                let stroke = (0..strokes).any(|at| (column - x - 6.0 * at as f64 + 3.0).abs() < 1.5);
                match () {
                    () if away > radius => ground,
                    () if away > radius - 3.0 || (stroke && (row - y).abs() < 8.0) => 20.0,
                    () => 230.0,
                }
            };
            let pixels = (0..48 * 48).map(|i| value((i % 48) as f64, (i / 48) as f64) as u8).collect();
            (Image::new(48, 48, Channels::Grey, pixels).unwrap(), index % 2)
        };
        Fake::of((0..80).map(image).collect())
    }

    #[test]
    fn drawings_of_one_kind_are_called_similar_and_never_seen_before() {
        let finding = asked(&signs());
        assert_eq!(finding.verdict, Verdict::Inconclusive, "{finding:?}");
        assert!(finding.value("very similar").is_some_and(|similar| similar > 0.0), "{finding:?}");
        assert!(!finding.headline.contains("seen before"), "{}", finding.headline);
        assert!(finding.evidence.iter().all(|evidence| evidence.note.contains("very similar")));
    }
}
