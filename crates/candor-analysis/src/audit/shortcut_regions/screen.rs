//! Marks: small places whose pixels tell a class, found in the training pictures alone, without the network.
//!
//! For each pixel and class: the share of its variance that the class explains, of three values: the pixel itself, what it
//! is above the mean of its neighbours (a hot pixel, a line, a caption), and the size of that (a mark that is lighter here
//! and darker there). Places that tell much more than the picture around them are candidates; whether the network uses
//! them is tested elsewhere.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use candor_core::Image;

use super::region::Region;

/// A pixel tells something where the class explains this share of its variance, and half of the most telling pixel's.
const LEAST: f64 = 0.1;
const OF_PEAK: f64 = 0.5;
/// A mark covers this share of the picture at most; what tells all over the picture is no mark.
const MOST_AREA: f64 = 0.125;
/// Marks that are tested.
const MOST: usize = 6;
/// Places of one map that are looked at: the most telling ones.
const MOST_PLACES: usize = 12;
/// Classes that are screened, at most: those with the most pictures.
const MOST_CLASSES: usize = 20;

/// A candidate: where, and the class that it tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    pub region: Region,
    pub class: usize,
    /// Share of the variance that the class explains, of the most telling pixel.
    pub peak: f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Feature {
    Value,
    AboveNeighbours,
    SizeAboveNeighbours,
}

/// The most telling marks in `images` with the classes `labels`.
pub(super) fn marks(images: &[Image], labels: &[usize]) -> Vec<Mark> {
    let Some(image) = images.first() else { return Vec::new() };
    let (width, height) = (image.width(), image.height());
    let mut found: Vec<Mark> = Vec::new();
    for feature in [Feature::Value, Feature::AboveNeighbours, Feature::SizeAboveNeighbours] {
        for (class, map) in explained(images, labels, feature) {
            let grow = feature != Feature::Value;
            found.extend(places(&map, width, height, grow).into_iter().map(|(region, peak)| Mark {
                region,
                class,
                peak,
            }));
        }
    }
    found.sort_by_key(|mark| (Reverse((mark.peak * 1e6) as i64), mark.region.pixels()));
    let mut kept: Vec<Mark> = Vec::new();
    for mark in found {
        if kept.len() < MOST && kept.iter().all(|other| other.region != mark.region) {
            kept.push(mark);
        }
    }
    kept
}

/// For each class that is screened, the share of each pixel's variance that being of it explains; of a picture in colour, of
/// the most telling channel. Of two classes one is enough.
fn explained(images: &[Image], labels: &[usize], feature: Feature) -> Vec<(usize, Vec<f64>)> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    labels.iter().for_each(|&label| *counts.entry(label).or_default() += 1);
    let mut classes: Vec<usize> = counts.keys().copied().collect();
    classes.sort_by_key(|class| Reverse(counts[class]));
    classes.truncate(if classes.len() == 2 { 1 } else { MOST_CLASSES });
    let channels = images[0].channels().count();
    let pixels = images[0].width() * images[0].height();
    let mut maps = vec![vec![0.0; pixels]; classes.len()];
    for channel in 0..channels {
        let (mut sums, mut squares) = (vec![0.0; pixels], vec![0.0; pixels]);
        let mut own = vec![vec![0.0; pixels]; classes.len()];
        for (image, label) in images.iter().zip(labels) {
            let values = values(image, channel, feature);
            let class = classes.iter().position(|class| class == label);
            for (place, value) in values.into_iter().enumerate() {
                sums[place] += value;
                squares[place] += value * value;
                if let Some(class) = class {
                    own[class][place] += value;
                }
            }
        }
        for ((map, own), class) in maps.iter_mut().zip(&own).zip(&classes) {
            let (all, few) = (images.len() as f64, counts[class] as f64);
            for (place, explained) in map.iter_mut().enumerate() {
                let mean = sums[place] / all;
                let total = squares[place] - all * mean * mean;
                let off = own[place] / few - mean;
                let between = few * off * off * all / (all - few).max(1.0);
                // A variance of less than one level of grey is rounding.
                if total > all {
                    *explained = f64::max(*explained, between / total);
                }
            }
        }
    }
    classes.into_iter().zip(maps).collect()
}

fn values(image: &Image, channel: usize, feature: Feature) -> Vec<f64> {
    let (width, height) = (image.width(), image.height());
    let at = |x: usize, y: usize| f64::from(image.pixel(x, y)[channel]);
    let above = |x: usize, y: usize| {
        let (columns, rows) =
            (x.saturating_sub(1)..(x + 2).min(width), y.saturating_sub(1)..(y + 2).min(height));
        let around = rows.flat_map(|row| columns.clone().map(move |column| (column, row)));
        let (sum, count) = around.fold((0.0, 0.0), |(sum, count), (x, y)| (sum + at(x, y), count + 1.0));
        let own = at(x, y);
        own - (sum - own) / f64::max(count - 1.0, 1.0)
    };
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    places
        .map(|(x, y)| match feature {
            Feature::Value => at(x, y),
            Feature::AboveNeighbours => above(x, y),
            Feature::SizeAboveNeighbours => above(x, y).abs(),
        })
        .collect()
}

/// The connected places of a map that stand out, and all of them together; each with its peak.
fn places(map: &[f64], width: usize, height: usize, grow: bool) -> Vec<(Region, f64)> {
    let peak = map.iter().copied().fold(0.0, f64::max);
    let limit = LEAST.max(OF_PEAK * peak);
    let telling: Vec<bool> = map.iter().map(|&share| share >= limit).collect();
    let most = (MOST_AREA * map.len() as f64) as usize;
    let count = telling.iter().filter(|&&tells| tells).count();
    if peak < LEAST || count > most {
        return Vec::new();
    }
    let peak_of = |part: &[usize]| part.iter().map(|&place| map[place]).fold(0.0, f64::max);
    let mut parts = connected(&telling, width, height);
    parts.sort_by_key(|part| Reverse((peak_of(part) * 1e6) as i64));
    parts.truncate(MOST_PLACES);
    if parts.len() > 1 {
        parts.push(parts.concat());
    }
    let region = |part: Vec<usize>| {
        let peak = peak_of(&part);
        let mut mask = vec![false; map.len()];
        for place in part {
            mask[place] = true;
            if grow {
                // A mark reaches into its neighbours where pictures were made smaller.
                around(place, width, height).for_each(|next| mask[next] = true);
            }
        }
        (Region::of(width, height, |x, y| mask[y * width + x]), peak)
    };
    parts.into_iter().map(region).filter(|(region, _)| region.pixels() <= most.max(9)).collect()
}

/// Each connected place by itself, diagonals included.
fn connected(telling: &[bool], width: usize, height: usize) -> Vec<Vec<usize>> {
    let mut seen = vec![false; telling.len()];
    let mut parts = Vec::new();
    for start in 0..telling.len() {
        let (mut part, mut open) = (Vec::new(), vec![start]);
        while let Some(place) = open.pop() {
            if telling[place] && !std::mem::replace(&mut seen[place], true) {
                part.push(place);
                open.extend(around(place, width, height));
            }
        }
        if !part.is_empty() {
            parts.push(part);
        }
    }
    parts
}

fn around(place: usize, width: usize, height: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (place % width, place / width);
    let rows = y.saturating_sub(1)..(y + 2).min(height);
    rows.flat_map(move |row| {
        (x.saturating_sub(1)..(x + 2).min(width)).map(move |column| row * width + column)
    })
}

#[cfg(test)]
mod tests {
    use candor_core::{Channels, Seed};

    use super::super::region::Window;
    use super::*;

    /// The value that a mark has at a column and a row, where it is.
    type Painted = dyn Fn(usize, usize) -> Option<u8>;

    /// Noise of a light that differs from picture to picture, with `mark` painted into pictures of class 1.
    fn noise(pictures: usize, mark: impl Fn(usize, usize) -> Option<u8>) -> (Vec<Image>, Vec<usize>) {
        let image = |index: usize| {
            let mut rng = Seed(4).at(index as u64).rng();
            let light = rng.range(40.0, 160.0);
            let pixels = (0..24 * 24).map(|place| {
                let value = (light + rng.range(-40.0, 40.0)) as u8;
                mark(place % 24, place / 24).filter(|_| index % 2 == 1).unwrap_or(value)
            });
            Image::new(24, 24, Channels::Grey, pixels.collect()).unwrap()
        };
        ((0..pictures).map(image).collect(), (0..pictures).map(|index| index % 2).collect())
    }

    #[test]
    fn a_pixel_a_line_and_a_patch_are_found_where_they_are_and_nothing_else() {
        let pixel = |x, y| (x == 13 && y == 5).then_some(230);
        let line = |_, y| (y == 17).then_some(200);
        let patch = |x, y| ((11..13).contains(&x) && (11..13).contains(&y)).then_some(10);
        let cases: [(&Painted, Window); 3] = [
            (&pixel, Window { x: 12, y: 4, width: 3, height: 3 }),
            (&line, Window { x: 0, y: 16, width: 24, height: 3 }),
            (&patch, Window { x: 11, y: 11, width: 2, height: 2 }),
        ];
        for (mark, place) in cases {
            let (images, labels) = noise(200, mark);
            let found = marks(&images, &labels);
            let within = |mark: &Mark| mark.region.bounds() == place;
            assert!(
                found.iter().any(within),
                "{place:?}: {:?}",
                found.iter().map(|mark| mark.region.words()).collect::<Vec<_>>()
            );
        }
        let (images, labels) = noise(200, |_, _| None);
        assert_eq!(marks(&images, &labels), []);
    }

    #[test]
    fn what_tells_all_over_the_picture_is_no_mark() {
        let (images, labels) = noise(200, |x, y| Some(if (x + y) % 2 == 0 { 90 } else { 95 }));
        assert_eq!(marks(&images, &labels), []);
    }
}
