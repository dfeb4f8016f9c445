//! Class distribution: how often each class occurs, and how often the model names it.

use serde::{Deserialize, Serialize};

use super::{ConfusionMatrix, MetricInfo};

pub(super) const INFO: MetricInfo = MetricInfo {
    id: "class_distribution",
    title: "Class distribution, real against predicted",
    shows: "The share of each class among the judged pictures, and the share of answers that name it. A class that is \
            named much more often than it occurs attracts the doubtful cases.",
    misleads: "Equal shares do not mean right answers: errors in both directions cancel.",
    reference: "Saerens, Latinne and Decaestecker, Adjusting the outputs of a classifier to new a priori probabilities, \
                Neural Computation 14 (2002)",
};

/// One share a class, in class order; each list adds up to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassDistribution {
    /// How often each class occurs.
    pub real: Vec<f64>,
    /// How often the model names it.
    pub predicted: Vec<f64>,
}

impl ClassDistribution {
    /// From the rows and columns of the confusion matrix.
    pub fn of(matrix: &ConfusionMatrix) -> ClassDistribution {
        let pictures = matrix.pictures() as f64;
        let share = |counts: Vec<u64>| counts.into_iter().map(|count| count as f64 / pictures).collect();
        ClassDistribution { real: share(matrix.support()), predicted: share(matrix.predicted()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_study_s_shares_follow_from_its_matrix() {
        let published = [[30, 14, 0, 15], [8, 30, 9, 19], [9, 13, 20, 8], [14, 12, 3, 31]];
        let matrix = ConfusionMatrix::from_counts(published.map(|row| row.to_vec()).to_vec()).unwrap();
        let shares = ClassDistribution::of(&matrix);
        let rounded = |values: &[f64]| values.iter().map(|v| (v * 1e4).floor() / 1e4).collect::<Vec<_>>();
        assert_eq!(rounded(&shares.real), [0.2510, 0.2808, 0.2127, 0.2553]);
        assert_eq!(rounded(&shares.predicted), [0.2595, 0.2936, 0.1361, 0.3106]);
    }
}
