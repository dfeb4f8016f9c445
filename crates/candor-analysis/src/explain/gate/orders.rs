//! Covering and showing by a map and in random orders: does what the maps name count more than chance?
//!
//! A picture is cut into tiles. They are covered one after another, and shown one after another, in the order of the map and in
//! random orders; the mean score on the way says how good an order is. In each picture the map has a rank among the random orders,
//! and the sum of its ranks over the pictures is compared with the sums of the random orders': every picture counts the same, and the
//! test is exact, because one order more, drawn as the others are, has each rank with the same probability.
//!
//! There are three kinds of random orders: tiles drawn one by one, smooth patterns, and spots that grow from a tile. A smooth map covers
//! what lies together, hits or misses a thing as a whole, and so scatters more than an order of single tiles. A map must do better
//! than all orders of every kind, so that a random map of any kind has no better chance than [`LEVEL`].

use candor_core::{Rng, Seed};

use super::super::{ExplainError, Map, Subject};
use super::Sight;

/// How probable it may be that random orders do as well: for covering and for showing, before each kind of random order. It is the
/// smallest p-value that can come out: a map must do better than all random orders.
pub const LEVEL: f64 = 1.0 / (ORDERS + 1) as f64;
/// Random orders of each kind.
pub const ORDERS: usize = 199;
/// Kinds of random orders.
const KINDS: usize = 3;
/// Tiles beside each other along the shorter side, and steps in which all are covered.
const TILES: usize = 7;
const STEPS: usize = 6;
/// Of a smooth pattern, how often noise is averaged over neighbours, at most.
const MOST_SMOOTH: usize = 3;
/// Pictures that are asked about at a time.
const AT_ONCE: usize = 60;

/// What random orders do to the score of some pictures: the same for all methods.
pub struct RandomOrders {
    pictures: Vec<OfPicture>,
}

/// The mean scores of a picture's random orders, kind by kind.
struct OfPicture {
    deletion: Vec<f64>,
    insertion: Vec<f64>,
}

/// What a map's order does beside random ones.
pub(super) struct Tested {
    /// The mean score by the map and in random order, as shares of the score's range.
    pub areas: [f64; 2],
    /// The probability that random orders do as well: the largest of all kinds.
    pub p: f64,
}

impl RandomOrders {
    /// Of some pictures, each with the class that it is asked about.
    ///
    /// # Errors
    /// When the person asked to stop, or the network gives up.
    pub fn of(
        subject: &Subject<'_>,
        pictures: &[(&[f32], usize)],
        tell: &dyn Fn(&str),
    ) -> Result<RandomOrders, ExplainError> {
        let tiles = Tiles::of(subject.size());
        let of_picture = |(number, &(picture, class)): (usize, &(&[f32], usize))| {
            tell(&format!("gate: random orders for picture {} of {}", number + 1, pictures.len()));
            let seed = subject.seed_of("gate", picture);
            let orders: Vec<Vec<usize>> = (0..KINDS * ORDERS)
                .map(|order| {
                    let seed = seed.at(order as u64);
                    match order / ORDERS {
                        0 => tiles.single(seed),
                        1 => tiles.smooth(1 + order % MOST_SMOOTH, seed),
                        _ => tiles.spot(seed),
                    }
                })
                .collect();
            let orders: Vec<&[usize]> = orders.iter().map(Vec::as_slice).collect();
            Ok::<_, ExplainError>(OfPicture {
                deletion: tiles.areas(subject, (picture, class), &orders, true)?,
                insertion: tiles.areas(subject, (picture, class), &orders, false)?,
            })
        };
        Ok(RandomOrders { pictures: pictures.iter().enumerate().map(of_picture).collect::<Result<_, _>>()? })
    }

    /// Deletion and insertion by the maps of the same pictures, in the same order.
    ///
    /// # Panics
    /// When there are not as many.
    pub(super) fn test(
        &self,
        subject: &Subject<'_>,
        sights: &[Sight<'_>],
    ) -> Result<[Tested; 2], ExplainError> {
        assert_eq!(sights.len(), self.pictures.len(), "random orders are those of the same pictures");
        let tiles = Tiles::of(subject.size());
        let test = |starts_whole: bool| {
            let (mut areas, mut places) = ([0.0; 2], vec![vec![0.0; ORDERS + 1]; KINDS]);
            for (sight, random) in sights.iter().zip(&self.pictures) {
                let order = tiles.order(sight.map);
                let by_map = tiles.areas(subject, (sight.picture, sight.class), &[&order], starts_whole)?[0];
                let random = if starts_whole { &random.deletion } else { &random.insertion };
                let mean = random.iter().sum::<f64>() / random.len() as f64;
                let is_better = if starts_whole { -1.0 } else { 1.0 };
                for (places, random) in places.iter_mut().zip(random.chunks_exact(ORDERS)) {
                    let all: Vec<f64> =
                        std::iter::once(&by_map).chain(random).map(|area| is_better * area).collect();
                    places.iter_mut().zip(ranks(&all)).for_each(|(sum, rank)| *sum += rank);
                }
                let share = 1.0 / sights.len() as f64;
                areas
                    .iter_mut()
                    .zip([by_map, mean])
                    .for_each(|(area, of_picture)| *area += share * of_picture);
            }
            let p = |places: &Vec<f64>| {
                let as_good = places[1..].iter().filter(|&&place| place >= places[0] - 1e-9).count();
                (as_good + 1) as f64 / places.len() as f64
            };
            Ok::<_, ExplainError>(Tested { areas, p: places.iter().map(p).fold(0.0, f64::max) })
        };
        Ok([test(true)?, test(false)?])
    }
}

/// Ascending ranks, equal values with their mean rank.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = |value: &f64| {
        let below = sorted.partition_point(|other| other < value);
        let up_to = sorted.partition_point(|other| other <= value);
        (below + up_to) as f64 / 2.0
    };
    values.iter().map(rank).collect()
}

/// A picture cut into squares: single pixels in random order would make a noise that no order by meaning makes.
struct Tiles {
    height: usize,
    width: usize,
    side: usize,
    columns: usize,
    count: usize,
}

impl Tiles {
    fn of((height, width): (usize, usize)) -> Tiles {
        let side = (height.min(width) / TILES).max(1);
        let columns = width.div_ceil(side);
        Tiles { height, width, side, columns, count: columns * height.div_ceil(side) }
    }

    fn tile(&self, pixel: usize) -> usize {
        let (y, x) = (pixel / self.width, pixel % self.width);
        y / self.side * self.columns + x / self.side
    }

    /// Tiles by the evidence in them, the strongest first.
    fn order(&self, map: &Map) -> Vec<usize> {
        let mut sums = vec![0.0; self.count];
        map.values.iter().enumerate().for_each(|(pixel, value)| sums[self.tile(pixel)] += f64::from(*value));
        let mut order: Vec<usize> = (0..self.count).collect();
        order.sort_by(|&a, &b| sums[b].total_cmp(&sums[a]).then(a.cmp(&b)));
        order
    }

    /// The picture with more and more tiles replaced by the background's mean; or the mean with more and more of the picture.
    fn mixed(&self, subject: &Subject<'_>, picture: &[f32], order: &[usize], starts_whole: bool) -> Vec<f32> {
        let channels = picture.len() / (self.height * self.width);
        let mut rank = vec![0; self.count];
        order.iter().enumerate().for_each(|(place, &tile)| rank[tile] = place);
        let (from, to) = if starts_whole { (picture, subject.mean()) } else { (subject.mean(), picture) };
        let step = |step: usize| {
            let changed = step * self.count / STEPS;
            let value = |at: usize| if rank[self.tile(at / channels)] < changed { to[at] } else { from[at] };
            (0..picture.len()).map(value).collect::<Vec<f32>>()
        };
        (1..STEPS).flat_map(step).collect()
    }

    /// Tiles drawn one by one.
    fn single(&self, seed: Seed) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.count).collect();
        seed.rng().shuffle(&mut order);
        order
    }

    /// Tiles by noise that was averaged over neighbours `times` times.
    fn smooth(&self, times: usize, seed: Seed) -> Vec<usize> {
        let mut rng = seed.rng();
        let mut field: Vec<f64> = (0..self.count).map(|_| normal(&mut rng)).collect();
        let rows = self.count / self.columns;
        for _ in 0..times {
            let around = |at: usize, ends: usize| at.saturating_sub(1)..(at + 2).min(ends);
            let mean = |at: usize| {
                let (rows, columns) =
                    (around(at / self.columns, rows), around(at % self.columns, self.columns));
                let count = (rows.len() * columns.len()) as f64;
                let of_row = |y: usize| columns.clone().map(|x| field[y * self.columns + x]).sum::<f64>();
                rows.map(of_row).sum::<f64>() / count.sqrt()
            };
            field = (0..self.count).map(mean).collect();
        }
        let mut order: Vec<usize> = (0..self.count).collect();
        order.sort_by(|&a, &b| field[b].total_cmp(&field[a]).then(a.cmp(&b)));
        order
    }

    /// Tiles by their distance from a point drawn by lot.
    fn spot(&self, seed: Seed) -> Vec<usize> {
        let mut rng = seed.rng();
        let (rows, columns) = (self.count / self.columns, self.columns);
        let [y, x] = [rows, columns].map(|tiles| rng.range(-0.5, tiles as f64 - 0.5));
        let far = |tile: usize| ((tile / columns) as f64 - y).powi(2) + ((tile % columns) as f64 - x).powi(2);
        let mut order: Vec<usize> = (0..self.count).collect();
        order.sort_by(|&a, &b| far(a).total_cmp(&far(b)).then(a.cmp(&b)));
        order
    }

    /// For each order the mean score on the way, above the background's, as a share of the score's range.
    fn areas(
        &self,
        subject: &Subject<'_>,
        (picture, class): (&[f32], usize),
        orders: &[&[usize]],
        starts_whole: bool,
    ) -> Result<Vec<f64>, ExplainError> {
        let mut areas = Vec::with_capacity(orders.len());
        for some in orders.chunks(AT_ONCE / (STEPS - 1)) {
            let inputs: Vec<f32> =
                some.iter().flat_map(|order| self.mixed(subject, picture, order, starts_whole)).collect();
            let scores = subject.scores(&inputs, class)?;
            areas.extend(scores.chunks_exact(STEPS - 1).map(|scores| {
                let mean = scores.iter().map(|&score| f64::from(score)).sum::<f64>() / scores.len() as f64;
                (mean - subject.background_score(class)) / f64::from(subject.range(class)).max(1e-9)
            }));
        }
        Ok(areas)
    }
}

/// Nearly: the sum of uniform values (Irwin–Hall).
fn normal(rng: &mut Rng) -> f64 {
    (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0
}

#[cfg(test)]
mod tests;
