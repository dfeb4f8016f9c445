//! Whether the network depends on a cue: it is asked again with the cue exchanged or made alike in all pictures, or about the
//! pictures of which the cue says the wrong class.

use std::io::Cursor;

use candor_core::{Channels, Fit, Image, Preprocessing};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageFormat};

use super::cue::{Cue, Kind};
use crate::audit::exchange::{Asked, Loss, exchanged, share_by_units};
use crate::audit::{AuditErrorKind, Case};
use crate::baseline::View;
use crate::evaluate::Interval;

/// Exchanges with different partners.
const ROUNDS: usize = 3;
/// Fewer units than this of which the cue says the wrong class cannot tell.
const LEAST_MISLED: usize = 10;
/// Parts of a side: the corners and the border are those that the simple model sees.
const BORDER: f64 = 0.125;
const CORNER: f64 = 3.0 / 16.0;

/// What the network showed.
pub(super) enum Reliance {
    /// The cue was exchanged, or made alike; and what exchanging everything else costs, where it is a place.
    Loss { loss: Loss, rest: Option<Loss> },
    /// Of pictures of which the cue says the wrong class so many are right less than of the others.
    Misled { pictures: usize, right: f64, lost: f64, interval: Interval },
    /// Hardly any picture disagrees with it.
    Inseparable { pictures: usize },
    /// It could not be asked.
    Unknown,
}

impl Reliance {
    /// Share of the gain, or of the accuracy, that the cue carries: a 95 % interval.
    pub fn interval(&self) -> Option<Interval> {
        match self {
            Reliance::Loss { loss, .. } => Some(loss.interval),
            Reliance::Misled { interval, .. } => Some(*interval),
            Reliance::Inseparable { .. } | Reliance::Unknown => None,
        }
    }
}

/// Asks the network. `blind` is what the simple model said of each picture that `asked` holds.
pub(super) fn reliance(
    case: &Case<'_>,
    asked: &Asked<'_>,
    cue: &Cue,
    blind: &[usize],
) -> Result<Reliance, AuditErrorKind> {
    let seed = case.seed(super::ID).derive(cue.name);
    let swap = |mask: &[bool]| {
        asked.loss(ROUNDS, |round| {
            let partners = asked.partners(&mut seed.at(round as u64).rng());
            let images = asked.images.iter().zip(partners);
            images.map(|(image, other)| exchanged(image, &asked.images[other], mask)).collect()
        })
    };
    Ok(match cue.kind {
        Kind::Place(view) => {
            let mask = mask(&asked.images[0], view);
            let rest: Vec<bool> = mask.iter().map(|inside| !inside).collect();
            Reliance::Loss { loss: swap(&mask)?, rest: Some(swap(&rest)?) }
        }
        Kind::Colour => {
            let loss = asked.loss(ROUNDS, |round| {
                let partners = asked.partners(&mut seed.at(round as u64).rng());
                let images = asked.images.iter().zip(partners);
                images.map(|(image, other)| coloured(image, &asked.images[other])).collect()
            })?;
            Reliance::Loss { loss, rest: None }
        }
        Kind::File => match alike(case, asked) {
            Some(images) => {
                let mut images = Some(images);
                Reliance::Loss { loss: asked.loss(1, |_| images.take().unwrap_or_default())?, rest: None }
            }
            None => Reliance::Unknown,
        },
        Kind::Origin(_) => misled(case, asked, blind),
    })
}

fn mask(image: &Image, view: View) -> Vec<bool> {
    let (width, height) = (image.width(), image.height());
    let outer = |at: usize, side: usize, part: f64| {
        let middle = (at as f64 + 0.5) / side as f64;
        !(part..1.0 - part).contains(&middle)
    };
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    places
        .map(|(x, y)| match view {
            View::Corners => outer(x, width, CORNER) && outer(y, height, CORNER),
            _ => outer(x, width, BORDER) || outer(y, height, BORDER),
        })
        .collect()
}

/// The picture with the mean colour of another one, each channel moved as a whole.
fn coloured(image: &Image, other: &Image) -> Image {
    let [own, wanted] = [image, other].map(|image| View::MeanColour.row(image));
    let by: Vec<f64> = own.iter().zip(&wanted).map(|(own, wanted)| 255.0 * (wanted - own)).collect();
    let moved = |(place, &value): (usize, &u8)| {
        (f64::from(value) + by[place % by.len()]).round().clamp(0.0, 255.0) as u8
    };
    let pixels = image.pixels().iter().enumerate().map(moved).collect();
    Image::new(image.width(), image.height(), image.channels(), pixels).expect("the sides stay as they are")
}

/// All pictures as if their files were alike: no larger than the smaller ones (the twentieth part) and compressed once more as
/// the coarsest ones are. `None` where the originals cannot be read.
fn alike(case: &Case<'_>, asked: &Asked<'_>) -> Option<Vec<Image>> {
    let quantile = |mut values: Vec<f64>, share: f64| {
        values.sort_by(f64::total_cmp);
        values.get(((values.len() - 1) as f64 * share).round() as usize).copied()
    };
    let area = |index: &usize| (case.facts[*index].width * case.facts[*index].height) as f64;
    let least = quantile(asked.indices.iter().map(area).collect(), 0.05)?;
    let tables = case.facts.iter().filter_map(|facts| facts.file.as_ref()?.quantisation);
    let coarsest = Some(tables.collect::<Vec<f64>>()).filter(|tables| !tables.is_empty());
    let coarsest = coarsest.and_then(|tables| quantile(tables, 0.95));
    let one = |place: usize| {
        let index = asked.indices[place];
        let original = case.pictures.image(index).ok()?;
        let smaller = (least / (original.width() * original.height()) as f64).sqrt();
        let scaled = if smaller < 1.0 { resized(&original, smaller) } else { original.clone() };
        let compressed =
            coarsest.map_or(Some(scaled.clone()), |table| compressed(&scaled, quality(table)))?;
        as_seen(&original, &compressed, &asked.images[place])
    };
    (0..asked.images.len()).map(one).collect()
}

fn resized(image: &Image, by: f64) -> Image {
    let side = |length: usize| ((length as f64 * by).round() as usize).max(1);
    let (width, height) = (side(image.width()), side(image.height()));
    Preprocessing { height, width, channels: image.channels(), fit: Fit::Stretch }.apply(image)
}

/// The quality of libjpeg whose luminance table has this mean; that of quality 50 has 57.6.
fn quality(table_mean: f64) -> u8 {
    let scale = table_mean / 57.625;
    let quality = if scale <= 1.0 { 100.0 - 50.0 * scale } else { 50.0 / scale };
    quality.round().clamp(1.0, 100.0) as u8
}

fn compressed(image: &Image, quality: u8) -> Option<Image> {
    let grey = image.channels() == Channels::Grey;
    let colour = if grey { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let (width, height) = (u32::try_from(image.width()).ok()?, u32::try_from(image.height()).ok()?);
    let mut file = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut file, quality).encode(image.pixels(), width, height, colour).ok()?;
    let read = image::load_from_memory_with_format(file.get_ref(), ImageFormat::Jpeg).ok()?;
    let pixels = if grey { read.into_luma8().into_raw() } else { read.into_rgb8().into_raw() };
    Image::new(image.width(), image.height(), image.channels(), pixels).ok()
}

/// A changed original as the network would see it, in whichever way the unchanged one becomes what it sees; `None` where
/// that is another way than scaling.
fn as_seen(original: &Image, changed: &Image, seen: &Image) -> Option<Image> {
    let (height, width, channels) = (seen.height(), seen.width(), seen.channels());
    let ways = [Fit::Stretch, Fit::Crop].map(|fit| Preprocessing { height, width, channels, fit });
    ways.into_iter().find(|way| way.apply(original) == *seen).map(|way| way.apply(changed))
}

/// How much less often the network is right where the cue says the wrong class.
fn misled(case: &Case<'_>, asked: &Asked<'_>, blind: &[usize]) -> Reliance {
    let (right_cue, wrong_cue): (Vec<usize>, Vec<usize>) =
        (0..blind.len()).partition(|&place| blind[place] == asked.class(place));
    let units = |places: &[usize]| {
        case.units.count(&places.iter().map(|&place| asked.indices[place]).collect::<Vec<_>>())
    };
    if units(&wrong_cue) < LEAST_MISLED || units(&right_cue) < LEAST_MISLED {
        return Reliance::Inseparable { pictures: wrong_cue.len() };
    }
    let share = |places: &[usize]| {
        let right =
            places.iter().map(|&place| (asked.indices[place], asked.answers[place] == asked.class(place)));
        share_by_units(case, right)
    };
    let ((agreeing, a), (right, b)) = (share(&right_cue), share(&wrong_cue));
    let lost = agreeing - right;
    let half = ((a.width() / 2.0).powi(2) + (b.width() / 2.0).powi(2)).sqrt();
    let interval = Interval { low: lost - half, high: lost + half };
    Reliance::Misled { pictures: wrong_cue.len(), right, lost, interval }
}
