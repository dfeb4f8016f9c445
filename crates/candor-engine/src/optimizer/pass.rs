//! One pass over all parameters: cut into runs of values, each changed by the rule and taken into the average.

use rayon::join;

use super::Optimizer;
use crate::kernel::{Isa, Run, Update, update};
use crate::{Parameter, Parameters};

/// Values that a thread takes at a time.
const RUN: usize = 1 << 14;

/// A step of the optimiser.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub isa: Isa,
    pub optimizer: Optimizer,
    /// From 0.
    pub number: u64,
    /// The step size.
    pub rate: f32,
    /// What gradients are multiplied with before the rule sees them: 1, or less where they are clipped.
    pub gradient_scale: f32,
    /// Share of the past in the averaged weights, where they are averaged.
    pub average: Option<f32>,
}

impl Step {
    /// Changes all trained parameters; the average follows the others too. `slots` holds what the rule remembers and
    /// behind it, where weights are averaged, the average. Gradients are scaled in place.
    pub fn apply(&self, parameters: &mut Parameters, slots: &mut [Parameters], gradients: &mut Parameters) {
        let own = self.optimizer.rule().slots();
        let (remembered, average) = slots.split_at_mut(own);
        let mut remembered = remembered.iter_mut().map(Parameters::tensors_mut);
        let (w, trained) = parameters.tensors_and_trained();
        let part = Part {
            trained,
            w,
            g: gradients.tensors_mut(),
            slots: [
                remembered.next().unwrap_or_default(),
                remembered.next().unwrap_or_default(),
                average.first_mut().map(Parameters::tensors_mut).unwrap_or_default(),
            ],
        };
        part.each_run(&|run, average| self.run(run, average));
    }

    fn run(&self, run: Values<'_>, average: &mut [f32]) {
        let Values { trained, w, g, first, second } = run;
        if trained && self.gradient_scale != 1.0 {
            g.iter_mut().for_each(|g| *g *= self.gradient_scale);
        }
        if trained {
            self.optimizer.rule().apply(self.isa, self.number, self.rate, Run { w, g, first, second });
        }
        if let Some(past) = self.average {
            update(self.isa, Average { past }, Run { w: average, g: w, first: &mut [], second: &mut [] });
        }
    }
}

/// The length of all gradients as one vector. Sums run in an order that depends on their number alone.
pub(crate) fn norm(gradients: &Parameters) -> f32 {
    squares_of_tensors(gradients.tensors()).sqrt() as f32
}

fn squares_of_tensors(tensors: &[Parameter]) -> f64 {
    match tensors {
        [] => 0.0,
        [tensor] => squares(&tensor.values),
        _ => {
            let (left, right) = tensors.split_at(tensors.len() / 2);
            let (left, right) = join(|| squares_of_tensors(left), || squares_of_tensors(right));
            left + right
        }
    }
}

fn squares(values: &[f32]) -> f64 {
    if values.len() <= RUN {
        return values.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
    }
    let (left, right) = values.split_at(values.len() / 2);
    let (left, right) = join(|| squares(left), || squares(right));
    left + right
}

/// a ← p a + (1 − p) w, with the average in the place of the parameters and these in the place of the gradients.
#[derive(Clone, Copy)]
struct Average {
    past: f32,
}

impl Update for Average {
    #[inline(always)]
    fn run(self, run: Run<'_>) {
        for (a, w) in run.w.iter_mut().zip(run.g) {
            *a = self.past * *a + (1.0 - self.past) * w;
        }
    }
}

/// Some tensors with all that belongs to them. Slots that are not used have no tensors.
struct Part<'a> {
    trained: &'a [bool],
    w: &'a mut [Parameter],
    g: &'a mut [Parameter],
    slots: [&'a mut [Parameter]; 3],
}

/// A run of one tensor's values.
struct Values<'a> {
    trained: bool,
    w: &'a mut [f32],
    g: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl Part<'_> {
    /// Hands every run of values, with its part of the average, to `work`, on all threads.
    fn each_run(self, work: &(impl Fn(Values<'_>, &mut [f32]) + Sync)) {
        let count = self.w.len();
        if count == 1 {
            return self.cut(work);
        }
        if count == 0 {
            return;
        }
        let values: usize = self.w.iter().map(|tensor| tensor.values.len()).sum();
        let (left, right) = self.split(count / 2);
        if values <= RUN {
            left.each_run(work);
            right.each_run(work);
        } else {
            join(|| left.each_run(work), || right.each_run(work));
        }
    }

    /// Of a part with one tensor.
    fn cut(self, work: &(impl Fn(Values<'_>, &mut [f32]) + Sync)) {
        let [first, second, average] = self.slots.map(values_of);
        let trained = self.trained.first().copied().unwrap_or(true);
        let values = Values { trained, w: values_of(self.w), g: values_of(self.g), first, second };
        values.each_run(average, work);
    }

    fn split<'s>(self, at: usize) -> (Part<'s>, Part<'s>)
    where
        Self: 's,
    {
        let (left_w, right_w) = self.w.split_at_mut(at);
        let (left_g, right_g) = self.g.split_at_mut(at);
        let (left, right) = split_all(self.slots, at);
        let trained = self.trained.split_at(at);
        (
            Part { trained: trained.0, w: left_w, g: left_g, slots: left },
            Part { trained: trained.1, w: right_w, g: right_g, slots: right },
        )
    }
}

impl Values<'_> {
    fn each_run(self, average: &mut [f32], work: &(impl Fn(Values<'_>, &mut [f32]) + Sync)) {
        let count = self.w.len();
        if count <= RUN {
            return work(self, average);
        }
        // On a multiple of the longest vector.
        let at = (count / 2).next_multiple_of(16);
        let ([w, g, first, second, left], [w2, g2, first2, second2, right]) =
            split_all([self.w, self.g, self.first, self.second, average], at);
        let trained = self.trained;
        join(
            || Values { trained, w, g, first, second }.each_run(left, work),
            || Values { trained, w: w2, g: g2, first: first2, second: second2 }.each_run(right, work),
        );
    }
}

fn values_of(tensors: &mut [Parameter]) -> &mut [f32] {
    tensors.first_mut().map(|tensor| &mut tensor.values[..]).unwrap_or_default()
}

/// Splits each of several slices at the same place; empty ones stay empty.
fn split_all<T, const N: usize>(slices: [&mut [T]; N], at: usize) -> ([&mut [T]; N], [&mut [T]; N]) {
    let mut right = std::array::from_fn(|_| Default::default());
    let mut index = 0;
    let left = slices.map(|slice| {
        let (head, tail) = slice.split_at_mut(at.min(slice.len()));
        right[index] = tail;
        index += 1;
        head
    });
    (left, right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::OptimizerKind;

    /// Tensors of awkward lengths whose values are a formula of their place.
    fn tensors(salt: f32) -> Parameters {
        let tensor = |(index, len): (usize, &usize)| Parameter {
            name: index.to_string(),
            shape: vec![*len],
            values: (0..*len).map(|at| salt + ((at * 7 + index * 3) % 11) as f32 - 5.0).collect(),
        };
        let lengths = [3, 1, 50_001, 17, 16_384, 16_385, 2];
        Parameters::from_parts(lengths.iter().enumerate().map(tensor).collect())
    }

    #[test]
    fn every_rule_changes_every_value_alike_wherever_it_lies_and_on_every_instruction_set() {
        for kind in OptimizerKind::ALL {
            let outcomes: Vec<Parameters> = Isa::available()
                .into_iter()
                .map(|isa| {
                    let optimizer = kind.usual().with_learning_rate(0.1);
                    let mut w = tensors(0.25);
                    let mut slots = vec![tensors(6.0); optimizer.rule().slots() + 1];
                    for number in 0..3 {
                        let step = Step {
                            isa,
                            optimizer,
                            number,
                            rate: 0.1,
                            gradient_scale: 0.5,
                            average: Some(0.75),
                        };
                        step.apply(&mut w, &mut slots, &mut tensors(0.5));
                    }
                    let (w, average) = (w.into_tensors(), slots.pop().unwrap().into_tensors());
                    Parameters::from_parts([w, average].concat())
                })
                .collect();
            assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{}", kind.name());
            for tensor in outcomes[0].tensors() {
                // Equal values in equal company stay equal: a period of eleven within each tensor.
                let same = |at: usize| tensor.values[at] == tensor.values[at % 11];
                assert!((0..tensor.values.len()).all(same), "{} {}", kind.name(), tensor.name);
            }
        }
    }

    #[test]
    fn the_norm_is_that_of_one_long_vector() {
        let gradients = tensors(0.5);
        let values = gradients.tensors().iter().flat_map(|tensor| &tensor.values);
        let expected = values.map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        assert!((f64::from(norm(&gradients)) - expected).abs() < 1e-6 * expected);
    }
}
