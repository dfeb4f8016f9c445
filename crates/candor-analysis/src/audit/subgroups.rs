//! For whom does it fail: the errors of every group of pictures that the source tells apart, and each kind of error.

mod gap;
mod permute;
mod power;
mod rate;
mod tables;
mod tally;
mod words;

use std::cmp::Ordering;

use gap::Gap;
pub(super) use gap::newcombe;
use rate::Rate;
use tally::{Predicted, Tally};

use super::attributes::{Grouping, crossed, groupings, left_out};
use super::{AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Topic, Unit, Verdict};
use crate::interval::TestOutcome;

pub(super) static CHECK: Check = Check {
    id: "subgroups",
    title: "Errors by subgroup",
    topic: Topic::ForWhom,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Does it err more often, or in another way, for some pictures than for others?",
    how: "For every column of the source that parts the pictures (words with at most 12 values, numbers cut into four parts), \
          for the source itself, and for each pair of them: how often it errs in each group, and how often it makes each kind \
          of error. With two classes these are the pictures of one class that are taken for the other; with more, for each \
          class, its pictures that are taken for another class (false negatives) and others that are taken for it (false \
          positives). Groups of at least 20 pictures are compared. All questions are tested together: the rows of columns are \
          dealt out anew to the units (pictures; people, bursts and copies as a whole) 999 to 1,999 times, and each \
          chi-squared is compared with the largest of all that were not clearer (Westfall and Young's step-down maxT). The \
          smallest difference that the test detects four times out of five follows from its critical value. The gap between \
          the group with the most and the group with the fewest errors has Newcombe's interval.",
    fail_means: "For some groups it errs far more often, or in another way, than for others; the accuracy over all pictures \
                 hides it.",
    misleads: "The largest of many gaps looks larger than it is. A group may have more pictures of the harder class. What the \
               source does not say cannot be tested, and neither can a group with few pictures.",
    reference: "Buolamwini & Gebru, Gender shades, FAT* (2018); Westfall & Young, Resampling-based multiple testing (1993); Ge, \
                Dudoit & Speed, Resampling-based multiple testing for microarray data analysis, Test 12 (2003); Phipson & Smyth, \
                Permutation p-values should never be zero (2010); Newcombe, Interval estimation for the difference between \
                independent proportions, Statistics in Medicine 17 (1998), method 10",
    scale: Scale {
        pass: "No gap of 2 points or more is clear (corrected p ≤ .05), and by every column a difference of 15 points in errors, and \
               of 30 points in each kind of error, would have been detected four times out of five.",
        inconclusive: "No gap is clear, but by some column only larger differences could have been detected, or none.",
        warn: "A gap between two groups is clear (corrected p ≤ .05) and at least 2 points, in errors or in one kind of error.",
        fail: "A gap between two groups is clear (corrected p ≤ .05) and at least 15 points.",
    },
    run,
};

const ID: &str = "subgroups";
/// Groups with fewer pictures are shown, but decide nothing.
const LEAST: usize = 20;
/// A clear gap from which it warns, and from which it fails.
const WARN: f64 = 0.02;
const FAIL: f64 = 0.15;
/// Where only larger differences in errors, and in one kind of error, could be detected, finding none says nothing.
const TOO_COARSE: f64 = 0.15;
const TOO_COARSE_KIND: f64 = 0.30;
/// Corrected p-values up to this are clear.
const CLEAR: f64 = 0.05;
/// How many times as large the gap of a pair, or of a kind of error, must be to be named in place of a wider one.
const NARROWER: f64 = 1.5;

/// One grouping in one kind of mistake, with what came of it.
struct Comparison<'a> {
    grouping: &'a Grouping,
    is_pair: bool,
    rate: Rate,
    tallies: Vec<Tally>,
    /// What was tested; `None` where fewer than two groups have enough pictures.
    tested: Option<Tested>,
}

struct Tested {
    gap: Gap,
    outcome: TestOutcome,
    /// The smallest difference that is found four times out of five; `None` where none is.
    detectable: Option<f64>,
}

impl Tested {
    fn is_clear(&self) -> bool {
        self.outcome.rejects(CLEAR)
    }
}

impl Comparison<'_> {
    fn verdict(&self) -> Verdict {
        let too_coarse = if self.rate == Rate::Errors { TOO_COARSE } else { TOO_COARSE_KIND };
        match &self.tested {
            Some(tested) if tested.is_clear() && tested.gap.size >= FAIL => Verdict::Fail,
            Some(tested) if tested.is_clear() && tested.gap.size >= WARN => Verdict::Warn,
            Some(tested) if tested.detectable.is_some_and(|smallest| smallest <= too_coarse) => Verdict::Pass,
            _ => Verdict::Inconclusive,
        }
    }

    /// The worst last; of clear ones that with the largest lower end of its interval, else the one of which the least could
    /// be detected, errors before a kind of error. Where a column alone, or the errors as a whole, show nearly as much, a
    /// pair or a kind of error is not named in place of it: of more questions the largest gap is larger by chance.
    fn order(&self, other: &Comparison<'_>) -> Ordering {
        let weight = |one: &Comparison<'_>| {
            let parts = i32::from(one.is_pair) + i32::from(one.rate != Rate::Errors);
            match &one.tested {
                Some(tested) if tested.is_clear() => tested.gap.interval.low / NARROWER.powi(parts),
                Some(tested) => tested.detectable.unwrap_or(1.0) - f64::from(2 * parts),
                None => f64::from(2 - 2 * parts),
            }
        };
        self.verdict().cmp(&other.verdict()).then(weight(self).total_cmp(&weight(other)))
    }

    /// Whether each group is a unit of its own, so that no deal could make the groups differ.
    fn is_by_unit(&self) -> bool {
        self.tested.as_ref().is_some_and(|tested| tested.outcome.smallest_possible_p >= 1.0)
    }

    fn p(&self) -> f64 {
        self.tested.as_ref().map_or(1.0, |tested| tested.outcome.p)
    }
}

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let Some((subset, answers)) = case.judged() else {
        return Ok(Finding::inconclusive(
            "The network was not evaluated on any picture.",
            "Evaluate it: candor evaluate.",
        ));
    };
    let single = groupings(case);
    let used = format!("the predictions for {} {subset} pictures{}", answers.indices.len(), not_asked(case));
    if single.is_empty() {
        return Ok(nothing_known(case).used(used));
    }
    let singles = single.len();
    let all = with_pairs(single);
    let predicted = Predicted::of(case, answers);
    let compared = compare_all(case, &predicted, &all, singles)?;
    Ok(finding(case.classes(), &predicted, &compared).used(used))
}

fn not_asked(case: &Case<'_>) -> String {
    match left_out(case).as_slice() {
        [] => String::new(),
        columns => {
            format!("; these columns do not part the pictures and were left out: {}", columns.join(", "))
        }
    }
}

fn nothing_known(case: &Case<'_>) -> Finding {
    let headline = match left_out(case).is_empty() {
        true => "Only the class of the pictures is known: for whom it fails could not be tested.",
        false => {
            "No column of the source parts the pictures into groups: for whom it fails could not be tested."
        }
    };
    Finding::inconclusive(
        headline,
        "Add columns to the index.csv that say whom or what a picture shows (age, sex, skin tone, \
         camera, place), one value a picture, and train again: each column is then tested here.",
    )
}

fn with_pairs(single: Vec<Grouping>) -> Vec<Grouping> {
    let pairs: Vec<Grouping> = (0..single.len())
        .flat_map(|a| (a + 1..single.len()).map(move |b| (a, b)))
        .map(|(a, b)| crossed(&single[a], &single[b]))
        .collect();
    single.into_iter().chain(pairs).collect()
}

/// Every grouping in every kind of mistake, tested together; the first `singles` groupings are single columns.
fn compare_all<'a>(
    case: &Case<'_>,
    predicted: &Predicted,
    groupings: &'a [Grouping],
    singles: usize,
) -> Result<Vec<Comparison<'a>>, AuditErrorKind> {
    let questions = permute::questions(predicted, groupings, LEAST);
    let test = permute::test(predicted, groupings, &questions, case.seed(ID), |deal, deals| {
        case.tell(ID, deal, deals)
    })?;
    let mut compared = Vec::new();
    for rate in Rate::all(predicted.classes) {
        for (number, grouping) in groupings.iter().enumerate() {
            let tallies = predicted.tallies(grouping, rate);
            let place = questions.iter().position(|one| one.grouping == number && one.rate == rate);
            let tested = place.zip(Gap::largest(&tallies, LEAST)).map(|(place, gap)| {
                let outcome = test.outcome(place, questions[place].arrangements);
                let critical = test.critical(CLEAR).filter(|_| outcome.could_reject(CLEAR));
                let detectable =
                    critical.and_then(|critical| detectable(&tallies, test.mean(place), critical));
                Tested { gap, outcome, detectable }
            });
            compared.push(Comparison { grouping, is_pair: number >= singles, rate, tallies, tested });
        }
    }
    Ok(compared)
}

/// The smallest difference that the test detects, where pictures of one unit may err together.
fn detectable(tallies: &[Tally], mean_statistic: f64, critical: f64) -> Option<f64> {
    /// Fewer mistakes do not show how much units err together: then each counts once.
    const MISTAKES: usize = 10;
    let large: Vec<&Tally> = tallies.iter().filter(|tally| tally.pictures >= LEAST).collect();
    let sum = |of: fn(&Tally) -> usize| large.iter().map(|tally| of(tally)).sum::<usize>() as f64;
    let (pictures, mistakes) = (sum(|tally| tally.pictures), sum(|tally| tally.mistakes));
    let most = pictures / sum(|tally| tally.independent);
    let inflation = match mistakes >= MISTAKES as f64 {
        true => power::inflation(mean_statistic, large.len() as f64 - 1.0).clamp(1.0, most),
        false => most,
    };
    let sizes: Vec<f64> = large.iter().map(|tally| tally.pictures as f64 / inflation).collect();
    power::smallest_detectable(&sizes, mistakes / pictures, critical)
}

fn finding(classes: &[String], predicted: &Predicted, compared: &[Comparison<'_>]) -> Finding {
    // Pairs find what single columns hide; but too few pictures for a pair do not make the whole inconclusive. Neither
    // does a grouping that cannot be tested by its nature, where there is another.
    let single: Vec<&Comparison<'_>> = compared.iter().filter(|one| !one.is_pair).collect();
    let testable = single.iter().copied().filter(|one| !one.is_by_unit());
    let pairs = compared.iter().filter(|one| one.is_pair && one.verdict() > Verdict::Inconclusive);
    let worst = testable.chain(pairs).max_by(|a, b| a.order(b)).unwrap_or(single[0]);
    let meaning = words::meaning(worst, compared);
    let finding = Finding::new(worst.verdict(), words::headline(classes, worst, compared), meaning)
        .advice(words::advice(worst.verdict()))
        .figure("error of all evaluated pictures", predicted.error(), Unit::Share);
    let with_figures = figures(finding, classes, worst, compared);
    tables::tables(classes, predicted, worst, compared).into_iter().fold(with_figures, Finding::with_table)
}

fn figures(
    finding: Finding,
    classes: &[String],
    worst: &Comparison<'_>,
    compared: &[Comparison<'_>],
) -> Finding {
    let name = format!("largest gap in {} by {}", worst.rate.name(classes), worst.grouping.what);
    let Some(tested) = &worst.tested else {
        return clearest(compared).map_or(finding.clone(), |outcome| finding.tested(outcome));
    };
    let with_gap = finding.figure_within(name, tested.gap.size, tested.gap.interval, Unit::Points);
    let with_detectable = match tested.detectable {
        Some(smallest) => {
            with_gap.figure("smallest difference that could be detected there", smallest, Unit::Points)
        }
        None => with_gap,
    };
    let outcome = if tested.is_clear() { None } else { clearest(compared) };
    with_detectable.tested(outcome.unwrap_or(tested.outcome))
}

/// Where nothing is clear: the smallest p-value, and of what decides the smallest one that its bluntest test could give.
fn clearest(compared: &[Comparison<'_>]) -> Option<TestOutcome> {
    let deciding = compared.iter().filter(|one| !one.is_pair && !one.is_by_unit());
    let outcomes: Vec<TestOutcome> = deciding.filter_map(|one| Some(one.tested.as_ref()?.outcome)).collect();
    let smallest_possible_p = outcomes.iter().map(|one| one.smallest_possible_p).reduce(f64::max)?;
    let p = outcomes.iter().map(|one| one.p).reduce(f64::min)?;
    Some(TestOutcome { p: p.max(smallest_possible_p), smallest_possible_p })
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
            finding.headline.starts_with("By sex × skin, it errs on")
                && finding.headline.contains("“f × dark”"),
            "{finding:?}"
        );
    }

    #[test]
    fn without_a_gap_it_passes_in_eighteen_of_twenty_draws() {
        let draws = (0..20).map(|seed| asked(&study(2400, 100 + seed, |_, _| 0.12)));
        assert!(draws.filter(|finding| finding.verdict > Verdict::Pass).count() <= 2);
        let finding = asked(&study(2400, 3, |_, _| 0.12));
        assert_eq!(finding.verdict, Verdict::Pass, "{finding:?}");
        assert!(finding.headline.contains("would have been detected"), "{}", finding.headline);
    }

    #[test]
    fn few_pictures_and_unknown_attributes_are_said_aloud() {
        let few = asked(&study(200, 4, |_, _| 0.2));
        assert_eq!(few.verdict, Verdict::Inconclusive, "{few:?}");
        assert!(few.headline.contains("could be detected"), "{}", few.headline);
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

    /// `pictures` with a column `kind` (three in ten are bad) and `noise` columns drawn by lot; wrong as `wrong` says of
    /// what is bad and of the class.
    fn columns(pictures: usize, noise: usize, seed: u64, wrong: impl Fn(bool, usize) -> f64) -> Fake {
        let mut fake = Fake::bright(pictures);
        let bad = |index: usize| Seed(seed).derive("kind").at(index as u64).rng().unit() < 0.3;
        let classes: Vec<usize> = fake.samples.iter().map(|sample| sample.class).collect();
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            let mut rng = Seed(seed).derive("noise").at(index as u64).rng();
            let drawn =
                (0..noise).map(|column| (format!("a{column:02}"), ["x", "y"][rng.below(2)].to_owned()));
            sample.attributes = drawn.collect();
            sample.attributes.insert("kind".into(), if bad(index) { "bad" } else { "good" }.into());
        }
        fake.answer(|index| Seed(seed).at(index as u64).rng().unit() >= wrong(bad(index), classes[index]));
        fake
    }

    #[test]
    fn a_large_gap_is_found_among_any_number_of_columns_and_its_column_is_named() {
        for noise in [0, 1, 9] {
            for seed in 0..3 {
                let finding = asked(&columns(1500, noise, seed, |bad, _| if bad { 0.5 } else { 0.02 }));
                assert_eq!(finding.verdict, Verdict::Fail, "{noise} {}", finding.headline);
                assert!(finding.headline.starts_with("By kind, it errs on"), "{noise} {}", finding.headline);
                assert_eq!(
                    finding.value(super::super::P_VALUE),
                    finding.value(super::super::SMALLEST_POSSIBLE_P)
                );
            }
        }
    }

    #[test]
    fn opposite_errors_fail_although_the_errors_are_equal_and_their_class_is_named() {
        let finding = asked(&columns(2400, 1, 4, |bad, class| if bad == (class == 0) { 0.4 } else { 0.0 }));
        assert_eq!(finding.verdict, Verdict::Fail, "{finding:?}");
        let headline = &finding.headline;
        assert!(headline.starts_with("By kind, “"), "{headline}");
        assert!(
            headline.contains("“dark” is taken for “light” in") && headline.contains("0% of “good”"),
            "{headline}"
        );
        assert!(headline.contains("“light” is taken for “dark” in"), "both directions are named: {headline}");
    }

    #[test]
    fn six_people_cannot_be_told_apart_and_it_says_so() {
        let mut fake = study(800, 5, |_, _| 0.1);
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            let person = index / 8 % 6;
            sample.group = Some(person.to_string());
            sample.attributes = [("skin".to_owned(), ["dark", "light"][person / 3].to_owned())].into();
        }
        let finding = asked(&fake);
        assert_eq!(finding.verdict, Verdict::Inconclusive, "{finding:?}");
        assert!(finding.headline.contains("no difference could have been detected"), "{}", finding.headline);
        assert_eq!(finding.value(super::super::SMALLEST_POSSIBLE_P), Some(0.1));
    }

    #[test]
    fn a_persons_second_column_does_not_make_pictures_units() {
        // Eight people, two always wrong and both “dark”; one picture of one person has another skin by mistake.
        let mut fake = study(800, 5, |_, _| 0.0);
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            let person = index / 2 % 8;
            sample.group = Some(person.to_string());
            let dark = if index == 0 { 1 } else { person / 4 };
            sample.attributes = [("skin".to_owned(), ["dark", "light"][dark].to_owned())].into();
        }
        fake.split.test = (0..800).collect();
        fake.answer(|index| index / 2 % 8 > 1);
        assert!(asked(&fake).verdict < Verdict::Warn);
    }

    #[test]
    fn of_no_difference_one_in_twenty_is_called_clear_by_all_questions_together() {
        // The first class is wrong far more often, and more frequent in one group: no difference within a class.
        let clear = (0..60).filter(|&seed: &u64| {
            let mut fake = columns(1200, 3, 100 + seed, |_, class| if class == 0 { 0.3 } else { 0.1 });
            for (index, sample) in fake.samples.iter_mut().enumerate() {
                let is_first =
                    Seed(seed).derive("place").at(index as u64).rng().unit() < [0.7, 0.3][sample.class];
                sample.attributes.insert("place".into(), if is_first { "north" } else { "south" }.into());
            }
            fake.with(|case| {
                let predicted = Predicted::of(case, &case.answers[&candor_core::Subset::Test]);
                let all = with_pairs(groupings(case));
                let mut questions = permute::questions(&predicted, &all, LEAST);
                questions.retain(|one| one.rate != Rate::Errors);
                let tell = |_: usize, _: usize| Ok::<(), ()>(());
                let test = permute::test(&predicted, &all, &questions, Seed(seed), tell).unwrap();
                test.p_values().iter().any(|&p| p <= CLEAR)
            })
        });
        // Exact binomial: of 60 with .05 each at most 7, 99 times out of 100.
        let clear = clear.count();
        assert!(clear <= 7, "{clear}");
    }
}
