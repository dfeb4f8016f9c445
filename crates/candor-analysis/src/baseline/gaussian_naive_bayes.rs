//! Naive Bayes on pixels, Gaussian: each pixel of a class is normally distributed.
//!
//! Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2009, section 6.6.3.

use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::naive_bayes::{log_priors, sums};
use super::{Baseline, BaselineErrorKind, Learned, Lesson, Rows, View, largest};

/// This share of the largest variance is added to all of them, as in scikit-learn: a pixel that is always black in the
/// training pictures must not rule a class out by a grain of noise.
const SMOOTHING: f64 = 1e-9;

pub(super) static BASELINE: Baseline = Baseline {
    id: "gaussian-naive-bayes",
    title: "naive Bayes (Gaussian)",
    view: View::Pixels,
    summary: "Takes each pixel of a class as normally distributed, as if pixels knew nothing of each other.",
    learn,
};

struct GaussianBayes {
    priors: Array1<f64>,
    /// Class × value.
    means: Array2<f64>,
    variances: Array2<f64>,
}

fn learn(lesson: &Lesson<'_>) -> Result<Box<dyn Learned>, BaselineErrorKind> {
    let rows = &lesson.rows.0;
    let counts: Array1<f64> = lesson.counts().into_iter().map(|count| count.max(1) as f64).collect();
    let counts = counts.insert_axis(Axis(1));
    let means = sums(lesson, rows) / &counts;
    let deviations: Vec<f64> = rows
        .outer_iter()
        .zip(lesson.labels)
        .flat_map(|(row, &label)| (&row - &means.row(label)).mapv(|deviation| deviation.powi(2)).to_vec())
        .collect();
    let deviations = Array2::from_shape_vec(rows.dim(), deviations).expect("as many as values");
    let largest = rows.var_axis(Axis(0), 0.0).fold(0.0_f64, |most, &variance| most.max(variance));
    // Pictures that are all alike have no variance at all: then any will do.
    let smoothing = (SMOOTHING * largest).max(f64::MIN_POSITIVE);
    let variances = sums(lesson, &deviations) / &counts + smoothing;
    Ok(Box::new(GaussianBayes { priors: log_priors(lesson), means, variances }))
}

impl Learned for GaussianBayes {
    fn guess(&self, rows: &Rows) -> Vec<usize> {
        // Σ log σ² of each class is the same for every picture.
        let offsets = &self.priors - &(self.variances.mapv(f64::ln).sum_axis(Axis(1)) / 2.0);
        rows.0.outer_iter().map(|row| self.most_likely(row, &offsets)).collect()
    }
}

impl GaussianBayes {
    fn most_likely(&self, row: ArrayView1<'_, f64>, offsets: &Array1<f64>) -> usize {
        let distance = |class: usize| -> f64 {
            let (means, variances) = (self.means.row(class), self.variances.row(class));
            let terms = row.iter().zip(means).zip(variances);
            terms.map(|((value, mean), variance)| (value - mean).powi(2) / variance).sum()
        };
        largest(offsets.iter().enumerate().map(|(class, offset)| offset - distance(class) / 2.0))
    }
}
