//! A support vector machine with a radial basis function kernel, on principal components of the pixels.
//!
//! One machine for each pair of classes; the class that wins most pairs is named (Cortes and Vapnik 1995; Chang and
//! Lin, LIBSVM, 2011, section 7). The pairs share one table of kernel values, which makes sixty classes affordable.

use linfa::DatasetView;
use linfa::traits::Fit;
use linfa_svm::Svm;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use super::principal_components::PrincipalComponents;
use super::{Baseline, BaselineErrorKind, Learned, Lesson, Rows, View, largest};

/// Principal components, at most.
const COMPONENTS: usize = 50;
/// The price of a picture on the wrong side.
const C: f64 = 10.0;
/// 4,950 pairs.
const MOST_CLASSES: usize = 100;
/// Pictures whose kernel values are held in memory at once.
const CHUNK: usize = 512;

pub(super) static BASELINE: Baseline = Baseline {
    id: "rbf-svm",
    title: "RBF SVM after PCA",
    view: View::Pixels,
    summary: "Support vector machines, one a pair of classes, with a Gaussian kernel on 50 principal components; the \
              strongest learner here (Chang and Lin 2011).",
    learn,
};

struct RbfSvm {
    components: PrincipalComponents,
    gamma: f64,
    /// The training pictures as components.
    known: Array2<f64>,
    pairs: Vec<Pair>,
    classes: usize,
}

/// Tells two classes apart: positive values speak for the second.
struct Pair {
    classes: [usize; 2],
    /// Which training pictures carry the boundary, and how much.
    support: Vec<(usize, f64)>,
    threshold: f64,
}

fn learn(lesson: &Lesson<'_>) -> Result<Box<dyn Learned>, BaselineErrorKind> {
    let present = lesson.several_present()?;
    if present.len() > MOST_CLASSES {
        return Err(BaselineErrorKind::TooManyClasses { classes: present.len(), most: MOST_CLASSES });
    }
    let components = PrincipalComponents::of(&lesson.rows.0, COMPONENTS)?;
    let known = components.project(&lesson.rows.0);
    // scikit-learn's `gamma="scale"`. Pictures that are all alike have no variance; any gamma does.
    let variance = known.var(0.0).max(f64::MIN_POSITIVE.sqrt());
    let gamma = 1.0 / (known.ncols() as f64 * variance);
    let pairs = present
        .iter()
        .enumerate()
        .flat_map(|(place, &second)| present[..place].iter().map(move |&first| [first, second]));
    let pairs = pairs.map(|classes| Pair::learn(lesson, &known, gamma, classes)).collect::<Result<_, _>>()?;
    Ok(Box::new(RbfSvm { components, gamma, known, pairs, classes: lesson.classes }))
}

impl Pair {
    fn learn(
        lesson: &Lesson<'_>,
        known: &Array2<f64>,
        gamma: f64,
        classes: [usize; 2],
    ) -> Result<Pair, BaselineErrorKind> {
        let members: Vec<usize> =
            (0..known.nrows()).filter(|&index| classes.contains(&lesson.labels[index])).collect();
        let rows = known.select(Axis(0), &members);
        let is_second: Vec<bool> = members.iter().map(|&index| lesson.labels[index] == classes[1]).collect();
        let data = DatasetView::new(rows.view(), ArrayView1::from(&is_second));
        let parameters = Svm::<f64, bool>::params().pos_neg_weights(C, C).gaussian_kernel(1.0 / gamma);
        let machine = parameters.fit(&data).map_err(BaselineErrorKind::learner)?;
        let support = members.into_iter().zip(machine.alpha).filter(|(_, weight)| *weight != 0.0);
        Ok(Pair { classes, support: support.collect(), threshold: machine.rho })
    }

    /// The class that wins, given the kernel values to all training pictures.
    fn winner(&self, kernel: ArrayView1<'_, f64>) -> usize {
        let sum: f64 = self.support.iter().map(|&(index, weight)| weight * kernel[index]).sum();
        self.classes[usize::from(sum > self.threshold)]
    }
}

impl Learned for RbfSvm {
    fn guess(&self, rows: &Rows) -> Vec<usize> {
        let rows = self.components.project(&rows.0);
        let squares = self.known.map_axis(Axis(1), |row| row.dot(&row));
        let guess = |chunk: ArrayView2<'_, f64>| {
            let kernel = self.kernel(chunk, &squares);
            kernel.outer_iter().map(|row| self.vote(row)).collect::<Vec<_>>()
        };
        rows.axis_chunks_iter(Axis(0), CHUNK).flat_map(guess).collect()
    }
}

impl RbfSvm {
    /// exp(−γ |a − b|²) for each of `rows` and each training picture.
    fn kernel(&self, rows: ArrayView2<'_, f64>, squares: &Array1<f64>) -> Array2<f64> {
        let own = rows.map_axis(Axis(1), |row| row.dot(&row)).insert_axis(Axis(1));
        let mut distances = rows.dot(&self.known.t()) * -2.0 + squares + &own;
        distances.mapv_inplace(|squared| (-self.gamma * squared.max(0.0)).exp());
        distances
    }

    /// The class that wins most pairs; of equals the first.
    fn vote(&self, kernel: ArrayView1<'_, f64>) -> usize {
        let mut wins = vec![0.0; self.classes];
        self.pairs.iter().for_each(|pair| wins[pair.winner(kernel)] += 1.0);
        largest(wins)
    }
}
