//! Pictures that carry a cue, with networks that use it and networks that do not.

use candor_core::{Channels, Classifier, ClassifyError, Image, Prediction, Seed};

use super::super::testing::{Bright, Fake};
use super::super::{FileFacts, Format};
use super::*;

/// Says class 1 where a number of a picture is large.
struct Reads<F: Fn(&Image) -> f64 + Sync>(Vec<String>, F, f64);

impl<F: Fn(&Image) -> f64 + Sync> Classifier for Reads<F> {
    fn classes(&self) -> &[String] {
        &self.0
    }

    fn predict(&self, images: &[Image]) -> Result<Vec<Prediction>, ClassifyError> {
        let one = |image: &Image| {
            let is_large = (self.1)(image) > self.2;
            Prediction { probabilities: if is_large { vec![0.0, 1.0] } else { vec![1.0, 0.0] } }
        };
        Ok(images.iter().map(one).collect())
    }
}

fn mean(image: &Image, inside: impl Fn(usize, usize) -> bool) -> f64 {
    let places = (0..16).flat_map(|y| (0..16).map(move |x| (x, y))).filter(|&(x, y)| inside(x, y));
    let values: Vec<f64> = places.map(|(x, y)| f64::from(image.pixel(x, y)[0])).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

fn middle(image: &Image) -> f64 {
    mean(image, |x, y| (4..12).contains(&x) && (4..12).contains(&y))
}

fn corner(image: &Image) -> f64 {
    mean(image, |x, y| x < 3 && y < 3)
}

fn asked(fake: &Fake, reads: fn(&Image) -> f64, limit: f64) -> Finding {
    let classifier = Reads(fake.classes.clone(), reads, limit);
    fake.with(|case| CHECK.run(&Case { classifier: Some(&classifier), ..*case }, &Bright(fake)).unwrap())
}

/// Noise that is lighter where `is_light` says so of a place, in pictures of class 1.
fn lit(is_light: impl Fn(usize, usize) -> bool) -> Fake {
    let image = |index: usize| {
        let mut rng = Seed(6).at(index as u64).rng();
        let base = rng.range(0.0, 60.0);
        let light = |i: usize| if is_light(i % 16, i / 16) && index % 2 == 1 { 100.0 } else { 20.0 };
        let pixels = (0..256).map(|i| (light(i) + base + rng.range(0.0, 60.0)) as u8).collect();
        (Image::new(16, 16, Channels::Grey, pixels).unwrap(), index % 2)
    };
    Fake::of((0..400).map(image).collect())
}

fn in_corner(x: usize, y: usize) -> bool {
    !(3..13).contains(&x) && !(3..13).contains(&y)
}

#[test]
fn a_corner_fails_where_the_network_uses_it_and_is_a_note_where_it_does_not() {
    let fake = lit(in_corner);
    let used = asked(&fake, corner, 110.0);
    assert_eq!(used.verdict, Verdict::Fail, "{used:?}");
    assert!(used.headline.starts_with("The corners alone give"), "{}", used.headline);
    let both = lit(|x, y| in_corner(x, y) || (4..12).contains(&x) && (4..12).contains(&y));
    let unused = asked(&both, middle, 110.0);
    assert!(unused.verdict <= Verdict::Inconclusive, "{unused:?}");
    assert!(unused.value("share of the network's gain lost without the corners").unwrap().abs() < 0.01);
    assert!(
        !unused.headline.contains("alone give")
            || unused.headline.contains("mean colour")
            || unused.headline.starts_with("No shortcut"),
        "{}",
        unused.headline
    );
}

#[test]
fn light_all_over_the_picture_is_no_shortcut_but_is_said() {
    let fake = lit(|_, _| true);
    let finding = asked(&fake, |image| mean(image, |_, _| true), 110.0);
    assert_eq!(finding.verdict, Verdict::Inconclusive, "{finding:?}");
    assert!(finding.headline.contains("these figures cannot tell"), "{}", finding.headline);
    assert_eq!(asked(&Fake::bright(40), middle, 90.0).verdict, Verdict::Inconclusive, "20 of 40 at least");
}

#[test]
fn a_file_that_tells_the_class_is_a_note_where_alike_files_change_nothing() {
    let mut fake = lit(|x, y| (4..12).contains(&x) && (4..12).contains(&y));
    for (index, facts) in fake.facts.iter_mut().enumerate() {
        let quantisation = Some(if index % 2 == 0 { 5.0 } else { 20.0 });
        facts.file =
            Some(FileFacts { bytes: 900, format: Format::Jpeg, quantisation, ..FileFacts::default() });
    }
    let finding = asked(&fake, middle, 110.0);
    assert_eq!(finding.value("accuracy seeing only the file (size, compression)"), Some(1.0));
    assert!(
        finding.value("share of the network's gain lost without the file (size, compression)").unwrap() < 0.1,
        "{finding:?}"
    );
    assert!(finding.verdict < Verdict::Warn, "{finding:?}");
}

#[test]
fn compression_that_the_network_reads_fails() {
    // Class 0 keeps its finest detail, which compression takes away; nothing else tells the classes apart.
    let image = |index: usize| {
        let mut rng = Seed(9).at(index as u64).rng();
        let base = rng.range(60.0, 180.0);
        let fine = if index.is_multiple_of(2) { 10.0 } else { 0.5 };
        let sign = |i: usize| if (i % 16 + i / 16).is_multiple_of(2) { 1.0 } else { -1.0 };
        let pixels = (0..256).map(|i| (base + fine * sign(i) + rng.range(-1.0, 1.0)) as u8).collect();
        (Image::new(16, 16, Channels::Grey, pixels).unwrap(), index % 2)
    };
    let mut fake = Fake::of((0..400).map(image).collect());
    for (index, facts) in fake.facts.iter_mut().enumerate() {
        let quantisation = Some(if index % 2 == 0 { 2.0 } else { 80.0 });
        facts.file =
            Some(FileFacts { bytes: 900, format: Format::Jpeg, quantisation, ..FileFacts::default() });
    }
    let smooth = |image: &Image| {
        let steps = (0..255).filter(|i| i % 16 != 15).map(|i| {
            let at = |i: usize| f64::from(image.pixels()[i]);
            (at(i) - at(i + 1)).abs()
        });
        -steps.sum::<f64>()
    };
    let finding = asked(&fake, smooth, -2000.0);
    assert_eq!(finding.verdict, Verdict::Fail, "{finding:?}");
    assert!(finding.headline.starts_with("The file (size, compression) alone gives"), "{}", finding.headline);
}

#[test]
fn an_origin_is_judged_by_the_pictures_of_which_it_says_the_wrong_class() {
    let mut fake = lit(|x, y| (4..12).contains(&x) && (4..12).contains(&y));
    let says = |index: usize, misleads: usize| {
        if (index / 8).is_multiple_of(misleads) { 1 - index % 2 } else { index % 2 }
    };
    for (index, sample) in fake.samples.iter_mut().enumerate() {
        sample.attributes.insert("site".into(), format!("site {}", says(index, 5)));
    }
    let cue = "accuracy lost where the source (column, web site, folder) misleads";
    let honest = asked(&fake, middle, 110.0);
    assert!(honest.value(cue).unwrap().abs() < 0.05 && honest.verdict < Verdict::Warn, "{honest:?}");
    // A network that knows nothing but the site, which is written into the middle.
    let mut read = lit(|_, _| false);
    for index in 0..read.images.len() {
        let light = if says(index, 5) == 1 { 100 } else { 0 };
        let inside = |i: usize| (4..12).contains(&(i % 16)) && (4..12).contains(&(i / 16));
        let pixels = read.images[index].pixels().iter().enumerate();
        let pixels = pixels.map(|(i, &v)| if inside(i) { v.saturating_add(light) } else { v }).collect();
        read.images[index] = Image::new(16, 16, Channels::Grey, pixels).unwrap();
        read.samples[index].attributes.insert("site".into(), format!("site {}", says(index, 5)));
    }
    read.answer(|index| says(index, 5) == index % 2);
    let finding = asked(&read, middle, 130.0);
    assert_eq!(finding.verdict, Verdict::Fail, "{finding:?}");
    assert!(finding.headline.contains("where it says the wrong class"), "{}", finding.headline);
}

#[test]
fn cameras_and_software_of_each_class_cannot_be_told_from_the_class() {
    let mut fake = lit(|x, y| (4..12).contains(&x) && (4..12).contains(&y));
    for (index, sample) in fake.samples.iter_mut().enumerate() {
        sample.provenance.file = format!("{}_{index:04}.jpg", ["IMG", "DSC"][index % 2]);
    }
    let finding = asked(&fake, middle, 110.0);
    assert_eq!(finding.verdict, Verdict::Warn, "{finding:?}");
    assert!(finding.headline.contains("no picture disagrees with it"), "{}", finding.headline);
    fake.classes = vec!["img".into(), "dsc".into()];
    assert!(asked(&fake, middle, 110.0).verdict < Verdict::Warn, "names that say the class are no cue");
    for (index, facts) in fake.facts.iter_mut().enumerate() {
        let software = Some(["Painter", "Camera 2"][index % 2].to_owned());
        facts.file = Some(FileFacts { bytes: 900, software, ..FileFacts::default() });
    }
    let finding = asked(&fake, middle, 110.0);
    assert!(
        finding.verdict == Verdict::Warn && finding.headline.starts_with("The software (EXIF)"),
        "{finding:?}"
    );
}

#[test]
fn few_judged_pictures_and_no_network_say_nothing() {
    assert_eq!(asked(&Fake::bright(24), middle, 90.0).verdict, Verdict::Inconclusive);
    let fake = lit(in_corner);
    let finding = fake.with(|case| CHECK.run(case, &Bright(&fake)).unwrap());
    assert_eq!(finding.verdict, Verdict::Inconclusive);
    assert!(finding.headline.contains("could not be asked"), "{}", finding.headline);
}
