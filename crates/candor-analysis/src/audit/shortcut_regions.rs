//! Where does the answer hang? What is left of the accuracy when parts of the pictures change places with those of others.

use candor_core::{Image, Rng};

use super::{AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Table, Topic, Unit, Verdict};

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Shortcut regions",
    topic: Topic::SeesTheThing,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Does the answer hang on the border, or on one small region, rather than on the middle of the picture?",
    how: "Parts of the judged pictures (the border, an eighth of each side; the middle; each cell of a 4×4 grid) are replaced by \
          the same part of another picture, so that pictures stay as they usually look but the part says nothing any more; \
          and, beside it, by grey. What counts is how much of the network's gain over chance that costs.",
    fail_means: "The answer hangs on the border while the middle hardly matters: the network looks past the thing.",
    misleads: "Things that fill the picture are at its border too. A network that looks at two places at once loses little when \
               either goes.",
    reference: "Zeiler & Fergus, Visualizing and understanding convolutional networks, ECCV (2014); Fisher et al., All models are \
                wrong, but many are useful (permutation importance), JMLR 20 (2019)",
    scale: Scale::UNWRITTEN,
    run,
};

const ID: &str = "shortcut-regions";
/// Cells a side.
const CELLS: usize = 4;
/// Judged pictures that are changed, at most.
const MOST: usize = 400;
const LEAST: usize = 20;
/// Shares of the gain that a part costs.
const LARGE: f64 = 0.5;
const SMALL: f64 = 0.25;
/// A gain that is worth asking after.
const LEAST_GAIN: f64 = 0.1;
const GREY: u8 = 128;

/// A part of a picture: its name, and whether a place (in shares of the sides) belongs to it.
struct Region {
    name: String,
    cell: Option<(usize, usize)>,
    contains: Box<dyn Fn(f64, f64) -> bool>,
}

fn regions() -> Vec<Region> {
    let inside = |x: f64, y: f64| (0.125..0.875).contains(&x) && (0.125..0.875).contains(&y);
    let mut regions = vec![
        Region { name: "the border".into(), cell: None, contains: Box::new(move |x, y| !inside(x, y)) },
        Region { name: "the middle".into(), cell: None, contains: Box::new(inside) },
    ];
    for (row, column) in (0..CELLS).flat_map(|row| (0..CELLS).map(move |column| (row, column))) {
        let holds = move |share: f64, cell: usize| (share * CELLS as f64) as usize == cell;
        regions.push(Region {
            name: format!("row {}, column {}", row + 1, column + 1),
            cell: Some((row, column)),
            contains: Box::new(move |x, y| holds(x, column) && holds(y, row)),
        });
    }
    regions
}

/// What a region costs, as a share of the gain: its place taken by another picture's, and by grey.
struct Loss {
    name: String,
    cell: Option<(usize, usize)>,
    swapped: f64,
    greyed: f64,
}

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let (Some(classifier), Some((subset, answers))) = (case.classifier, case.judged()) else {
        return Ok(Finding::inconclusive("There is no network to be asked.", "Train and judge it first."));
    };
    let mut judged = answers.indices.clone();
    case.seed(ID).rng().shuffle(&mut judged);
    judged.truncate(MOST);
    let images: Vec<Image> = judged.iter().map(|&index| (case.seen)(index)).collect();
    let right = |images: &[Image]| -> Result<f64, AuditErrorKind> {
        let answers = classifier.predict(images)?;
        let hits = answers
            .iter()
            .zip(&judged)
            .filter(|(answer, index)| answer.class() == case.samples()[**index].class);
        Ok(hits.count() as f64 / images.len().max(1) as f64)
    };
    let (whole, chance) = (right(&images)?, case.majority(&judged));
    let gain = whole - chance;
    if judged.len() < LEAST || gain < LEAST_GAIN {
        return Ok(Finding::inconclusive(
            "Too few judged pictures, or too little learned, to see where the answers hang.",
            "See what better-than-chance and too-few say first.",
        ));
    }
    let mut losses = Vec::new();
    let regions = regions();
    for (number, region) in regions.iter().enumerate() {
        case.tell(ID, number, regions.len())?;
        let mut rng = case.seed(ID).derive("partners").at(number as u64).rng();
        let swapped = right(&swapped(&images, region, &mut rng))?;
        let greyed =
            right(&images.iter().map(|image| replaced(image, region, |_| GREY)).collect::<Vec<_>>())?;
        let [swapped, greyed] = [swapped, greyed].map(|left| (whole - left) / gain);
        losses.push(Loss { name: region.name.clone(), cell: region.cell, swapped, greyed });
    }
    Ok(finding(&losses, whole, chance)
        .used(format!("the network's answers for {} {subset} pictures, changed", judged.len())))
}

/// Each picture with the region of another one.
fn swapped(images: &[Image], region: &Region, rng: &mut Rng) -> Vec<Image> {
    let partner = |own: usize| (own + 1 + rng.below(images.len() - 1)) % images.len();
    let partners: Vec<usize> = (0..images.len()).map(partner).collect();
    let swap =
        |(image, partner): (&Image, usize)| replaced(image, region, |place| images[partner].pixels()[place]);
    images.iter().zip(partners).map(swap).collect()
}

/// The picture with other values in the region. All pictures have one size, so that a place means the same in each.
fn replaced(image: &Image, region: &Region, value: impl Fn(usize) -> u8) -> Image {
    let (width, height, channels) = (image.width(), image.height(), image.channels().count());
    let mut pixels = image.pixels().to_vec();
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        if (region.contains)((x as f64 + 0.5) / width as f64, (y as f64 + 0.5) / height as f64) {
            let start = (y * width + x) * channels;
            (start..start + channels).for_each(|place| pixels[place] = value(place));
        }
    }
    Image::new(width, height, image.channels(), pixels).expect("the sides stay as they are")
}

fn finding(losses: &[Loss], whole: f64, chance: f64) -> Finding {
    let of = |name: &str| losses.iter().find(|loss| loss.name == name).map_or(0.0, |loss| loss.swapped);
    let (border, middle) = (of("the border"), of("the middle"));
    let edge = |loss: &&Loss| {
        loss.cell.is_some_and(|(row, column)| [row, column].into_iter().any(|at| at == 0 || at == CELLS - 1))
    };
    let by_swapped = |a: &&Loss, b: &&Loss| a.swapped.total_cmp(&b.swapped);
    let cell = losses.iter().filter(edge).max_by(by_swapped);
    let cell_loss = cell.map_or(0.0, |cell| cell.swapped);
    let verdict = match () {
        () if (border >= LARGE && middle < border / 2.0) || cell_loss >= LARGE && middle < LARGE => {
            Verdict::Fail
        }
        () if border >= LARGE && middle < SMALL.max(border - SMALL) || cell_loss >= LARGE => Verdict::Warn,
        () => Verdict::Pass,
    };
    let per_cent = |share: f64| format!("{:.0}%", 100.0 * share.max(0.0));
    let headline = match cell.filter(|_| verdict > Verdict::Pass && cell_loss >= LARGE) {
        Some(cell) => format!(
            "Exchanging one small region at the edge ({}) costs {} of what the network gains over chance.",
            cell.name,
            per_cent(cell.swapped)
        ),
        None => format!(
            "Exchanging the border costs {} of what the network gains over chance, exchanging the middle {}.",
            per_cent(border),
            per_cent(middle)
        ),
    };
    let (meaning, advice) = match verdict {
        Verdict::Pass => ("The answers do not hang on the border or on one region at the edge alone.", ""),
        _ => (
            "The network answers by what is around the thing: a background, a frame, a watermark, a caption.",
            "Look at that region in a few pictures of each class. Crop it away, or collect pictures without it, and train again.",
        ),
    };
    let row = |loss: &Loss| vec![loss.name.clone(), per_cent(loss.swapped), per_cent(loss.greyed)];
    Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure("accuracy, pictures as they are", whole, Unit::Share)
        .figure("naming the most frequent class", chance, Unit::Share)
        .figure("share of the gain lost with the border", border, Unit::Share)
        .figure("share of the gain lost with the middle", middle, Unit::Share)
        .figure("largest share of the gain lost with one cell at the edge", cell_loss, Unit::Share)
        .with_table(Table {
            title: "Share of the gain over chance that a part costs".to_owned(),
            heading: ["part", "from another picture", "grey"].map(String::from).to_vec(),
            rows: losses.iter().map(row).collect(),
        })
}

#[cfg(test)]
mod tests {
    use candor_core::{Classifier, ClassifyError, Prediction};

    use super::super::testing::{Bright, Fake};
    use super::*;

    /// Answers by how light the pixels of a window are.
    struct Looks(Vec<String>, std::ops::Range<usize>);

    impl Classifier for Looks {
        fn classes(&self) -> &[String] {
            &self.0
        }

        fn predict(&self, images: &[Image]) -> Result<Vec<Prediction>, ClassifyError> {
            let one = |image: &Image| {
                let window = self.1.clone().flat_map(|y| self.1.clone().map(move |x| (x, y)));
                let values: Vec<f32> = window.map(|(x, y)| f32::from(image.pixel(x, y)[0])).collect();
                let light = values.iter().sum::<f32>() / values.len() as f32 > 100.0;
                Prediction { probabilities: if light { vec![0.0, 1.0] } else { vec![1.0, 0.0] } }
            };
            Ok(images.iter().map(one).collect())
        }
    }

    fn asked(fake: &Fake, window: std::ops::Range<usize>) -> Finding {
        let classifier = Looks(fake.classes.clone(), window);
        fake.with(|case| CHECK.run(&Case { classifier: Some(&classifier), ..*case }, &Bright(fake)).unwrap())
    }

    #[test]
    fn looking_at_the_middle_passes_and_at_a_corner_fails() {
        let mut fake = Fake::bright(200);
        assert_eq!(asked(&fake, 5..11).verdict, Verdict::Pass, "{:?}", asked(&fake, 5..11));
        for (index, image) in fake.images.iter_mut().enumerate() {
            let corner = |i: usize| i % 16 < 3 && i / 16 < 3 && index % 2 == 1;
            let pixels =
                image.pixels().iter().enumerate().map(|(i, &v)| if corner(i) { 250 } else { v }).collect();
            *image = Image::new(16, 16, image.channels(), pixels).unwrap();
        }
        let finding = asked(&fake, 0..3);
        assert_eq!(finding.verdict, Verdict::Fail, "{finding:?}");
        assert!(finding.headline.contains("row 1, column 1"), "{finding:?}");
        assert_eq!(fake.with(|case| CHECK.run(case, &Bright(&fake)).unwrap()).verdict, Verdict::Inconclusive);
    }
}
