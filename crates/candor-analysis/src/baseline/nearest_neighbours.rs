//! The five nearest pictures, by the distance of their pixels.
//!
//! All distances are measured, as one matrix product: |a − b|² = |a|² − 2 a·b + |b|². No search tree: with more than
//! some ten values a picture it comes to look at nearly all of them too (Weber, Schek and Blott, A Quantitative Analysis
//! and Performance Study for Similarity-Search Methods in High-Dimensional Spaces, VLDB 1998), and here are 256 or 768.

use ndarray::{Array1, Array2, Axis};

use super::{Baseline, BaselineErrorKind, Learned, Lesson, Rows, View, largest};

/// Neighbours that vote.
const NEIGHBOURS: usize = 5;
/// Pictures whose distances are held in memory at once.
const CHUNK: usize = 512;

pub(super) static BASELINE: Baseline = Baseline {
    id: "nearest-neighbours",
    title: "nearest neighbours",
    view: View::Pixels,
    summary: "Names the class of most of the five training pictures whose pixels differ least (Cover and Hart 1967).",
    learn,
};

struct NearestNeighbours {
    known: Array2<f64>,
    squares: Array1<f64>,
    labels: Vec<usize>,
    classes: usize,
}

fn learn(lesson: &Lesson<'_>) -> Result<Box<dyn Learned>, BaselineErrorKind> {
    let known = lesson.rows.0.clone();
    let squares = known.map_axis(Axis(1), |row| row.dot(&row));
    Ok(Box::new(NearestNeighbours {
        known,
        squares,
        labels: lesson.labels.to_vec(),
        classes: lesson.classes,
    }))
}

impl Learned for NearestNeighbours {
    fn guess(&self, rows: &Rows) -> Vec<usize> {
        let chunks = rows.0.axis_chunks_iter(Axis(0), CHUNK);
        // |a|² is the same for all neighbours of a picture: it does not change their order.
        let distances = chunks.map(|chunk| &self.squares - &(chunk.dot(&self.known.t()) * 2.0));
        distances
            .flat_map(|some| some.outer_iter().map(|row| self.vote(row.to_vec())).collect::<Vec<_>>())
            .collect()
    }
}

impl NearestNeighbours {
    /// The class of most of the nearest; of equals the first class.
    fn vote(&self, distances: Vec<f64>) -> usize {
        let mut order: Vec<usize> = (0..distances.len()).collect();
        let nearer = |&a: &usize, &b: &usize| distances[a].total_cmp(&distances[b]).then(a.cmp(&b));
        let voters = NEIGHBOURS.min(order.len());
        order.select_nth_unstable_by(voters - 1, nearer);
        let mut votes = vec![0.0; self.classes];
        order[..voters].iter().for_each(|&index| votes[self.labels[index]] += 1.0);
        largest(votes)
    }
}
