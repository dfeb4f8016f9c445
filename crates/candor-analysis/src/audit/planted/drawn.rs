//! Drawn pictures: what they show is known exactly.

use candor_core::{Channels, Image, Rng, Seed};

use super::Planted;

/// `pictures` pictures of two classes, 24×24 in colour: a disc or a cross of random place, size and colour on a background of
/// random colour and texture. Shares of 70, 10 and 20 % of each class in the three splits.
pub fn clean(pictures: usize, seed: Seed) -> Planted {
    let image = |index: usize| disc_or_cross(index % 2, seed.derive("picture").at(index as u64));
    let pictures = (0..pictures).map(|index| (image(index), index % 2)).collect();
    Planted::of(names(["disc", "cross"]), pictures, seed)
}

pub(super) fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(String::from).to_vec()
}

const SIDE: usize = 24;

fn disc_or_cross(class: usize, seed: Seed) -> Image {
    let mut rng = seed.rng();
    let mut colour = || [0; 3].map(|_: u8| rng.range(30.0, 225.0));
    let (back, tint) = (colour(), colour());
    // A thing as dark as its background cannot be seen: it is made lighter or darker.
    let lift = if luma(back) > 128.0 { -60.0 } else { 60.0 };
    let front = [0, 1, 2].map(|channel| (tint[channel] + lift).clamp(0.0, 255.0));
    let front = if (luma(front) - luma(back)).abs() < 50.0 {
        back.map(|value| (value + 1.5 * lift).clamp(0.0, 255.0))
    } else {
        front
    };
    let (x, y, size) = (rng.range(8.0, 16.0), rng.range(8.0, 16.0), rng.range(4.0, 6.5));
    let inside = |column: usize, row: usize| {
        let (dx, dy) = ((column as f64 - x).abs(), (row as f64 - y).abs());
        match class {
            0 => dx.hypot(dy) <= size,
            _ => (dx <= 1.5 && dy <= size) || (dy <= 1.5 && dx <= size),
        }
    };
    let mut pixels = Vec::with_capacity(SIDE * SIDE * 3);
    for (row, column) in (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| (row, column))) {
        let colour = if inside(column, row) { front } else { back };
        pixels.extend(colour.map(|value| (value + rng.range(-18.0, 18.0)).clamp(0.0, 255.0) as u8));
    }
    Image::new(SIDE, SIDE, Channels::Rgb, pixels).expect("three values a pixel")
}

fn luma(rgb: [f64; 3]) -> f64 {
    0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
}

/// A grey picture, value by value.
pub(super) fn grey(side: usize, mut value: impl FnMut(usize, usize) -> f64) -> Image {
    let pixels = (0..side * side).map(|i| value(i % side, i / side).clamp(0.0, 255.0) as u8).collect();
    Image::new(side, side, Channels::Grey, pixels).expect("one value a pixel")
}

/// Soft spots, light and dark, at random places: no two are alike.
pub(super) fn spots(side: usize, count: usize, rng: &mut Rng) -> Image {
    let side_px = side as f64;
    let spot = |rng: &mut Rng| {
        let (x, y) = (side_px * rng.unit(), side_px * rng.unit());
        (x, y, side_px * rng.range(0.04, 0.15), rng.range(-90.0, 90.0))
    };
    let spots: Vec<_> = (0..count).map(|_| spot(rng)).collect();
    grey(side, |x, y| {
        let of = |&(x0, y0, size, light): &(f64, f64, f64, f64)| {
            let (dx, dy) = (x as f64 - x0, y as f64 - y0);
            light * libm::exp(-(dx * dx + dy * dy) / (size * size))
        };
        128.0 + spots.iter().map(of).sum::<f64>()
    })
}

/// Lines of one pixel, horizontal or vertical, with a random phase: in smaller pictures nothing is left of them.
pub(super) fn stripes(side: usize, vertical: bool, rng: &mut Rng) -> Image {
    let (phase, base) = (rng.below(2), rng.range(90.0, 160.0));
    grey(side, |x, y| {
        let at = if vertical { x } else { y } + phase;
        base + [-25.0, 25.0][at % 2] + rng.range(-20.0, 20.0)
    })
}

/// Noise with a square of 8×8 pixels in the middle, lighter by `lift`.
pub(super) fn lit_square(lift: f64, rng: &mut Rng) -> Image {
    grey(16, |x, y| {
        let inside = (4..12).contains(&x) && (4..12).contains(&y);
        100.0 + rng.range(-30.0, 30.0) + if inside { lift } else { 0.0 }
    })
}

/// A white square or cross, half as wide as the picture, somewhere in the middle, on `back`.
pub(super) fn square_or_cross(class: usize, back: &Image, rng: &mut Rng) -> Image {
    let side = back.width();
    let (left, top) = (side / 4 - 2 + rng.below(5), side / 4 - 2 + rng.below(5));
    let size = side / 2;
    let arm = |at: usize| (size / 2 - size / 6..size / 2 + size / 6).contains(&at);
    grey(side, |x, y| {
        let (dx, dy) = (x.wrapping_sub(left), y.wrapping_sub(top));
        let inside = dx < size && dy < size && (class == 0 || arm(dx) || arm(dy));
        let behind = 0.6 * f64::from(back.pixel(x, y)[0]) + 50.0 + rng.range(-15.0, 15.0);
        if inside { 250.0 } else { behind }
    })
}

/// Squares and crosses by turns, each on spots of its own.
pub(super) fn things(pictures: usize, side: usize, seed: Seed) -> Planted {
    let image = |index: usize| {
        let mut rng = seed.derive("thing").at(index as u64).rng();
        let back = spots(side, 8, &mut rng);
        square_or_cross(index % 2, &back, &mut rng)
    };
    Planted::of(
        names(["square", "cross"]),
        (0..pictures).map(|index| (image(index), index % 2)).collect(),
        seed,
    )
}

/// A traffic sign: a ring on white, and a sign of its own in the middle that is the class. Drawn one by one, all alike.
pub(super) fn sign(class: usize, rng: &mut Rng) -> Image {
    let side = 64;
    let (dx, dy) = (rng.range(-2.0, 2.0), rng.range(-2.0, 2.0));
    let (size, light) = (rng.range(24.0, 28.0), rng.range(0.85, 1.0));
    grey(side, |x, y| {
        let (x, y) = (x as f64 - 31.5 - dx, y as f64 - 31.5 - dy);
        let far = x.hypot(y);
        let bar = match class {
            0 => y.abs() < 4.0 && x.abs() < 0.6 * size,
            1 => x.abs() < 4.0 && y.abs() < 0.6 * size,
            2 => (x - y).abs() < 5.0 && x.abs() < 0.4 * size,
            _ => (x + y).abs() < 5.0 && x.abs() < 0.4 * size,
        };
        let value = match far {
            far if far > size => 190.0,
            far if far > 0.8 * size => 90.0,
            _ if bar => 25.0,
            _ => 235.0,
        };
        light * value + rng.range(-4.0, 4.0)
    })
}
