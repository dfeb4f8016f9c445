//! One number a pixel.

use candor_core::Area;
use serde::{Deserialize, Serialize};

/// Where the evidence for a class is: positive values speak for it, negative ones against it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Map {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Row by row.
    pub values: Vec<f32>,
    /// Of a method whose values claim to add up: by how much their sum misses the difference of the scores.
    pub gap: Option<f32>,
}

impl Map {
    /// Of values height × width × channels: those of a pixel are added up.
    pub(super) fn of_pixels(height: usize, width: usize, values: &[f32]) -> Map {
        let channels = values.len() / (height * width);
        let values = values.chunks_exact(channels).map(|pixel| pixel.iter().sum()).collect();
        Map { height, width, values, gap: None }
    }

    /// All evidence together, in 64 bits.
    pub fn sum(&self) -> f64 {
        self.values.iter().map(|&value| f64::from(value)).sum()
    }

    /// The largest magnitude.
    pub fn largest(&self) -> f32 {
        self.values.iter().fold(0.0, |largest, value| value.abs().max(largest))
    }

    /// The pixels by evidence for the class, the strongest first; of equals the first.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.values.len()).collect();
        order.sort_by(|&a, &b| self.values[b].total_cmp(&self.values[a]).then(a.cmp(&b)));
        order
    }

    /// The share of all magnitudes that lies within `border` pixels of the edge, in 0..=1; 0 where there is no evidence.
    pub fn share_on_border(&self, border: usize) -> f64 {
        self.share_where(|y, x| {
            !(border..self.height.saturating_sub(border)).contains(&y)
                || !(border..self.width.saturating_sub(border)).contains(&x)
        })
    }

    /// The share of all magnitudes that lies on an area, in 0..=1; 0 where there is no evidence.
    pub fn share_on(&self, area: Area) -> f64 {
        self.share_where(|y, x| {
            (area.y..area.y + area.height).contains(&y) && (area.x..area.x + area.width).contains(&x)
        })
    }

    fn share_where(&self, is_counted: impl Fn(usize, usize) -> bool) -> f64 {
        let (mut counted, mut all) = (0.0, 0.0);
        for (index, value) in self.values.iter().enumerate() {
            let size = f64::from(value.abs());
            all += size;
            counted += if is_counted(index / self.width, index % self.width) { size } else { 0.0 };
        }
        if all > 0.0 { counted / all } else { 0.0 }
    }

    /// The mean of maps of one size.
    pub fn mean(maps: &[&Map]) -> Option<Map> {
        let first = maps.first()?;
        let mut values = vec![0.0; first.values.len()];
        for map in maps {
            values.iter_mut().zip(&map.values).for_each(|(sum, value)| *sum += value / maps.len() as f32);
        }
        Some(Map { height: first.height, width: first.width, values, gap: None })
    }

    /// Made larger by straight lines between the centres of pixels, as PyTorch's `interpolate(mode="bilinear")` does.
    pub(super) fn enlarged(&self, height: usize, width: usize) -> Map {
        let along = |at: usize, size: usize, from: usize| {
            let place = ((at as f32 + 0.5) * from as f32 / size as f32 - 0.5).clamp(0.0, (from - 1) as f32);
            let low = place.floor() as usize;
            (low, (low + 1).min(from - 1), place - low as f32)
        };
        let value = |index: usize| {
            let (top, bottom, down) = along(index / width, height, self.height);
            let (left, right, across) = along(index % width, width, self.width);
            let row = |y: usize| {
                let (a, b) = (self.values[y * self.width + left], self.values[y * self.width + right]);
                a + (b - a) * across
            };
            row(top) + (row(bottom) - row(top)) * down
        };
        Map { height, width, values: (0..height * width).map(value).collect(), gap: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enlarging_keeps_corners_and_border_shares_count_the_frame() {
        let map = Map { height: 2, width: 2, values: vec![0.0, 1.0, 2.0, 3.0], gap: None };
        let large = map.enlarged(4, 4);
        assert_eq!((large.values[0], large.values[15]), (0.0, 3.0));
        assert_eq!(large.values[5], 0.75);
        assert_eq!(map.order(), [3, 2, 1, 0]);
        let mut values = vec![1.0; 16];
        values[5] = -1.0;
        let map = Map { height: 4, width: 4, values, gap: None };
        assert_eq!(map.share_on_border(1), 12.0 / 16.0);
        assert_eq!(map.share_on_border(0), 0.0);
    }
}
