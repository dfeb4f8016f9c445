//! The faults: mechanisms by which real data sets go wrong, each put into any pictures.

use candor_core::{Image, Rng, Seed, Split};

use super::Planted;
use super::picture::{
    as_jpeg, blurred, cropped, date_stamped, hot_pixel, mirrored, moved, noisy, placed, rotated, sensor,
    shifted, warmer,
};

/// A fault that a study can have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// None: the control.
    None,
    /// A tenth of the test pictures are training pictures, to the byte.
    ExactCopies,
    /// A tenth of the test pictures are training pictures, mirrored, brightened or noisy.
    EditedCopies,
    /// A tenth of the test pictures are training pictures, rotated by 3 to 12 degrees or cropped to 80 to 95 % of each side.
    RotatedCopies,
    /// Pictures were taken in bursts of four, and nobody said so: the split tears them apart.
    TornBursts,
    /// Several pictures of each of some people, torn apart by the split although the groups are known.
    TornPersons,
    /// One of forty files is there twice, under two classes.
    SameFileTwoClasses,
    /// This share of the labels of train and validation is another class's.
    LabelNoise(f64),
    /// This share of the first class's labels of train and validation is the second's: one class is often mistaken.
    AsymmetricNoise(f64),
    /// The labels are drawn by lot.
    RandomLabels,
    /// The labels are drawn by lot, and nine of ten are of the first class.
    RandomLabelsMajority,
    /// Each class was saved with its own JPEG quality.
    JpegQualityByClass,
    /// Each class was taken with its own camera: a gain pattern and noise of its own.
    CameraByClass,
    /// The camera of one class has a hot pixel.
    HotPixel,
    /// The camera of one class prints the date.
    DateStamp,
    /// Each class has its own pattern of file names.
    FileNamesByClass,
    /// Each class was exported by its own program, which wrote its name into EXIF.
    SoftwareByClass,
    /// Two by two pixels in the middle have the class's colour.
    MiddlePatch,
    /// A line of one pixel, as a scanner's glass leaves it, crosses the pictures of one class.
    ScannerLine,
    /// Each class comes mostly from its own sites, and each site frames pictures in its own shade.
    FramedBySite,
    /// The test pictures are blurred.
    BlurredTest,
    /// The test pictures have another white balance.
    WarmTest,
    /// A quarter of the pictures are of another kind: noisy.
    NoisySubgroup,
    /// Pictures grow lighter with time, and the split is by time.
    TemporalDrift,
}

/// Thresholds may be fixed on the generators of one half only; what the checks find is measured on the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// Thresholds may be fixed on these.
    Setting,
    /// What the docs state is measured on these.
    Measuring,
}

impl Fault {
    /// All of them, the control first.
    pub const ALL: [Fault; 27] = [
        Fault::None,
        Fault::ExactCopies,
        Fault::EditedCopies,
        Fault::RotatedCopies,
        Fault::TornBursts,
        Fault::TornPersons,
        Fault::SameFileTwoClasses,
        Fault::LabelNoise(0.05),
        Fault::LabelNoise(0.1),
        Fault::LabelNoise(0.2),
        Fault::LabelNoise(0.3),
        Fault::AsymmetricNoise(0.2),
        Fault::RandomLabels,
        Fault::RandomLabelsMajority,
        Fault::JpegQualityByClass,
        Fault::CameraByClass,
        Fault::HotPixel,
        Fault::DateStamp,
        Fault::FileNamesByClass,
        Fault::SoftwareByClass,
        Fault::MiddlePatch,
        Fault::ScannerLine,
        Fault::FramedBySite,
        Fault::BlurredTest,
        Fault::WarmTest,
        Fault::NoisySubgroup,
        Fault::TemporalDrift,
    ];

    /// What it is called in tables.
    pub fn name(self) -> String {
        match self {
            Fault::None => "clean".to_owned(),
            Fault::ExactCopies => "exact copies".to_owned(),
            Fault::EditedCopies => "edited copies".to_owned(),
            Fault::RotatedCopies => "rotated and cropped copies".to_owned(),
            Fault::TornBursts => "torn bursts".to_owned(),
            Fault::TornPersons => "torn persons".to_owned(),
            Fault::SameFileTwoClasses => "same file, two classes".to_owned(),
            Fault::LabelNoise(share) => format!("label noise {:.0}%", 100.0 * share),
            Fault::AsymmetricNoise(share) => format!("asymmetric label noise {:.0}%", 100.0 * share),
            Fault::RandomLabels => "random labels".to_owned(),
            Fault::RandomLabelsMajority => "random labels, 90% of one class".to_owned(),
            Fault::JpegQualityByClass => "JPEG quality by class".to_owned(),
            Fault::CameraByClass => "camera by class".to_owned(),
            Fault::HotPixel => "hot pixel".to_owned(),
            Fault::DateStamp => "date stamp".to_owned(),
            Fault::FileNamesByClass => "file names by class".to_owned(),
            Fault::SoftwareByClass => "EXIF software by class".to_owned(),
            Fault::MiddlePatch => "patch in the middle".to_owned(),
            Fault::ScannerLine => "one-pixel line".to_owned(),
            Fault::FramedBySite => "frame by site".to_owned(),
            Fault::BlurredTest => "blurred test pictures".to_owned(),
            Fault::WarmTest => "white-balanced test pictures".to_owned(),
            Fault::NoisySubgroup => "noisy subgroup".to_owned(),
            Fault::TemporalDrift => "drift in time".to_owned(),
        }
    }

    /// The ids of the checks of which one should find it; none for the control.
    pub fn found_by(self) -> &'static [&'static str] {
        match self {
            Fault::None => &[],
            Fault::ExactCopies
            | Fault::EditedCopies
            | Fault::RotatedCopies
            | Fault::TornBursts
            | Fault::TornPersons => &["duplicates-across-splits"],
            Fault::SameFileTwoClasses | Fault::LabelNoise(_) | Fault::AsymmetricNoise(_) => &["label-errors"],
            Fault::RandomLabels | Fault::RandomLabelsMajority => &["better-than-chance"],
            Fault::JpegQualityByClass
            | Fault::CameraByClass
            | Fault::FileNamesByClass
            | Fault::SoftwareByClass => &["nothing-to-see"],
            Fault::HotPixel | Fault::DateStamp | Fault::MiddlePatch | Fault::ScannerLine => {
                &["shortcut-regions"]
            }
            Fault::FramedBySite => &["nothing-to-see", "leave-one-source-out"],
            Fault::BlurredTest | Fault::WarmTest | Fault::TemporalDrift => &["split-drift"],
            Fault::NoisySubgroup => &["subgroups"],
        }
    }

    /// Whether thresholds may be fixed on it. The first half is what this suite held before and what is like it.
    pub fn half(self) -> Half {
        match self {
            Fault::None
            | Fault::ExactCopies
            | Fault::EditedCopies
            | Fault::TornPersons
            | Fault::LabelNoise(0.0..0.25)
            | Fault::RandomLabels
            | Fault::NoisySubgroup
            | Fault::TemporalDrift => Half::Setting,
            _ => Half::Measuring,
        }
    }

    /// Puts the fault into `clean` pictures.
    pub fn plant(self, clean: Planted, seed: Seed) -> Planted {
        let mut planted = clean;
        let mut rng = seed.derive("fault").rng();
        match self {
            Fault::None => {}
            Fault::ExactCopies => planted.copy_into_test(&mut rng, |image, _| image.clone()),
            Fault::EditedCopies => planted.copy_into_test(&mut rng, edited),
            Fault::RotatedCopies => planted.copy_into_test(&mut rng, turned),
            Fault::TornBursts => planted.take_in_bursts(4, &mut rng),
            Fault::TornPersons => planted.tear_groups(&mut rng),
            Fault::SameFileTwoClasses => planted.repeat_under_another_class(40, &mut rng),
            Fault::LabelNoise(share) => planted.flip_labels(share, None, &mut rng),
            Fault::AsymmetricNoise(share) => planted.flip_labels(share, Some(0), &mut rng),
            Fault::RandomLabels => planted.draw_labels(&mut rng),
            Fault::RandomLabelsMajority => {
                let classes = planted.classes.len();
                planted.relabel(|_| match rng.unit() < 0.9 {
                    true => 0,
                    false => 1 + rng.below(classes - 1),
                });
            }
            Fault::JpegQualityByClass => {
                planted.write_jpegs(|class| ([88, 55, 70, 80, 45, 62][class % 6], None));
            }
            Fault::SoftwareByClass => planted.write_jpegs(|class| {
                (
                    85,
                    Some(
                        ["Picasa 3.0", "Ver.1.03", "GIMP 2.8.18", "7.1.2", "paint.net 4.0.9", "HDR+ 1.0"]
                            [class % 6],
                    ),
                )
            }),
            Fault::FileNamesByClass => planted.name_files(&mut rng),
            Fault::CameraByClass => planted.change(|_, class, image| {
                sensor(
                    image,
                    seed.derive("camera").at(class as u64),
                    0.06,
                    3.0 + 5.0 * (class % 2) as f64,
                    &mut rng,
                )
            }),
            Fault::HotPixel => {
                let (x, y) = (rng.range(0.15, 0.85), rng.range(0.15, 0.85));
                planted.of_odd_classes(|image| hot_pixel(image, x, y));
            }
            Fault::DateStamp => planted.of_odd_classes(|image| date_stamped(image, &mut rng)),
            Fault::MiddlePatch => planted.change(|_, class, image| middle_patch(image, class)),
            Fault::ScannerLine => {
                let row = rng.range(0.15, 0.85);
                planted.of_odd_classes(|image| {
                    let at = (row * image.height() as f64) as usize;
                    placed(image, |_, y, _, value| if y == at { 0.4 * value } else { value })
                });
            }
            Fault::FramedBySite => planted.frame_by_site(&mut rng),
            Fault::BlurredTest => planted.change_test(|image| blurred(image, 1)),
            Fault::WarmTest => planted.change_test(|image| warmer(image, 0.2)),
            Fault::NoisySubgroup => planted.make_some_noisy(&mut rng),
            Fault::TemporalDrift => planted.drift(),
        }
        planted
    }
}

impl Planted {
    fn copy_into_test(&mut self, rng: &mut Rng, copy: fn(&Image, &mut Rng) -> Image) {
        for index in self.split.test.clone().into_iter().step_by(10) {
            let original = self.split.train[rng.below(self.split.train.len())];
            let image = copy(&self.images[original], rng);
            self.samples[index].class = self.samples[original].class;
            self.put(index, image);
        }
    }

    /// Of every four pictures of a class one is kept, and the other three become what a camera takes just after it.
    pub(super) fn take_in_bursts(&mut self, frames: usize, rng: &mut Rng) {
        for class in 0..self.classes.len() {
            let own: Vec<usize> =
                (0..self.len()).filter(|&index| self.samples[index].class == class).collect();
            for burst in own.chunks(frames) {
                for &index in &burst[1..] {
                    let next = moved(&self.images[burst[0]], rng.range(-1.5, 1.5), rng.range(-1.5, 1.5));
                    let next = shifted(&noisy(&next, 5.0, rng), rng.range(-8.0, 8.0));
                    self.put(index, next);
                }
            }
        }
    }

    fn tear_groups(&mut self, rng: &mut Rng) {
        let people = (self.len() / 4).max(1);
        self.samples
            .iter_mut()
            .for_each(|sample| sample.group = Some(format!("person {}", rng.below(people))));
    }

    /// One picture of `every` becomes a copy, to the byte, of one of the next class.
    pub(super) fn repeat_under_another_class(&mut self, every: usize, rng: &mut Rng) {
        let pool = self.split.train.clone();
        for &index in pool.iter().step_by(every) {
            let class = self.samples[index].class;
            let others: Vec<usize> =
                pool.iter().copied().filter(|&other| self.samples[other].class != class).collect();
            let image = self.images[others[rng.below(others.len())]].clone();
            self.put(index, image);
            self.relabelled.push(index);
        }
    }

    pub(super) fn change_test(&mut self, change: impl Fn(&Image) -> Image) {
        for index in self.split.test.clone() {
            let image = change(&self.images[index]);
            self.put(index, image);
        }
    }

    /// Gives this share of the labels of train and validation, of one class where one is named, to the next or any other.
    pub(super) fn flip_labels(&mut self, share: f64, of: Option<usize>, rng: &mut Rng) {
        let mut pool = [self.split.train.as_slice(), &self.split.validation].concat();
        pool.retain(|&index| of.is_none_or(|class| self.samples[index].class == class));
        rng.shuffle(&mut pool);
        pool.truncate((share * pool.len() as f64).round() as usize);
        for &index in &pool {
            let other = if of.is_some() { 1 } else { 1 + rng.below(self.classes.len() - 1) };
            self.samples[index].class = (self.samples[index].class + other) % self.classes.len();
        }
        pool.sort_unstable();
        self.relabelled = pool;
    }

    fn draw_labels(&mut self, rng: &mut Rng) {
        let mut labels = self.labels();
        rng.shuffle(&mut labels);
        self.relabel(|index| labels[index]);
    }

    pub(super) fn relabel(&mut self, mut label: impl FnMut(usize) -> usize) {
        for (index, sample) in self.samples.iter_mut().enumerate() {
            sample.class = label(index);
        }
    }

    pub(super) fn write_jpegs(&mut self, of_class: impl Fn(usize) -> (u8, Option<&'static str>)) {
        for index in 0..self.len() {
            let (quality, software) = of_class(self.samples[index].class);
            self.put_file(index, as_jpeg(&self.images[index], quality, software));
        }
    }

    /// Each picture is a file of its own, in the folder of its class, named as that class's camera names them.
    fn name_files(&mut self, rng: &mut Rng) {
        let first = rng.below(2000);
        self.write_jpegs(|_| (90, None));
        for (index, sample) in self.samples.iter_mut().enumerate() {
            let (class, number) = (&self.classes[sample.class], first + index);
            let name = match sample.class % 3 {
                0 => format!("DSC_{number:04}.JPG"),
                1 => format!("IMG_{number:04}.jpg"),
                _ => format!("P10{number:05}.jpg"),
            };
            sample.provenance.file = format!("{class}/{name}");
            sample.provenance.row = None;
        }
    }

    pub(super) fn of_odd_classes(&mut self, mut change: impl FnMut(&Image) -> Image) {
        self.change(|_, class, image| if class % 2 == 1 { change(image) } else { image.clone() });
    }

    /// Four sites; three of four pictures of a class come from the two sites that are mostly its own.
    fn frame_by_site(&mut self, rng: &mut Rng) {
        let shades = [215.0, 45.0, 185.0, 75.0];
        for index in 0..self.len() {
            let (class, other) = (self.samples[index].class % 2, rng.below(2));
            let site = 2 * rng.below(2) + if rng.unit() < 0.75 { class } else { other };
            self.samples[index].attributes.insert("site".to_owned(), format!("site {site}"));
            let (image, shade) = (&self.images[index], shades[site]);
            let (width, height) = (image.width(), image.height());
            let rim = |at: usize, side: usize| at < side / 10 + 1 || at >= side - side / 10 - 1;
            let framed =
                placed(image, |x, y, _, value| if rim(x, width) || rim(y, height) { shade } else { value });
            self.put(index, framed);
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
        self.change(|index, _, image| shifted(image, 60.0 * index as f64 / all as f64 - 30.0));
        let range = |from: f64, to: f64| (until(from)..until(to)).collect();
        self.split = Split { train: range(0.0, 0.7), validation: range(0.7, 0.8), test: range(0.8, 1.0) };
    }
}

/// Mirrored, brightened or noisy.
fn edited(image: &Image, rng: &mut Rng) -> Image {
    match rng.below(3) {
        0 => mirrored(image),
        1 => shifted(image, 20.0),
        _ => noisy(image, 8.0, rng),
    }
}

/// Rotated by 3 to 12 degrees to either side, or cropped to 80 to 95 %.
pub(super) fn turned(image: &Image, rng: &mut Rng) -> Image {
    match rng.below(2) {
        0 => rotated(image, rng.range(3.0, 12.0) * [-1.0, 1.0][rng.below(2)]),
        _ => cropped(image, rng.range(0.8, 0.95), rng.unit(), rng.unit()),
    }
}

/// Two by two pixels, light or dark by class.
pub(super) fn middle_patch(image: &Image, class: usize) -> Image {
    let (left, top) = (image.width() / 2 - 1, image.height() / 2 - 1);
    let light = 20.0 + 210.0 * (class % 6) as f64 / if class < 2 { 1.0 } else { 5.0 };
    placed(
        image,
        |x, y, _, value| {
            if (left..left + 2).contains(&x) && (top..top + 2).contains(&y) { light } else { value }
        },
    )
}

#[cfg(test)]
mod tests {
    use candor_core::Dataset;

    use super::super::clean;
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
            let changed = fault == Fault::None || {
                let before = clean(120, Seed(1));
                one.images != before.images || one.samples() != before.samples()
            };
            assert!(changed, "{} does something", fault.name());
        }
    }

    #[test]
    fn half_of_the_faults_are_kept_for_measuring() {
        let measured = Fault::ALL.into_iter().filter(|fault| fault.half() == Half::Measuring).count();
        assert!((13..=18).contains(&measured), "{measured}");
    }

    #[test]
    fn only_the_share_asked_for_is_relabelled() {
        let before = clean(200, Seed(3));
        let after = Fault::LabelNoise(0.1).plant(before.clone(), Seed(3));
        let changed: Vec<usize> =
            (0..200).filter(|&index| before.samples[index].class != after.samples[index].class).collect();
        assert_eq!((changed.len(), &changed), (16, &after.relabelled));
        assert!(changed.iter().all(|index| !after.split.test.contains(index)));
        let asymmetric = Fault::AsymmetricNoise(0.2).plant(before.clone(), Seed(3));
        assert!(asymmetric.relabelled.iter().all(|&index| before.samples[index].class == 0));
        assert_eq!(asymmetric.relabelled.len(), 16);
    }
}
