//! Where the answers come from: windows of a quarter of each side, then ever smaller ones where the loss is, down to one pixel.
//!
//! It is made on pictures that the network learned from; what is found is tested on others, so that choosing the largest loss
//! makes no finding.

use std::cmp::Reverse;

use candor_core::{Image, Seed};

use super::region::{Region, Window};
use crate::audit::AuditErrorKind;
use crate::audit::exchange::{Asked, exchanged};

/// Windows a side of the picture, before they overlap by half.
const WINDOWS: usize = 4;
/// Windows that are looked into.
const SEEDS: usize = 2;
/// A window that costs less than this share of the gain is not looked into.
const LEAST: f64 = 0.1;
/// A smaller window takes the place of a larger one where it costs at least this share of its loss.
const KEPT: f64 = 0.75;

/// The costliest windows, each with the smallest region in it that costs most of its loss. `tell` hears after each
/// window how many were tried.
pub(super) fn hot_spots(
    asked: &Asked<'_>,
    seed: Seed,
    mut tell: impl FnMut(usize) -> Result<(), AuditErrorKind>,
) -> Result<Vec<Region>, AuditErrorKind> {
    let Some(image) = asked.images.first() else { return Ok(Vec::new()) };
    let partners = asked.partners(&mut seed.rng());
    let mut tried = 0;
    let mut lost = |windows: Vec<Window>| -> Result<Vec<(f64, Window)>, AuditErrorKind> {
        let mut losses = Vec::new();
        for window in windows {
            tried += 1;
            tell(tried)?;
            let region = Region::window(image, window);
            let changed = |_| swapped(asked, &region, &partners);
            losses.push((asked.loss(1, changed)?.share, window));
        }
        losses.sort_by_key(|&(loss, _)| Reverse((loss * 1e9) as i64));
        Ok(losses)
    };
    let whole = Window { x: 0, y: 0, width: image.width(), height: image.height() };
    let first = lost(windows(whole, WINDOWS))?;
    let mut seeds: Vec<(f64, Window)> = Vec::new();
    for (loss, window) in first.into_iter().filter(|&(loss, _)| loss >= LEAST) {
        if seeds.len() < SEEDS && seeds.iter().all(|&(_, other)| !overlap(window, other)) {
            seeds.push((loss, window));
        }
    }
    let mut found = Vec::new();
    for (loss, first) in seeds {
        let mut window = first;
        while window.width * window.height > 1 {
            match lost(windows(window, 2))?.first() {
                Some(&(smaller, inside)) if smaller >= KEPT * loss && inside != window => window = inside,
                _ => break,
            }
        }
        found.push(Region::window(image, first));
        if window != first {
            found.push(Region::window(image, window));
        }
    }
    Ok(found)
}

/// All pictures, each with the region of its partner.
pub(super) fn swapped(asked: &Asked<'_>, region: &Region, partners: &[usize]) -> Vec<Image> {
    let images = &asked.images;
    images
        .iter()
        .zip(partners)
        .map(|(image, &other)| exchanged(image, &images[other], &region.mask))
        .collect()
}

/// Windows of a `parts`th of each side of `of`, overlapping by half.
fn windows(of: Window, parts: usize) -> Vec<Window> {
    let side = |length: usize| length.div_ceil(parts).max(1);
    let (width, height) = (side(of.width), side(of.height));
    let starts = |length: usize, side: usize| -> Vec<usize> {
        let step = (side / 2).max(1);
        let last = length - side;
        let mut starts: Vec<usize> = (0..=last).step_by(step).collect();
        if starts.last() != Some(&last) {
            starts.push(last);
        }
        starts
    };
    let (columns, rows) = (starts(of.width, width), starts(of.height, height));
    let at = |(y, x): (&usize, &usize)| Window { x: of.x + x, y: of.y + y, width, height };
    rows.iter().flat_map(|y| columns.iter().map(move |x| (y, x))).map(at).collect()
}

fn overlap(a: Window, b: Window) -> bool {
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_overlap_by_half_and_reach_the_end() {
        let windows = windows(Window { x: 2, y: 0, width: 10, height: 1 }, 4);
        assert!(windows.iter().all(|window| window.width == 3 && window.height == 1));
        let starts: Vec<usize> = windows.iter().map(|window| window.x).collect();
        assert_eq!(starts, (2..=9).collect::<Vec<_>>());
    }
}
