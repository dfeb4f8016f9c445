//! Do those who labelled the pictures agree, beyond what chance would give?
//!
//! Ratings are a table with one row a picture and one column an annotator: the category that the annotator chose, `None`
//! where none was chosen. A model cannot be judged more finely than the people who told it what is right agree.

use crate::evaluate::{ConfusionMatrix, cohen_kappa};

/// One row a picture, one column an annotator.
pub type Ratings = [Vec<Option<usize>>];

/// Cohen's kappa of the annotators in columns `first` and `second`, over the pictures that both rated: 1 for full agreement, 0
/// for that of chance, below 0 for less. `None` without such pictures, or where both chose one category throughout.
///
/// Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20 (1960).
pub fn cohen(ratings: &Ratings, first: usize, second: usize) -> Option<f64> {
    let categories = categories(ratings);
    let mut counts = vec![vec![0; categories]; categories];
    for row in ratings {
        if let (Some(a), Some(b)) = (row[first], row[second]) {
            counts[a][b] += 1;
        }
    }
    cohen_kappa(&ConfusionMatrix::from_counts(counts).ok()?).value()
}

/// Fleiss' kappa over the pictures that the most annotators rated, all by the same number: 1 for full agreement, 0 for that of
/// chance. `None` where fewer than two rated any, or all chose one category throughout.
///
/// Fleiss, "Measuring nominal scale agreement among many raters", Psychological Bulletin 76 (1971).
pub fn fleiss(ratings: &Ratings) -> Option<f64> {
    let counts: Vec<Vec<f64>> = counts(ratings);
    let raters = |row: &Vec<f64>| row.iter().sum::<f64>();
    let most = counts.iter().map(raters).fold(0.0, f64::max);
    let rows: Vec<&Vec<f64>> = counts.iter().filter(|row| raters(row) == most).collect();
    if most < 2.0 {
        return None;
    }
    let pairs = |row: &&Vec<f64>| row.iter().map(|n| n * (n - 1.0)).sum::<f64>() / (most * (most - 1.0));
    let observed = rows.iter().map(pairs).sum::<f64>() / rows.len() as f64;
    let share =
        |category: usize| rows.iter().map(|row| row[category]).sum::<f64>() / (most * rows.len() as f64);
    let expected: f64 = (0..categories(ratings)).map(|category| share(category).powi(2)).sum();
    (expected < 1.0).then(|| (observed - expected) / (1.0 - expected))
}

/// Krippendorff's alpha for categories without an order: like Fleiss' kappa, for any number of annotators a picture, those
/// with fewer than two left out. `None` where nothing can be compared, or all chose one category throughout.
///
/// Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011).
pub fn krippendorff(ratings: &Ratings) -> Option<f64> {
    let rows: Vec<Vec<f64>> =
        counts(ratings).into_iter().filter(|row| row.iter().sum::<f64>() >= 2.0).collect();
    let values = |row: &Vec<f64>| row.iter().sum::<f64>();
    // Pairs within a picture that differ, each picture weighted by its ratings; against all pairs that differ.
    let disagreement = |row: &Vec<f64>| {
        let same: f64 = row.iter().map(|n| n * (n - 1.0)).sum();
        (values(row) * (values(row) - 1.0) - same) / (values(row) - 1.0)
    };
    let observed: f64 = rows.iter().map(disagreement).sum();
    let all: f64 = rows.iter().map(values).sum();
    let of_category = |category: usize| rows.iter().map(|row| row[category]).sum::<f64>();
    let same: f64 = (0..categories(ratings)).map(|category| of_category(category).powi(2)).sum();
    let expected = all * all - same;
    (expected > 0.0).then(|| 1.0 - (all - 1.0) * observed / expected)
}

fn categories(ratings: &Ratings) -> usize {
    ratings.iter().flatten().flatten().max().map_or(0, |highest| highest + 1)
}

/// How often each category was chosen for each picture.
fn counts(ratings: &Ratings) -> Vec<Vec<f64>> {
    let categories = categories(ratings);
    let row = |row: &Vec<Option<usize>>| {
        let mut counts = vec![0.0; categories];
        row.iter().flatten().for_each(|&category| counts[category] += 1.0);
        counts
    };
    ratings.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn krippendorff_s_own_example() {
        // Krippendorff (2011), section C: four observers, twelve units, some missing; alpha for nominal data is .743.
        // 0 stands for a unit that an observer did not rate.
        let by_observer = [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
            [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
        ];
        let rating = |category: usize| (category > 0).then_some(category);
        let ratings: Vec<Vec<Option<usize>>> =
            (0..12).map(|unit| by_observer.iter().map(|row| rating(row[unit])).collect()).collect();
        let alpha = krippendorff(&ratings).unwrap();
        assert!((alpha - 0.743).abs() < 5e-4, "{alpha}");
    }

    #[test]
    fn the_usual_example_of_fleiss() {
        // Ten subjects, fourteen raters, five categories: kappa is .210.
        let table: [[usize; 5]; 10] = [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ];
        let row = |counts: &[usize; 5]| {
            counts.iter().enumerate().flat_map(|(category, &n)| vec![Some(category); n]).collect::<Vec<_>>()
        };
        let ratings: Vec<Vec<Option<usize>>> = table.iter().map(row).collect();
        let kappa = fleiss(&ratings).unwrap();
        assert!((kappa - 0.210).abs() < 5e-4, "{kappa}");
    }

    #[test]
    fn full_agreement_is_one_and_nothing_to_compare_is_nothing() {
        let agree = [vec![Some(0), Some(0)], vec![Some(1), Some(1)]];
        assert_eq!(
            (cohen(&agree, 0, 1), fleiss(&agree), krippendorff(&agree)),
            (Some(1.0), Some(1.0), Some(1.0))
        );
        for nothing in [vec![], vec![vec![Some(0), None], vec![None, Some(1)]], vec![vec![Some(0), Some(0)]]]
        {
            assert_eq!((fleiss(&nothing), krippendorff(&nothing)), (None, None), "{nothing:?}");
        }
        assert_eq!(cohen(&[vec![Some(0), None]], 0, 1), None);
    }
}
