//! Two-dimensional convolution.

use serde::{Deserialize, Serialize};

use super::{Activation, LayerConfig, LayerProblem, ParameterSpec, expect_image, expect_positive, only};
use crate::{Pair, Shape};

/// Two-dimensional convolution, in the sense of all deep-learning libraries a cross-correlation:
/// y\[o, r, c\] = b\[o\] + Σ w\[o, i, u, v\] · x\[i, r·stride + u − pad, c·stride + v − pad\].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2d {
    /// Channels that come out.
    pub filters: usize,
    /// Rows and columns of the kernel.
    pub kernel: Pair,
    /// Steps between two outputs.
    #[serde(default = "one")]
    pub stride: Pair,
    /// What lies beyond the border.
    #[serde(default)]
    pub padding: Padding,
    /// Into how many parts the channels are cut; each output part sees only its input part.
    #[serde(default = "one_group")]
    pub groups: usize,
    /// Whether a trained constant is added to each filter's output.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Applied to the output.
    #[serde(default)]
    pub activation: Activation,
}

/// What lies beyond the border of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Nothing: windows stay inside, and the output shrinks.
    #[default]
    Valid,
    /// Zeros, such that the output has ⌈input / stride⌉ rows and columns. Where the zeros do not come out even, the
    /// odd one lies at the bottom and right (TensorFlow's rule).
    Same,
}

impl Conv2d {
    /// `filters` square kernels of `side`, stride 1, valid, with bias, no activation.
    pub fn new(filters: usize, side: usize) -> Conv2d {
        Conv2d {
            filters,
            kernel: Pair::square(side),
            stride: one(),
            padding: Padding::Valid,
            groups: 1,
            bias: true,
            activation: Activation::Linear,
        }
    }

    /// With zeros around the border.
    pub fn same(self) -> Conv2d {
        Conv2d { padding: Padding::Same, ..self }
    }

    /// With this activation.
    pub fn activation(self, activation: Activation) -> Conv2d {
        Conv2d { activation, ..self }
    }
}

impl LayerConfig for Conv2d {
    fn describe(&self) -> String {
        let stride = if self.stride == one() { String::new() } else { format!(" stride {}", self.stride) };
        let groups = if self.groups == 1 { String::new() } else { format!(" groups {}", self.groups) };
        let (filters, kernel, padding) = (self.filters, self.kernel, self.padding.name());
        format!("{filters} {kernel} {padding}{stride}{groups}{}", self.activation.suffix())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, LayerProblem> {
        let input = only(inputs)?;
        let (height, width, channels) = expect_image(input)?;
        expect_positive("filters", self.filters)?;
        expect_positive("groups", self.groups)?;
        if !channels.is_multiple_of(self.groups) || !self.filters.is_multiple_of(self.groups) {
            return Err(LayerProblem::Setting {
                name: "groups",
                value: self.groups.to_string(),
                needs: "a divisor of both the channels that come in and the filters",
            });
        }
        let (rows, columns) = window_output(height, width, self.kernel, self.stride, self.padding)?;
        self.activation.check(Shape::image(rows, columns, self.filters))
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        let Ok((_, _, channels)) = expect_image(input) else { return Vec::new() };
        let per_group = channels / self.groups;
        let taps = self.kernel.rows * self.kernel.columns;
        let shape = vec![self.filters, per_group, self.kernel.rows, self.kernel.columns];
        let weight = ParameterSpec::weight(shape, per_group * taps, self.filters / self.groups * taps);
        let bias = ParameterSpec::bias(self.filters);
        if self.bias { vec![weight, bias] } else { vec![weight] }
    }

    fn multiply_adds(&self, input: Shape, output: Shape) -> u64 {
        let weights = self.parameters(input).first().map_or(0, |weight| weight.len() / self.filters);
        output.len() as u64 * weights as u64
    }
}

impl Padding {
    /// The word for it in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Padding::Valid => "valid",
            Padding::Same => "same",
        }
    }
}

/// Rows and columns of the output of a window that slides over an input.
pub(super) fn window_output(
    height: usize,
    width: usize,
    kernel: Pair,
    stride: Pair,
    padding: Padding,
) -> Result<(usize, usize), LayerProblem> {
    for (name, pair) in [("kernel", kernel), ("stride", stride)] {
        expect_positive(name, pair.rows.min(pair.columns))?;
    }
    if padding == Padding::Valid && (kernel.rows > height || kernel.columns > width) {
        return Err(LayerProblem::Input(format!(
            "its window of {kernel} does not fit in: use larger pictures, fewer poolings or padding = \"same\""
        )));
    }
    let rows = WindowGeometry::along(height, kernel.rows, stride.rows, padding);
    let columns = WindowGeometry::along(width, kernel.columns, stride.columns, padding);
    Ok((rows.outputs, columns.outputs))
}

/// How a window slides along one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowGeometry {
    /// Positions of the window.
    pub outputs: usize,
    /// Padding before the first value.
    pub pad_before: usize,
    /// Padding after the last value that a window touches.
    pub pad_after: usize,
}

impl WindowGeometry {
    /// `size` values, a window of `kernel`, moved by `stride`.
    pub fn along(size: usize, kernel: usize, stride: usize, padding: Padding) -> WindowGeometry {
        match padding {
            Padding::Valid => {
                WindowGeometry { outputs: (size - kernel) / stride + 1, pad_before: 0, pad_after: 0 }
            }
            Padding::Same => {
                let outputs = size.div_ceil(stride);
                let total = ((outputs - 1) * stride + kernel).saturating_sub(size);
                WindowGeometry { outputs, pad_before: total / 2, pad_after: total - total / 2 }
            }
        }
    }
}

fn one() -> Pair {
    Pair::square(1)
}

fn one_group() -> usize {
    1
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_slide_as_in_tensorflow() {
        let cases = [
            // size, kernel, stride, padding → outputs, before, after
            (28, 3, 1, Padding::Valid, (26, 0, 0)),
            (28, 3, 1, Padding::Same, (28, 1, 1)),
            (7, 2, 1, Padding::Same, (7, 0, 1)),
            (7, 3, 2, Padding::Same, (4, 1, 1)),
            (8, 3, 2, Padding::Same, (4, 0, 1)),
            (9, 2, 2, Padding::Valid, (4, 0, 0)),
            (5, 1, 3, Padding::Same, (2, 0, 0)),
        ];
        for (size, kernel, stride, padding, (outputs, pad_before, pad_after)) in cases {
            let expected = WindowGeometry { outputs, pad_before, pad_after };
            assert_eq!(
                WindowGeometry::along(size, kernel, stride, padding),
                expected,
                "{size} {kernel} {stride}"
            );
        }
    }
}
