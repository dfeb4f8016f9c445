//! How small a pattern on a face hides it from a face detector.

use candor_core::{Area, Detector, Fit, Image, Preprocessing};
use rayon::prelude::*;

use super::super::attributes::groupings;
use super::super::{AuditErrorKind, Case, Evidence, Finding, Shown, Table, Unit};
use super::{Cover, ID, PATTERNS, SIZES, covers, heading};
use crate::evaluate::Interval;

/// Faces that are covered, at most; in each the detector looks up to 225 times.
const MOST: usize = 12;
/// Pictures in which a face is looked for, at most.
const MOST_LOOKED_AT: usize = 60;
/// Longer side of the pictures in which the detector looks.
const SIDE: usize = 480;
/// What the detector finds is still the face where it overlaps so much with where it was.
const SAME: f64 = 0.3;
/// Faces that are shown.
const SHOWN: usize = 4;

/// A face, and the smallest cover of each pattern that hides it.
struct Hidden {
    index: usize,
    covers: Vec<Option<Cover<bool>>>,
}

impl Hidden {
    fn smallest(&self) -> Option<&Cover<bool>> {
        self.covers.iter().flatten().min_by(|a, b| a.size.total_cmp(&b.size))
    }

    fn by(&self, size: f64, pattern: usize) -> bool {
        self.covers[pattern].as_ref().is_some_and(|cover| cover.size <= size)
    }
}

/// Adds to the finding how the faces among `judged` are hidden from `detector`; nothing where there are none.
pub(super) fn add(
    finding: Finding,
    case: &Case<'_>,
    detector: &dyn Detector,
    judged: &[usize],
) -> Result<Finding, AuditErrorKind> {
    let mut pictures = judged.to_vec();
    case.seed(ID).derive("faces").rng().shuffle(&mut pictures);
    pictures.truncate(MOST_LOOKED_AT);
    let mut all = Vec::new();
    for (number, &index) in pictures.iter().enumerate() {
        case.tell(ID, number, pictures.len())?;
        // What cannot be read any more shows no face.
        let Ok(original) = case.pictures.image(index) else { continue };
        all.extend(hidden(&sized(&original), detector, index));
        if all.len() == MOST {
            break;
        }
    }
    if all.is_empty() {
        return Ok(finding);
    }
    let largest = SIZES[SIZES.len() - 1];
    let hidden = all.iter().filter(|face| face.smallest().is_some()).count();
    let name =
        format!("faces that a pattern over {:.0}% of the face hides from the detector", 100.0 * largest);
    let interval = Interval::of_counts(hidden as u64, all.len() as u64);
    let finding = finding
        .figure("faces that were covered", all.len() as f64, Unit::Count)
        .figure_within(name, hidden as f64 / all.len() as f64, interval, Unit::Share)
        .with_table(by_pattern(&all, detector));
    let by_group = groupings(case).into_iter().filter_map(|grouping| {
        let row = |(group, name): (usize, &String)| {
            let members: Vec<&Hidden> =
                all.iter().filter(|one| grouping.of[one.index] == Some(group)).collect();
            let hidden = members.iter().filter(|one| one.smallest().is_some()).count();
            (!members.is_empty()).then(|| vec![name.clone(), members.len().to_string(), hidden.to_string()])
        };
        let rows: Vec<Vec<String>> = grouping.names.iter().enumerate().filter_map(row).collect();
        (!rows.is_empty()).then(|| Table {
            title: format!("Faces that are hidden, by {}", grouping.what),
            heading: ["group", "faces", "hidden"].map(String::from).to_vec(),
            rows,
        })
    });
    Ok(by_group.fold(finding, Finding::with_table).with_evidence(evidence(case, &all)))
}

/// No larger than the detector needs it.
fn sized(original: &Image) -> Image {
    let longer = original.width().max(original.height());
    if longer <= SIDE {
        return original.clone();
    }
    let side = |side: usize| (side * SIDE).div_ceil(longer);
    let (height, width) = (side(original.height()), side(original.width()));
    Preprocessing { height, width, channels: original.channels(), fit: Fit::Stretch }.apply(original)
}

/// `None` where there is no face to begin with.
fn hidden(image: &Image, detector: &dyn Detector, index: usize) -> Option<Hidden> {
    let face: Area = detector.detect(image).first()?.area;
    let found = |images: &[Image]| -> Result<Vec<bool>, std::convert::Infallible> {
        let finds =
            |image: &Image| detector.detect(image).iter().any(|other| other.area.overlap(&face) >= SAME);
        // A face detector takes a hundred times as long as a small network.
        Ok(images.par_iter().map(finds).collect())
    };
    let Ok(covers) = covers(image, &face, &true, found);
    Some(Hidden { index, covers })
}

fn by_pattern(all: &[Hidden], detector: &dyn Detector) -> Table {
    let row = |(pattern, name): (usize, &str)| {
        let hidden = SIZES.map(|size| all.iter().filter(|one| one.by(size, pattern)).count());
        std::iter::once(name.to_owned())
            .chain(hidden.map(|hidden| format!("{hidden} of {}", all.len())))
            .collect()
    };
    Table {
        title: format!("Faces that each pattern on them hides from the detector ({})", detector.name()),
        heading: heading(),
        rows: PATTERNS.iter().map(|pattern| pattern.name).enumerate().map(row).collect(),
    }
}

/// The faces that the smallest patterns hide.
fn evidence(case: &Case<'_>, all: &[Hidden]) -> Vec<Evidence> {
    let mut found: Vec<(&Hidden, &Cover<bool>)> =
        all.iter().filter_map(|one| Some((one, one.smallest()?))).collect();
    found.sort_by(|a, b| a.1.size.total_cmp(&b.1.size));
    let show = |(one, cover): &(&Hidden, &Cover<bool>)| Evidence {
        note: format!(
            "With a {} over {:.0}% of the face, the detector does not find the face.",
            PATTERNS[cover.pattern].name,
            100.0 * cover.size
        ),
        pictures: vec![Shown::of(case, one.index), Shown::changed(case, one.index, &cover.image)],
    };
    found.iter().take(SHOWN).map(show).collect()
}

#[cfg(test)]
mod tests {
    use candor_core::{Detection, Subset};

    use super::super::super::Verdict;
    use super::super::super::testing::Fake;
    use super::*;

    /// Finds the light square in the middle of a picture while none of its pixels is dark.
    struct FindsLight;

    impl Detector for FindsLight {
        fn name(&self) -> String {
            "light".to_owned()
        }

        fn detect(&self, image: &Image) -> Vec<Detection> {
            let area = Area { x: 4, y: 4, width: 8, height: 8 };
            let is_light = image.cut(&area).pixels().iter().all(|&value| value > 60);
            is_light.then_some(Detection { area, score: 1.0 }).into_iter().collect()
        }
    }

    #[test]
    fn a_face_is_hidden_by_what_is_dark_and_not_by_what_is_light() {
        let fake = Fake::bright(400);
        fake.with(|case| {
            let judged = case.split.indices(Subset::Test);
            let finding = add(Finding::new(Verdict::Pass, "", ""), case, &FindsLight, judged).unwrap();
            assert_eq!(finding.value("faces that were covered"), Some(MOST as f64));
            assert_eq!(finding.figures[1].value, Some(1.0), "{finding:?}");
            let row = |name: &str| finding.tables[0].rows.iter().find(|row| row[0] == name).unwrap().clone();
            assert!(row("bar")[1..].iter().all(|cell| cell == "12 of 12"), "{:?}", row("bar"));
            assert!(row("patch")[1..].iter().all(|cell| cell == "0 of 12"), "{:?}", row("patch"));
            assert_eq!(finding.evidence.len(), SHOWN);
        });
    }
}
