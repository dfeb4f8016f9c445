//! Confident learning (Northcutt, Jiang & Chuang, JAIR 70, 2021): how many labels of each class are wrong, and which?

use std::collections::BTreeSet;

/// What confident learning says of some pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspicions {
    /// Rows labelled, columns confidently answered; at least 1 on the diagonal, as cleanlab has it.
    pub confident_joint: Vec<Vec<usize>>,
    /// Suspected pictures by their place, the least sure of their own label first.
    pub suspects: Vec<usize>,
}

/// How many pictures of each label show which class is counted (equations 1 and 2) and calibrated to the labels' frequencies; so
/// many are suspected that are among the least sure of their own label and among those that lean most to the other class (the
/// paper's C+NR; cleanlab's filter `both`, ranked by self confidence). `labels` of n pictures, `probabilities` n × `classes`,
/// row-major, from models that had not seen the picture.
pub fn confident_learning(labels: &[usize], probabilities: &[f32], classes: usize) -> Suspicions {
    let rows: Vec<&[f32]> = rows(probabilities, classes).collect();
    let confident_joint = confident_joint(labels, &rows, classes);
    let mut of_class = vec![Vec::new(); classes];
    labels.iter().enumerate().for_each(|(place, &label)| of_class[label].push(place));
    let mut suspects: Vec<usize> = confident_joint
        .iter()
        .zip(&of_class)
        .enumerate()
        .flat_map(|(class, (row, places))| pruned(class, &calibrated(row, places.len()), places, &rows))
        .filter(|&place| most_probable(rows[place]) != labels[place])
        .collect();
    suspects.sort_by(|&a, &b| rows[a][labels[a]].total_cmp(&rows[b][labels[b]]).then(a.cmp(&b)));
    Suspicions { confident_joint, suspects }
}

fn confident_joint(labels: &[usize], rows: &[&[f32]], classes: usize) -> Vec<Vec<usize>> {
    let thresholds = thresholds(labels, rows, classes);
    let mut joint = vec![vec![0; classes]; classes];
    for (&label, row) in labels.iter().zip(rows) {
        let above = |class: &usize| f64::from(row[*class]) >= thresholds[*class] - 1e-6;
        let confident: Vec<usize> = (0..classes).filter(above).collect();
        // Where several classes are likely enough, the most probable of all counts.
        match confident[..] {
            [] => {}
            [class] => joint[label][class] += 1,
            _ => joint[label][most_probable(row)] += 1,
        }
    }
    (0..classes).for_each(|class| joint[class][class] = joint[class][class].max(1));
    joint
}

/// A row of the joint, scaled to the `pictures` that carry the label and rounded to that sum: what is left over goes to the values
/// that rounding took most from.
fn calibrated(row: &[usize], pictures: usize) -> Vec<usize> {
    let sum: usize = row.iter().sum();
    let exact: Vec<f64> = row.iter().map(|&count| (count * pictures) as f64 / sum as f64).collect();
    let mut whole: Vec<i64> = exact.iter().map(|value| value.round_ties_even() as i64).collect();
    let missing = pictures as i64 - whole.iter().sum::<i64>();
    let mut order: Vec<usize> = (0..row.len()).collect();
    let taken = |place: usize| exact[place] - exact[place].round_ties_even();
    order.sort_by(|&a, &b| taken(b).total_cmp(&taken(a)));
    if missing < 0 {
        order.reverse();
    }
    order.iter().take(missing.unsigned_abs() as usize).for_each(|&place| whole[place] += missing.signum());
    whole.into_iter().map(|count| count.max(0) as usize).collect()
}

/// Of the pictures labelled `class`, of which `shown` show each class: those that are suspected by both rules.
fn pruned(class: usize, shown: &[usize], places: &[usize], rows: &[&[f32]]) -> Vec<usize> {
    // One picture of a class is left to it whatever is answered.
    if places.len() < 2 {
        return Vec::new();
    }
    let first = |count: usize, key: &dyn Fn(usize) -> f32| -> Vec<usize> {
        let mut order = places.to_vec();
        order.sort_by(|&a, &b| key(a).total_cmp(&key(b)).then(a.cmp(&b)));
        order.truncate(count);
        order
    };
    let unsure = first(places.len() - shown[class].clamp(1, places.len()), &|place| rows[place][class]);
    let leaning: BTreeSet<usize> = (0..shown.len())
        .filter(|&other| other != class)
        .flat_map(|other| first(shown[other], &|place| rows[place][class] - rows[place][other]))
        .collect();
    unsure.into_iter().filter(|place| leaning.contains(place)).collect()
}

/// How sure answers for a class usually are for pictures that carry its label.
fn thresholds(labels: &[usize], rows: &[&[f32]], classes: usize) -> Vec<f64> {
    let of = |class: usize| {
        let own: Vec<f64> = labels
            .iter()
            .zip(rows)
            .filter(|&(&label, _)| label == class)
            .map(|(_, row)| f64::from(row[class]))
            .collect();
        if own.is_empty() { 1.0 } else { own.iter().sum::<f64>() / own.len() as f64 }
    };
    (0..classes).map(of).collect()
}

/// One slice a picture.
pub(super) fn rows(probabilities: &[f32], classes: usize) -> std::slice::ChunksExact<'_, f32> {
    probabilities.chunks_exact(classes)
}

pub(super) fn most_probable(row: &[f32]) -> usize {
    (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best })
}
