//! Copies of one picture, also where one was scaled, recompressed, cropped, mirrored or made brighter; and pictures that are
//! only very similar.
//!
//! Three stages. Each picture's coarse shape (the lowest frequencies of its cosine transform, which neither scaling nor
//! compression touches, at unit length, which takes out brightness and contrast) is compared with the shapes of the others,
//! of windows cut out of them, and of both mirrored. The few nearest are then laid over each other: the window is moved and
//! stretched until the fine structure (what is left without the local mean) agrees best. Pictures that agree well are very
//! similar; where both have colours, those have to agree too. A pair is *verified* as copies only if every detailed part
//! agrees (`detail`) and if it is far more alike than different pictures of this set are (`crowd`).
//!
//! What is found depends on the pictures' content alone, not on their order. The cost grows with the square of the number
//! of pictures: a second or two for 1,000 with all windows. From [`MOST_WITH_WINDOWS`] pictures on only whole pictures are
//! compared.

mod coarse;
mod crowd;
mod detail;
mod fine;
mod tint;

use std::collections::BTreeMap;

use candor_core::{Channels, Fit, Image, Preprocessing, SampleId, Seed};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use coarse::{Coarse, Lay, Near};
use crowd::Crowd;
pub use crowd::Others;
use detail::Detail;
use fine::Fine;
use tint::Tint;

/// Side of the kept grey picture.
const SIDE: usize = 48;
/// Coarse shapes less alike than this (cosine) are not laid over each other.
const COARSE: f32 = 0.8;
/// For each picture so many others are laid over it at most.
const NEAREST: usize = 8;
/// Fine structures less alike at the start are not moved.
const WORTH_A_WALK: f32 = 0.25;
/// With more pictures than this only whole ones are compared.
pub const MOST_WITH_WINDOWS: usize = 4_000;
/// Fine structures at least so alike (correlation) are those of one picture, where the look-alikes of a picture are not
/// alike in it.
pub const COPY: f32 = 0.9;
/// So alike they have to be where the look-alikes are.
const CERTAIN: f32 = 0.975;
/// How alike the look-alikes of photos are at most, and those of drawings, digits or shirts at least.
const PHOTOS: f32 = 0.3;
const OF_ONE_KIND: f32 = 0.5;

/// Sides from which on a picture has all the detail that is compared, and up to which it has so little that [`OF_LITTLE_DETAIL`]
/// is wanted.
const DETAILED: f32 = SIDE as f32;
const LITTLE: f32 = 28.0;
/// How alike copies have to be where there is little detail. Measured on pictures of 24×24: copies reach .96 and more, different
/// things of one shape in one place up to .95.
const OF_LITTLE_DETAIL: f32 = 0.96;

/// What is kept of a picture to find its copies: 2.8 KB, and 6.4 KB of detail where it is large enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness {
    /// Grey, 48×48, stretched.
    grey: Vec<u8>,
    detail: Detail,
    tint: Tint,
    /// The shorter side of the picture itself.
    side: usize,
    /// SHA-256 of its size and pixels.
    pixels: SampleId,
}

/// Two pictures that are copies of one, or very similar.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Copies {
    /// The place of the one that comes first.
    pub first: usize,
    /// The place of the other.
    pub second: usize,
    /// Correlation of their fine structures once laid over each other: [`COPY`] to 1.
    pub likeness: f32,
    /// Whether one is the other in a mirror.
    pub mirrored: bool,
    /// The share of the one's area that the other shows.
    pub area: f32,
    /// Whether they are copies for certain: their pixels are equal, or they agree in every detailed part and far better
    /// than different pictures of the set do. Else they are very similar, and only a person can tell.
    pub verified: bool,
}

/// The verified ones, as what joins [`Units`](crate::Units).
pub fn verified(copies: &[Copies]) -> Vec<(usize, usize)> {
    copies.iter().filter(|pair| pair.verified).map(|pair| (pair.first, pair.second)).collect()
}

/// All pairs of copies and of very similar pictures among `pictures`, ascending; the same pairs in whatever order the
/// pictures come. Pictures that show nothing (flat ones) are copies of nothing. `None` where `proceed`, which hears how
/// many pictures were compared, says no.
pub fn copies_among(pictures: &[&Likeness], proceed: impl Fn(usize) -> bool + Sync) -> Option<Vec<Copies>> {
    // Equal pixels are compared once, and all in an order that their content gives.
    let mut places: BTreeMap<SampleId, Vec<usize>> = BTreeMap::new();
    pictures.iter().enumerate().for_each(|(at, picture)| places.entry(picture.pixels).or_default().push(at));
    let places: Vec<Vec<usize>> = places.into_values().collect();
    let search = Search::new(places.iter().map(|equal| pictures[equal[0]]).collect());
    let pairs = search.pairs(&proceed)?;
    let equal = places.iter().enumerate().filter(|(at, _)| search.fine[*at].is_some());
    let equal = equal.flat_map(|(_, equal)| {
        equal[1..].iter().map(|&second| Copies {
            first: equal[0],
            second,
            likeness: 1.0,
            mirrored: false,
            area: 1.0,
            verified: true,
        })
    });
    let placed = pairs.iter().flat_map(|pair| {
        let seconds = &places[pair.second];
        places[pair.first].iter().flat_map(move |&a| {
            seconds.iter().map(move |&b| Copies { first: a.min(b), second: a.max(b), ..*pair })
        })
    });
    let mut all: Vec<Copies> = equal.chain(placed).collect();
    all.sort_by_key(|pair| (pair.first, pair.second));
    Some(all)
}

impl Likeness {
    /// Of a picture of any size.
    pub fn of(image: &Image) -> Likeness {
        let input = Preprocessing { height: SIDE, width: SIDE, channels: Channels::Grey, fit: Fit::Stretch };
        let size = [image.width(), image.height(), image.channels().count()].map(|size| size as u64);
        let bytes = [&size.map(u64::to_le_bytes).concat()[..], image.pixels()].concat();
        Likeness {
            grey: input.apply(image).into_pixels(),
            detail: Detail::of(image),
            tint: Tint::of(image),
            side: image.width().min(image.height()),
            pixels: SampleId::of(&bytes),
        }
    }

    /// Whether there is anything to compare: a flat picture shows nothing.
    pub fn shows_something(&self) -> bool {
        Fine::of(self, WHOLE, false).is_some()
    }

    /// A hash of its size and pixels: equal where two pictures have the same pixels.
    pub fn pixels(&self) -> SampleId {
        self.pixels
    }

    /// Signs of 256 projections of the fine structure, of the picture in a mirror where asked for, on directions drawn by
    /// `seed`: two pictures whose fine structures correlate by `c` differ in about `256 · acos(c) / π` of them (Charikar,
    /// "Similarity estimation techniques from rounding algorithms", 2002). The picture cannot be seen in them. `None` for a
    /// picture that shows nothing.
    pub fn sketch(&self, seed: Seed, mirrored: bool) -> Option<[u64; 4]> {
        Fine::of(self, WHOLE, mirrored).map(|fine| fine.signs(seed))
    }
}

/// A part of a picture, in shares of its sides.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Window {
    left: f32,
    top: f32,
    width: f32,
    height: f32,
}

const WHOLE: Window = Window { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };

/// A search for copies among pictures of different pixels.
struct Search<'a> {
    pictures: Vec<&'a Likeness>,
    coarse: Coarse,
    /// Of each whole picture; `None` where it is flat.
    fine: Vec<Option<Fine>>,
    with_windows: bool,
}

/// Two pictures laid over each other.
#[derive(Clone, Copy)]
struct Laid {
    copies: Copies,
    /// The part of the picture `cut` that the other shows as a whole.
    window: Window,
    cut: usize,
}

impl<'a> Search<'a> {
    fn new(pictures: Vec<&'a Likeness>) -> Search<'a> {
        let with_windows = pictures.len() <= MOST_WITH_WINDOWS;
        let fine = pictures.par_iter().map(|picture| Fine::of(picture, WHOLE, false)).collect();
        let coarse = Coarse::of(&pictures, with_windows);
        Search { pictures, coarse, fine, with_windows }
    }

    /// Each pair once; `None` where `proceed` says no.
    fn pairs(&self, proceed: &(impl Fn(usize) -> bool + Sync)) -> Option<Vec<Copies>> {
        let done = std::sync::atomic::AtomicUsize::new(0);
        let found: Option<Vec<Vec<Laid>>> = (0..self.pictures.len())
            .into_par_iter()
            .map(|first| {
                let number = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                proceed(number).then(|| self.similar_to(first))
            })
            .collect();
        // Each of the two may have found the other: the better lay counts.
        let mut best: BTreeMap<(usize, usize), Laid> = BTreeMap::new();
        for laid in found?.into_iter().flatten() {
            let known = best.entry((laid.copies.first, laid.copies.second)).or_insert(laid);
            if laid.copies.likeness > known.copies.likeness {
                *known = laid;
            }
        }
        let crowd = self.crowd();
        let decided = |laid: &Laid| Copies { verified: self.is_verified(laid, &crowd), ..laid.copies };
        Some(best.into_values().collect::<Vec<_>>().par_iter().map(decided).collect())
    }

    /// What different pictures of this set are like.
    fn crowd(&self) -> Crowd<'_> {
        let lays = if self.with_windows { coarse::LAYS } else { 2 };
        Crowd::of(&self.fine, self.pictures.len(), lays)
    }

    /// Whether two that lie over each other are copies for certain.
    fn is_verified(&self, laid: &Laid, crowd: &Crowd<'_>) -> bool {
        let Laid { copies, window, cut } = *laid;
        let whole = copies.first + copies.second - cut;
        let radius = |place: usize| crowd.radius(&self.mirrors(place)?, Some(place));
        let [whole_of, cut_of] = [whole, cut].map(|place| &self.pictures[place].detail);
        copies.likeness >= crowd.least_likeness()
            && whole_of.agrees(cut_of, window, copies.mirrored)
            && [copies.first, copies.second]
                .into_iter()
                .all(|place| radius(place).is_some_and(|radius| crowd::distance(copies.likeness) <= radius))
    }

    /// A whole picture as it is and in a mirror.
    fn mirrors(&self, place: usize) -> Option<[Fine; 2]> {
        let of = |mirrored| Fine::of(self.pictures[place], WHOLE, mirrored);
        Some([of(false)?, of(true)?])
    }

    /// The pictures that are very similar to the one at `first`.
    fn similar_to(&self, first: usize) -> Vec<Laid> {
        let mut laid = self.laid(first);
        let wanted = wanted(&laid);
        let by_detail = |copies: &Copies| {
            let side = self.pictures[copies.first].side.min(self.pictures[copies.second].side);
            let lacking = ((DETAILED - side as f32) / (DETAILED - LITTLE)).clamp(0.0, 1.0);
            COPY + lacking * (OF_LITTLE_DETAIL - COPY)
        };
        laid.retain(|laid| laid.copies.likeness >= wanted.max(by_detail(&laid.copies)));
        laid
    }

    /// The nearest pictures laid over the one at `first`, the most alike first.
    fn laid(&self, first: usize) -> Vec<Laid> {
        let mut nearest: Vec<Near> = Vec::with_capacity(NEAREST + 1);
        let others = (0..self.pictures.len()).filter(|&second| second != first);
        self.coarse.near(first, others, |near| {
            if near.likeness < COARSE
                || (nearest.len() == NEAREST && near.likeness <= nearest[NEAREST - 1].likeness)
            {
                return;
            }
            let place = nearest.partition_point(|other| other.likeness >= near.likeness);
            nearest.insert(place, near);
            nearest.truncate(NEAREST);
        });
        let laid = nearest.into_iter().filter_map(|near| self.lay_over(first, near.second, near.lay));
        let mut laid: Vec<Laid> = laid.collect();
        laid.sort_by(|a, b| b.copies.likeness.total_cmp(&a.copies.likeness));
        laid
    }

    /// Moves and stretches the window until the fine structures agree best; `None` where one shows nothing, or where the
    /// colours say that they are two.
    fn lay_over(&self, first: usize, second: usize, lay: Lay) -> Option<Laid> {
        let (whole, cut) = if lay.of_second { (first, second) } else { (second, first) };
        let fine = self.fine[whole].as_ref()?;
        let agree =
            |window: Window| Some(fine.correlation(&Fine::of(self.pictures[cut], window, lay.mirrored)?));
        let (mut window, mut best) = (lay.window, agree(lay.window)?);
        // Whole pictures lie over each other as they are, and what has nothing in common at the start is not worth the walk.
        let is_worth_it = self.with_windows && best > WORTH_A_WALK;
        for step in [0.06, 0.03, 0.015] {
            let mut improved = true;
            while improved && is_worth_it {
                improved = false;
                for next in neighbours(window, step) {
                    if let Some(likeness) = agree(next).filter(|&likeness| likeness > best + 1e-4) {
                        (window, best, improved) = (next, likeness, true);
                    }
                }
            }
        }
        let tints = [whole, cut].map(|place| &self.pictures[place].tint);
        if !tints[0].agrees(tints[1], window, lay.mirrored) {
            return None;
        }
        let area = window.width * window.height;
        let (first, second) = (first.min(second), first.max(second));
        let copies = Copies { first, second, likeness: best, mirrored: lay.mirrored, area, verified: false };
        Some(Laid { copies, window, cut })
    }
}

/// How alike a very similar picture has to be, given the nearest pictures: things of one kind (shirts, digits) are alike in their fine
/// structure too, without being copies. Measured: of 134 photographs copies reach .91 and more (19 of 20), look-alikes .2 at
/// the median; of Fashion-MNIST copies reach .98, look-alikes .95 (99 of 100).
fn wanted(laid: &[Laid]) -> f32 {
    let usual = if laid.len() < NEAREST / 2 { PHOTOS } else { laid[laid.len() / 2].copies.likeness };
    let share = ((usual - PHOTOS) / (OF_ONE_KIND - PHOTOS)).clamp(0.0, 1.0);
    COPY + share * (CERTAIN - COPY)
}

/// The windows that lie a step beside `window`, or are a step larger or smaller at one side, within the picture.
fn neighbours(window: Window, step: f32) -> impl Iterator<Item = Window> {
    let moves = [[-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]];
    let moved =
        moves.map(|[x, y]| Window { left: window.left + x * step, top: window.top + y * step, ..window });
    let sides = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]];
    let stretched = sides.into_iter().flat_map(move |[left, top, right, below]| {
        [step, -step].map(|by| Window {
            left: window.left - left * by,
            top: window.top - top * by,
            width: window.width + (left + right) * by,
            height: window.height + (top + below) * by,
        })
    });
    let inside = |window: &Window| {
        let side = |start: f32, size: f32| start >= -1e-4 && size >= 0.55 && start + size <= 1.0 + 1e-4;
        side(window.left, window.width) && side(window.top, window.height)
    };
    moved.into_iter().chain(stretched).filter(inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_core::Rng;

    /// Soft blobs of random place, size and light: something like a photo.
    fn photo(seed: u64, side: usize) -> Image {
        let mut rng = Seed(seed).rng();
        let blobs: Vec<[f64; 4]> = (0..40)
            .map(|_| [rng.unit(), rng.unit(), rng.range(0.02, 0.15), rng.range(-90.0, 90.0)])
            .collect();
        let value = |x: f64, y: f64| {
            let blob = |[at_x, at_y, size, light]: &[f64; 4]| {
                light * (-((x - at_x).powi(2) + (y - at_y).powi(2)) / size.powi(2)).exp()
            };
            (128.0 + blobs.iter().map(blob).sum::<f64>()).clamp(0.0, 255.0) as u8
        };
        let place = |at: usize| (at as f64 + 0.5) / side as f64;
        let pixels = (0..side * side).map(|i| value(place(i % side), place(i / side))).collect();
        Image::new(side, side, Channels::Grey, pixels).unwrap()
    }

    fn changed(image: &Image, each: impl Fn(usize, usize) -> u8, (width, height): (usize, usize)) -> Image {
        let pixels = (0..width * height).map(|i| each(i % width, i / width)).collect();
        Image::new(width, height, image.channels(), pixels).unwrap()
    }

    fn noisy(image: &Image, rng: &mut Rng) -> Image {
        let pixels =
            image.pixels().iter().map(|&v| (f64::from(v) + rng.range(-8.0, 8.0)).clamp(0.0, 255.0) as u8);
        Image::new(image.width(), image.height(), image.channels(), pixels.collect()).unwrap()
    }

    #[test]
    fn scaled_cropped_mirrored_brightened_and_noisy_copies_are_found_and_nothing_else() {
        let photos: Vec<Image> = (0..60).map(|seed| photo(seed, 80)).collect();
        let at = |number: usize, x: usize, y: usize| photos[number].pixel(x, y)[0];
        let scaled = Preprocessing { height: 31, width: 44, channels: Channels::Grey, fit: Fit::Stretch };
        let copies = [
            scaled.apply(&photos[0]),
            changed(&photos[1], |x, y| at(1, x + 10, y + 4), (66, 64)),
            changed(&photos[2], |x, y| at(2, 79 - x, y), (80, 80)),
            changed(&photos[3], |x, y| (f64::from(at(3, x, y)) * 1.2 + 20.0).min(255.0) as u8, (80, 80)),
            noisy(&photos[4], &mut Seed(1).rng()),
            photos[5].clone(),
        ];
        let likenesses: Vec<Likeness> = photos.iter().chain(&copies).map(Likeness::of).collect();
        let found = among(&likenesses);
        let places: Vec<(usize, usize)> = found.iter().map(|pair| (pair.first, pair.second)).collect();
        assert_eq!(places, (0..6).map(|copy| (copy, 60 + copy)).collect::<Vec<_>>(), "{found:?}");
        assert!(found.iter().all(|pair| pair.verified && pair.mirrored == (pair.first == 2)), "{found:?}");
        assert!((0.55..0.8).contains(&found[1].area), "{:?}", found[1]);
        // In another order the same pairs are found.
        let turned: Vec<Likeness> = likenesses.iter().rev().cloned().collect();
        let mut again = among(&turned);
        for pair in &mut again {
            (pair.first, pair.second) = (65 - pair.second, 65 - pair.first);
        }
        again.sort_by_key(|pair| (pair.first, pair.second));
        assert_eq!(again, found);
    }

    fn among(likenesses: &[Likeness]) -> Vec<Copies> {
        copies_among(&likenesses.iter().collect::<Vec<_>>(), |_| true).unwrap()
    }

    #[test]
    fn a_shot_of_the_same_scene_in_which_something_moved_is_only_similar() {
        let photos: Vec<Image> = (0..60).map(|seed| photo(seed, 96)).collect();
        let spot = |x: usize, y: usize, left: usize| (left..left + 14).contains(&x) && (40..54).contains(&y);
        let with_spot = |left: usize| {
            let value =
                |x, y| if spot(x, y, left) { (x * 37 + y * 91) as u8 } else { photos[0].pixel(x, y)[0] };
            changed(&photos[0], value, (96, 96))
        };
        let mut likenesses: Vec<Likeness> = photos[1..].iter().map(Likeness::of).collect();
        likenesses.extend([10, 64].map(|left| Likeness::of(&with_spot(left))));
        let found = among(&likenesses);
        assert!(found.iter().all(|pair| !pair.verified), "{found:?}");
    }

    #[test]
    fn sketches_of_copies_differ_in_few_signs_and_those_of_others_in_half() {
        let photos: Vec<Image> = (0..12).map(|seed| photo(seed, 80)).collect();
        let sketch = |image: &Image, mirrored| Likeness::of(image).sketch(Seed(5), mirrored).unwrap();
        let differ =
            |a: [u64; 4], b: [u64; 4]| -> u32 { (0..4).map(|at| (a[at] ^ b[at]).count_ones()).sum() };
        let scaled = Preprocessing { height: 60, width: 71, channels: Channels::Grey, fit: Fit::Stretch };
        for image in &photos {
            let of_copy = sketch(&noisy(&scaled.apply(image), &mut Seed(1).rng()), false);
            assert!(differ(sketch(image, false), of_copy) < 32, "{}", differ(sketch(image, false), of_copy));
        }
        for (at, image) in photos.iter().enumerate().skip(1) {
            let distance = differ(sketch(image, false), sketch(&photos[0], false));
            assert!((70..190).contains(&distance), "{at}: {distance}");
        }
        let flipped = changed(&photos[0], |x, y| photos[0].pixel(79 - x, y)[0], (80, 80));
        assert!(differ(sketch(&flipped, false), sketch(&photos[0], true)) < 8);
    }

    #[test]
    fn pictures_that_show_nothing_are_copies_of_nothing() {
        let blank = [0, 200, 200].map(|value| Likeness::of(&Image::filled(9, 9, Channels::Rgb, value)));
        assert_eq!(among(&blank), []);
    }
}
