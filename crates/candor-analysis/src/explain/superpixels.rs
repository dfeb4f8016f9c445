//! Superpixels: connected patches of similar colour.

/// Which patch each pixel belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superpixels {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// The patch of each pixel, row by row, counted from 0.
    pub of: Vec<usize>,
    /// How many patches there are.
    pub count: usize,
}

/// Rounds of moving centres; more change little.
const ROUNDS: usize = 10;

/// Simple linear iterative clustering (Achanta and others, “SLIC superpixels compared to state-of-the-art superpixel
/// methods”, 2012) of height × width × channels values in 0..=1 into about `wanted` patches, at most one a pixel. Distance is
/// d² = colour² + (`compactness` · space / spacing)²; colour is compared as it is, not in CIELAB. Patches are connected.
///
/// # Panics
/// When there are no pixels, or not as many values as they need.
pub fn slic(
    picture: &[f32],
    (height, width): (usize, usize),
    wanted: usize,
    compactness: f32,
) -> Superpixels {
    let channels = picture.len() / (height * width);
    assert!(channels > 0 && picture.len() == height * width * channels, "a picture needs all its pixels");
    let spacing = ((height * width) as f32 / wanted.max(1) as f32).sqrt().max(1.0);
    let colour = |pixel: usize| &picture[pixel * channels..(pixel + 1) * channels];
    let mut centres = grid(height, width, spacing, colour);
    let mut of = vec![0; height * width];
    for _ in 0..ROUNDS {
        let mut nearest = vec![f32::INFINITY; height * width];
        for (index, centre) in centres.iter().enumerate() {
            for pixel in around(centre, spacing, (height, width)) {
                let distance = centre.distance(pixel, width, colour(pixel), compactness / spacing);
                if distance < nearest[pixel] {
                    nearest[pixel] = distance;
                    of[pixel] = index;
                }
            }
        }
        move_centres(&mut centres, &of, width, colour);
    }
    connect(&of, (height, width), (spacing * spacing / 4.0) as usize)
}

struct Centre {
    y: f32,
    x: f32,
    colour: Vec<f32>,
}

impl Centre {
    fn distance(&self, pixel: usize, width: usize, colour: &[f32], weight: f32) -> f32 {
        let (y, x) = ((pixel / width) as f32 - self.y, (pixel % width) as f32 - self.x);
        let of_colour: f32 = self.colour.iter().zip(colour).map(|(a, b)| (a - b) * (a - b)).sum();
        of_colour + weight * weight * (y * y + x * x)
    }
}

fn grid<'a>(height: usize, width: usize, spacing: f32, colour: impl Fn(usize) -> &'a [f32]) -> Vec<Centre> {
    let number = |size: usize| ((size as f32 / spacing).round() as usize).clamp(1, size);
    let (rows, columns) = (number(height), number(width));
    let place = |index: usize, count: usize, size: usize| (index as f32 + 0.5) * size as f32 / count as f32;
    let centre = |index: usize| {
        let (y, x) = (place(index / columns, rows, height), place(index % columns, columns, width));
        let colour = colour(y as usize * width + x as usize).to_vec();
        Centre { y: y - 0.5, x: x - 0.5, colour }
    };
    (0..rows * columns).map(centre).collect()
}

/// The pixels within two spacings of a centre.
fn around(
    centre: &Centre,
    spacing: f32,
    (height, width): (usize, usize),
) -> impl Iterator<Item = usize> + use<> {
    let reach = 2.0 * spacing;
    let along = |middle: f32, size: usize| {
        let low = (middle - reach).max(0.0) as usize;
        low..((middle + reach).ceil() as usize + 1).min(size)
    };
    let (rows, columns) = (along(centre.y, height), along(centre.x, width));
    rows.flat_map(move |y| columns.clone().map(move |x| y * width + x))
}

fn move_centres<'a>(centres: &mut [Centre], of: &[usize], width: usize, colour: impl Fn(usize) -> &'a [f32]) {
    let mut counts = vec![0.0; centres.len()];
    for centre in centres.iter_mut() {
        (centre.y, centre.x) = (0.0, 0.0);
        centre.colour.fill(0.0);
    }
    for (pixel, &index) in of.iter().enumerate() {
        let centre = &mut centres[index];
        counts[index] += 1.0;
        centre.y += (pixel / width) as f32;
        centre.x += (pixel % width) as f32;
        centre.colour.iter_mut().zip(colour(pixel)).for_each(|(sum, value)| *sum += value);
    }
    for (centre, count) in centres.iter_mut().zip(counts) {
        let count: f32 = f32::max(count, 1.0);
        (centre.y, centre.x) = (centre.y / count, centre.x / count);
        centre.colour.iter_mut().for_each(|value| *value /= count);
    }
}

/// Gives each connected part a number of its own; parts smaller than `least` pixels join the part before them.
fn connect(of: &[usize], (height, width): (usize, usize), least: usize) -> Superpixels {
    const NONE: usize = usize::MAX;
    let mut numbers = vec![NONE; of.len()];
    let mut count = 0;
    for start in 0..of.len() {
        if numbers[start] != NONE {
            continue;
        }
        let before = [(start % width > 0).then(|| start - 1), start.checked_sub(width)];
        let neighbour = before.into_iter().flatten().map(|pixel| numbers[pixel]).next();
        numbers[start] = count;
        let mut part = vec![start];
        let mut next = 0;
        while let Some(&pixel) = part.get(next) {
            next += 1;
            for other in neighbours(pixel, (height, width)) {
                if numbers[other] == NONE && of[other] == of[pixel] {
                    numbers[other] = count;
                    part.push(other);
                }
            }
        }
        match neighbour {
            Some(neighbour) if part.len() < least => {
                part.iter().for_each(|&pixel| numbers[pixel] = neighbour)
            }
            _ => count += 1,
        }
    }
    Superpixels { height, width, of: numbers, count }
}

fn neighbours(pixel: usize, (height, width): (usize, usize)) -> impl Iterator<Item = usize> {
    let (y, x) = (pixel / width, pixel % width);
    let all = [
        (y > 0).then(|| pixel - width),
        (x > 0).then(|| pixel - 1),
        (x + 1 < width).then_some(pixel + 1),
        (y + 1 < height).then_some(pixel + width),
    ];
    all.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bright_square_becomes_patches_of_its_own() {
        let (height, width) = (24, 20);
        let is_bright =
            |pixel: usize| (5..12).contains(&(pixel / width)) && (4..11).contains(&(pixel % width));
        let picture: Vec<f32> = (0..height * width).map(|pixel| f32::from(is_bright(pixel))).collect();
        let patches = slic(&picture, (height, width), 30, 0.2);
        assert!((10..60).contains(&patches.count), "{}", patches.count);
        for patch in 0..patches.count {
            let pixels: Vec<usize> = (0..picture.len()).filter(|&pixel| patches.of[pixel] == patch).collect();
            assert!(!pixels.is_empty());
            assert!(pixels.iter().all(|&pixel| is_bright(pixel) == is_bright(pixels[0])), "patch {patch}");
        }
    }

    #[test]
    fn one_patch_a_pixel_is_the_most() {
        assert_eq!(slic(&[0.5; 12], (2, 2), 99, 1.0).count, 4);
        assert_eq!(slic(&[0.5; 9], (3, 3), 1, 1.0).count, 1);
    }
}
