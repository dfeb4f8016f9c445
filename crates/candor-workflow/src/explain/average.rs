//! Average maps: where the evidence for each class lies over its pictures, and how much of it on the border and on faces.

use candor_analysis::explain::{ExplainError, Map, Method, Subject};
use candor_core::{Area, Classifier, Detector, DifferentiableClassifier, Image};
use candor_report::{EvidenceFigure, EvidenceRow};
use serde::{Deserialize, Serialize};

use super::material::{Averaged, Material};
use super::{ExplainedMethod, Failure, Tell, write_figure};
use crate::run::Run;
use crate::run_dir::EXPLAIN;

/// The border is this share of the shorter side.
const BORDER: usize = 8;
/// Where so many pictures have no face, none is looked for in the others.
const FACES_TRIED: usize = 16;
/// Pictures are of faces where at least one in so many has one.
const FEWEST_WITH_FACE: usize = 4;

/// How much of the evidence lies on faces.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShareOnFace {
    /// Share of the evidence for the true class that lies on the face, averaged over the pictures with one, in 0..=1.
    pub evidence: f64,
    /// Share of these pictures that the face covers: what evidence would have there that lies anywhere.
    pub area: f64,
    /// Pictures with a face.
    pub pictures: usize,
    /// Pictures in which one was looked for.
    pub of: usize,
}

impl Material {
    pub(super) fn average(
        &self,
        run: &Run,
        method: &Method,
        (subject, tell): (&Subject<'_>, Tell<'_>),
        explained: &mut ExplainedMethod,
    ) -> Result<(), Failure> {
        let map = |(number, one): (usize, &Averaged)| {
            subject.go_on()?;
            tell(&format!("average, picture {} of {}", number + 1, self.averaged.len()));
            Ok(method.explain(subject, &one.input, &[one.class])?.remove(0))
        };
        let maps: Vec<Map> =
            self.averaged.iter().enumerate().map(map).collect::<Result<_, ExplainError>>()?;
        if let Some(first) = maps.first() {
            let border = (first.height.min(first.width) / BORDER).max(1);
            let shares = maps.iter().map(|map| map.share_on_border(border));
            explained.share_on_border = Some(shares.sum::<f64>() / maps.len() as f64);
        }
        explained.share_on_face = share_on_face(&maps, self.faces());
        let names = self.model.classes();
        let rows: Vec<EvidenceRow> =
            names.iter().enumerate().filter_map(|(class, name)| self.mean_of(class, name, &maps)).collect();
        let columns = ["its evidence".to_owned()];
        let figure = EvidenceFigure::new(&rows, &columns).grid();
        let name = format!("{EXPLAIN}/{}-average", method.id);
        Ok(write_figure(run, &name, &figure, &mut explained.figures)?)
    }

    /// The mean picture and the mean map of one class, where it has any.
    fn mean_of(&self, class: usize, name: &str, maps: &[Map]) -> Option<EvidenceRow> {
        let of_class = self.averaged.iter().zip(maps).filter(|(one, _)| one.class == class);
        let (pictures, maps): (Vec<&Averaged>, Vec<&Map>) = of_class.unzip();
        Some(EvidenceRow {
            label: vec![name.to_owned(), format!("mean of {}", maps.len())],
            maps: vec![Map::mean(&maps)?],
            picture: self.mean_picture(&pictures),
        })
    }

    fn mean_picture(&self, pictures: &[&Averaged]) -> Image {
        let mean = |at: usize| pictures.iter().map(|one| one.input[at]).sum::<f32>() / pictures.len() as f32;
        let mean: Vec<f32> = (0..self.model.input().bytes()).map(mean).collect();
        self.image_of(&mean)
    }

    /// The face in each averaged picture, as the network sees it; found once.
    fn faces(&self) -> &[Option<Area>] {
        self.faces.get_or_init(|| {
            let images = self.averaged.iter().map(|one| self.image_of(&one.input));
            find_faces(images, candor_data::faces::detector())
        })
    }
}

/// The surest face in each picture; shorter than the pictures are many where the first ones have none.
fn find_faces(images: impl Iterator<Item = Image>, detector: &dyn Detector) -> Vec<Option<Area>> {
    let mut found = Vec::new();
    for image in images {
        if found.len() == FACES_TRIED && found.iter().all(Option::is_none) {
            break;
        }
        found.push(detector.detect(&image).first().map(|face| face.area));
    }
    found
}

fn share_on_face(maps: &[Map], faces: &[Option<Area>]) -> Option<ShareOnFace> {
    let with_face: Vec<(&Map, Area)> =
        maps.iter().zip(faces).filter_map(|(map, face)| Some((map, (*face)?))).collect();
    let mean = |of: &dyn Fn(&Map, Area) -> f64| {
        with_face.iter().map(|(map, face)| of(map, *face)).sum::<f64>() / with_face.len() as f64
    };
    // A face here and there, in pictures of other things, is a mistake of the detector.
    let of_faces = !with_face.is_empty() && with_face.len() * FEWEST_WITH_FACE >= faces.len();
    of_faces.then(|| ShareOnFace {
        evidence: mean(&|map, face| map.share_on(face)),
        area: mean(&|map, face| face.pixels() as f64 / map.values.len() as f64),
        pictures: with_face.len(),
        of: faces.len(),
    })
}

#[cfg(test)]
mod tests {
    use candor_core::{Channels, Detection};

    use super::*;

    /// Finds a face where the first pixel is bright.
    struct Bright;

    const FACE: Area = Area { x: 1, y: 0, width: 1, height: 2 };

    impl Detector for Bright {
        fn name(&self) -> String {
            "bright".into()
        }

        fn detect(&self, image: &Image) -> Vec<Detection> {
            let is_bright = image.pixels()[0] > 200;
            is_bright.then_some(Detection { area: FACE, score: 1.0 }).into_iter().collect()
        }
    }

    #[test]
    fn evidence_on_faces_stands_beside_the_area_of_faces() {
        let image = |value: u8| Image::filled(2, 2, Channels::Grey, value);
        let faces = find_faces([255, 0].map(image).into_iter(), &Bright);
        assert_eq!(faces, [Some(FACE), None]);
        let map = Map { height: 2, width: 2, values: vec![1.0, -4.0, 1.0, 2.0], gap: None };
        let share = share_on_face(&[map.clone(), map.clone()], &faces).unwrap();
        assert_eq!(share, ShareOnFace { evidence: 0.75, area: 0.5, pictures: 1, of: 2 });
        let mistaken = [&faces[..1], &[None; 4]].concat();
        assert_eq!(share_on_face(&vec![map.clone(); 5], &mistaken), None);
        let none = find_faces((0..99).map(|_| image(0)), &Bright);
        assert_eq!((none.len(), share_on_face(&[map], &none)), (FACES_TRIED, None));
    }
}
