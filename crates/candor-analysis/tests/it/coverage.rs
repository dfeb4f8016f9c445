//! Do 95 % intervals hold the truth 95 times out of 100? A world whose true figures are known is sampled again and
//! again; each sample gets its intervals, and those that miss the truth are counted.

use candor_analysis::LabelledPredictions;
use candor_analysis::interval::{Bootstrap, Groups, Measure, bootstrap};
use candor_core::{Rng, Seed};

/// The other figures of a report; the calibration error is left out, which is biased in small sets and says so.
const FURTHER: [Measure; 14] = [
    Measure::BalancedAccuracy,
    Measure::MacroPrecision,
    Measure::MacroRecall,
    Measure::WeightedPrecision,
    Measure::WeightedF1,
    Measure::TopK(2),
    Measure::CohenKappa,
    Measure::MatthewsCorrelation,
    Measure::LogLoss,
    Measure::BrierScore,
    Measure::RocAuc,
    Measure::AveragePrecision,
    Measure::F1(1),
    Measure::ClassRocAuc(0),
];
/// Pictures from which the true value of a figure is read that has no formula: off by a twentieth of the half width
/// of the intervals under test.
const MANY: usize = 100_000;

const MEASURES: [Measure; 2] = [Measure::Accuracy, Measure::MacroF1];
const WORLDS: u64 = 1_000;
const RESAMPLES: u32 = 600;

/// Three classes of unequal frequency and a model that is right more or less often in each.
struct World {
    /// Share of the classes.
    shares: [f64; 3],
    /// Probability of the right answer in each; errors go to the next class.
    right: [f64; 3],
    groups: usize,
    pictures_per_group: usize,
    /// How much of a group's pictures share one fate, in 0..=1.
    common_fate: f64,
}

impl World {
    fn sample(&self, rng: &mut Rng) -> LabelledPredictions {
        let (mut truth, mut probabilities) = (Vec::new(), Vec::new());
        for _ in 0..self.groups {
            let (fate, class_fate) = (rng.unit(), rng.unit());
            for _ in 0..self.pictures_per_group {
                let (luck, class_luck) =
                    if rng.unit() < self.common_fate { (fate, class_fate) } else { (rng.unit(), rng.unit()) };
                let class = usize::from(class_luck > self.shares[0])
                    + usize::from(class_luck > self.shares[0] + self.shares[1]);
                let named = if luck < self.right[class] { class } else { (class + 1) % 3 };
                truth.push(class);
                probabilities.extend((0..3).map(|other| f32::from(u8::from(other == named))));
            }
        }
        let classes = ["a", "b", "c"].map(String::from).to_vec();
        LabelledPredictions::new(classes, truth, probabilities).expect("the sample is well formed")
    }

    /// Accuracy and macro F1 in the limit of endless pictures.
    fn truth(&self) -> [f64; 2] {
        let hit = |class: usize| self.shares[class] * self.right[class];
        let named = |class: usize| hit(class) + self.shares[(class + 2) % 3] - hit((class + 2) % 3);
        let f1 = |class: usize| 2.0 * hit(class) / (self.shares[class] + named(class));
        [(0..3).map(hit).sum(), (0..3).map(f1).sum::<f64>() / 3.0]
    }

    /// The share of intervals that hold the truth, for each measure.
    fn coverage(&self, seed: Seed) -> [f64; 2] {
        let truth = self.truth();
        let names: Vec<Option<String>> = (0..self.groups * self.pictures_per_group)
            .map(|i| Some((i / self.pictures_per_group).to_string()))
            .collect();
        let sample = |rng: &mut Rng| self.sample(rng);
        coverage(&MEASURES, truth, &Groups::of(&names), (RESAMPLES, seed), sample)
    }
}

/// The share of intervals that hold the `truth` of each of the `measures`, over as many samples as there are worlds.
fn coverage<const N: usize>(
    measures: &[Measure; N],
    truth: [f64; N],
    groups: &Groups,
    (resamples, seed): (u32, Seed),
    sample: impl Fn(&mut Rng) -> LabelledPredictions,
) -> [f64; N] {
    let mut held = [0u32; N];
    for world in 0..WORLDS {
        let predictions = sample(&mut seed.derive("world").at(world).rng());
        let plan = Bootstrap { resamples, seed: seed.derive("bootstrap").at(world) };
        let estimates = bootstrap(&predictions, groups, measures, plan);
        for ((held, estimate), truth) in held.iter_mut().zip(estimates).zip(truth) {
            *held += u32::from(estimate.expect("the figure is defined").interval.contains(truth));
        }
    }
    held.map(|held| f64::from(held) / WORLDS as f64)
}

#[test]
fn intervals_of_accuracy_and_macro_f1_hold_the_truth_95_times_out_of_100() {
    let even = World {
        shares: [0.5, 0.3, 0.2],
        right: [0.8, 0.7, 0.6],
        groups: 150,
        pictures_per_group: 1,
        common_fate: 0.0,
    };
    let cases = [
        ("150 pictures", World { ..even }),
        ("60 pictures", World { groups: 60, ..even }),
        ("235 pictures, a model at .5", World { right: [0.5, 0.5, 0.45], groups: 235, ..even }),
        (
            "60 groups of four that err together",
            World { groups: 60, pictures_per_group: 4, common_fate: 0.6, ..even },
        ),
    ];
    for (name, world) in cases {
        let coverage = world.coverage(Seed(2026));
        println!("{name}: accuracy {:.3}, macro F1 {:.3}", coverage[0], coverage[1]);
        for share in coverage {
            assert!((0.93..=0.97).contains(&share), "{name}: {coverage:?}");
        }
    }
}

/// Pictures of three classes of unequal frequency with probabilities that are more often right than not.
fn with_probabilities(pictures: usize, rng: &mut Rng) -> LabelledPredictions {
    let (mut truth, mut probabilities) = (Vec::with_capacity(pictures), Vec::with_capacity(3 * pictures));
    for _ in 0..pictures {
        let luck = rng.unit();
        let class = usize::from(luck > 0.5) + usize::from(luck > 0.8);
        let weights: [f64; 3] = std::array::from_fn(|other| {
            (rng.range(-2.0, 2.0) + 1.5 * f64::from(u8::from(other == class))).exp()
        });
        let sum: f64 = weights.iter().sum();
        truth.push(class);
        probabilities.extend(weights.map(|weight| (weight / sum) as f32));
    }
    let classes = ["a", "b", "c"].map(String::from).to_vec();
    LabelledPredictions::new(classes, truth, probabilities).expect("the sample is well formed")
}

#[test]
fn intervals_of_all_other_figures_hold_the_truth_95_times_out_of_100() {
    const PICTURES: usize = 200;
    let seed = Seed(2027);
    let all = with_probabilities(MANY, &mut seed.derive("truth").rng());
    let truth = FURTHER.map(|measure| measure.value(&all).expect("the figure is defined"));
    let sample = |rng: &mut Rng| with_probabilities(PICTURES, rng);
    let shares = coverage(&FURTHER, truth, &Groups::singles(PICTURES), (400, seed), sample);
    for (measure, share) in FURTHER.into_iter().zip(shares) {
        println!("{measure:?}: {share:.3}");
        assert!((0.93..=0.97).contains(&share), "{measure:?}: {share}");
    }
}
