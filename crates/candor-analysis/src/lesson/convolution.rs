//! Convolution: a small table of weights slides over a picture, and at each place the weighted sum of what lies below is
//! written down.
//!
//! As in every network, the table is not turned over (which mathematicians call cross-correlation), and the output lacks the
//! border where the table would hang over the edge ("valid").

use std::str::FromStr;

use candor_core::{Channels, Image};
use serde::Serialize;
use thiserror::Error;

use super::Lesson;

pub(super) static LESSON: Lesson = Lesson {
    id: "convolution",
    title: "What a convolution sees",
    shows: "What the first layer of a network does: a small table of weights, the kernel, slides over the picture, and at each \
            place the weighted sum of the pixels below it becomes one pixel of the output. The weights decide what it finds.",
    misleads: "These weights were chosen by a person for a purpose. A network finds its own, and few of them have a name. One \
               kernel finds edges, not things: that takes layers of them.",
    questions: &[
        "Which weights find upright edges, which level ones, and what makes the difference?",
        "What do the weights add up to, and what does that do to a picture that is grey all over?",
        "Why is the output smaller than the picture? What would you put at the border, and what would the network learn of it?",
        "The same few weights are used at every place. What does a network gain by that, and what can it not know?",
        "Write a kernel that finds corners, or lines from lower left to upper right. How would a network come to it?",
    ],
    reference: "I. Sobel and G. Feldman, “A 3×3 isotropic gradient operator for image processing”, 1968; Y. LeCun and others, \
                “Backpropagation applied to handwritten zip code recognition”, Neural Computation 1, 1989.",
};

/// A kernel that has a name.
#[derive(Debug)]
pub struct NamedKernel {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it finds.
    pub finds: &'static str,
    rows: [[f64; 3]; 3],
    divisor: f64,
}

/// The kernels with a name.
pub static KERNELS: [NamedKernel; 5] = [
    NamedKernel {
        name: "sobel-x",
        finds: "upright edges: where it gets brighter to the right",
        rows: [[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]],
        divisor: 1.0,
    },
    NamedKernel {
        name: "sobel-y",
        finds: "level edges: where it gets brighter downwards",
        rows: [[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]],
        divisor: 1.0,
    },
    NamedKernel {
        name: "laplace",
        finds: "spots and edges of every direction: what is brighter or darker than what is around it",
        rows: [[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]],
        divisor: 1.0,
    },
    NamedKernel {
        name: "blur",
        finds: "nothing: it mixes each pixel with those around it",
        rows: [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]],
        divisor: 16.0,
    },
    NamedKernel {
        name: "sharpen",
        finds: "what differs from its surroundings, and makes it stronger",
        rows: [[0.0, -1.0, 0.0], [-1.0, 5.0, -1.0], [0.0, -1.0, 0.0]],
        divisor: 1.0,
    },
];

/// Rows and columns at most.
const LARGEST: usize = 15;
/// Weights that add up to less than this share of their magnitudes are taken to add up to nothing.
const NOTHING: f64 = 1e-9;

/// Text that is no kernel.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum KernelError {
    #[error(
        "row {row} of the kernel has {found} weights, and row 1 has {expected}: write as many in each, rows parted by ';'"
    )]
    Ragged { row: usize, found: usize, expected: usize },
    #[error("\"{word}\" in row {row} of the kernel is no number; kernels with a name are {known}")]
    NoNumber { row: usize, word: String, known: String },
    #[error(
        "a kernel of {rows} rows and {columns} columns has no middle: take odd numbers up to {LARGEST}, such as 3 and 3"
    )]
    Size { rows: usize, columns: usize },
    #[error("all weights are 0: the output would be 0 everywhere")]
    Empty,
    #[error("the picture has {width}×{height} pixels, and the kernel needs {columns}×{rows}")]
    TooSmall { width: usize, height: usize, columns: usize, rows: usize },
}

/// A table of weights with odd sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Kernel {
    /// Row by row.
    pub rows: Vec<Vec<f64>>,
    /// Its name, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'static str>,
}

impl FromStr for Kernel {
    type Err = KernelError;

    /// A name, or weights parted by spaces or commas, rows parted by semicolons: `1 0 -1; 2 0 -2; 1 0 -1`.
    fn from_str(text: &str) -> Result<Kernel, KernelError> {
        if let Some(named) = KERNELS.iter().find(|kernel| kernel.name == text.trim()) {
            let rows = named.rows.iter().map(|row| row.iter().map(|weight| weight / named.divisor).collect());
            return Ok(Kernel { rows: rows.collect(), name: Some(named.name) });
        }
        let rows = text.trim().trim_end_matches(';').split(';').enumerate();
        let rows: Vec<Vec<f64>> = rows.map(|(at, row)| read_row(at + 1, row)).collect::<Result<_, _>>()?;
        let columns = rows[0].len();
        if let Some((row, odd)) = rows.iter().enumerate().find(|(_, row)| row.len() != columns) {
            return Err(KernelError::Ragged { row: row + 1, found: odd.len(), expected: columns });
        }
        let is_good = |side: usize| side % 2 == 1 && side <= LARGEST;
        if !is_good(rows.len()) || !is_good(columns) {
            return Err(KernelError::Size { rows: rows.len(), columns });
        }
        match rows.iter().flatten().all(|weight| *weight == 0.0) {
            true => Err(KernelError::Empty),
            false => Ok(Kernel { rows, name: None }),
        }
    }
}

fn read_row(row: usize, text: &str) -> Result<Vec<f64>, KernelError> {
    let words = text.split([' ', ',', '\t']).filter(|word| !word.is_empty());
    let number = |word: &str| match word.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(KernelError::NoNumber {
            row,
            word: word.to_owned(),
            known: KERNELS.iter().map(|kernel| kernel.name).collect::<Vec<_>>().join(", "),
        }),
    };
    words.map(number).collect()
}

impl Kernel {
    /// What the weights add up to.
    pub fn sum(&self) -> f64 {
        self.rows.iter().flatten().sum()
    }

    /// Whether a picture that is grey all over gives nothing: then the output has negative values.
    pub fn is_balanced(&self) -> bool {
        let all: f64 = self.rows.iter().flatten().map(|weight| weight.abs()).sum();
        self.sum().abs() < NOTHING * all
    }

    /// What it finds, of one with a name.
    pub fn finds(&self) -> Option<&'static str> {
        KERNELS.iter().find(|kernel| Some(kernel.name) == self.name).map(|kernel| kernel.finds)
    }

    fn height(&self) -> usize {
        self.rows.len()
    }

    fn width(&self) -> usize {
        self.rows[0].len()
    }
}

/// One weighted sum, written out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Place {
    /// Column of the output, from 0.
    pub x: usize,
    /// Row of the output, from 0.
    pub y: usize,
    /// The pixels below the kernel, row by row, 0 to 255.
    pub pixels: Vec<Vec<u8>>,
    /// Their weighted sum.
    pub sum: f64,
}

/// What a kernel makes of a picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Convolved {
    /// The picture in grey, as the kernel sees it.
    #[serde(skip)]
    pub input: Image,
    /// The output to be looked at: of a balanced kernel grey is 0, brighter is positive, darker negative, scaled to the largest
    /// magnitude; of others as it is, cut to 0..=255.
    #[serde(skip)]
    pub output: Image,
    /// Rows and columns of the output.
    pub size: [usize; 2],
    /// The smallest sum.
    pub lowest: f64,
    /// The largest.
    pub highest: f64,
    /// The place with the largest magnitude, the first of equals.
    pub strongest: Place,
}

/// Slides a kernel over a picture, in grey.
///
/// # Errors
/// When the picture is smaller than the kernel.
pub fn convolve(picture: &Image, kernel: &Kernel) -> Result<Convolved, KernelError> {
    let input = picture.to_channels(Channels::Grey);
    let (width, height) = (input.width(), input.height());
    if width < kernel.width() || height < kernel.height() {
        let (columns, rows) = (kernel.width(), kernel.height());
        return Err(KernelError::TooSmall { width, height, columns, rows });
    }
    let size = [height + 1 - kernel.height(), width + 1 - kernel.width()];
    let sums: Vec<f64> =
        (0..size[0] * size[1]).map(|at| sum_at(&input, kernel, at % size[1], at / size[1])).collect();
    let (mut lowest, mut highest, mut strongest) = (sums[0], sums[0], 0);
    for (at, &sum) in sums.iter().enumerate() {
        (lowest, highest) = (sum.min(lowest), sum.max(highest));
        if sum.abs() > sums[strongest].abs() {
            strongest = at;
        }
    }
    let shown = sums.iter().map(|sum| match kernel.is_balanced() {
        true => 128.0 + 127.0 * sum / lowest.abs().max(highest.abs()).max(f64::MIN_POSITIVE),
        false => *sum,
    });
    let pixels = shown.map(|value| value.round().clamp(0.0, 255.0) as u8).collect();
    let output =
        Image::new(size[1], size[0], Channels::Grey, pixels).expect("one value was made for each place");
    let (x, y) = (strongest % size[1], strongest / size[1]);
    let row = |down: usize| (0..kernel.width()).map(|right| input.pixel(x + right, y + down)[0]).collect();
    let pixels = (0..kernel.height()).map(row).collect();
    let strongest = Place { x, y, pixels, sum: sums[strongest] };
    Ok(Convolved { input, output, size, lowest, highest, strongest })
}

fn sum_at(input: &Image, kernel: &Kernel, x: usize, y: usize) -> f64 {
    let row = |(down, weights): (usize, &Vec<f64>)| {
        let start = (y + down) * input.width() + x;
        let pixels = &input.pixels()[start..start + weights.len()];
        weights.iter().zip(pixels).map(|(weight, &pixel)| weight * f64::from(pixel)).sum::<f64>()
    };
    kernel.rows.iter().enumerate().map(row).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: usize, height: usize, pixel: impl Fn(usize, usize) -> u8) -> Image {
        let pixels = (0..width * height).map(|at| pixel(at % width, at / width)).collect();
        Image::new(width, height, Channels::Grey, pixels).unwrap()
    }

    #[test]
    fn an_upright_edge_is_found_by_sobel_x_and_by_no_other() {
        let edge = picture(7, 5, |x, _| if x < 3 { 10 } else { 210 });
        let found = convolve(&edge, &"sobel-x".parse().unwrap()).unwrap();
        assert_eq!((found.size, found.lowest, found.highest), ([3, 5], 0.0, 800.0));
        assert_eq!(found.output.pixels()[..5], [128, 255, 255, 128, 128]);
        let Place { x, y, pixels, sum } = found.strongest;
        assert_eq!((x, y, sum), (1, 0, 800.0));
        assert_eq!(pixels, vec![vec![10, 10, 210]; 3]);
        let level = convolve(&edge, &"sobel-y".parse().unwrap()).unwrap();
        assert_eq!((level.lowest, level.highest), (0.0, 0.0));
        assert!(level.output.pixels().iter().all(|&value| value == 128));
    }

    #[test]
    fn blurring_and_sharpening_keep_a_grey_picture() {
        let grey = picture(6, 4, |_, _| 77);
        for name in ["blur", "sharpen"] {
            let kernel: Kernel = name.parse().unwrap();
            assert!(!kernel.is_balanced());
            assert!(
                convolve(&grey, &kernel).unwrap().output.pixels().iter().all(|&value| value == 77),
                "{name}"
            );
        }
        assert!("laplace".parse::<Kernel>().unwrap().is_balanced());
    }

    #[test]
    fn kernels_are_read_as_they_are_typed() {
        let kernel: Kernel = "1 0 -1; 2 0 -2; 1 0 -1".parse().unwrap();
        assert_eq!(kernel.rows, [[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]);
        assert_eq!("0.2,0.2,0.6".parse::<Kernel>().unwrap().rows.len(), 1);
        let cases = [
            ("1 0 -1; 2 0", "row 2 of the kernel has 2 weights, and row 1 has 3"),
            (
                "sobel",
                "\"sobel\" in row 1 of the kernel is no number; kernels with a name are sobel-x, sobel-y,",
            ),
            ("1 2; 3 4", "a kernel of 2 rows and 2 columns has no middle"),
            ("0", "all weights are 0"),
            ("", "a kernel of 1 rows and 0 columns"),
            ("1 nan 2", "\"nan\" in row 1"),
        ];
        for (text, expected) in cases {
            let error = text.parse::<Kernel>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let small = convolve(&picture(2, 9, |_, _| 0), &"blur".parse().unwrap()).unwrap_err().to_string();
        assert_eq!(small, "the picture has 2×9 pixels, and the kernel needs 3×3");
    }
}
