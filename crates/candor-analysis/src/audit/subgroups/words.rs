//! The check's sentences.

use super::{CLEAR, Comparison, FAIL, LEAST, Rate, Tested, Verdict};

/// The claim with its figures.
pub(super) fn headline(classes: &[String], worst: &Comparison<'_>, compared: &[Comparison<'_>]) -> String {
    match (&worst.tested, worst.verdict()) {
        (Some(tested), Verdict::Warn | Verdict::Fail) => clear(classes, worst, tested, compared),
        (_, Verdict::Inconclusive) => undecided(classes, worst),
        _ => none(classes, compared),
    }
}

/// By whom it differs, in which mistake and how much; with two classes the other mistake, too.
fn clear(classes: &[String], worst: &Comparison<'_>, tested: &Tested, compared: &[Comparison<'_>]) -> String {
    let what = &worst.grouping.what;
    let shares = shares(worst, tested);
    let interval = tested.gap.interval;
    let points = format!(
        "{:.0} points, {:.0} to {:.0}; {}",
        100.0 * tested.gap.size,
        100.0 * interval.low.max(-1.0),
        100.0 * interval.high.min(1.0),
        p_words(tested.outcome.p)
    );
    let opposite = compared.iter().find(|one| {
        let is_other = matches!((one.rate, worst.rate), (Rate::Missed(a), Rate::Missed(b)) if a != b);
        classes.len() == 2 && is_other && std::ptr::eq(one.grouping, worst.grouping)
    });
    let also = opposite.and_then(|one| Some((one, one.tested.as_ref().filter(|tested| tested.is_clear())?)));
    let also = also.map_or_else(String::new, |(one, tested)| {
        format!("; {} {}", one.rate.verb(classes), self::shares(one, tested))
    });
    format!("By {what}, {} {shares} ({points}){also}.", worst.rate.verb(classes))
}

/// `40% of “A” and 2% of “B”`
fn shares(comparison: &Comparison<'_>, tested: &Tested) -> String {
    let of = |tally: super::Tally| {
        format!("{:.0}% of “{}”", 100.0 * tally.share(), comparison.grouping.names[tally.group])
    };
    format!("{} and {}", of(tested.gap.most), of(tested.gap.least))
}

fn p_words(p: f64) -> String {
    if p < 0.001 {
        "p < .001".to_owned()
    } else {
        format!("p = {}", format!("{p:.3}").trim_start_matches('0'))
    }
}

fn undecided(classes: &[String], worst: &Comparison<'_>) -> String {
    let what = &worst.grouping.what;
    let of = match worst.rate {
        Rate::Errors => String::new(),
        rate => format!(" (of {})", rate.name(classes)),
    };
    match &worst.tested {
        None => format!("By {what}, fewer than two groups have {LEAST} pictures{of}: too few to compare."),
        Some(_) if worst.is_by_unit() => format!(
            "By {what}, each group is one unit, whose pictures may err together: whether the groups differ could not be \
             tested."
        ),
        Some(Tested { detectable: None, .. }) => {
            format!("By {what}, no difference{of} could have been detected: too few pictures.")
        }
        Some(Tested { detectable: Some(smallest), .. }) => format!(
            "No difference between groups was found, but by {what} only differences{of} above {} could be detected.",
            points(*smallest)
        ),
    }
}

/// No gap, or a small one; and what would have been detected.
fn none(classes: &[String], compared: &[Comparison<'_>]) -> String {
    let clear = compared
        .iter()
        .filter_map(|one| Some((one, one.tested.as_ref().filter(|tested| tested.is_clear())?)));
    let small = clear.max_by(|a, b| a.1.gap.interval.low.total_cmp(&b.1.gap.interval.low));
    if let Some((one, tested)) = small {
        let (what, shares) = (&one.grouping.what, shares(one, tested));
        let of = one.rate.verb(classes);
        let size = 100.0 * tested.gap.size;
        return format!("The clear differences are small: by {what}, {of} {shares} ({size:.1} points).");
    }
    let coarsest = |is: fn(Rate) -> bool| {
        let asked = compared.iter().filter(|one| !one.is_pair && is(one.rate));
        asked.filter_map(|one| one.tested.as_ref()?.detectable).fold(0.0, f64::max)
    };
    format!(
        "No difference between groups was found; above {} in errors, and {} in each kind of error, it would have been \
         detected.",
        points(coarsest(|rate| rate == Rate::Errors)),
        points(coarsest(|rate| rate != Rate::Errors))
    )
}

/// Rounded up: it is never said to see more than it does.
fn points(share: f64) -> String {
    let points = (100.0 * share).ceil();
    if points == 1.0 { "1 point".to_owned() } else { format!("{points:.0} points") }
}

/// What the verdict means.
pub(super) fn meaning(worst: &Comparison<'_>, compared: &[Comparison<'_>]) -> &'static str {
    let errors_differ = compared.iter().any(|one| {
        let is_clear = one.tested.as_ref().is_some_and(Tested::is_clear);
        one.rate == Rate::Errors && std::ptr::eq(one.grouping, worst.grouping) && is_clear
    });
    match worst.verdict() {
        Verdict::Pass => {
            "It errs about as often, and in the same way, for each group that the source tells apart. Smaller differences \
             are possible, and nothing is known of groups that the source does not name."
        }
        Verdict::Inconclusive => {
            "One group could suffer far more errors than another, and these pictures would not show it."
        }
        _ if errors_differ || worst.rate == Rate::Errors => {
            "For the group with more errors the classifier is worse than the accuracy over all pictures promises."
        }
        _ => "The groups suffer different kinds of errors, which the share of all errors does not show.",
    }
}

/// What to do.
pub(super) fn advice(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "",
        Verdict::Inconclusive => {
            "Evaluate it on more pictures of the small groups; until then do not claim that it works alike for all."
        }
        _ => {
            "Report errors, false positives and false negatives by group beside the accuracy. Collect more and better \
             pictures of the group with more errors, look at its wrong predictions, and train again; do not use it for \
             decisions about that group."
        }
    }
}

/// The level and the size that decide, for the tables.
pub(super) fn mark(tested: &Tested) -> &'static str {
    match tested.outcome.p <= CLEAR {
        true if tested.gap.size >= FAIL => "clear and large",
        true => "clear",
        false => "not clear",
    }
}
