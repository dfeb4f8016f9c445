//! Patches of pictures, each cut out with what is around it in pale: what a concept is made of.

use candor_core::{Channels, Image};

/// How much of what is around a patch is seen, and how pale it is.
const AROUND_PX: usize = 2;
const PALE: f32 = 0.3;

/// The square around a patch's `pixels` (counted row by row), what does not belong to it in pale.
pub fn concept_patch(picture: &Image, pixels: &[usize]) -> Image {
    let (width, height) = (picture.width(), picture.height());
    let ends = |of: &dyn Fn(usize) -> usize| {
        let all = pixels.iter().map(|&pixel| of(pixel));
        all.fold((usize::MAX, 0), |(low, high), at| (low.min(at), high.max(at)))
    };
    let ((left, right), (top, bottom)) = (ends(&|pixel| pixel % width), ends(&|pixel| pixel / width));
    let side =
        ((right + 1).saturating_sub(left).max((bottom + 1).saturating_sub(top)) + 2 * AROUND_PX).max(1);
    // The square may hang over the picture's edge: there is paper.
    let start = |low: usize, high: usize| (low + high + 1) as isize / 2 - side as isize / 2;
    let (x0, y0) = (start(left.min(right), right), start(top.min(bottom), bottom));
    let mut square = Vec::with_capacity(side * side * 3);
    for at in 0..side * side {
        let (x, y) = (x0 + (at % side) as isize, y0 + (at / side) as isize);
        let inside = (0..width as isize).contains(&x) && (0..height as isize).contains(&y);
        if !inside {
            square.extend([255; 3]);
            continue;
        }
        let (x, y) = (x as usize, y as usize);
        let values = picture.pixel(x, y);
        let is_part = pixels.binary_search(&(y * width + x)).is_ok();
        for channel in 0..3 {
            let value = values[channel.min(values.len() - 1)];
            let pale = (255.0 - PALE * (255.0 - f32::from(value))).round() as u8;
            square.push(if is_part { value } else { pale });
        }
    }
    Image::new(side, side, Channels::Rgb, square).expect("the buffer was made for these sides")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_keeps_its_values_and_what_is_around_it_is_pale() {
        let picture = Image::new(3, 2, Channels::Grey, vec![0, 100, 200, 0, 100, 200]).unwrap();
        let cut = concept_patch(&picture, &[1, 4]);
        assert_eq!((cut.width(), cut.height()), (6, 6));
        let greys: Vec<u8> = cut.pixels().iter().step_by(3).copied().collect();
        assert_eq!(greys.iter().filter(|&&value| value == 100).count(), 2);
        assert_eq!(greys.iter().filter(|&&value| value == 0 || value == 200).count(), 0);
    }
}
