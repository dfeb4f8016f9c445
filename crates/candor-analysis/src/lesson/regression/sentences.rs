//! What came of a descent, in whole sentences.

use super::{Fit, Interval, Outcome, Predicted, Regression};
use crate::lesson::{decimals, written};

impl Regression {
    /// What came of it, in whole sentences.
    pub fn sentences(&self) -> Vec<String> {
        let mut all = vec![self.verdict(), self.compared()];
        all.extend(self.slope());
        all.extend(self.predicted());
        all
    }

    fn verdict(&self) -> String {
        let (start, end) = (self.start(), self.end());
        let rate = typed(self.rate);
        let from = format!("The loss is {} at the start", written(start.fit.loss));
        match self.outcome {
            Outcome::Arrived => format!(
                "{from} and {} after {} steps with the learning rate {rate}: w = {}, b = {}.",
                written(end.fit.loss),
                end.step,
                written_pair(&end.fit)[0],
                written_pair(&end.fit)[1]
            ),
            Outcome::OnTheWay => format!(
                "{from} and {} after {} steps with the learning rate {rate}, and still falling: w = {}, b = {}. More steps, or a \
                 rate closer to {}, would bring it on.",
                written(end.fit.loss),
                end.step,
                written_pair(&end.fit)[0],
                written_pair(&end.fit)[1],
                written(0.5 * self.largest_rate)
            ),
            Outcome::Diverges => format!(
                "{from}, and it grows: the learning rate {rate} diverges. After {} steps the loss is {}. Each step lands \
                 farther away than the one before, because along the steepest direction it goes {} times the way to the \
                 bottom of the valley, and 2 is the most. The largest rate that does not diverge is {}.",
                end.step,
                written(end.fit.loss),
                written(self.rate * self.curvatures[0]),
                floor_written(self.largest_rate)
            ),
        }
    }

    fn compared(&self) -> String {
        let [w, b] = written_pair(&self.least_squares);
        let steeper = self.curvatures[0] / self.curvatures[1];
        format!(
            "Least squares has the answer at once: w = {w}, b = {b}, loss {}. Descent is slow because the valley is {:.0} times as \
             steep across as along: the rate must stay below {} for the steep direction, and is then small for the flat one. \
             With x counted from its mean in standard deviations both would be equally steep, and one step would do.",
            written(self.least_squares.loss),
            steeper,
            ceil_written(self.largest_rate)
        )
    }

    fn slope(&self) -> Option<String> {
        let interval = self.slope_interval?;
        let [low, high] = [interval.low, interval.high].map(written);
        let sure = match interval.contains(0.0) {
            true => "these points could well come from a world without any slope",
            false => "a slope of 0 does not go with these points",
        };
        Some(format!(
            "With {} points the slope lies between {low} and {high} (95 % interval): {sure}.",
            self.x.len()
        ))
    }

    fn predicted(&self) -> Option<String> {
        let Predicted { x, by_descent, by_least_squares, interval, extrapolated } = self.prediction?;
        let at = typed(x);
        let mut text = match by_descent {
            Some(value) => {
                format!("f({at}) = {} (least squares: {}).", written(value), written(by_least_squares))
            }
            None => format!(
                "The descent predicts nothing; least squares says f({at}) = {}.",
                written(by_least_squares)
            ),
        };
        if let Some(Interval { low, high }) = interval {
            text += &format!(
                " A new point there lies between {} and {} (95 %, if points scatter around a line).",
                written(low),
                written(high)
            );
        }
        if extrapolated {
            text += &format!(
                " No point was seen at or beyond {at}: nobody knows whether the line goes on there."
            );
        }
        Some(text)
    }
}

/// w and b with the same decimals, which give the smaller of them three digits.
pub fn written_pair(fit: &Fit) -> [String; 2] {
    let places = decimals(fit.w, 3).max(decimals(fit.b, 3)).min(8);
    [fit.w, fit.b]
        .map(|value| if value.abs() < 1e6 { format!("{value:.places$}") } else { format!("{value:.2e}") })
}

/// As somebody would type it: 20, 2.5, 0.1; computed numbers with three digits.
pub fn typed(value: f64) -> String {
    let text = value.to_string();
    if text.len() <= 7 { text } else { written(value) }
}

/// Three digits, rounded down: what is written does not diverge either.
fn floor_written(value: f64) -> String {
    let unit = 10_f64.powf(value.log10().floor() - 2.0);
    written((value / unit).floor() * unit)
}

/// Three digits, rounded up: what is written and all above it diverges.
fn ceil_written(value: f64) -> String {
    let unit = 10_f64.powf(value.log10().floor() - 2.0);
    written((value / unit).ceil() * unit)
}
