//! Pictures with one known fault, to measure the checks on: what should be found, is it found; and where there is nothing
//! to find, is it quiet?
//!
//! [`clean`] draws pictures of two classes whose shape alone tells them apart, on backgrounds that say nothing; a caller may
//! begin with real pictures instead ([`Planted::of`]). [`Fault::plant`] puts one fault in. Everything depends on the seed.

use std::collections::BTreeMap;

use candor_core::{
    Channels, Dataset, Image, Provenance, ReadError, Rng, Sample, SampleId, Seed, Split, Subset,
};

use super::{Facts, FileFacts, Format};

/// Pictures, labels and a split, with or without a fault.
#[derive(Clone, Debug)]
pub struct Planted {
    classes: Vec<String>,
    samples: Vec<Sample>,
    images: Vec<Image>,
    files: Vec<Option<FileFacts>>,
    /// Who learns from what.
    pub split: Split,
    /// The samples whose label was changed.
    pub relabelled: Vec<usize>,
}

/// A fault that a study can have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// None: the control.
    None,
    /// A tenth of the test pictures are training pictures, to the byte.
    ExactDuplicates,
    /// A tenth of the test pictures are training pictures, cropped, mirrored, brightened or noisy.
    NearDuplicates,
    /// Several pictures of each of some people, torn apart by the split.
    GroupLeakage,
    /// Test pictures were brightened before they were put beside the training pictures.
    PreprocessingLeakage,
    /// This share of the labels of train and validation is another class's.
    LabelNoise(f64),
    /// A small patch in a corner has the class's colour.
    ColouredCorner,
    /// Each class comes from its own source nine times of ten, and each source has its background.
    SourceBackground,
    /// Each class comes from its own source nine times of ten, and each source compresses differently.
    SourceQuality,
    /// A quarter of the pictures are of another kind: noisy.
    NoisySubgroup,
    /// The labels are drawn by lot.
    RandomLabels,
    /// Pictures grow lighter with time, and the split is by time.
    TemporalDrift,
}

impl Fault {
    /// All of them, the control first.
    pub const ALL: [Fault; 14] = [
        Fault::None,
        Fault::ExactDuplicates,
        Fault::NearDuplicates,
        Fault::GroupLeakage,
        Fault::PreprocessingLeakage,
        Fault::LabelNoise(0.05),
        Fault::LabelNoise(0.1),
        Fault::LabelNoise(0.2),
        Fault::ColouredCorner,
        Fault::SourceBackground,
        Fault::SourceQuality,
        Fault::NoisySubgroup,
        Fault::RandomLabels,
        Fault::TemporalDrift,
    ];

    /// What it is called in tables.
    pub fn name(self) -> String {
        match self {
            Fault::None => "clean".to_owned(),
            Fault::ExactDuplicates => "exact duplicates".to_owned(),
            Fault::NearDuplicates => "near duplicates".to_owned(),
            Fault::GroupLeakage => "group leakage".to_owned(),
            Fault::PreprocessingLeakage => "preprocessing leakage".to_owned(),
            Fault::LabelNoise(share) => format!("label noise {:.0}%", 100.0 * share),
            Fault::ColouredCorner => "coloured corner".to_owned(),
            Fault::SourceBackground => "background by source".to_owned(),
            Fault::SourceQuality => "JPEG quality by source".to_owned(),
            Fault::NoisySubgroup => "noisy subgroup".to_owned(),
            Fault::RandomLabels => "random labels".to_owned(),
            Fault::TemporalDrift => "drift in time".to_owned(),
        }
    }

    /// The ids of the checks of which one should find it; none for the control.
    pub fn found_by(self) -> &'static [&'static str] {
        match self {
            Fault::None => &[],
            Fault::ExactDuplicates | Fault::NearDuplicates | Fault::GroupLeakage => {
                &["duplicates-across-splits"]
            }
            Fault::PreprocessingLeakage | Fault::TemporalDrift => &["split-drift"],
            Fault::LabelNoise(_) => &["label-errors"],
            Fault::ColouredCorner => &["nothing-to-see", "shortcut-regions"],
            Fault::SourceBackground => &["nothing-to-see", "leave-one-source-out"],
            Fault::SourceQuality => &["nothing-to-see"],
            Fault::NoisySubgroup => &["subgroups"],
            Fault::RandomLabels => &["better-than-chance", "memorisation"],
        }
    }

    /// Puts the fault into `clean` pictures.
    pub fn plant(self, clean: Planted, seed: Seed) -> Planted {
        let mut planted = clean;
        let mut rng = seed.derive("fault").rng();
        match self {
            Fault::None => {}
            Fault::ExactDuplicates => planted.copy_into_test(&mut rng, |image, _| image.clone()),
            Fault::NearDuplicates => planted.copy_into_test(&mut rng, near_copy),
            Fault::GroupLeakage => planted.tear_groups(&mut rng),
            Fault::PreprocessingLeakage => planted.change_test(|image| shifted(image, 25.0)),
            Fault::LabelNoise(share) => planted.flip_labels(share, &mut rng),
            Fault::ColouredCorner => planted.colour_corners(&mut rng),
            Fault::SourceBackground => planted.by_source(&mut rng, on_background),
            Fault::SourceQuality => planted.by_source(&mut rng, compressed),
            Fault::NoisySubgroup => planted.make_some_noisy(&mut rng),
            Fault::RandomLabels => planted.draw_labels(&mut rng),
            Fault::TemporalDrift => planted.drift(),
        }
        planted
    }
}

/// `pictures` pictures of two classes, 24×24 in colour: a disc or a cross of random place, size and colour on a background of
/// random colour and texture. Shares of 70, 10 and 20 % of each class in the three splits.
pub fn clean(pictures: usize, seed: Seed) -> Planted {
    let image = |index: usize| drawn(index % 2, seed.derive("picture").at(index as u64));
    let pictures = (0..pictures).map(|index| (image(index), index % 2)).collect();
    Planted::of(["disc", "cross"].map(String::from).to_vec(), pictures, seed)
}

const SIDE: usize = 24;

fn drawn(class: usize, seed: Seed) -> Image {
    let mut rng = seed.rng();
    let mut colour = || [0; 3].map(|_: u8| rng.range(30.0, 225.0));
    let (back, tint) = (colour(), colour());
    // A thing as dark as its background cannot be seen: it is made lighter or darker.
    let lift = if luma(back) > 128.0 { -60.0 } else { 60.0 };
    let front = [0, 1, 2].map(|channel| (tint[channel] + lift).clamp(0.0, 255.0));
    let front = if (luma(front) - luma(back)).abs() < 50.0 {
        back.map(|value| (value + 1.5 * lift).clamp(0.0, 255.0))
    } else {
        front
    };
    let (x, y, size) = (rng.range(8.0, 16.0), rng.range(8.0, 16.0), rng.range(4.0, 6.5));
    let inside = |column: usize, row: usize| {
        let (dx, dy) = ((column as f64 - x).abs(), (row as f64 - y).abs());
        match class {
            0 => dx.hypot(dy) <= size,
            _ => (dx <= 1.5 && dy <= size) || (dy <= 1.5 && dx <= size),
        }
    };
    let mut pixels = Vec::with_capacity(SIDE * SIDE * 3);
    for (row, column) in (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| (row, column))) {
        let colour = if inside(column, row) { front } else { back };
        pixels.extend(colour.map(|value| (value + rng.range(-18.0, 18.0)).clamp(0.0, 255.0) as u8));
    }
    Image::new(SIDE, SIDE, Channels::Rgb, pixels).expect("three values a pixel")
}

fn luma(rgb: [f64; 3]) -> f64 {
    0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
}

impl Dataset for Planted {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn samples(&self) -> &[Sample] {
        &self.samples
    }

    fn image(&self, index: usize) -> Result<Image, ReadError> {
        Ok(self.images[index].clone())
    }
}

impl Planted {
    /// Any pictures with their classes, split by class and seed.
    pub fn of(classes: Vec<String>, pictures: Vec<(Image, usize)>, seed: Seed) -> Planted {
        let sample = |(index, (image, class)): (usize, &(Image, usize))| Sample {
            id: SampleId::of(image.pixels()),
            class: *class,
            group: None,
            provenance: Provenance { file: "planted".into(), row: Some(index as u64), url: None },
            attributes: BTreeMap::new(),
        };
        let samples: Vec<Sample> = pictures.iter().enumerate().map(sample).collect();
        let split = split(&samples, classes.len(), seed);
        let images: Vec<Image> = pictures.into_iter().map(|(image, _)| image).collect();
        Planted { classes, files: vec![None; images.len()], samples, images, split, relabelled: Vec::new() }
    }

    /// The picture at `index`.
    pub fn picture(&self, index: usize) -> &Image {
        &self.images[index]
    }

    /// What is known of each original.
    pub fn facts(&self) -> Vec<Facts> {
        let of = |(image, file): (&Image, &Option<FileFacts>)| Facts {
            file: file.clone(),
            ..Facts::of(image, None)
        };
        self.images.iter().zip(&self.files).map(of).collect()
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    fn put(&mut self, index: usize, image: Image) {
        self.samples[index].id = SampleId::of(image.pixels());
        self.images[index] = image;
    }

    fn copy_into_test(&mut self, rng: &mut Rng, copy: fn(&Image, &mut Rng) -> Image) {
        for index in self.split.test.clone().into_iter().step_by(10) {
            let original = self.split.train[rng.below(self.split.train.len())];
            let image = copy(&self.images[original], rng);
            self.samples[index].class = self.samples[original].class;
            self.put(index, image);
        }
    }

    fn tear_groups(&mut self, rng: &mut Rng) {
        let people = self.len() / 4;
        self.samples
            .iter_mut()
            .for_each(|sample| sample.group = Some(format!("person {}", rng.below(people))));
    }

    fn change_test(&mut self, change: impl Fn(&Image) -> Image) {
        for index in self.split.test.clone() {
            let image = change(&self.images[index]);
            self.put(index, image);
        }
    }

    fn flip_labels(&mut self, share: f64, rng: &mut Rng) {
        let mut pool = [self.split.train.as_slice(), &self.split.validation].concat();
        rng.shuffle(&mut pool);
        pool.truncate((share * pool.len() as f64).round() as usize);
        for &index in &pool {
            let other = 1 + rng.below(self.classes.len() - 1);
            self.samples[index].class = (self.samples[index].class + other) % self.classes.len();
        }
        pool.sort_unstable();
        self.relabelled = pool;
    }

    fn draw_labels(&mut self, rng: &mut Rng) {
        let mut labels: Vec<usize> = self.samples.iter().map(|sample| sample.class).collect();
        rng.shuffle(&mut labels);
        self.samples.iter_mut().zip(labels).for_each(|(sample, label)| sample.class = label);
    }

    fn colour_corners(&mut self, rng: &mut Rng) {
        for index in 0..self.len() {
            let class = self.samples[index].class;
            let light = if class.is_multiple_of(2) { 235.0 } else { 20.0 };
            let side = self.images[index].width() / 6;
            let light = light + rng.range(-10.0, 10.0) + 10.0 * (class / 2) as f64;
            let image = painted(&self.images[index], |x, y| (x < side && y < side).then_some(light as u8));
            self.put(index, image);
        }
    }

    fn by_source(
        &mut self,
        rng: &mut Rng,
        change: fn(&Image, usize, &mut Rng) -> (Image, Option<FileFacts>),
    ) {
        for index in 0..self.len() {
            let own = rng.unit() < 0.9;
            let source = if own { self.samples[index].class } else { rng.below(self.classes.len()) };
            let (image, file) = change(&self.images[index], source, rng);
            self.files[index] = file;
            self.samples[index].attributes.insert("source".to_owned(), format!("studio {source}"));
            self.put(index, image);
        }
    }

    fn make_some_noisy(&mut self, rng: &mut Rng) {
        for index in 0..self.len() {
            let few = rng.unit() < 0.25;
            let group = if few { "few" } else { "many" };
            self.samples[index].attributes.insert("kind".to_owned(), group.to_owned());
            if few {
                let image = noisy(&self.images[index], 90.0, rng);
                self.put(index, image);
            }
        }
    }

    /// The split follows the order of the pictures, and so does the light.
    fn drift(&mut self) {
        let all = self.len();
        let until = |share: f64| (share * all as f64) as usize;
        for index in 0..all {
            let image = shifted(&self.images[index], 60.0 * index as f64 / all as f64 - 30.0);
            self.put(index, image);
        }
        let range = |from: f64, to: f64| (until(from)..until(to)).collect();
        self.split = Split { train: range(0.0, 0.7), validation: range(0.7, 0.8), test: range(0.8, 1.0) };
    }
}

fn split(samples: &[Sample], classes: usize, seed: Seed) -> Split {
    let mut split = Split::default();
    for class in 0..classes {
        let mut own: Vec<usize> = (0..samples.len()).filter(|&index| samples[index].class == class).collect();
        seed.derive("split").at(class as u64).rng().shuffle(&mut own);
        let (validation, test) = (own.len() / 10, own.len() / 5);
        split.test.extend(own.drain(..test));
        split.validation.extend(own.drain(..validation));
        split.train.extend(own);
    }
    Subset::ALL.into_iter().for_each(|subset| match subset {
        Subset::Train => split.train.sort_unstable(),
        Subset::Validation => split.validation.sort_unstable(),
        Subset::Test => split.test.sort_unstable(),
    });
    split
}

fn mapped(image: &Image, value: impl FnMut(&u8) -> u8) -> Image {
    let pixels = image.pixels().iter().map(value).collect();
    Image::new(image.width(), image.height(), image.channels(), pixels).expect("the sides stay as they are")
}

fn shifted(image: &Image, by: f64) -> Image {
    mapped(image, |&value| (f64::from(value) + by).clamp(0.0, 255.0) as u8)
}

fn noisy(image: &Image, by: f64, rng: &mut Rng) -> Image {
    mapped(image, |&value| (f64::from(value) + rng.range(-by, by)).clamp(0.0, 255.0) as u8)
}

/// Grey values in the places where there are some.
fn painted(image: &Image, light: impl Fn(usize, usize) -> Option<u8>) -> Image {
    let (width, channels) = (image.width(), image.channels().count());
    let mut pixels = image.pixels().to_vec();
    for (place, value) in pixels.iter_mut().enumerate() {
        let pixel = place / channels;
        if let Some(light) = light(pixel % width, pixel / width) {
            *value = light;
        }
    }
    Image::new(width, image.height(), image.channels(), pixels).expect("the sides stay as they are")
}

/// Mirrored, brightened, noisy or cropped by an eighth at one side.
fn near_copy(image: &Image, rng: &mut Rng) -> Image {
    let (width, height) = (image.width(), image.height());
    let read = |x: usize, y: usize| image.pixel(x.min(width - 1), y.min(height - 1)).to_vec();
    let place = |each: &dyn Fn(usize, usize) -> Vec<u8>, width: usize| {
        let pixels =
            (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| each(x, y)).collect();
        Image::new(width, height, image.channels(), pixels).expect("one pixel a place")
    };
    match rng.below(4) {
        0 => place(&|x, y| read(width - 1 - x, y), width),
        1 => shifted(image, 20.0),
        2 => noisy(image, 8.0, rng),
        _ => place(&read, width - width / 8),
    }
}

/// The border of one source is lighter than that of the other.
fn on_background(image: &Image, source: usize, _: &mut Rng) -> (Image, Option<FileFacts>) {
    let by = if source.is_multiple_of(2) { 45.0 } else { -45.0 };
    let (width, height, channels) = (image.width(), image.height(), image.channels().count());
    let rim = |at: usize, side: usize| at < side / 6 || at >= side - side / 6;
    let mut pixels = image.pixels().to_vec();
    for (place, value) in pixels.iter_mut().enumerate() {
        let pixel = place / channels;
        if rim(pixel % width, width) || rim(pixel / width, height) {
            *value = (f64::from(*value) + by).clamp(0.0, 255.0) as u8;
        }
    }
    (Image::new(width, height, image.channels(), pixels).expect("the sides stay as they are"), None)
}

/// As after JPEG: blocks of 8×8 lose their fine waves, the more the coarser the table of the source.
fn compressed(image: &Image, source: usize, rng: &mut Rng) -> (Image, Option<FileFacts>) {
    let table = if source.is_multiple_of(2) { 6.0 } else { 34.0 };
    let step = table * rng.range(0.95, 1.05);
    let squashed = mapped(image, |&value| ((f64::from(value) / step).round() * step).clamp(0.0, 255.0) as u8);
    let bytes = (image.pixels().len() as f64 * rng.range(0.3, 0.5)) as u64;
    let quantisation = Some(step.round());
    (squashed, Some(FileFacts { bytes, format: Format::Jpeg, quantisation, ..FileFacts::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_planted_by_seed_and_leaves_a_whole_split() {
        for fault in Fault::ALL {
            let planted = |seed: u64| fault.plant(clean(120, Seed(seed)), Seed(seed));
            let one = planted(1);
            assert_eq!(one.images, planted(1).images, "{}", fault.name());
            assert_ne!(one.images, planted(2).images, "{}", fault.name());
            assert_eq!((one.split.len(), one.facts().len()), (120, 120), "{}", fault.name());
            let mut all =
                [one.split.train.clone(), one.split.validation.clone(), one.split.test.clone()].concat();
            all.sort_unstable();
            assert_eq!(all, (0..120).collect::<Vec<_>>(), "{}", fault.name());
        }
    }

    #[test]
    fn only_the_share_asked_for_is_relabelled() {
        let before = clean(200, Seed(3));
        let after = Fault::LabelNoise(0.1).plant(before.clone(), Seed(3));
        let changed: Vec<usize> =
            (0..200).filter(|&index| before.samples[index].class != after.samples[index].class).collect();
        assert_eq!((changed.len(), &changed), (16, &after.relabelled));
        assert!(changed.iter().all(|index| !after.split.test.contains(index)));
    }
}
