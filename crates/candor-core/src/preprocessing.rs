//! From a picture of any size to the input of a model. Stored with the model, so that training, judging and
//! predicting see pictures in the same way.

use candor_resize::{Sides, resize};
use serde::{Deserialize, Serialize};

use crate::{Channels, Image};

/// What happens to a picture whose sides are not in the model's proportion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Both sides are scaled to the model's, proportions are lost (as Keras and the seeds' systems do).
    #[default]
    Stretch,
    /// The largest centred part in the model's proportion is kept.
    Crop,
}

/// Size and colour of a model's input. Values enter the network as `pixel / 255`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// Grey or RGB.
    pub channels: Channels,
    /// How other proportions are treated.
    #[serde(default)]
    pub fit: Fit,
}

impl Preprocessing {
    /// Bytes of one prepared picture.
    pub fn bytes(&self) -> usize {
        self.height * self.width * self.channels.count()
    }

    /// The picture in this size and colour. Resizing is an anti-aliased convolution (triangle filter whose support
    /// grows with the reduction), in the file's own gamma, as Pillow's `BILINEAR`.
    pub fn apply(&self, image: &Image) -> Image {
        let image = image.to_channels(self.channels);
        if (image.width(), image.height()) == (self.width, self.height) {
            return image;
        }
        let from = Sides { width: image.width(), height: image.height() };
        let to = Sides { width: self.width, height: self.height };
        let pixels = resize(image.pixels(), self.channels.count(), from, to, self.fit == Fit::Crop);
        Image::new(self.width, self.height, self.channels, pixels).expect("the resized buffer fits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(width: usize, height: usize, channels: Channels, fit: Fit) -> Preprocessing {
        Preprocessing { height, width, channels, fit }
    }

    #[test]
    fn reduction_averages_instead_of_skipping() {
        // A checkerboard of single pixels is grey from afar; without anti-aliasing it would stay black and white.
        let pixels = (0..64 * 64).map(|i| if (i / 64 + i) % 2 == 0 { 255 } else { 0 }).collect();
        let board = Image::new(64, 64, Channels::Grey, pixels).unwrap();
        let small = to(8, 8, Channels::Grey, Fit::Stretch).apply(&board);
        assert!(small.pixels().iter().all(|&v| (100..=155).contains(&v)), "{:?}", small.pixels());
    }

    #[test]
    fn crop_keeps_the_middle_and_stretch_keeps_everything() {
        // Black | white | black, each a third: the middle square is white.
        let pixels = (0..30 * 10).map(|i| if (10..20).contains(&(i % 30)) { 255 } else { 0 }).collect();
        let image = Image::new(30, 10, Channels::Grey, pixels).unwrap();
        let middle = to(5, 5, Channels::Grey, Fit::Crop).apply(&image);
        assert!(middle.pixels().iter().all(|&v| v > 200), "{:?}", middle.pixels());
        let all = to(3, 1, Channels::Grey, Fit::Stretch).apply(&image);
        assert!(
            all.pixels()[0] < 100 && all.pixels()[1] > 150 && all.pixels()[2] < 100,
            "{:?}",
            all.pixels()
        );
    }

    #[test]
    fn a_picture_of_the_right_size_is_left_alone() {
        let image = Image::new(2, 2, Channels::Grey, vec![1, 2, 3, 4]).unwrap();
        assert_eq!(to(2, 2, Channels::Grey, Fit::Stretch).apply(&image), image);
        assert_eq!(to(2, 2, Channels::Rgb, Fit::Stretch).apply(&image).channels(), Channels::Rgb);
    }
}
