//! Reliability diagram: how often the model is right (up) when it is so sure (across), and how many answers that is.

use candor_analysis::evaluate::{Calibration, Interval, ReliabilityBin};
use maud::{Markup, html};

use super::{WIDTH, px, svg};
use crate::figures::{self, Scale};

const LEFT: f64 = 46.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 24.0;
const SIDE: f64 = 240.0;
/// The bars with the numbers of answers, below the diagram.
const BARS_TOP: f64 = TOP + SIDE + 26.0;
const BARS: f64 = 44.0;
const HEIGHT: f64 = BARS_TOP + BARS + 38.0;

/// A point a bin that has answers, with the 95 % interval of its share of right ones; on the dashed line the model is
/// right as often as it says. Below, how many answers are in each bin.
pub(crate) fn reliability(calibration: &Calibration) -> Markup {
    let filled = || calibration.bins.iter().filter_map(Filled::of);
    let most = filled().map(|bin| bin.pictures).max().unwrap_or(1);
    svg(
        HEIGHT,
        &alt(calibration),
        html! {
            text class="unit" x="0" y="10" { "share of right answers" }
            (grid())
            line class="chance" x1=(x(0.0)) y1=(y(0.0)) x2=(x(1.0)) y2=(y(1.0)) {
                title { "right as often as it says" }
            }
            @for bin in filled() { (bar(&bin, most)) }
            @for bin in filled() { (point(&bin)) }
            text class="unit" x=(px((x(0.0) + x(1.0)) / 2.0)) y=(px(HEIGHT - 6.0)) text-anchor="middle" {
                "probability of the named class"
            }
        },
    )
}

/// A bin with an answer in it.
struct Filled {
    low: f64,
    high: f64,
    pictures: u64,
    confidence: f64,
    accuracy: f64,
}

impl Filled {
    fn of(bin: &ReliabilityBin) -> Option<Filled> {
        let ReliabilityBin { low, high, pictures, confidence, accuracy } = *bin;
        Some(Filled { low, high, pictures, confidence: confidence?, accuracy: accuracy? })
    }

    fn interval(&self) -> Interval {
        Interval::of_share(self.accuracy, self.pictures as usize)
    }

    fn words(&self) -> String {
        let sure = figures::probability(self.confidence as f32);
        let right = Scale::PerCent.write_both(self.accuracy, self.interval());
        format!("{} answers: {sure} sure, {right} right", figures::count(self.pictures))
    }
}

fn x(share: f64) -> f64 {
    px(LEFT + share * (WIDTH - LEFT - RIGHT))
}

fn y(share: f64) -> f64 {
    px(TOP + (1.0 - share) * SIDE)
}

fn grid() -> Markup {
    html! {
        @for per_cent in [0, 25, 50, 75, 100] {
            @let share = f64::from(per_cent) / 100.0;
            line class="grid" x1=(x(0.0)) x2=(x(1.0)) y1=(y(share)) y2=(y(share)) {}
            text class="tick" x=(LEFT - 7.0) y=(px(y(share) + 4.0)) text-anchor="end" { (per_cent) "%" }
            text class="tick" x=(x(share)) y=(BARS_TOP + BARS + 15.0) text-anchor=(if per_cent == 100 { "end" } else { "middle" }) {
                (per_cent) "%"
            }
        }
        line class="axis" x1=(x(0.0)) x2=(x(1.0)) y1=(BARS_TOP + BARS) y2=(BARS_TOP + BARS) {}
        text class="unit" x=(LEFT) y=(BARS_TOP - 8.0) { "answers" }
    }
}

fn bar(bin: &Filled, most: u64) -> Markup {
    let height = BARS * bin.pictures as f64 / most as f64;
    html! {
        rect class="bar predicted" x=(x(bin.low)) width=(px(x(bin.high) - x(bin.low) - 1.5))
            y=(px(BARS_TOP + BARS - height)) height=(px(height)) {
            title { (bin.words()) }
        }
    }
}

fn point(bin: &Filled) -> Markup {
    let interval = bin.interval();
    html! {
        line class="whisker" x1=(x(bin.confidence)) x2=(x(bin.confidence)) y1=(y(interval.low)) y2=(y(interval.high)) {}
        circle class="dot test" cx=(x(bin.confidence)) cy=(y(bin.accuracy)) r="4.5" { title { (bin.words()) } }
    }
}

fn alt(calibration: &Calibration) -> String {
    let bins: Vec<String> = calibration.bins.iter().filter_map(Filled::of).map(|bin| bin.words()).collect();
    format!("How often the model is right against how sure it is. {}", bins.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_analysis::LabelledPredictions;

    #[test]
    fn each_filled_bin_has_a_point_a_bar_and_words() {
        let classes = vec!["fork".into(), "scissors".into()];
        let probabilities = [0.75, 0.25, 0.75, 0.25, 0.125, 0.875].repeat(10);
        let truth = [0, 1, 1].repeat(10);
        let predictions = LabelledPredictions::new(classes, truth, probabilities).unwrap();
        let text = reliability(&Calibration::of(&predictions, 15)).into_string();
        assert_eq!((text.matches("<circle").count(), text.matches("<rect").count()), (2, 2));
        assert!(
            text.contains("20 answers: 75.0% sure, 50% (30% to 70%) right; 10 answers: 87.5% sure, 100%"),
            "{text}"
        );
    }
}
