//! Principal components: the few directions in which the rows differ most.
//!
//! By subspace iteration (Halko, Martinsson and Tropp, Finding Structure with Randomness, SIAM Review 53, 2011,
//! algorithm 4.4): 768 values take a fraction of a second, where a full decomposition takes many. `linfa-reduction`
//! 0.8.1 was tried and left: with its components, which are less exact, 18 of 300 answers were others.

use candor_core::Seed;
use linfa_linalg::eigh::EighInto;
use linfa_linalg::qr::QRInto;
use ndarray::{Array1, Array2, Axis};

use super::BaselineErrorKind;

/// Directions beyond those asked for: they make the last ones exact.
const MORE: usize = 14;
/// Each brings the subspace nearer to the leading one.
const ITERATIONS: usize = 24;

/// A mean and the directions that lead away from it.
pub(super) struct PrincipalComponents {
    mean: Array1<f64>,
    /// Value × component; components are of length 1 and in falling order of the variance along them.
    directions: Array2<f64>,
}

impl PrincipalComponents {
    /// The leading `most` components of `rows`, or as many as there are values.
    pub fn of(rows: &Array2<f64>, most: usize) -> Result<PrincipalComponents, BaselineErrorKind> {
        let mean = rows.mean_axis(Axis(0)).unwrap_or_default();
        let centred = rows - &mean;
        let covariance = centred.t().dot(&centred);
        let values = covariance.nrows();
        let basis = leading_subspace(&covariance, (most + MORE).min(values))?;
        // Within the subspace the decomposition is small. Its order is falling.
        let small = basis.t().dot(&covariance.dot(&basis));
        let (strengths, turns) = small.eigh_into().map_err(BaselineErrorKind::learner)?;
        let mut order: Vec<usize> = (0..strengths.len()).collect();
        order.sort_by(|&a, &b| strengths[b].total_cmp(&strengths[a]));
        order.truncate(most);
        let directions = basis.dot(&turns.select(Axis(1), &order));
        Ok(PrincipalComponents { mean, directions })
    }

    /// `rows` along the components.
    pub fn project(&self, rows: &Array2<f64>) -> Array2<f64> {
        (rows - &self.mean).dot(&self.directions)
    }
}

/// An orthonormal basis, value × direction.
fn leading_subspace(covariance: &Array2<f64>, directions: usize) -> Result<Array2<f64>, BaselineErrorKind> {
    let values = covariance.nrows();
    let mut rng = Seed(0).derive("principal components").rng();
    let mut basis = Array2::from_shape_simple_fn((values, directions), || rng.range(-1.0, 1.0));
    // A grain of the unit matrix keeps directions without any variance from collapsing into each other.
    let grain = 1e-12 * covariance.diag().sum().max(f64::MIN_POSITIVE);
    for _ in 0..ITERATIONS {
        let next = covariance.dot(&basis) + &basis * grain;
        let scale = next.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        let next = if scale > 0.0 { next / scale } else { basis };
        basis = next.qr_into().map_err(BaselineErrorKind::learner)?.generate_q();
    }
    Ok(basis)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows whose values have falling spread along turned axes.
    fn rows(count: usize, values: usize) -> Array2<f64> {
        let mut rng = Seed(2).rng();
        let turn = Array2::from_shape_simple_fn((values, values), || rng.range(-1.0, 1.0));
        let turn = turn.qr_into().unwrap().generate_q();
        let mut rows = Array2::from_shape_simple_fn((count, values), || rng.range(-1.0, 1.0));
        rows.axis_iter_mut(Axis(1))
            .enumerate()
            .for_each(|(axis, mut column)| column *= 0.9_f64.powi(axis as i32));
        rows.dot(&turn) + 3.0
    }

    #[test]
    fn the_variance_along_them_is_that_of_the_exact_decomposition() {
        let rows = rows(300, 90);
        let projected = PrincipalComponents::of(&rows, 20).unwrap().project(&rows);
        let centred = &rows - &rows.mean_axis(Axis(0)).unwrap();
        let (mut exact, _) = centred.t().dot(&centred).eigh_into().unwrap();
        exact.as_slice_mut().unwrap().sort_by(|a, b| b.total_cmp(a));
        for (component, along) in projected.axis_iter(Axis(1)).enumerate() {
            let (along, exact) = (along.dot(&along), exact[component]);
            assert!((along - exact).abs() < 1e-3 * exact, "component {component}: {along} {exact}");
        }
    }

    #[test]
    fn as_many_components_as_values_keep_all_distances() {
        let rows = rows(40, 6);
        let projected = PrincipalComponents::of(&rows, 50).unwrap().project(&rows);
        assert_eq!(projected.dim(), (40, 6));
        let distance = |rows: &Array2<f64>| (&rows.row(0) - &rows.row(7)).mapv(|d| d * d).sum();
        assert!((distance(&projected) - distance(&rows)).abs() < 1e-9);
    }

    #[test]
    fn rows_that_are_all_alike_have_no_components_and_no_error() {
        let projected = PrincipalComponents::of(&Array2::ones((5, 30)), 10).unwrap();
        assert!(projected.project(&Array2::ones((2, 30))).iter().all(|value| value.abs() < 1e-9));
    }
}
