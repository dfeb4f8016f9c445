//! What a baseline sees of a picture: a short row of values in 0..=1.

use candor_core::{Fit, Image, Preprocessing};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Side of the picture whose pixels are seen.
const PIXELS_SIDE: usize = 16;
/// Side of the thumbnail.
const THUMBNAIL_SIDE: usize = 8;
/// Width of the border, in pixels of the 16×16 picture: an eighth of each side.
const BORDER: usize = 2;
/// Side of a corner, in pixels of the 16×16 picture.
const CORNER: usize = 3;

/// How much of a picture is seen. Pictures are reduced as a network's input is: stretched, anti-aliased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum View {
    /// Not even that there is a picture.
    Nothing,
    /// The mean of each colour: 1 or 3 values.
    MeanColour,
    /// The outermost eighth on each side of the 16×16 picture, without its middle.
    Border,
    /// The four corners of the 16×16 picture, 3×3 pixels each: what a thing in the middle seldom reaches.
    Corners,
    /// All pixels of the picture reduced to 8×8.
    Thumbnail,
    /// All pixels of the picture reduced to 16×16.
    Pixels,
}

impl View {
    /// `image` as it is seen.
    pub fn row(self, image: &Image) -> Vec<f64> {
        match self {
            View::Nothing => Vec::new(),
            View::MeanColour => mean_colour(image),
            View::Border => border(&reduced(image, PIXELS_SIDE)),
            View::Corners => corners(&reduced(image, PIXELS_SIDE)),
            View::Thumbnail => scaled(reduced(image, THUMBNAIL_SIDE).pixels()).collect(),
            View::Pixels => scaled(reduced(image, PIXELS_SIDE).pixels()).collect(),
        }
    }

    /// What is seen, in words that go on from “it sees”.
    pub fn words(self) -> &'static str {
        match self {
            View::Nothing => "nothing",
            View::MeanColour => "only the mean colour",
            View::Border => "only the border",
            View::Corners => "only the corners",
            View::Thumbnail => "8×8 pixels",
            View::Pixels => "16×16 pixels",
        }
    }
}

/// Several pictures as they are seen: one row each, all of one length.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows(pub(super) Array2<f64>);

impl Rows {
    /// From rows of one length.
    ///
    /// # Panics
    /// When their lengths differ.
    pub fn of(rows: Vec<Vec<f64>>) -> Rows {
        let columns = rows.first().map_or(0, Vec::len);
        let shape = (rows.len(), columns);
        Rows(Array2::from_shape_vec(shape, rows.concat()).expect("rows of one view have one length"))
    }

    /// Pictures.
    pub fn len(&self) -> usize {
        self.0.nrows()
    }

    /// Whether there is no picture.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn reduced(image: &Image, side: usize) -> Image {
    Preprocessing { height: side, width: side, channels: image.channels(), fit: Fit::Stretch }.apply(image)
}

fn scaled(pixels: &[u8]) -> impl Iterator<Item = f64> {
    pixels.iter().map(|&value| f64::from(value) / 255.0)
}

fn mean_colour(image: &Image) -> Vec<f64> {
    let channels = image.channels().count();
    let pixels = (image.width() * image.height()) as f64;
    let mean = |channel| scaled(image.pixels()).skip(channel).step_by(channels).sum::<f64>() / pixels;
    (0..channels).map(mean).collect()
}

fn border(image: &Image) -> Vec<f64> {
    let inner = BORDER..PIXELS_SIDE - BORDER;
    part(image, |x, y| !(inner.contains(&x) && inner.contains(&y)))
}

fn corners(image: &Image) -> Vec<f64> {
    let inner = CORNER..PIXELS_SIDE - CORNER;
    part(image, |x, y| !(inner.contains(&x) || inner.contains(&y)))
}

/// The pixels of a 16×16 picture whose column and row are `wanted`.
fn part(image: &Image, wanted: impl Fn(usize, usize) -> bool) -> Vec<f64> {
    let all = (0..PIXELS_SIDE).flat_map(|y| (0..PIXELS_SIDE).map(move |x| (x, y)));
    let part = all.filter(|&(x, y)| wanted(x, y));
    part.flat_map(|(x, y)| scaled(image.pixel(x, y))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_core::Channels;

    /// How many values a view has of a picture in `channels`.
    fn columns(view: View, channels: Channels) -> usize {
        view.row(&Image::filled(40, 30, channels, 9)).len()
    }

    #[test]
    fn views_have_their_lengths() {
        let cases = [
            (View::Nothing, 0),
            (View::MeanColour, 1),
            (View::Border, 256 - 144),
            (View::Corners, 4 * 9),
            (View::Thumbnail, 64),
            (View::Pixels, 256),
        ];
        for (view, values) in cases {
            assert_eq!(columns(view, Channels::Grey), values, "{view:?}");
            assert_eq!(columns(view, Channels::Rgb), 3 * values, "{view:?}");
        }
    }

    #[test]
    fn the_border_does_not_show_the_middle() {
        let white_at = |inside: bool| {
            let is_inside = |i: usize| (2..14).contains(&(i % 16)) && (2..14).contains(&(i / 16));
            let pixels = (0..256).map(|i| if is_inside(i) == inside { 255 } else { 0 }).collect();
            View::Border.row(&Image::new(16, 16, Channels::Grey, pixels).unwrap())
        };
        assert!(white_at(true).iter().all(|&value| value == 0.0));
        assert!(white_at(false).iter().all(|&value| value == 1.0));
    }

    #[test]
    fn the_mean_colour_is_that_of_each_channel() {
        let image = Image::new(2, 1, Channels::Rgb, vec![255, 0, 51, 0, 0, 51]).unwrap();
        assert_eq!(View::MeanColour.row(&image), [0.5, 0.0, 0.2]);
    }
}
