//! Multinomial logistic regression: one weight for each value and class, and nothing between.

use linfa::DatasetView;
use linfa::traits::{Fit, Predict};
use linfa_logistic::{MultiFittedLogisticRegression, MultiLogisticRegression};
use ndarray::ArrayView1;

use super::{Baseline, BaselineErrorKind, Learned, Lesson, Rows, View};

/// Penalty on the squared weights; scikit-learn's default too (`C = 1`).
const ALPHA: f64 = 1.0;
/// Steps of L-BFGS at most. On pixels it has converged as far as the answers go long before.
const MOST_STEPS: u64 = 200;

pub(super) static BASELINE: Baseline = Baseline {
    id: "logistic-regression",
    title: "logistic regression",
    view: View::Pixels,
    summary: "Weighs each pixel for or against each class and adds up (multinomial, with an L2 penalty).",
    learn,
};

struct LogisticRegression(MultiFittedLogisticRegression<f64, usize>);

/// Also that of the views that show less than all pixels.
pub(super) fn learn(lesson: &Lesson<'_>) -> Result<Box<dyn Learned>, BaselineErrorKind> {
    lesson.several_present()?;
    let parameters = MultiLogisticRegression::default().alpha(ALPHA).max_iterations(MOST_STEPS);
    let data = DatasetView::new(lesson.rows.0.view(), ArrayView1::from(lesson.labels));
    let model = parameters.fit(&data).map_err(BaselineErrorKind::learner)?;
    Ok(Box::new(LogisticRegression(model)))
}

impl Learned for LogisticRegression {
    fn guess(&self, rows: &Rows) -> Vec<usize> {
        self.0.predict(&rows.0).to_vec()
    }
}
