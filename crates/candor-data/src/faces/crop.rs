//! From the faces in a picture to square crops of one size.

use candor_core::{Area, Detection, Detector, Fit, Image, Preprocessing};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Which of a picture's faces are cut out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    /// The only one. With more than one face nobody knows whose label the picture has.
    #[default]
    One,
    /// The largest one.
    Largest,
    /// All of them, each with the picture's label.
    All,
}

impl Which {
    /// Every choice.
    pub const ALL: [Which; 3] = [Which::One, Which::Largest, Which::All];

    /// As it is typed and written down.
    pub fn name(self) -> &'static str {
        match self {
            Which::One => "one",
            Which::Largest => "largest",
            Which::All => "all",
        }
    }
}

/// How faces are cut out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cropping {
    /// Which of them.
    pub which: Which,
    /// What is added on each side, as a share of the face's longer side; 0 or more.
    pub margin: f64,
    /// Rows and columns of a crop.
    pub side_px: usize,
}

impl Default for Cropping {
    /// The only face, with .3 of it on each side (so that hair and chin are in), 128×128.
    fn default() -> Cropping {
        Cropping { which: Which::One, margin: 0.3, side_px: 128 }
    }
}

/// A face that was cut out.
#[derive(Clone, Debug, PartialEq)]
pub struct Crop {
    /// The face in the picture.
    pub face: Detection,
    /// The square of the picture that the crop shows.
    pub shows: Area,
    /// The crop, in the picture's colours.
    pub image: Image,
}

/// Why nothing was cut out.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Missed {
    /// There is no face, or the detector does not see it.
    #[error("no face was found")]
    NoFace,
    /// There is more than one, and only one was asked for.
    #[error("more than one face was found: whose label is it?")]
    Several(Vec<Detection>),
}

impl Missed {
    /// The faces that were found and not cut out.
    pub fn found(&self) -> &[Detection] {
        match self {
            Missed::NoFace => &[],
            Missed::Several(found) => found,
        }
    }
}

/// Cuts the faces that `detector` finds out of the picture, the surest first.
///
/// # Errors
/// When none is found, or more than one where the only one was asked for.
pub fn crop(image: &Image, detector: &dyn Detector, how: &Cropping) -> Result<Vec<Crop>, Missed> {
    let mut found = detector.detect(image);
    match (how.which, found.len()) {
        (_, 0) => return Err(Missed::NoFace),
        (Which::One, 2..) => return Err(Missed::Several(found)),
        (Which::Largest, _) => {
            // Of equals the surest, which comes first.
            let largest = found.iter().rev().max_by_key(|face| face.area.pixels()).copied();
            found = largest.into_iter().collect();
        }
        _ => {}
    }
    Ok(found.into_iter().map(|face| cut(image, face, how)).collect())
}

fn cut(image: &Image, face: Detection, how: &Cropping) -> Crop {
    let shows = square_around(&face.area, how.margin, (image.width(), image.height()));
    let part = image.cut(&shows);
    let sized = Preprocessing {
        height: how.side_px,
        width: how.side_px,
        channels: image.channels(),
        fit: Fit::Stretch,
    };
    Crop { face, shows, image: sized.apply(&part) }
}

/// The square around a face with its margin. Where it would leave the picture it is moved, and where it is larger than the
/// picture made smaller: nothing is filled in, because a classifier learns from bars at the border.
fn square_around(face: &Area, margin: f64, (width, height): (usize, usize)) -> Area {
    let wanted = face.width.max(face.height) as f64 * (1.0 + 2.0 * margin);
    let side = (wanted.round() as usize).clamp(1, width.min(height));
    let start = |first: usize, length: usize, most: usize| {
        (first as f64 + (length as f64 - side as f64) / 2.0).round().clamp(0.0, (most - side) as f64) as usize
    };
    let (x, y) = (start(face.x, face.width, width), start(face.y, face.height, height));
    Area { x, y, width: side, height: side }
}

#[cfg(test)]
mod tests {
    use candor_core::Channels;
    use proptest::prelude::*;

    use super::*;

    /// Finds what it is told.
    struct Finds(Vec<(Area, f32)>);

    impl Detector for Finds {
        fn name(&self) -> String {
            "told".to_owned()
        }

        fn detect(&self, _: &Image) -> Vec<Detection> {
            self.0.iter().map(|&(area, score)| Detection { area, score }).collect()
        }
    }

    fn area(x: usize, y: usize, width: usize, height: usize) -> Area {
        Area { x, y, width, height }
    }

    #[test]
    fn which_faces_are_cut_out_is_as_asked_for() {
        let picture = Image::filled(100, 80, Channels::Grey, 7);
        let small_and_sure = (area(5, 5, 10, 10), 30.0);
        let large = (area(40, 20, 30, 30), 9.0);
        let cut = |faces: &[(Area, f32)], which| {
            let how = Cropping { which, margin: 0.0, side_px: 8 };
            let crops = crop(&picture, &Finds(faces.to_vec()), &how)?;
            Ok(crops.into_iter().map(|crop| crop.shows).collect::<Vec<_>>())
        };
        for which in Which::ALL {
            assert_eq!(cut(&[], which), Err(Missed::NoFace));
            assert_eq!(cut(&[large], which), Ok(vec![large.0]));
        }
        let both = [small_and_sure, large];
        assert_eq!(cut(&both, Which::One).unwrap_err().found().len(), 2);
        assert_eq!(cut(&both, Which::Largest), Ok(vec![large.0]));
        assert_eq!(cut(&both, Which::All), Ok(vec![small_and_sure.0, large.0]));
    }

    #[test]
    fn a_square_is_moved_into_the_picture_and_never_filled_up() {
        for (face, margin, expected) in [
            (area(40, 30, 20, 20), 0.5, area(30, 20, 40, 40)),
            (area(0, 0, 20, 20), 0.5, area(0, 0, 40, 40)),
            (area(80, 60, 20, 20), 0.5, area(60, 40, 40, 40)),
            (area(10, 10, 60, 60), 1.0, area(0, 0, 80, 80)),
            (area(40, 30, 10, 20), 0.0, area(35, 30, 20, 20)),
        ] {
            assert_eq!(square_around(&face, margin, (100, 80)), expected, "{face:?} {margin}");
        }
    }

    proptest! {
        #[test]
        fn every_crop_is_a_square_within_its_picture(
            (width, height) in (1usize..60, 1usize..60),
            corner in (0.0..1.0, 0.0..1.0),
            far in (0.0..1.0, 0.0..1.0),
            margin in 0.0..3.0,
            side_px in 1usize..20,
        ) {
            let range = |from: f64, to: f64, most: usize| {
                let start = (from * most as f64) as usize;
                (start, 1 + (to * (most - start - 1) as f64) as usize)
            };
            let ((x, columns), (y, rows)) = (range(corner.0, far.0, width), range(corner.1, far.1, height));
            let how = Cropping { which: Which::One, margin, side_px };
            let picture = Image::filled(width, height, Channels::Rgb, 5);
            let crops = crop(&picture, &Finds(vec![(area(x, y, columns, rows), 1.0)]), &how).unwrap();
            let Crop { shows, image, .. } = &crops[0];
            prop_assert_eq!(shows.width, shows.height);
            prop_assert!(shows.x + shows.width <= width && shows.y + shows.height <= height);
            prop_assert_eq!((image.width(), image.height()), (side_px, side_px));
        }
    }
}
