//! The frontal face detector of the SeetaFace engine, by the crate `rustface`: a cascade from boosted features to small
//! networks (Wu, Kan, He, Shan, Chen, "Funnel-Structured Cascade for Multi-View Face Detection with Alignment-Awareness",
//! Neurocomputing 221, 2017). It runs on a CPU, needs no file, and asks nobody.
//!
//! It finds faces that look at the camera or nearly so; profiles, faces that are mostly hidden, and such as lie on their
//! side it does not.

use std::cmp::Reverse;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use candor_core::{Area, Channels, Detection, Detector, Fit, Image, Preprocessing};
use rustface::{ImageData, Model, create_detector_with_model, read_model};

/// Trained by the authors of SeetaFace; 1.2 MB, BSD-2-Clause (`assets/seeta-face/LICENSE`).
static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let bytes = include_bytes!("../../assets/seeta-face/seeta_fd_frontal_v1.0.bin").to_vec();
    read_model(Cursor::new(bytes)).expect("the model inside the binary is whole")
});

/// The side of the window that is moved over the picture: the smallest face.
const WINDOW_PX: usize = 40;

/// SeetaFace's frontal detector with its settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeetaFrontal {
    /// Pictures are scaled so that their longer side has this many pixels, at least 40. The smallest face that is found is 40
    /// of them wide; time grows with the square.
    pub longer_side_px: usize,
    /// The lowest score of what passes for a face, above 0. Faces that look into the camera have 10 to 40.
    pub least_score: f32,
}

impl SeetaFrontal {
    /// Faces down to a twelfth of the picture's longer side. The score was chosen on a few dozen photographs, half of them
    /// without people (`bench/faces/compare`).
    pub const fn new() -> SeetaFrontal {
        SeetaFrontal { longer_side_px: 480, least_score: 1.5 }
    }

    /// The picture in grey, in the size that is searched; `None` where no window fits into it.
    fn scaled(&self, image: &Image) -> Option<Image> {
        let longer = image.width().max(image.height());
        let side = |side: usize| (side * self.longer_side_px + longer / 2) / longer;
        let (height, width) = (side(image.height()), side(image.width()));
        // The crate reads beyond pictures that are narrower than a pixel pair, and finds nothing in less than a window.
        (height.min(width) >= WINDOW_PX).then(|| {
            Preprocessing { height, width, channels: Channels::Grey, fit: Fit::Stretch }.apply(image)
        })
    }
}

impl Default for SeetaFrontal {
    fn default() -> SeetaFrontal {
        SeetaFrontal::new()
    }
}

impl Detector for SeetaFrontal {
    fn name(&self) -> String {
        let SeetaFrontal { longer_side_px, least_score } = self;
        format!("SeetaFace frontal 1.0, longer side {longer_side_px} px, score {least_score} or more")
    }

    fn detect(&self, image: &Image) -> Vec<Detection> {
        let Some(scaled) = self.scaled(image) else { return Vec::new() };
        let searched = ImageData::new(scaled.pixels(), scaled.width() as u32, scaled.height() as u32);
        // Other people's code fed with other people's pictures: should it give up, a picture has no face, and the run goes on.
        let found = catch_unwind(AssertUnwindSafe(|| {
            let mut detector = create_detector_with_model(MODEL.clone());
            detector.set_score_thresh(f64::from(self.least_score));
            detector.detect(&searched)
        }));
        let factor = image.width() as f64 / scaled.width() as f64;
        let mut found: Vec<Detection> = found
            .unwrap_or_default()
            .iter()
            .filter_map(|face| {
                let area = within(image, factor, face.bbox())?;
                Some(Detection { area, score: face.score() as f32 })
            })
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| by_place(a).cmp(&by_place(b))));
        found
    }
}

/// So that the order does not depend on anything but what was found.
fn by_place(detection: &Detection) -> (Reverse<usize>, usize, usize) {
    (Reverse(detection.area.width), detection.area.y, detection.area.x)
}

/// What of the box, once scaled by `factor`, lies within the picture.
fn within(image: &Image, factor: f64, found: &rustface::Rectangle) -> Option<Area> {
    let range = |start: i32, length: u32, most: usize| {
        let place = |at: f64| (at * factor).round().clamp(0.0, most as f64) as usize;
        (place(f64::from(start)), place(f64::from(start) + f64::from(length)))
    };
    let (left, right) = range(found.x(), found.width(), image.width());
    let (top, bottom) = range(found.y(), found.height(), image.height());
    let area = Area { x: left, y: top, width: right - left, height: bottom - top };
    (area.pixels() > 0).then_some(area)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_noise_stripes_and_threads_of_pictures_there_is_no_face() {
        let detector = SeetaFrontal { longer_side_px: 160, ..SeetaFrontal::new() };
        let mut rng = candor_core::Seed(3).rng();
        for (width, height) in [(1, 1), (1, 900), (900, 1), (39, 500), (160, 41), (90, 120)] {
            let noise = (0..width * height * 3).map(|_| rng.next_u64() as u8).collect();
            let noise = Image::new(width, height, Channels::Rgb, noise).unwrap();
            assert_eq!(detector.detect(&noise), [], "noise of {width}×{height}");
            assert_eq!(detector.detect(&Image::filled(width, height, Channels::Grey, 90)), []);
        }
    }

    #[test]
    fn the_name_says_on_what_answers_depend() {
        let name = SeetaFrontal::new().name();
        assert_eq!(name, "SeetaFace frontal 1.0, longer side 480 px, score 1.5 or more");
    }
}
