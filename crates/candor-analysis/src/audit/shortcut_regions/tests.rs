//! What the check says of networks that look at a known place.

use candor_core::{Channels, Classifier, ClassifyError, Image, Prediction, Seed};

use super::super::testing::{Bright, Fake};
use super::*;

/// Answers by how light the pixels of a window are.
struct Looks {
    classes: Vec<String>,
    columns: std::ops::Range<usize>,
    rows: std::ops::Range<usize>,
    limit: f32,
}

impl Classifier for Looks {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn predict(&self, images: &[Image]) -> Result<Vec<Prediction>, ClassifyError> {
        let one = |image: &Image| {
            let window = self.rows.clone().flat_map(|y| self.columns.clone().map(move |x| (x, y)));
            let values: Vec<f32> = window.map(|(x, y)| f32::from(image.pixel(x, y)[0])).collect();
            let light = values.iter().sum::<f32>() / values.len() as f32 > self.limit;
            Prediction { probabilities: if light { vec![0.0, 1.0] } else { vec![1.0, 0.0] } }
        };
        Ok(images.iter().map(one).collect())
    }
}

fn asked(fake: &Fake, [columns, rows]: [std::ops::Range<usize>; 2], limit: f32) -> Finding {
    let classifier = Looks { classes: fake.classes.clone(), columns, rows, limit };
    fake.with(|case| CHECK.run(&Case { classifier: Some(&classifier), ..*case }, &Bright(fake)).unwrap())
}

/// Noise of a light that differs from picture to picture; pictures of class 1 have 250 where `mark` holds.
fn marked(mark: impl Fn(usize, usize) -> bool) -> Fake {
    let image = |index: usize| {
        let mut rng = Seed(21).at(index as u64).rng();
        let light = rng.range(30.0, 170.0);
        let pixels = (0..576).map(|place| {
            let noise = light + rng.range(-30.0, 30.0);
            if index % 2 == 1 && mark(place % 24, place / 24) { 250 } else { noise as u8 }
        });
        (Image::new(24, 24, Channels::Grey, pixels.collect()).unwrap(), index % 2)
    };
    Fake::of((0..400).map(image).collect())
}

#[test]
fn one_mark_at_any_place_that_decides_alone_fails_with_its_size_and_place() {
    let cases = [
        ("a patch in the middle", [11..13, 11..13], "2×2 pixels at column 12, row 12"),
        ("one hot pixel", [6..7, 15..16], "at column 6, row 15"),
        ("a line", [0..24, 9..10], "24×1 pixels at column 1, row 10"),
        ("a stamp in a corner", [17..23, 20..23], "6×3 pixels at column 18, row 21"),
    ];
    for (name, [columns, rows], place) in cases {
        let fake = marked(|x, y| columns.contains(&x) && rows.contains(&y));
        let finding = asked(&fake, [columns.clone(), rows.clone()], 220.0);
        assert_eq!(finding.verdict, Verdict::Fail, "{name}: {finding:?}");
        assert!(
            finding.headline.contains(place) || finding.headline.contains("one pixel"),
            "{name}: {}",
            finding.headline
        );
        assert!(!finding.evidence.is_empty() && finding.evidence[0].pictures[1].changed.is_some(), "{name}");
    }
}

#[test]
fn a_mark_that_is_there_but_is_not_used_is_no_finding() {
    let mut fake = marked(|x, y| x == 3 && y == 3);
    for (index, image) in fake.images.iter_mut().enumerate() {
        let inside = |i: usize| (6..18).contains(&(i % 24)) && (6..18).contains(&(i / 24)) && index % 2 == 1;
        let pixels = image.pixels().iter().enumerate().map(|(i, &v)| if inside(i) { v / 4 + 190 } else { v });
        *image = Image::new(24, 24, Channels::Grey, pixels.collect()).unwrap();
    }
    let finding = asked(&fake, [6..18, 6..18], 189.0);
    assert_eq!(finding.verdict, Verdict::Pass, "{finding:?}");
}

#[test]
fn the_middle_passes_and_a_varied_thing_at_one_small_place_is_to_be_looked_at() {
    let fake = Fake::bright(200);
    let finding = asked(&fake, [4..12, 4..12], 100.0);
    assert_eq!(finding.verdict, Verdict::Pass, "{finding:?}");
    // Stripes of any phase and light where the other class is plain: a thing, always at the same place.
    let mut fake = marked(|_, _| false);
    for (index, image) in fake.images.iter_mut().enumerate() {
        let mut rng = Seed(3).at(index as u64).rng();
        let (phase, light) = (rng.below(2), rng.range(60.0, 250.0));
        let inside = |i: usize| (9..15).contains(&(i % 24)) && (9..15).contains(&(i / 24)) && index % 2 == 1;
        let stripe = |i: usize| if (i / 24 + phase).is_multiple_of(2) { light } else { 250.0 - light };
        let pixels =
            image.pixels().iter().enumerate().map(|(i, &v)| if inside(i) { stripe(i) as u8 } else { v });
        *image = Image::new(24, 24, Channels::Grey, pixels.collect()).unwrap();
    }
    let finding = fake.with(|case| {
        CHECK
            .run(&Case { classifier: Some(&Striped(fake.classes.clone())), ..*case }, &Bright(&fake))
            .unwrap()
    });
    assert_eq!(finding.verdict, Verdict::Inconclusive, "{finding:?}");
    assert!(finding.headline.contains("whether that is the thing"), "{}", finding.headline);
}

/// Answers by the difference of neighbouring rows in the middle.
struct Striped(Vec<String>);

impl Classifier for Striped {
    fn classes(&self) -> &[String] {
        &self.0
    }

    fn predict(&self, images: &[Image]) -> Result<Vec<Prediction>, ClassifyError> {
        let one = |image: &Image| {
            let rows = (9..14).map(|y| {
                let mean = |y: usize| (9..15).map(|x| f32::from(image.pixel(x, y)[0])).sum::<f32>() / 6.0;
                mean(y) - mean(y + 1)
            });
            let signed: f32 = rows.enumerate().map(|(at, step)| if at % 2 == 0 { step } else { -step }).sum();
            let light = signed.abs() > 80.0;
            Prediction { probabilities: if light { vec![0.0, 1.0] } else { vec![1.0, 0.0] } }
        };
        Ok(images.iter().map(one).collect())
    }
}

#[test]
fn a_bordered_network_fails_and_without_a_network_nothing_is_said() {
    let fake = marked(|x, y| x < 3 || y < 3 || x >= 21 || y >= 21);
    struct Border(Vec<String>);
    impl Classifier for Border {
        fn classes(&self) -> &[String] {
            &self.0
        }

        fn predict(&self, images: &[Image]) -> Result<Vec<Prediction>, ClassifyError> {
            let one = |image: &Image| {
                let values = (0..24).flat_map(|at| [image.pixel(at, 1)[0], image.pixel(at, 22)[0]]);
                let light = values.map(f32::from).sum::<f32>() / 48.0 > 220.0;
                Prediction { probabilities: if light { vec![0.0, 1.0] } else { vec![1.0, 0.0] } }
            };
            Ok(images.iter().map(one).collect())
        }
    }
    let border = Border(fake.classes.clone());
    let finding =
        fake.with(|case| CHECK.run(&Case { classifier: Some(&border), ..*case }, &Bright(&fake)).unwrap());
    assert_eq!(finding.verdict, Verdict::Fail, "{finding:?}");
    assert_eq!(fake.with(|case| CHECK.run(case, &Bright(&fake)).unwrap()).verdict, Verdict::Inconclusive);
}
