//! Whole data sets on which an audit must not say what is false, each with the truth about it in a sentence.
//!
//! They are small, so that all of them can be asked in a test; `examples/draw_scenarios` writes them into folders for the
//! command line. What each check may say of each is a table beside the test, in `audit/scenario_tests.rs`.

use candor_core::{Image, Rng, Seed};

use super::drawn::{lit_square, names, sign, spots, square_or_cross, stripes, things};
use super::picture::{mapped, noisy, shifted};
use super::{Fault, Planted, clean};

/// A data set with what is true of it.
pub struct Scenario {
    /// Its name in tables and folders.
    pub name: &'static str,
    /// What is true of it.
    pub truth: &'static str,
    draw: fn(Seed) -> Planted,
}

impl Scenario {
    /// The scenario called so.
    pub fn find(name: &str) -> Option<&'static Scenario> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }

    /// Its pictures, labels and split.
    pub fn draw(&self, seed: Seed) -> Planted {
        (self.draw)(seed.derive(self.name))
    }
}

const fn scenario(name: &'static str, truth: &'static str, draw: fn(Seed) -> Planted) -> Scenario {
    Scenario { name, truth, draw }
}

/// All of them.
pub static SCENARIOS: [Scenario; 34] = [
    scenario(
        "fine",
        "One-pixel stripes: a network can be right every time; smaller pictures show nothing.",
        fine,
    ),
    scenario(
        "copies",
        "Labels by coin for each original, five noisy copies of each: nothing can be learned.",
        copies,
    ),
    scenario(
        "cols2",
        "Labels are random where `kind` is bad: a gap of 50 points, beside one column of noise.",
        |seed| columns(2, seed),
    ),
    scenario(
        "cols10",
        "Labels are random where `kind` is bad: a gap of 50 points, beside nine columns of noise.",
        |seed| columns(10, seed),
    ),
    scenario(
        "people",
        "A background for each of 25 persons, the class independent of it, a split by person: all sound.",
        people,
    ),
    scenario(
        "sites",
        "Ten sites with patterns of their own for both classes: nothing carries over to another site.",
        |seed| sites(false, seed),
    ),
    scenario("sites-grouped", "The same, and each site is a group that the split keeps together.", |seed| {
        sites(true, seed)
    }),
    scenario(
        "compas",
        "Two groups with equal error: 40 % false positives in one, 40 % false negatives in the other.",
        compas,
    ),
    scenario(
        "texture",
        "Forest is darker than water everywhere in the picture: brightness is the thing.",
        texture,
    ),
    scenario("clean-things", "Squares and crosses on spots: sound.", |seed| things(300, 24, seed)),
    scenario("clean-discs", "Discs and crosses in colour: sound.", |seed| clean(300, seed)),
    scenario("clean-three", "Three classes of signs on noise, well apart: sound.", three),
    scenario(
        "one-group-a-source",
        "Eight sources, each a group; shapes that carry over to each of them: sound.",
        carries_over,
    ),
    scenario(
        "signs",
        "Traffic signs drawn one by one, alike without being copies; all labels are right.",
        signs,
    ),
    scenario("small", "A hundred sound pictures, of which 20 are for testing.", |seed| things(100, 24, seed)),
    scenario(
        "weak",
        "Half of the labels follow the picture, the others are drawn: a weak signal is there.",
        weak,
    ),
    scenario(
        "minority",
        "Nine of ten are of one class, and the shape says which: a model of the minority is useful.",
        minority,
    ),
    scenario("random-labels", "The labels are drawn by lot: nothing can be learned.", |seed| {
        faulty(Fault::RandomLabels, seed)
    }),
    scenario(
        "random-majority",
        "The labels are drawn by lot, nine of ten of one class: nothing can be learned.",
        |seed| faulty(Fault::RandomLabelsMajority, seed),
    ),
    scenario(
        "jpeg-quality",
        "Each class has its own JPEG quality and nothing else: the file names the class.",
        |seed| nothing_but(Fault::JpegQualityByClass, seed),
    ),
    scenario("camera-noise", "Each class has its own camera's noise and nothing else.", |seed| {
        nothing_but(Fault::CameraByClass, seed)
    }),
    scenario("file-names", "The classes differ in their shape, and file names give them away.", |seed| {
        faulty(Fault::FileNamesByClass, seed)
    }),
    scenario(
        "exif-software",
        "The classes differ in their shape, and EXIF's software gives them away.",
        |seed| faulty(Fault::SoftwareByClass, seed),
    ),
    scenario("hot-pixel", "One pixel is light in one class, and nothing else differs.", |seed| {
        nothing_but(Fault::HotPixel, seed)
    }),
    scenario("date-stamp", "One class has a date stamp, and nothing else differs.", |seed| {
        nothing_but(Fault::DateStamp, seed)
    }),
    scenario(
        "middle-patch",
        "Two by two pixels in the middle have the class's colour, and nothing else differs.",
        |seed| nothing_but(Fault::MiddlePatch, seed),
    ),
    scenario("scanner-line", "A one-pixel line crosses one class, and nothing else differs.", |seed| {
        nothing_but(Fault::ScannerLine, seed)
    }),
    scenario("torn-bursts", "Bursts of four, which nobody named, are torn apart by the split.", torn_bursts),
    scenario(
        "torn-person",
        "Everybody is in one subset, but one person of 25 is in two; labels are drawn by person.",
        torn_person,
    ),
    scenario(
        "rotated-copies",
        "A tenth of the test pictures are rotated or cropped training pictures.",
        rotated_copies,
    ),
    scenario("same-file-two-classes", "Some files are there twice, under two classes.", |seed| {
        faulty(Fault::SameFileTwoClasses, seed)
    }),
    scenario("flips-30", "Three of ten training labels are wrong.", |seed| {
        faulty(Fault::LabelNoise(0.3), seed)
    }),
    scenario(
        "asymmetric-flips",
        "A fifth of the squares for training are called crosses, and no cross a square.",
        |seed| faulty(Fault::AsymmetricNoise(0.2), seed),
    ),
    scenario("blurred-test", "The test pictures are blurred.", |seed| faulty(Fault::BlurredTest, seed)),
];

/// A fault in sound pictures, whose shape tells the classes apart.
fn faulty(fault: Fault, seed: Seed) -> Planted {
    fault.plant(things(300, 24, seed), seed)
}

/// A fault in pictures that show nothing else of their class.
fn nothing_but(fault: Fault, seed: Seed) -> Planted {
    let image = |index: u64| spots(24, 12, &mut seed.derive("spots").at(index).rng());
    let pictures = (0..300).map(|index| (image(index as u64), index % 2)).collect();
    fault.plant(Planted::of(names(["a", "b"]), pictures, seed), seed)
}

/// Pictures one by one, each by a generator of its own.
fn drawn(
    classes: [&str; 2],
    pictures: usize,
    seed: Seed,
    mut draw: impl FnMut(usize, &mut Rng) -> (Image, usize),
) -> Planted {
    let pictures = (0..pictures).map(|index| draw(index, &mut seed.derive("drawn").at(index as u64).rng()));
    Planted::of(names(classes), pictures.collect(), seed)
}

fn fine(seed: Seed) -> Planted {
    drawn(["horizontal", "vertical"], 400, seed, |index, rng| (stripes(64, index % 2 == 1, rng), index % 2))
}

fn copies(seed: Seed) -> Planted {
    drawn(["a", "b"], 400, seed, |index, rng| {
        let mut original = seed.derive("original").at(index as u64 / 5).rng();
        let class = original.below(2);
        let light = rng.range(0.8, 1.2);
        (noisy(&mapped(&spots(32, 25, &mut original), |value| light * value), 8.0, rng), class)
    })
}

fn columns(count: usize, seed: Seed) -> Planted {
    let bad = |index: usize| seed.derive("kind").at(index as u64).rng().unit() < 0.3;
    let mut planted = drawn(["dark", "light"], 1500, seed, |index, rng| {
        let shown = rng.below(2);
        let label = if bad(index) { rng.below(2) } else { shown };
        (lit_square(60.0 * shown as f64, rng), label)
    });
    planted.attribute("kind", |index| ["good", "bad"][usize::from(bad(index))].to_owned());
    for column in 1..count {
        let mut rng = seed.derive("column").at(column as u64).rng();
        planted.attribute(&format!("a{column:02}"), |_| ["x", "y"][rng.below(2)].to_owned());
    }
    planted
}

/// Pictures of people or places: one background each, `each` pictures of each, whose class `class` tells.
fn of_people([people, each]: [usize; 2], seed: Seed, class: impl Fn(usize, &mut Rng) -> usize) -> Planted {
    let mut planted = drawn(["square", "cross"], people * each, seed, |index, rng| {
        let class = class(index / each, rng);
        let back = spots(24, 8, &mut seed.derive("background").at((index / each) as u64).rng());
        (square_or_cross(class, &back, rng), class)
    });
    for (index, sample) in planted.samples.iter_mut().enumerate() {
        sample.group = Some(format!("p{}", index / each));
    }
    planted.split_by_unit(seed);
    planted
}

fn people(seed: Seed) -> Planted {
    of_people([25, 20], seed, |_, rng| rng.below(2))
}

/// The pictures of a person are all of one class, drawn by lot, and show nothing of it but the person.
fn torn_person(seed: Seed) -> Planted {
    let mut planted = drawn(["a", "b"], 500, seed, |index, rng| {
        let mut person = seed.derive("person").at(index as u64 / 20).rng();
        let class = person.below(2);
        (noisy(&spots(24, 8, &mut person), 25.0, rng), class)
    });
    for (index, sample) in planted.samples.iter_mut().enumerate() {
        sample.group = Some(format!("p{}", index / 20));
    }
    planted.split_by_unit(seed);
    let torn = planted.split.train.len() - 1;
    let last = planted.split.train.remove(torn);
    planted.split.test.push(last);
    planted.split.test.sort_unstable();
    planted
}

fn sites(grouped: bool, seed: Seed) -> Planted {
    let mut planted = drawn(["a", "b"], 800, seed, |index, rng| {
        let (site, class) = (index / 80, rng.below(2));
        let mut pattern = seed.derive("pattern").at((2 * site + class) as u64).rng();
        (noisy(&spots(24, 8, &mut pattern), 25.0, rng), class)
    });
    match grouped {
        true => {
            for (index, sample) in planted.samples.iter_mut().enumerate() {
                sample.group = Some(format!("site{}", index / 80));
                sample.provenance.url = Some(format!("https://site{}.org/{index}.jpg", index / 80));
            }
            planted.split_by_unit(seed);
        }
        false => planted.attribute("site", |index| format!("site{}", index / 80)),
    }
    planted
}

/// Each group is a source, and the shape carries over from one to the other.
fn carries_over(seed: Seed) -> Planted {
    let mut planted = of_people([8, 50], seed, |_, rng| rng.below(2));
    for (index, sample) in planted.samples.iter_mut().enumerate() {
        sample.provenance.url = Some(format!("https://site{}.org/{index}.jpg", index / 50));
    }
    planted
}

fn compas(seed: Seed) -> Planted {
    let group = |index: usize| seed.derive("group").at(index as u64).rng().below(2);
    let mut planted = drawn(["no", "yes"], 2000, seed, |index, rng| {
        let (group, class) = (group(index), rng.below(2));
        let wrong = group == class && rng.unit() < 0.4;
        let shown = if wrong { 1 - class } else { class };
        (lit_square(70.0 * shown as f64, rng), class)
    });
    planted.attribute("origin_group", |index| ["A", "B"][group(index)].to_owned());
    planted
}

fn texture(seed: Seed) -> Planted {
    drawn(["forest", "water"], 400, seed, |index, rng| {
        let class = index % 2;
        let base = [95.0, 135.0][1 - class] + rng.range(-24.0, 24.0);
        (super::drawn::grey(32, |_, _| base + rng.range(-31.0, 31.0)), class)
    })
}

fn three(seed: Seed) -> Planted {
    let picture = |index: usize| {
        let mut rng = seed.derive("three").at(index as u64).rng();
        let class = index % 3;
        let (x0, y0) = (8 + rng.below(3), 8 + rng.below(3));
        let image = super::drawn::grey(24, |x, y| {
            let (x, y) = (x.wrapping_sub(x0), y.wrapping_sub(y0));
            let on = match class {
                0 => x < 7 && y < 7,
                1 => x < 7 && (2..5).contains(&y),
                _ => y < 7 && (2..5).contains(&x),
            };
            100.0 + rng.range(-40.0, 40.0) + if on { 110.0 } else { 0.0 }
        });
        (image, class)
    };
    Planted::of(names(["square", "bar", "post"]), (0..390).map(picture).collect(), seed)
}

fn signs(seed: Seed) -> Planted {
    let picture =
        |index: usize| (sign(index % 4, &mut seed.derive("sign").at(index as u64).rng()), index % 4);
    let classes = names(["dash", "post", "falling", "rising"]);
    Planted::of(classes, (0..200).map(picture).collect(), seed)
}

fn weak(seed: Seed) -> Planted {
    let mut planted = things(200, 24, seed);
    let mut rng = seed.derive("weak").rng();
    let labels = planted.labels();
    planted.relabel(|index| if rng.unit() < 0.5 { rng.below(2) } else { labels[index] });
    planted
}

fn minority(seed: Seed) -> Planted {
    drawn(["square", "cross"], 500, seed, |index, rng| {
        let class = usize::from(index % 10 == 9);
        let back = spots(24, 8, rng);
        (square_or_cross(class, &back, rng), class)
    })
}

fn torn_bursts(seed: Seed) -> Planted {
    let mut planted = drawn(["square", "cross"], 240, seed, |index, rng| {
        let back = spots(64, 20, rng);
        (square_or_cross(index % 2, &back, rng), index % 2)
    });
    planted.take_in_bursts(4, &mut seed.derive("bursts").rng());
    planted
}

fn rotated_copies(seed: Seed) -> Planted {
    let planted = drawn(["square", "cross"], 240, seed, |index, rng| {
        let back = spots(64, 20, rng);
        (shifted(&square_or_cross(index % 2, &back, rng), 0.0), index % 2)
    });
    Fault::RotatedCopies.plant(planted, seed)
}
