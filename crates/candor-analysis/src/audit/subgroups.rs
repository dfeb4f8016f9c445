//! For whom does it fail: the errors of every group of pictures that the source tells apart.

mod gap;
mod tally;

use std::cmp::Ordering;

use gap::Gap;
pub(super) use gap::newcombe;
use tally::{Judged, Tally};

use super::attributes::{Grouping, crossed, groupings, left_out};
use super::{AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Table, Topic, Unit, Verdict};
use crate::interval::holm;

pub(super) static CHECK: Check = Check {
    id: "subgroups",
    title: "Errors by subgroup",
    topic: Topic::ForWhom,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Does it err more often for some pictures than for others?",
    how: "For every column of the source that parts the pictures (words with at most 12 values, numbers cut into four parts), \
          for the source itself, and for each pair of them: the errors of each group with Wilson's interval, with two classes \
          also the share of the first class taken for the second (false positives) and the other way round, how many standard \
          errors a group lies from all pictures together (Z) and at which percentile among the groups. The largest gap \
          between groups of at least 20 pictures has Newcombe's interval. Whether the groups differ at all is tested by \
          dealing the groups' names out anew (up to 999 times; people and bursts keep theirs together), corrected by Holm \
          for all that was asked.",
    fail_means: "For some groups it errs far more often than for others; the accuracy over all pictures hides it.",
    misleads: "The largest of many gaps looks larger than it is. A group may have more pictures of the harder class. What the \
               source does not say cannot be asked, and a group with few pictures may suffer unseen.",
    reference: "Buolamwini & Gebru, Gender shades, FAT* (2018); Newcombe, Interval estimation for the difference between \
                independent proportions, Statistics in Medicine 17 (1998), method 10; Holm, A simple sequentially rejective \
                multiple test procedure (1979)",
    scale: Scale::UNWRITTEN,
    run,
};

const ID: &str = "subgroups";
/// Groups with fewer judged pictures are shown, but decide nothing.
const LEAST: usize = 20;
/// A clear gap from which it is told, and from which it fails.
const WARN: f64 = 0.05;
const FAIL: f64 = 0.15;
/// Where only larger gaps than this would have been seen, seeing none says nothing.
const TOO_COARSE: f64 = 0.15;
/// Corrected p-values up to this are clear.
const CLEAR: f64 = 0.05;
/// How many times as large a pair's gap must be to be told in place of a single attribute's.
const PAIR: f64 = 1.5;
/// Rows of a table that are written down.
const MOST_ROWS: usize = 24;

/// One grouping with what came of it.
struct Asked {
    grouping: Grouping,
    tallies: Vec<Tally>,
    gap: Option<Gap>,
    /// Corrected for everything that was asked.
    p_value: f64,
    is_pair: bool,
}

impl Asked {
    fn verdict(&self) -> Verdict {
        match &self.gap {
            Some(gap) if self.p_value <= CLEAR && gap.size >= FAIL => Verdict::Fail,
            Some(gap) if self.p_value <= CLEAR && gap.size >= WARN => Verdict::Warn,
            Some(gap) if gap.visible <= TOO_COARSE => Verdict::Pass,
            _ => Verdict::Inconclusive,
        }
    }

    /// The worst last; of equals the one with the larger gap. Where an attribute alone says nearly as much, a pair is
    /// not told instead of it: of more groups the largest gap is larger by chance.
    fn order(&self, other: &Asked) -> Ordering {
        let told = |asked: &Asked| {
            let size = asked.gap.as_ref().map_or(0.0, |gap| gap.size);
            if asked.is_pair { size / PAIR } else { size }
        };
        self.verdict().cmp(&other.verdict()).then(told(self).total_cmp(&told(other)))
    }
}

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let Some((subset, answers)) = case.judged() else {
        return Ok(Finding::inconclusive(
            "The network was not judged on any picture.",
            "Judge it: candor evaluate.",
        ));
    };
    let single = groupings(case);
    let used = format!("the answers for {} {subset} pictures{}", answers.indices.len(), not_asked(case));
    if single.is_empty() {
        return Ok(nothing_known(case).used(used));
    }
    let judged = Judged::of(case, answers);
    let asked = ask_all(case, &judged, single)?;
    Ok(finding(&judged, &asked).used(used))
}

fn not_asked(case: &Case<'_>) -> String {
    match left_out(case).as_slice() {
        [] => String::new(),
        columns => format!("; these columns part nothing and were left out: {}", columns.join(", ")),
    }
}

fn nothing_known(case: &Case<'_>) -> Finding {
    let headline = match left_out(case).is_empty() {
        true => "Nothing is known of the pictures but their class: for whom it fails cannot be told.",
        false => "No column of the source parts the pictures into groups: for whom it fails cannot be told.",
    };
    Finding::inconclusive(
        headline,
        "Add columns to the index.csv that say whom or what a picture shows (age, sex, skin tone, \
         camera, place), one value a picture, and train again: each column is then asked here.",
    )
}

/// Every grouping and every pair, tested once and corrected together.
fn ask_all(case: &Case<'_>, judged: &Judged, single: Vec<Grouping>) -> Result<Vec<Asked>, AuditErrorKind> {
    let pairs: Vec<Grouping> = (0..single.len())
        .flat_map(|a| (a + 1..single.len()).map(move |b| (a, b)))
        .map(|(a, b)| crossed(&single[a], &single[b]))
        .collect();
    let singles = single.len();
    let all: Vec<Grouping> = single.into_iter().chain(pairs).collect();
    let mut p_values = Vec::new();
    for (number, grouping) in all.iter().enumerate() {
        case.tell(ID, number, all.len())?;
        p_values.push(judged.p_value(grouping, LEAST, case.seed(ID).at(number as u64)));
    }
    let corrected = holm(&p_values);
    let asked = all.into_iter().zip(corrected).enumerate().map(|(number, (grouping, p_value))| {
        let tallies = judged.tallies(&grouping);
        let gap = Gap::largest(&tallies, LEAST);
        Asked { grouping, tallies, gap, p_value, is_pair: number >= singles }
    });
    Ok(asked.collect())
}

fn finding(judged: &Judged, asked: &[Asked]) -> Finding {
    // Pairs find what single attributes hide; but too few pictures for a pair do not make the whole inconclusive.
    let told = asked.iter().filter(|one| !one.is_pair || one.verdict() > Verdict::Inconclusive);
    let worst = told.max_by(|a, b| a.order(b)).expect("there is at least one grouping");
    let finding = Finding::new(worst.verdict(), headline(worst, asked), meaning(worst.verdict()))
        .advice(advice(worst.verdict()))
        .figure("error of all judged pictures", judged.error(), Unit::Share);
    let with_gap = figures(finding, worst).with_table(summary(asked));
    let shown = asked.iter().filter(|one| !one.is_pair || std::ptr::eq(*one, worst));
    shown.fold(with_gap, |finding, one| finding.with_table(table(one, judged)))
}

fn figures(finding: Finding, worst: &Asked) -> Finding {
    let Some(gap) = &worst.gap else { return finding };
    let what = &worst.grouping.what;
    finding
        .figure_within(format!("largest gap in error by {what}"), gap.size, gap.interval, Unit::Points)
        .figure("smallest gap that would have been seen there", gap.visible, Unit::Points)
        .figure(format!("p of no difference by {what}, corrected"), worst.p_value, Unit::PValue)
}

fn headline(worst: &Asked, asked: &[Asked]) -> String {
    let what = &worst.grouping.what;
    let points = |share: f64| format!("{:.0} points", 100.0 * share);
    match (&worst.gap, worst.verdict()) {
        (Some(gap), Verdict::Warn | Verdict::Fail) => {
            let (high, low) = (&worst.tallies[gap.most], &worst.tallies[gap.least]);
            format!(
                "By {what}, it errs on {:.0}% of “{}” and on {:.0}% of “{}”.",
                100.0 * high.error(),
                worst.grouping.names[high.group],
                100.0 * low.error(),
                worst.grouping.names[low.group]
            )
        }
        (Some(gap), Verdict::Inconclusive) => {
            format!("Too few pictures to see a gap by {what} below {}.", points(gap.visible))
        }
        (None, _) => {
            format!("By {what}, fewer than two groups have {LEAST} judged pictures: too few to compare.")
        }
        _ => {
            let seen = asked.iter().filter(|one| !one.is_pair).filter_map(|one| one.gap.as_ref());
            let coarsest = seen.map(|gap| gap.visible).fold(0.0, f64::max);
            format!("No clear gap between groups; one of {} would have been seen.", points(coarsest))
        }
    }
}

fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => {
            "It errs about as often for each group that the source tells apart. Of smaller gaps, and of what the source \
             does not say, nothing is known."
        }
        Verdict::Inconclusive => {
            "A group could suffer a large part more errors than another, and these pictures would not show it. That is no \
             good sign and no bad one."
        }
        _ => {
            "Whoever belongs to the group with more errors gets a worse classifier than the accuracy over all pictures \
             promises."
        }
    }
}

fn advice(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "",
        Verdict::Inconclusive => {
            "Judge it on more pictures of the small groups; until then do not claim that it works alike for all."
        }
        _ => {
            "Report the errors by group beside the accuracy. Collect more and better pictures of the group with more errors, \
             look at its wrong answers, train again; do not use it for decisions about that group."
        }
    }
}

/// Every grouping in a line.
fn summary(asked: &[Asked]) -> Table {
    let row = |one: &Asked| {
        let points = |share: f64| format!("{:.1}", 100.0 * share);
        let gap = one.gap.as_ref();
        let size = gap.map(|gap| {
            format!("{} ({} to {})", points(gap.size), points(gap.interval.low), points(gap.interval.high))
        });
        vec![
            one.grouping.what.clone(),
            one.tallies.len().to_string(),
            one.tallies.iter().filter(|tally| tally.pictures < LEAST).count().to_string(),
            size.unwrap_or_else(|| "too few pictures".to_owned()),
            gap.map_or_else(|| "–".to_owned(), |gap| points(gap.visible)),
            gap.map_or_else(|| "–".to_owned(), |_| format!("{:.3}", one.p_value)),
        ]
    };
    Table {
        title: "All that was asked".to_owned(),
        heading: [
            "by",
            "groups",
            "of them with too few pictures",
            "largest gap, points (95%)",
            "smallest gap that would be seen, points",
            "p, corrected",
        ]
        .map(String::from)
        .to_vec(),
        rows: asked.iter().map(row).collect(),
    }
}

/// The groups of one grouping, those with the most errors first.
fn table(asked: &Asked, judged: &Judged) -> Table {
    let two = judged.classes == 2;
    let mut rows: Vec<&Tally> = asked.tallies.iter().collect();
    rows.sort_by(|a, b| b.error().total_cmp(&a.error()));
    let heading =
        ["group", "pictures", "errors (95%)", "false positives", "false negatives", "Z", "percentile"];
    let is_shown = |column: usize| two || !(3..5).contains(&column);
    let row = |tally: &&Tally| {
        let few = if tally.pictures < LEAST { " (too few)" } else { "" };
        let cells = [
            asked.grouping.names[tally.group].clone() + few,
            tally.pictures.to_string(),
            tally.written(),
            Tally::rate(tally.false_positives),
            Tally::rate(tally.false_negatives),
            tally.z(judged.error()).map_or_else(|| "–".to_owned(), |z| format!("{z:+.1}")),
            tally.percentile(&asked.tallies).map_or_else(|| "–".to_owned(), |share| format!("{share:.0}")),
        ];
        cells.into_iter().enumerate().filter(|(column, _)| is_shown(*column)).map(|(_, cell)| cell).collect()
    };
    let left = rows.len().saturating_sub(MOST_ROWS);
    let more = if left > 0 { format!(", {left} more with fewer errors") } else { String::new() };
    Table {
        title: format!("Errors by {}{more}", asked.grouping.what),
        heading: (0..heading.len())
            .filter(|&column| is_shown(column))
            .map(|column| heading[column].into())
            .collect(),
        rows: rows.iter().take(MOST_ROWS).map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use candor_core::Seed;

    use super::super::testing::{Bright, Fake};
    use super::*;

    fn asked(fake: &Fake) -> Finding {
        fake.with(|case| CHECK.run(case, &Bright(fake)).unwrap())
    }

    /// 1,600 pictures with two attributes; wrong by chance, with the chance that `wrong` gives for (skin, sex).
    fn study(pictures: usize, seed: u64, wrong: impl Fn(usize, usize) -> f64) -> Fake {
        let mut fake = Fake::bright(pictures);
        let of = |index: usize, salt: u64| Seed(11).at(salt).at(index as u64).rng().below(2);
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            sample.attributes.insert("skin".into(), ["dark", "light"][of(index, 1)].into());
            sample.attributes.insert("sex".into(), ["f", "m"][of(index, 2)].into());
        }
        fake.answer(|index| Seed(seed).at(index as u64).rng().unit() >= wrong(of(index, 1), of(index, 2)));
        fake
    }

    #[test]
    fn a_group_that_suffers_fails_and_is_named() {
        let finding = asked(&study(1600, 1, |skin, _| if skin == 0 { 0.3 } else { 0.05 }));
        assert_eq!(finding.verdict, Verdict::Fail, "{finding:?}");
        assert!(finding.headline.starts_with("By skin, it errs on 26% of “dark”"), "{}", finding.headline);
        let gap = finding.figures.iter().find(|figure| figure.name.starts_with("largest gap")).unwrap();
        assert!(gap.interval.unwrap().low > 0.1, "{gap:?}");
        let table = &finding.tables[1..].iter().find(|table| table.title == "Errors by skin").unwrap();
        assert!(table.rows[0][0] == "dark" && table.rows[0][5].starts_with('+'), "{table:?}");
    }

    #[test]
    fn what_only_shows_where_two_attributes_meet_is_found() {
        // Gender shades: by each attribute alone the gap is half of what it is where both meet.
        let finding = asked(&study(1600, 2, |skin, sex| if skin == 0 && sex == 0 { 0.35 } else { 0.02 }));
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(
            finding.headline.contains("By sex × skin") && finding.headline.contains("“f × dark”"),
            "{finding:?}"
        );
    }

    #[test]
    fn without_a_gap_it_passes_and_of_twenty_draws_hardly_one_is_told() {
        let told =
            (0..20).filter(|&seed| asked(&study(1600, 100 + seed, |_, _| 0.12)).verdict > Verdict::Pass);
        assert!(told.count() <= 2);
        let finding = asked(&study(1600, 3, |_, _| 0.12));
        assert_eq!(finding.verdict, Verdict::Pass, "{finding:?}");
        assert!(finding.headline.contains("would have been seen"), "{}", finding.headline);
    }

    #[test]
    fn few_pictures_and_unknown_attributes_are_said_aloud() {
        let few = asked(&study(200, 4, |_, _| 0.2));
        assert_eq!(few.verdict, Verdict::Inconclusive, "{few:?}");
        assert!(few.headline.starts_with("Too few") || few.headline.contains("too few"), "{}", few.headline);
        let unknown = asked(&Fake::bright(400));
        assert_eq!(unknown.verdict, Verdict::Inconclusive);
        assert!(unknown.advice.contains("index.csv"), "{}", unknown.advice);
    }

    #[test]
    fn one_persons_pictures_are_dealt_out_together() {
        // Two people of eight are always wrong, both “dark” by chance: with people as units that is no clear gap.
        let mut fake = study(800, 5, |_, _| 0.0);
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            let person = index / 2 % 8;
            sample.group = Some(person.to_string());
            sample.attributes = [("skin".to_owned(), ["dark", "light"][person / 4].to_owned())].into();
        }
        fake.split.test = (0..800).collect();
        fake.answer(|index| index / 2 % 8 > 1);
        let finding = asked(&fake);
        assert!(finding.verdict < Verdict::Warn, "{finding:?}");
    }
}
