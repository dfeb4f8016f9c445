//! Where sound pictures come from: drawn ones, and two random classes of real ones at a time.

use std::path::PathBuf;

use candor_analysis::audit::planted::{Half, Planted, clean};
use candor_core::{Channels, Dataset, Fit, Image, Preprocessing, Seed, Silent};
use candor_data::demo;
use candor_data::source::{Source, SourceOptions};

/// A kind of sound pictures.
pub struct Base {
    /// Its name in tables and arguments.
    pub name: &'static str,
    /// Whether thresholds may be fixed on it.
    pub half: Half,
    from: From,
    /// The classes, by their places, that belong to this half; all where there are none.
    classes: &'static [usize],
}

enum From {
    Drawn,
    BuiltIn,
    /// A folder below `CANDOR_SHARED`/data.
    Shared(&'static str),
}

/// All of them.
pub static BASES: [Base; 7] = [
    Base { name: "drawn", half: Half::Setting, from: From::Drawn, classes: &[] },
    Base { name: "fashion", half: Half::Setting, from: From::BuiltIn, classes: &[0, 1, 2, 3, 4] },
    Base { name: "trashnet", half: Half::Setting, from: From::Shared("trashnet"), classes: &[0, 1, 2] },
    Base { name: "fashion-2", half: Half::Measuring, from: From::BuiltIn, classes: &[5, 6, 7, 8, 9] },
    Base { name: "mnist", half: Half::Measuring, from: From::Shared("mnist"), classes: &[] },
    Base { name: "trashnet-2", half: Half::Measuring, from: From::Shared("trashnet"), classes: &[3, 4, 5] },
    Base { name: "cats-dogs", half: Half::Measuring, from: From::Shared("cats-dogs"), classes: &[] },
];

/// The pictures of a base, read once.
pub enum Open {
    Drawn,
    Real { names: Vec<String>, of_class: Vec<(usize, Vec<Image>)> },
}

/// Photographs are brought to at most this many pixels a side.
const SIDE: usize = 112;
/// Pictures of a class that are read.
const MOST: usize = 1000;

impl Base {
    /// `None` where the data are not there.
    pub fn open(&self) -> Option<Open> {
        let source = match self.from {
            From::Drawn => return Some(Open::Drawn),
            From::BuiltIn => demo::fashion_mnist(),
            From::Shared(folder) => {
                let path = PathBuf::from(std::env::var_os("CANDOR_SHARED")?).join("data").join(folder);
                let source = Source::open(&path, &SourceOptions::default(), &Silent);
                source.inspect_err(|error| eprintln!("{}: {error}", self.name)).ok()?
            }
        };
        let all: Vec<usize> = (0..source.classes().len()).collect();
        let classes = if self.classes.is_empty() { &all } else { self.classes };
        let of_class = |&class: &usize| {
            let own = (0..source.samples().len()).filter(|&index| source.samples()[index].class == class);
            (
                class,
                own.take(MOST).map(|index| sized(&source.image(index).expect("it can be read"))).collect(),
            )
        };
        Some(Open::Real {
            names: source.classes().to_vec(),
            of_class: classes.iter().map(of_class).collect(),
        })
    }
}

/// Colour, and photographs in one size: those of a study differ for reasons that are not the fault's.
fn sized(image: &Image) -> Image {
    let channels = Channels::Rgb;
    if image.width().max(image.height()) <= SIDE {
        return image.to_channels(channels);
    }
    Preprocessing { height: SIDE * 3 / 4, width: SIDE, channels, fit: Fit::Crop }.apply(image)
}

impl Open {
    /// `pictures` pictures of two classes, drawn by the seed.
    pub fn draw(&self, pictures: usize, seed: Seed) -> Planted {
        let Open::Real { names, of_class } = self else { return clean(pictures, seed) };
        let mut rng = seed.derive("base").rng();
        let mut places: Vec<usize> = (0..of_class.len()).collect();
        rng.shuffle(&mut places);
        let mut drawn = Vec::new();
        for (class, &place) in places[..2].iter().enumerate() {
            let own = &of_class[place].1;
            let mut order: Vec<usize> = (0..own.len()).collect();
            rng.shuffle(&mut order);
            drawn.extend(order.iter().take(pictures / 2).map(|&index| (own[index].clone(), class)));
        }
        let names = places[..2].iter().map(|&place| names[of_class[place].0].clone()).collect();
        Planted::of(names, drawn, seed)
    }
}
