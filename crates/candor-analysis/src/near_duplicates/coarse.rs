//! The first stage: which pictures have nearly the same coarse shape, also where one is a part of the other or its mirror image?
//!
//! Shapes lie by frequency, [`TOGETHER`] pictures beside each other, so that one shape is held against many at once.

use super::{Likeness, SIDE, WHOLE, Window};

/// Frequencies a direction.
const FREQUENCIES: usize = 4;
/// Values of a coarse shape: all frequencies, the constant one set to zero.
const SHAPE: usize = FREQUENCIES * FREQUENCIES;
/// Pictures that are compared at once.
const TOGETHER: usize = 32;
/// In how many ways two pictures are laid over each other: the windows of either, and both mirrored. Used as the number of
/// tries that the best of them was chosen from.
pub(super) const LAYS: usize = 4 * 31;
/// Samples a side of which a shape is made.
const CELLS: usize = 16;

type Shape = [f32; SHAPE];
/// The shapes of some pictures, by frequency.
type Block = [[f32; TOGETHER]; SHAPE];

/// How one picture may lie within another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lay {
    /// The part that is cut from one.
    pub window: Window,
    /// Whether it is mirrored.
    pub mirrored: bool,
    /// Whether it is cut from the second picture.
    pub of_second: bool,
}

/// A picture that may be a copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Near {
    pub second: usize,
    /// Cosine of the coarse shapes, at the best lay.
    pub likeness: f32,
    pub lay: Lay,
}

/// The coarse shapes of all pictures and of windows cut out of them.
pub(super) struct Coarse {
    windows: Vec<Window>,
    /// By window, then by block of pictures.
    blocks: Vec<Vec<Block>>,
}

impl Coarse {
    pub fn of(pictures: &[&Likeness], with_windows: bool) -> Coarse {
        let windows = if with_windows { windows() } else { vec![WHOLE] };
        let of_window =
            |&window: &Window| pictures.chunks(TOGETHER).map(|some| block(some, window)).collect();
        Coarse { blocks: windows.iter().map(of_window).collect(), windows }
    }

    /// Hands each of `others` (ascending) to `found`, laid as the coarse shapes agree best.
    pub fn near(&self, first: usize, others: impl Iterator<Item = usize>, mut found: impl FnMut(Near)) {
        let own: Vec<[Shape; 2]> = (0..self.windows.len()).map(|window| self.both(first, window)).collect();
        let mut known: Option<(usize, Best)> = None;
        for second in others {
            let number = second / TOGETHER;
            let best = match &known {
                Some((of, best)) if *of == number => best,
                _ => &known.insert((number, self.best(&own, number))).1,
            };
            let (likeness, lay) = (best.likeness[second % TOGETHER], best.lay[second % TOGETHER]);
            found(Near { second, likeness, lay: self.lay(lay) });
        }
    }

    /// A window's shape, as it is and in a mirror.
    fn both(&self, picture: usize, window: usize) -> [Shape; 2] {
        let block = &self.blocks[window][picture / TOGETHER];
        let shape: Shape = std::array::from_fn(|frequency| block[frequency][picture % TOGETHER]);
        [shape, mirror(shape)]
    }

    /// Holds the first picture's shapes, by window, against a block of others: its whole against their windows, its windows
    /// against their whole.
    fn best(&self, own: &[[Shape; 2]], number: usize) -> Best {
        let mut best = Best { likeness: [f32::MIN; TOGETHER], lay: [0; TOGETHER] };
        for (window, parts) in own.iter().enumerate() {
            for (mirrored, (whole, part)) in own[0].iter().zip(parts).enumerate() {
                let code = (window * 4 + mirrored * 2) as u32;
                best.take(whole, &self.blocks[window][number], code + 1);
                best.take(part, &self.blocks[0][number], code);
            }
        }
        best
    }

    fn lay(&self, code: u32) -> Lay {
        let window = self.windows[code as usize / 4];
        Lay { window, mirrored: code & 2 != 0, of_second: code & 1 != 0 }
    }
}

/// The best agreement with each picture of a block, and the number of its lay.
struct Best {
    likeness: [f32; TOGETHER],
    lay: [u32; TOGETHER],
}

impl Best {
    fn take(&mut self, shape: &Shape, block: &Block, lay: u32) {
        let mut products = [0.0; TOGETHER];
        for (value, others) in shape.iter().zip(block) {
            products.iter_mut().zip(others).for_each(|(product, other)| *product += value * other);
        }
        for ((best, at), product) in self.likeness.iter_mut().zip(&mut self.lay).zip(products) {
            *at = if product > *best { lay } else { *at };
            *best = best.max(product);
        }
    }
}

/// The whole and its parts of 90, 80 and 70 % of the sides, near enough to each other for the lowest frequencies.
fn windows() -> Vec<Window> {
    let mut all = vec![WHOLE];
    for (size, steps) in [(0.9, 2), (0.8, 3), (0.7, 4)] {
        let step = (1.0 - size) / (steps - 1) as f32;
        for (row, column) in (0..steps).flat_map(|row| (0..steps).map(move |column| (row, column))) {
            let (left, top) = (column as f32 * step, row as f32 * step);
            all.push(Window { left, top, width: size, height: size });
        }
    }
    all.push(Window { left: 0.05, top: 0.05, width: 0.9, height: 0.9 });
    all
}

fn block(pictures: &[&Likeness], window: Window) -> Block {
    let mut block = [[0.0; TOGETHER]; SHAPE];
    for (place, picture) in pictures.iter().enumerate() {
        shape(picture, window).iter().zip(&mut block).for_each(|(value, row)| row[place] = *value);
    }
    block
}

/// The coarse shape of a window at unit length; zero where it is evenly grey.
fn shape(picture: &Likeness, window: Window) -> Shape {
    let place = |start: f32, size: f32, cell: usize| start + size * (cell as f32 + 0.5) / CELLS as f32;
    let waves: [[f32; CELLS]; FREQUENCIES] = std::array::from_fn(|frequency| {
        std::array::from_fn(|cell| {
            (std::f32::consts::PI * frequency as f32 * (cell as f32 + 0.5) / CELLS as f32).cos()
        })
    });
    let mut shape = [0.0; SHAPE];
    for row in 0..CELLS {
        let y = place(window.top, window.height, row);
        let grey: [f32; CELLS] =
            std::array::from_fn(|column| picture.at(place(window.left, window.width, column), y));
        for across in 0..FREQUENCIES {
            let sum: f32 = grey.iter().zip(&waves[across]).map(|(grey, wave)| grey * wave).sum();
            (0..FREQUENCIES).for_each(|down| shape[down * FREQUENCIES + across] += sum * waves[down][row]);
        }
    }
    // What is evenly light everywhere tells nothing of what is shown.
    shape[0] = 0.0;
    let length = shape.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 1e-3 {
        shape.iter_mut().for_each(|value| *value /= length);
    }
    shape
}

impl Likeness {
    /// Grey at a place in shares of the sides, between the pixels.
    fn at(&self, x: f32, y: f32) -> f32 {
        let place = |share: f32| (share * SIDE as f32 - 0.5).clamp(0.0, (SIDE - 1) as f32);
        let (x, y) = (place(x), place(y));
        let (left, top) = ((x as usize).min(SIDE - 2), (y as usize).min(SIDE - 2));
        let (right, below) = (x - left as f32, y - top as f32);
        let grey = |dx: usize, dy: usize| f32::from(self.grey[(top + dy) * SIDE + left + dx]);
        let above = grey(0, 0) * (1.0 - right) + grey(1, 0) * right;
        let under = grey(0, 1) * (1.0 - right) + grey(1, 1) * right;
        above * (1.0 - below) + under * below
    }
}

/// In a mirror odd waves from left to right change their sign.
fn mirror(mut shape: Shape) -> Shape {
    (0..SHAPE).filter(|place| place % FREQUENCIES % 2 == 1).for_each(|place| shape[place] = -shape[place]);
    shape
}
