//! Copies of one picture, also where one was scaled, recompressed, cropped, mirrored or made brighter.
//!
//! Two stages. Each picture's coarse shape (the lowest frequencies of its cosine transform, which neither scaling nor
//! compression touches, at unit length, which takes out brightness and contrast) is compared with the shapes of the others,
//! of windows cut out of them, and of both mirrored. The few nearest are then laid over each other: the window is moved and
//! stretched until the fine structure (what is left without the local mean) agrees best. Different pictures of one kind share
//! their coarse shape, but seldom their fine structure.
//!
//! The cost grows with the square of the number of pictures: seconds for 1,000 with all windows. From
//! [`MOST_WITH_WINDOWS`] pictures on only whole pictures are compared.

use candor_core::{Channels, Fit, Image, Preprocessing};

/// Side of the kept grey picture.
const SIDE: usize = 48;
/// Frequencies a direction in the coarse shape.
const FREQUENCIES: usize = 4;
/// Values of the coarse shape: all frequencies but the constant one, and a zero.
const SHAPE: usize = FREQUENCIES * FREQUENCIES;
/// Side of the grid on which the fine structure is compared.
const GRID: usize = 24;
/// Coarse shapes less alike than this (cosine) are not laid over each other.
const COARSE: f32 = 0.8;
/// For each picture so many others are laid over it at most.
const NEAREST: usize = 8;
/// Fine structures less alike at the start are not moved.
const WORTH_A_WALK: f32 = 0.25;
/// A picture whose fine structure varies less than this (levels) shows nothing to compare.
const FLAT: f32 = 1.0;
/// With more pictures than this only whole ones are compared.
pub const MOST_WITH_WINDOWS: usize = 4_000;
/// Fine structures at least so alike (correlation) are those of one picture, where the look-alikes of a picture are not
/// alike in it.
pub const COPY: f32 = 0.9;
/// So alike they have to be where the look-alikes are.
const CERTAIN: f32 = 0.975;
/// How alike the look-alikes of photos are at most, and those of drawings, digits or shirts at least.
const PHOTOS: f32 = 0.3;
const OF_ONE_KIND: f32 = 0.5;

/// What is kept of a picture to find its copies: 2.3 KB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness {
    /// Grey, 48×48, stretched.
    grey: Vec<u8>,
}

/// Two pictures that show the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Copies {
    /// The place of the one that comes first.
    pub first: usize,
    /// The place of the other.
    pub second: usize,
    /// Correlation of their fine structures once laid over each other: [`COPY`] to 1.
    pub likeness: f32,
    /// Whether one is the other in a mirror.
    pub mirrored: bool,
    /// The share of the one's area that the other shows.
    pub area: f32,
}

impl Likeness {
    /// Of a picture of any size.
    pub fn of(image: &Image) -> Likeness {
        let input = Preprocessing { height: SIDE, width: SIDE, channels: Channels::Grey, fit: Fit::Stretch };
        Likeness { grey: input.apply(image).into_pixels() }
    }

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

/// A part of a picture, in shares of its sides.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Window {
    left: f32,
    top: f32,
    width: f32,
    height: f32,
}

const WHOLE: Window = Window { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };

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

type Shape = [f32; SHAPE];

/// The coarse shape of a window at unit length; zero where it is evenly grey.
fn shape(picture: &Likeness, window: Window) -> Shape {
    const CELLS: usize = 16;
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

/// In a mirror odd waves from left to right change their sign.
fn mirror(mut shape: Shape) -> Shape {
    (0..SHAPE).filter(|place| place % FREQUENCIES % 2 == 1).for_each(|place| shape[place] = -shape[place]);
    shape
}

fn product(a: &Shape, b: &Shape) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// How one picture may lie within another.
#[derive(Clone, Copy, Debug)]
struct Lay {
    window: Window,
    mirrored: bool,
    /// Whether the window is cut from the second picture.
    of_second: bool,
}

/// A search for copies among some pictures.
pub struct Search<'a> {
    pictures: &'a [Likeness],
    windows: Vec<Window>,
    /// Of each picture, of each window.
    shapes: Vec<Shape>,
    /// Of each whole picture, in a mirror.
    mirrored: Vec<Shape>,
    /// Of each whole picture.
    fine: Vec<Option<Fine>>,
}

/// Fine structure at mean 0 and length 1; `None` where a picture is flat.
type Fine = Box<[f32]>;

impl<'a> Search<'a> {
    /// Prepares the search.
    pub fn new(pictures: &'a [Likeness]) -> Search<'a> {
        let windows = if pictures.len() <= MOST_WITH_WINDOWS { windows() } else { vec![WHOLE] };
        let shapes: Vec<Shape> = pictures
            .iter()
            .flat_map(|picture| windows.iter().map(|&window| shape(picture, window)))
            .collect();
        let mirrored = shapes.iter().step_by(windows.len()).map(|&shape| mirror(shape)).collect();
        let fine = pictures.iter().map(|picture| fine(picture, WHOLE, false)).collect();
        Search { pictures, windows, shapes, mirrored, fine }
    }

    /// The copies of the picture at `first` among those at `others`, the most alike first.
    pub fn copies_of(&self, first: usize, others: impl Iterator<Item = usize>) -> Vec<Copies> {
        let mut laid = self.laid(first, others);
        let wanted = wanted(&laid);
        laid.retain(|copies| copies.likeness >= wanted);
        laid
    }

    /// The nearest pictures laid over the one at `first`, the most alike first.
    fn laid(&self, first: usize, others: impl Iterator<Item = usize>) -> Vec<Copies> {
        let mut nearest: Vec<(f32, usize, Lay)> = Vec::new();
        for second in others.filter(|&second| second != first) {
            let (likeness, lay) = self.coarse(first, second);
            if likeness < COARSE || (nearest.len() == NEAREST && likeness <= nearest[NEAREST - 1].0) {
                continue;
            }
            let place = nearest.partition_point(|(other, ..)| *other >= likeness);
            nearest.insert(place, (likeness, second, lay));
            nearest.truncate(NEAREST);
        }
        let laid = nearest.into_iter().filter_map(|(_, second, lay)| self.lay_over(first, second, lay));
        let mut laid: Vec<Copies> = laid.collect();
        laid.sort_by(|a, b| b.likeness.total_cmp(&a.likeness));
        laid
    }

    /// The best cosine of coarse shapes, and how the pictures lie for it.
    fn coarse(&self, first: usize, second: usize) -> (f32, Lay) {
        let count = self.windows.len();
        let mut best = (f32::MIN, 0, false, false);
        for (of_second, whole, parts) in [(true, first, second), (false, second, first)] {
            let (straight, mirrored) = (&self.shapes[whole * count], &self.mirrored[whole]);
            for (number, part) in self.shapes[parts * count..(parts + 1) * count].iter().enumerate() {
                for (is_mirrored, whole) in [(false, straight), (true, mirrored)] {
                    let likeness = product(whole, part);
                    if likeness > best.0 {
                        best = (likeness, number, is_mirrored, of_second);
                    }
                }
            }
        }
        let (likeness, number, mirrored, of_second) = best;
        (likeness, Lay { window: self.windows[number], mirrored, of_second })
    }

    /// Moves and stretches the window until the fine structures agree best.
    fn lay_over(&self, first: usize, second: usize, lay: Lay) -> Option<Copies> {
        let (whole, cut) = if lay.of_second { (first, second) } else { (second, first) };
        let whole = self.fine[whole].as_deref()?;
        let cut = &self.pictures[cut];
        let agree = |window: Window| {
            let part = fine(cut, window, lay.mirrored)?;
            Some(whole.iter().zip(&part[..]).map(|(a, b)| a * b).sum::<f32>())
        };
        let (mut window, mut best) = (lay.window, agree(lay.window)?);
        // Whole pictures lie over each other as they are, and what has nothing in common at the start is not worth the walk.
        let is_worth_it = self.windows.len() > 1 && best > WORTH_A_WALK;
        for step in [0.06, 0.03, 0.015] {
            let mut improved = true;
            while improved && is_worth_it {
                improved = false;
                for next in neighbours(window, step) {
                    if let Some(likeness) = agree(next).filter(|&likeness| likeness > best + 1e-4) {
                        (window, best, improved) = (next, likeness, true);
                    }
                }
            }
        }
        let area = window.width * window.height;
        let (first, second) = (first.min(second), first.max(second));
        Some(Copies { first, second, likeness: best, mirrored: lay.mirrored, area })
    }
}

/// How alike a copy has to be, given the nearest pictures: things of one kind (shirts, digits) are alike in their fine
/// structure too, without being copies. Measured: of 134 photographs copies reach .91 and more (19 of 20), look-alikes .2 at
/// the median; of Fashion-MNIST copies reach .98, look-alikes .95 (99 of 100).
fn wanted(laid: &[Copies]) -> f32 {
    let usual = if laid.len() < NEAREST / 2 { PHOTOS } else { laid[laid.len() / 2].likeness };
    let share = ((usual - PHOTOS) / (OF_ONE_KIND - PHOTOS)).clamp(0.0, 1.0);
    COPY + share * (CERTAIN - COPY)
}

/// The windows that lie a step beside `window`, or are a step larger or smaller at one side, within the picture.
fn neighbours(window: Window, step: f32) -> impl Iterator<Item = Window> {
    let moves = [[-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]];
    let moved =
        moves.map(|[x, y]| Window { left: window.left + x * step, top: window.top + y * step, ..window });
    let sides = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]];
    let stretched = sides.into_iter().flat_map(move |[left, top, right, below]| {
        [step, -step].map(|by| Window {
            left: window.left - left * by,
            top: window.top - top * by,
            width: window.width + (left + right) * by,
            height: window.height + (top + below) * by,
        })
    });
    let inside = |window: &Window| {
        let side = |start: f32, size: f32| start >= -1e-4 && size >= 0.55 && start + size <= 1.0 + 1e-4;
        side(window.left, window.width) && side(window.top, window.height)
    };
    moved.into_iter().chain(stretched).filter(inside)
}

/// What is left of a window on the grid without its local mean, at length 1.
fn fine(picture: &Likeness, window: Window, mirrored: bool) -> Option<Fine> {
    let place = |start: f32, size: f32, half: usize| start + size * (half as f32 + 0.5) / (2 * GRID) as f32;
    let mut grey = [0.0f32; GRID * GRID];
    for row in 0..2 * GRID {
        let y = place(window.top, window.height, row);
        for column in 0..2 * GRID {
            let from = if mirrored { 2 * GRID - 1 - column } else { column };
            grey[row / 2 * GRID + column / 2] += picture.at(place(window.left, window.width, from), y) / 4.0;
        }
    }
    let mut fine: Fine = (0..GRID * GRID).map(|cell| grey[cell] - local_mean(&grey, cell)).collect();
    let mean = fine.iter().sum::<f32>() / fine.len() as f32;
    fine.iter_mut().for_each(|value| *value -= mean);
    let length = fine.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length < FLAT * GRID as f32 {
        return None;
    }
    fine.iter_mut().for_each(|value| *value /= length);
    Some(fine)
}

/// Of the 5×5 cells around, as far as they are there.
fn local_mean(grey: &[f32], cell: usize) -> f32 {
    let around = |at: usize| at.saturating_sub(2)..(at + 3).min(GRID);
    let (rows, columns) = (around(cell / GRID), around(cell % GRID));
    let count = (rows.len() * columns.len()) as f32;
    rows.map(|row| grey[row * GRID + columns.start..row * GRID + columns.end].iter().sum::<f32>())
        .sum::<f32>()
        / count
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_core::{Rng, Seed};

    /// Soft blobs of random place, size and light: something like a photo.
    fn photo(seed: u64, side: usize) -> Image {
        let mut rng = Seed(seed).rng();
        let blobs: Vec<[f64; 4]> = (0..40)
            .map(|_| [rng.unit(), rng.unit(), rng.range(0.02, 0.15), rng.range(-90.0, 90.0)])
            .collect();
        let value = |x: f64, y: f64| {
            let blob = |[at_x, at_y, size, light]: &[f64; 4]| {
                light * (-((x - at_x).powi(2) + (y - at_y).powi(2)) / size.powi(2)).exp()
            };
            (128.0 + blobs.iter().map(blob).sum::<f64>()).clamp(0.0, 255.0) as u8
        };
        let place = |at: usize| (at as f64 + 0.5) / side as f64;
        let pixels = (0..side * side).map(|i| value(place(i % side), place(i / side))).collect();
        Image::new(side, side, Channels::Grey, pixels).unwrap()
    }

    fn changed(image: &Image, each: impl Fn(usize, usize) -> u8, (width, height): (usize, usize)) -> Image {
        let pixels = (0..width * height).map(|i| each(i % width, i / width)).collect();
        Image::new(width, height, image.channels(), pixels).unwrap()
    }

    fn noisy(image: &Image, rng: &mut Rng) -> Image {
        let pixels =
            image.pixels().iter().map(|&v| (f64::from(v) + rng.range(-8.0, 8.0)).clamp(0.0, 255.0) as u8);
        Image::new(image.width(), image.height(), image.channels(), pixels.collect()).unwrap()
    }

    #[test]
    fn scaled_cropped_mirrored_brightened_and_noisy_copies_are_found_and_nothing_else() {
        let photos: Vec<Image> = (0..30).map(|seed| photo(seed, 80)).collect();
        let at = |number: usize, x: usize, y: usize| photos[number].pixel(x, y)[0];
        let scaled = Preprocessing { height: 31, width: 44, channels: Channels::Grey, fit: Fit::Stretch };
        let copies = [
            scaled.apply(&photos[0]),
            changed(&photos[1], |x, y| at(1, x + 10, y + 4), (66, 64)),
            changed(&photos[2], |x, y| at(2, 79 - x, y), (80, 80)),
            changed(&photos[3], |x, y| (f64::from(at(3, x, y)) * 1.2 + 20.0).min(255.0) as u8, (80, 80)),
            noisy(&photos[4], &mut Seed(1).rng()),
        ];
        let likenesses: Vec<Likeness> = photos.iter().chain(&copies).map(Likeness::of).collect();
        let search = Search::new(&likenesses);
        for copy in 30..35 {
            let found = search.copies_of(copy, 0..35);
            assert_eq!(found.len(), 1, "{copy}: {found:?}");
            assert_eq!((found[0].first, found[0].mirrored), (copy - 30, copy == 32), "{found:?}");
        }
        let cropped = search.copies_of(31, 0..30)[0];
        assert!((0.55..0.8).contains(&cropped.area), "{cropped:?}");
        for original in 5..30 {
            assert_eq!(search.copies_of(original, 0..35), [], "{original}");
        }
    }

    #[test]
    fn pictures_that_show_nothing_are_copies_of_nothing() {
        let blank = [0, 200].map(|value| Likeness::of(&Image::filled(9, 9, Channels::Rgb, value)));
        assert_eq!(Search::new(&blank).copies_of(0, 0..2), []);
    }
}
