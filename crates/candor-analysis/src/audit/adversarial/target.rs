//! The pictures under attack, and the search for the smallest change that each of them needs.

use candor_core::{ClassifyError, DifferentiableClassifier};

use super::super::AuditErrorKind;
use super::{Attack, Norm};

/// Pictures that are changed at a time.
const BATCH: usize = 25;
/// ε of L∞, in 255ths; and of L2, for values in 0..=1.
pub(super) const LINF: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
const L2: [f64; 6] = [0.1, 0.25, 0.5, 1.0, 2.0, 4.0];
/// Halvings between the ε that did not change the answer and the one that did.
pub(super) const HALVINGS: usize = 5;

/// What an attack did to all pictures.
pub(super) struct Attacked {
    pub attack: &'static Attack,
    /// Of each picture the smallest ε at which the answer is wrong: 0 where it was before, infinite where it never is.
    pub smallest: Vec<f64>,
    /// Of each picture what it looked like then, where the search was for it.
    pub changed: Vec<Option<Vec<f32>>>,
}

impl Attacked {
    /// The share of right answers where `epsilon` is spent on each picture.
    pub fn accuracy(&self, epsilon: f64) -> f64 {
        self.smallest.iter().filter(|&&smallest| smallest > epsilon).count() as f64
            / self.smallest.len() as f64
    }

    /// The smallest ε of the pictures that were answered rightly; infinite where most stand.
    pub fn median(&self) -> f64 {
        let mut right: Vec<f64> = self.smallest.iter().copied().filter(|&smallest| smallest > 0.0).collect();
        right.sort_by(f64::total_cmp);
        right.get(right.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// The values of ε that are tried, for values in 0..=1.
pub(super) fn epsilons(norm: Norm) -> [f64; 6] {
    match norm {
        Norm::Linf => LINF.map(|epsilon| epsilon / 255.0),
        Norm::L2 => L2,
    }
}

/// The pictures under attack.
pub(super) struct Target<'a> {
    classifier: &'a dyn DifferentiableClassifier,
    inputs: Vec<f32>,
    truth: Vec<usize>,
    size: usize,
}

impl<'a> Target<'a> {
    /// Pictures as `classifier` takes them, one after another, with their classes.
    pub fn new(
        classifier: &'a dyn DifferentiableClassifier,
        inputs: Vec<f32>,
        truth: Vec<usize>,
    ) -> Target<'a> {
        Target { classifier, size: inputs.len() / truth.len().max(1), inputs, truth }
    }

    /// Which of the pictures are predicted correctly as they are.
    pub fn right(&self) -> Result<Vec<usize>, ClassifyError> {
        let pictures: Vec<usize> = (0..self.truth.len()).collect();
        let wrong = self.wrong(&self.inputs, &pictures)?;
        Ok(pictures.into_iter().filter(|&picture| !wrong[picture]).collect())
    }

    fn input(&self, picture: usize) -> &[f32] {
        &self.inputs[picture * self.size..][..self.size]
    }

    /// Whether each input is answered wrongly.
    fn wrong(&self, inputs: &[f32], pictures: &[usize]) -> Result<Vec<bool>, ClassifyError> {
        let probabilities = self.classifier.evidence(inputs)?.probabilities;
        let rows = probabilities.chunks_exact(probabilities.len() / pictures.len());
        let class = |row: &[f32]| {
            (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best })
        };
        Ok(rows.zip(pictures).map(|(row, &picture)| class(row) != self.truth[picture]).collect())
    }

    /// Attacks each of `pictures` with its ε: what it becomes, and whether the answer is wrong then.
    fn attack(
        &self,
        attack: &Attack,
        pictures: &[usize],
        epsilons: &[f64],
    ) -> Result<Vec<(Vec<f32>, bool)>, ClassifyError> {
        let mut all = Vec::new();
        for (some, epsilons) in pictures.chunks(BATCH).zip(epsilons.chunks(BATCH)) {
            let inputs: Vec<f32> =
                some.iter().flat_map(|&picture| self.input(picture).iter().copied()).collect();
            let truth: Vec<usize> = some.iter().map(|&picture| self.truth[picture]).collect();
            let epsilons: Vec<f32> = epsilons.iter().map(|&epsilon| epsilon as f32).collect();
            let changed = attack.on(self.classifier, &inputs, &truth, &epsilons)?;
            let wrong = self.wrong(&changed, some)?;
            all.extend(changed.chunks_exact(self.size).map(<[f32]>::to_vec).zip(wrong));
        }
        Ok(all)
    }

    /// Rising ε until each picture falls; what stood at a smaller ε is asked again at the next.
    pub fn search(
        &self,
        attack: &'static Attack,
        mut tell: impl FnMut() -> Result<(), AuditErrorKind>,
    ) -> Result<Attacked, AuditErrorKind> {
        let pictures: Vec<usize> = (0..self.truth.len()).collect();
        let mut smallest = vec![f64::INFINITY; pictures.len()];
        let mut changed = vec![None; pictures.len()];
        for (picture, wrong) in self.wrong(&self.inputs, &pictures)?.into_iter().enumerate() {
            if wrong {
                smallest[picture] = 0.0;
            }
        }
        for epsilon in epsilons(attack.norm) {
            tell()?;
            let standing: Vec<usize> =
                pictures.iter().copied().filter(|&picture| smallest[picture].is_infinite()).collect();
            let fallen = self.attack(attack, &standing, &vec![epsilon; standing.len()])?;
            for (picture, (image, wrong)) in standing.into_iter().zip(fallen) {
                if wrong {
                    (smallest[picture], changed[picture]) = (epsilon, Some(image));
                }
            }
        }
        if attack.steps > 1 {
            self.halve(attack, &mut smallest, &mut changed, tell)?;
        }
        Ok(Attacked { attack, smallest, changed })
    }

    /// Between the last ε at which each fallen picture stood and the one at which it fell.
    fn halve(
        &self,
        attack: &Attack,
        smallest: &mut [f64],
        changed: &mut [Option<Vec<f32>>],
        mut tell: impl FnMut() -> Result<(), AuditErrorKind>,
    ) -> Result<(), AuditErrorKind> {
        let fallen: Vec<usize> = (0..smallest.len()).filter(|&picture| changed[picture].is_some()).collect();
        let below =
            |epsilon: f64| epsilons(attack.norm).into_iter().rfind(|&tried| tried < epsilon).unwrap_or(0.0);
        let mut stood: Vec<f64> = fallen.iter().map(|&picture| below(smallest[picture])).collect();
        for _ in 0..HALVINGS {
            tell()?;
            let middle: Vec<f64> = fallen
                .iter()
                .zip(&stood)
                .map(|(&picture, stood)| (stood + smallest[picture]) / 2.0)
                .collect();
            for (place, (image, wrong)) in self.attack(attack, &fallen, &middle)?.into_iter().enumerate() {
                match wrong {
                    true => (smallest[fallen[place]], changed[fallen[place]]) = (middle[place], Some(image)),
                    false => stood[place] = middle[place],
                }
            }
        }
        Ok(())
    }
}
