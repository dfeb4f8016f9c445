//! The batches of an epoch, put together and varied on other threads while the engine computes.
//!
//! What a batch holds depends on the seed, the epoch and its number alone. Producer `i` of `n` makes the batches
//! `i`, `i + n`, `i + 2n` …, each through a channel of its own that holds a few: so the order is fixed, and memory is
//! bounded.

use std::ops::ControlFlow;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use candor_core::{Rng, Seed};
use candor_data::augment::{Augmentation, Variant};
use candor_data::prepare::Prepared;
use candor_engine::{Batch, Inputs};

use super::frozen::Features;
use super::groups::Groups;

/// Batches that a producer may be ahead.
const AHEAD: usize = 3;

/// Makes batches of the training pictures.
#[derive(Clone, Copy)]
pub(crate) struct BatchMaker<'a> {
    pub pictures: &'a Prepared,
    /// Which of the pictures to learn from.
    pub indices: &'a [usize],
    /// A class for each of the pictures in the place of their own.
    pub labels: Option<&'a [usize]>,
    pub augmentation: Augmentation,
    pub batch_size: usize,
    /// The run's.
    pub seed: Seed,
    /// Different variants of each picture in the whole training; 0 for new ones every epoch.
    pub variants: usize,
    /// What frozen layers make of the pictures, in the place of the pictures.
    pub features: Option<&'a Features>,
    /// Each of their parts has its share of every batch.
    pub groups: Option<&'a Groups>,
    /// Of the engine; producers come on top.
    pub threads: usize,
}

/// Pictures side by side, and the class of each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ReadyBatch {
    pub pixels: Vec<u8>,
    /// What frozen layers make of them: with these, there are no pixels.
    pub features: Vec<f32>,
    pub targets: Vec<usize>,
    /// Whose they are, where the training is fair between groups; else empty.
    pub groups: Vec<Option<usize>>,
}

impl ReadyBatch {
    /// As the engine takes it.
    pub fn batch(&self) -> Batch<'_> {
        let inputs = match self.features.is_empty() {
            true => Inputs::Bytes(&self.pixels),
            false => Inputs::Floats(&self.features),
        };
        Batch { inputs, targets: &self.targets }
    }
}

/// One variant of one picture.
#[derive(Clone, Copy)]
struct Item {
    /// Which of the pictures.
    sample: usize,
    /// Its place among those to learn from.
    place: usize,
    copy: usize,
}

impl BatchMaker<'_> {
    /// Pictures that an epoch shows.
    pub fn pictures_per_epoch(&self) -> usize {
        self.indices.len() * self.augmentation.factor
    }

    /// Hands the batches of `epoch` (from 0) to `consume`, in order, from number `first` on, until it breaks.
    pub fn each(
        &self,
        epoch: usize,
        first: usize,
        mut consume: impl FnMut(std::io::Result<ReadyBatch>) -> ControlFlow<()>,
    ) {
        let order = self.order(epoch);
        let batches: Vec<&[Item]> = order.chunks(self.batch_size).skip(first).collect();
        let producers = self.producers().min(batches.len().max(1));
        thread::scope(|scope| {
            let start = |producer: usize| {
                let (sender, receiver) = sync_channel(AHEAD);
                let own = batches.iter().skip(producer).step_by(producers);
                scope.spawn(move || self.produce(epoch, own.copied(), &sender));
                receiver
            };
            let receivers: Vec<_> = (0..producers).map(start).collect();
            for number in 0..batches.len() {
                // A producer ends early only by a panic, which the scope passes on.
                let Ok(batch) = receivers[number % producers].recv() else { break };
                if consume(batch).is_break() {
                    break;
                }
            }
        });
    }

    /// Copying pictures keeps up with any engine; varying them takes about a quarter of the time of learning.
    fn producers(&self) -> usize {
        let cores = match self.threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        if self.augmentation.is_none() { 1 } else { cores.div_ceil(4) }
    }

    fn order(&self, epoch: usize) -> Vec<Item> {
        let copies = |(place, &sample): (usize, &usize)| {
            (0..self.augmentation.factor).map(move |copy| Item { sample, place, copy })
        };
        let mut order: Vec<Item> = self.indices.iter().enumerate().flat_map(copies).collect();
        let mut rng = self.seed.derive("shuffle").at(epoch as u64).rng();
        rng.shuffle(&mut order);
        if let Some(groups) = self.groups {
            spread(&mut order, |item| groups.strata[item.sample], &mut rng);
        }
        order
    }

    fn produce<'b>(
        &self,
        epoch: usize,
        batches: impl Iterator<Item = &'b [Item]>,
        sender: &SyncSender<std::io::Result<ReadyBatch>>,
    ) {
        for items in batches {
            // Nobody listens any more when the training was stopped.
            if sender.send(self.fill(epoch, items)).is_err() {
                break;
            }
        }
    }

    fn fill(&self, epoch: usize, items: &[Item]) -> std::io::Result<ReadyBatch> {
        let targets = items.iter().map(|item| label(self.pictures, self.labels, item.sample)).collect();
        let group = |groups: &Groups| items.iter().map(|item| groups.of[item.sample]).collect();
        let groups = self.groups.map_or_else(Vec::new, group);
        let (mut pixels, mut features) = (Vec::new(), Vec::new());
        match self.features {
            Some(kept) => {
                features = kept.rows(items.iter().map(|item| self.row(epoch, *item)))?;
            }
            None => pixels = self.pixels(items.iter().map(|item| self.variant(epoch, *item))),
        }
        Ok(ReadyBatch { pixels, features, targets, groups })
    }

    /// Of the features: all variants of a picture stand together, in the order of `indices`.
    fn row(&self, epoch: usize, item: Item) -> usize {
        item.place * self.kept_variants() + self.variant(epoch, item).copy as usize
    }

    /// Variants of a picture whose features are kept: where nothing is varied, one.
    fn kept_variants(&self) -> usize {
        if self.augmentation.is_none() { 1 } else { self.variants }
    }

    /// How many rows of features there are.
    pub fn rows(&self) -> usize {
        self.indices.len() * self.kept_variants()
    }

    /// The pictures that the rows of features are made of.
    pub fn pixels_of_rows(&self, rows: std::ops::Range<usize>) -> Vec<u8> {
        let variants = self.kept_variants();
        self.pixels(rows.map(|row| Variant {
            epoch: 0,
            sample: self.indices[row / variants] as u64,
            copy: (row % variants) as u64,
        }))
    }

    /// Which variant an item is: a new one every epoch, or one of a fixed number in turn.
    fn variant(&self, epoch: usize, item: Item) -> Variant {
        let (sample, copy) = (item.sample as u64, item.copy);
        match self.variants {
            _ if self.augmentation.is_none() => Variant { epoch: 0, sample, copy: 0 },
            0 => Variant { epoch: epoch as u64, sample, copy: copy as u64 },
            variants => {
                let number = epoch * self.augmentation.factor + copy;
                Variant { epoch: 0, sample, copy: (number % variants) as u64 }
            }
        }
    }

    fn pixels(&self, variants: impl ExactSizeIterator<Item = Variant>) -> Vec<u8> {
        let bytes = self.pictures.preprocessing.bytes();
        let mut pixels = vec![0; variants.len() * bytes];
        for (variant, out) in variants.zip(pixels.chunks_exact_mut(bytes)) {
            self.write(variant, out);
        }
        pixels
    }

    fn write(&self, variant: Variant, out: &mut [u8]) {
        let picture = self.pictures.image(variant.sample as usize);
        if self.augmentation.is_none() {
            return out.copy_from_slice(picture);
        }
        let seed = self.seed.derive("augment");
        self.augmentation.apply(&self.pictures.preprocessing, seed, variant, picture, out);
    }
}

/// The class that is learned for a picture: its own, or the one in its place.
pub(crate) fn label(pictures: &Prepared, labels: Option<&[usize]>, index: usize) -> usize {
    labels.map_or_else(|| pictures.samples[index].class, |labels| labels[index])
}

/// The pictures at `indices` side by side, with their classes.
pub(crate) fn gather(pictures: &Prepared, indices: &[usize]) -> ReadyBatch {
    let mut pixels = Vec::with_capacity(indices.len() * pictures.preprocessing.bytes());
    indices.iter().for_each(|&index| pixels.extend_from_slice(pictures.image(index)));
    let targets = indices.iter().map(|&index| pictures.samples[index].class).collect();
    ReadyBatch { pixels, targets, ..ReadyBatch::default() }
}

/// Spreads each part evenly over the order, so that every stretch of it has its share, give or take one. Inside a part
/// the order stays; each part begins at a place of its own, drawn from `rng`.
fn spread<T: Copy>(order: &mut [T], part: impl Fn(&T) -> usize, rng: &mut Rng) {
    let parts = order.iter().map(&part).max().map_or(0, |most| most + 1);
    let mut sizes = vec![0_usize; parts];
    order.iter().for_each(|item| sizes[part(item)] += 1);
    let mut next: Vec<f64> = (0..parts).map(|_| rng.unit()).collect();
    let place = |item: &T| {
        let part = part(item);
        next[part] += 1.0;
        ((next[part] - 1.0) / sizes[part] as f64, *item)
    };
    let mut placed: Vec<(f64, T)> = order.iter().map(place).collect();
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    order.iter_mut().zip(placed).for_each(|(slot, (_, item))| *slot = item);
}

#[cfg(test)]
mod tests {
    use candor_core::{Channels, Fit, Preprocessing, Sample, SampleId};

    use super::*;

    /// Twenty pictures of 2×2; picture `i` holds the value `i` and has the class `i`.
    fn pictures() -> Prepared {
        let sample = |class| Sample {
            id: SampleId::of(&[class as u8]),
            class,
            group: None,
            provenance: Default::default(),
            attributes: Default::default(),
        };
        Prepared {
            preprocessing: Preprocessing { height: 2, width: 2, channels: Channels::Grey, fit: Fit::Stretch },
            pixels: (0..80).map(|byte| byte / 4).collect(),
            samples: (0..20).map(sample).collect(),
            kept: (0..20).collect(),
            problems: Vec::new(),
            survey: Default::default(),
        }
    }

    fn batches(augmentation: Augmentation, threads: usize, epoch: usize, first: usize) -> Vec<ReadyBatch> {
        let pictures = pictures();
        let indices: Vec<usize> = (0..20).step_by(2).collect();
        let maker = BatchMaker {
            pictures: &pictures,
            indices: &indices,
            labels: None,
            augmentation,
            batch_size: 4,
            seed: Seed(5),
            variants: 0,
            features: None,
            groups: None,
            threads,
        };
        let mut all = Vec::new();
        maker.each(epoch, first, |batch| {
            all.push(batch.unwrap());
            ControlFlow::Continue(())
        });
        all
    }

    #[test]
    fn every_stretch_has_its_share_of_every_part() {
        let mut order: Vec<usize> = (0..1000).collect();
        let part = |item: &usize| match item % 20 {
            0 => 0,
            1..6 => 1,
            _ => 2,
        };
        let mut rng = Seed(4).rng();
        rng.shuffle(&mut order);
        spread(&mut order, part, &mut rng);
        for stretch in order.chunks(100) {
            let share = |wanted| stretch.iter().filter(|&item| part(item) == wanted).count();
            for (part, expected) in [5, 25, 70].into_iter().enumerate() {
                assert!(share(part).abs_diff(expected) <= 1, "{} of part {part}", share(part));
            }
        }
        order.sort_unstable();
        assert!(order.into_iter().eq(0..1000));
    }

    #[test]
    fn every_picture_comes_once_in_another_order_each_epoch() {
        let plain = Augmentation::default();
        let first = batches(plain, 1, 0, 0);
        assert_eq!(first.iter().map(|batch| batch.targets.len()).collect::<Vec<_>>(), [4, 4, 2]);
        let targets = |all: &[ReadyBatch]| all.iter().flat_map(|b| b.targets.clone()).collect::<Vec<_>>();
        let mut sorted = targets(&first);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).step_by(2).collect::<Vec<_>>());
        assert_ne!(targets(&first), targets(&batches(plain, 1, 1, 0)));
        for batch in &first {
            let expected: Vec<u8> = batch.targets.iter().flat_map(|&class| [class as u8; 4]).collect();
            assert_eq!(batch.pixels, expected);
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing_and_an_epoch_can_be_entered_in_the_middle() {
        let varied = Augmentation { shift: 0.3, brightness: 0.5, factor: 3, ..Augmentation::default() };
        let all = batches(varied, 1, 2, 0);
        assert_eq!(all.len(), 8, "thirty variants in batches of four");
        assert_eq!(batches(varied, 16, 2, 0), all);
        assert_eq!(batches(varied, 9, 2, 5), all[5..]);
    }

    #[test]
    fn a_fixed_number_of_variants_comes_again_in_later_epochs() {
        let pictures = pictures();
        let indices: Vec<usize> = (0..20).step_by(2).collect();
        let maker = BatchMaker {
            pictures: &pictures,
            indices: &indices,
            labels: None,
            augmentation: Augmentation { brightness: 0.5, factor: 2, ..Augmentation::default() },
            batch_size: 4,
            seed: Seed(5),
            variants: 4,
            features: None,
            groups: None,
            threads: 1,
        };
        let seen = |epoch| {
            let mut all: Vec<Vec<u8>> = Vec::new();
            maker.each(epoch, 0, |batch| {
                all.extend(batch.unwrap().pixels.chunks(4).map(<[u8]>::to_vec));
                ControlFlow::Continue(())
            });
            all.sort();
            all
        };
        assert_eq!(seen(0), seen(2), "the first and the third epoch show the same two of four variants");
        assert_ne!(seen(0), seen(1));
        let mut both = [seen(0), seen(1)].concat();
        both.sort();
        let mut rows: Vec<Vec<u8>> =
            maker.pixels_of_rows(0..maker.rows()).chunks(4).map(<[u8]>::to_vec).collect();
        rows.sort();
        assert_eq!(rows, both, "all variants of all pictures");
    }

    #[test]
    fn breaking_ends_the_producers() {
        let pictures = pictures();
        let indices: Vec<usize> = (0..20).collect();
        let maker = BatchMaker {
            pictures: &pictures,
            indices: &indices,
            labels: None,
            augmentation: Augmentation { factor: 50, ..Augmentation::default() },
            batch_size: 1,
            seed: Seed(5),
            variants: 0,
            features: None,
            groups: None,
            threads: 1,
        };
        let mut seen = 0;
        maker.each(0, 0, |_| {
            seen += 1;
            if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(seen, 3);
    }

    #[test]
    fn gathering_keeps_the_order_asked_for() {
        let batch = gather(&pictures(), &[3, 1]);
        assert_eq!(batch.targets, [3, 1]);
        assert_eq!(batch.pixels, [3, 3, 3, 3, 1, 1, 1, 1]);
    }
}
