//! Small cases for the checks' tests: pictures in memory, a split, answers, and learners of a few lines.

use std::collections::BTreeMap;

use candor_core::{
    Channels, Dataset, Image, Provenance, ReadError, Sample, SampleId, Seed, Silent, Split, Subset,
};

use crate::Units;
use crate::near_duplicates::{Copies, copies_among};

use super::{Answers, Case, Facts, LearnError, Learner, LearnerKind, Settings, Task};

/// Everything that a case borrows.
pub struct Fake {
    pub classes: Vec<String>,
    pub samples: Vec<Sample>,
    pub images: Vec<Image>,
    pub facts: Vec<Facts>,
    pub split: Split,
    pub answers: BTreeMap<Subset, Answers>,
    pub settings: Settings,
}

impl Dataset for Fake {
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

impl Fake {
    /// `pictures` pictures of 16×16 with noise in two classes by turns; class 1 is lighter in the middle. Half to learn
    /// from, a quarter for validation and for test each, and all answers right.
    pub fn bright(pictures: usize) -> Fake {
        let image = |index: usize| {
            let mut rng = Seed(5).at(index as u64).rng();
            let inside = |i: usize| (4..12).contains(&(i % 16)) && (4..12).contains(&(i / 16));
            let light = |i: usize| if inside(i) && index % 2 == 1 { 120 } else { 20 };
            let pixels = (0..256).map(|i| (light(i) + rng.below(60)) as u8).collect();
            Image::new(16, 16, Channels::Grey, pixels).unwrap()
        };
        Fake::of((0..pictures).map(|index| (image(index), index % 2)).collect())
    }

    /// Any pictures of two classes in turns of four: two to learn from, one for validation, one for test.
    pub fn of(pictures: Vec<(Image, usize)>) -> Fake {
        let place =
            |at: &[usize]| (0..pictures.len()).filter(|i| at.contains(&(i / 2 % 4))).collect::<Vec<_>>();
        let split = Split { train: place(&[0, 1]), validation: place(&[2]), test: place(&[3]) };
        let sample = |(index, (image, class)): (usize, &(Image, usize))| Sample {
            id: SampleId::of(&[image.pixels(), &index.to_le_bytes()].concat()),
            class: *class,
            group: None,
            provenance: Provenance { file: "fake.csv".into(), row: Some(index as u64), url: None },
            attributes: BTreeMap::new(),
        };
        let samples: Vec<Sample> = pictures.iter().enumerate().map(sample).collect();
        let mut fake = Fake {
            classes: vec!["dark".into(), "light".into()],
            samples,
            facts: pictures.iter().map(|(image, _)| Facts::of(image, None)).collect(),
            images: pictures.into_iter().map(|(image, _)| image).collect(),
            split,
            answers: BTreeMap::new(),
            settings: Settings { seed: Seed(1), permutations: 39 },
        };
        fake.answer(|_| true);
        fake
    }

    /// The classifier answers for all subsets, rightly where `right` says so of a sample.
    pub fn answer(&mut self, right: impl Fn(usize) -> bool) {
        for subset in Subset::ALL {
            let indices = self.split.indices(subset).to_vec();
            let row = |&index: &usize| {
                let class =
                    if right(index) { self.samples[index].class } else { 1 - self.samples[index].class };
                if class == 0 { [0.9, 0.1] } else { [0.1, 0.9] }
            };
            let probabilities = indices.iter().flat_map(row).collect();
            self.answers.insert(subset, Answers { indices, probabilities });
        }
    }

    /// What belongs together, near copies left aside.
    pub fn units(&self) -> Units {
        Units::of(&self.samples, &[])
    }

    /// Asks something of the case; no copies are looked for, which would take seconds among a thousand pictures.
    pub fn with<T>(&self, ask: impl FnOnce(&Case<'_>) -> T) -> T {
        self.with_copies(&[], ask)
    }

    /// Asks something of the case after looking for copies, as a run does.
    pub fn with_copies_sought<T>(&self, ask: impl FnOnce(&Case<'_>) -> T) -> T {
        let likenesses: Vec<_> = self.facts.iter().map(|facts| &facts.likeness).collect();
        self.with_copies(&copies_among(&likenesses, |_| true).expect("it is not stopped"), ask)
    }

    fn with_copies<T>(&self, copies: &[Copies], ask: impl FnOnce(&Case<'_>) -> T) -> T {
        ask(&Case {
            copies,
            pictures: self,
            seen: &|index| self.images[index].clone(),
            facts: &self.facts,
            units: &self.units(),
            split: &self.split,
            answers: &self.answers,
            classifier: None,
            detector: None,
            purpose: None,
            stated: &[],
            findings: &[],
            settings: self.settings,
            reporter: &Silent,
        })
    }
}

/// Learns one number: how light the middle of the pictures of each class is.
pub struct Bright<'a>(pub &'a Fake);

impl Bright<'_> {
    fn light(&self, index: usize) -> f32 {
        let image = &self.0.images[index];
        let middle = (4..12).flat_map(|y| (4..12).map(move |x| (x, y)));
        middle.map(|(x, y)| f32::from(image.pixel(x, y)[0])).sum::<f32>() / 64.0
    }

    fn one(&self, task: &Task) -> Answers {
        let mean = |class: usize| {
            let of: Vec<f32> = task
                .learn
                .iter()
                .filter(|&&index| task.labels[index] == class)
                .map(|&index| self.light(index))
                .collect();
            of.iter().sum::<f32>() / of.len().max(1) as f32
        };
        let (dark, light) = (mean(0), mean(1));
        let row = |&index: &usize| {
            let (to_dark, to_light) = ((self.light(index) - dark).abs(), (self.light(index) - light).abs());
            if to_dark <= to_light { [0.9, 0.1] } else { [0.1, 0.9] }
        };
        Answers { indices: task.answer.clone(), probabilities: task.answer.iter().flat_map(row).collect() }
    }
}

/// Another learner as a stand-in network.
pub struct StandIn<'a>(pub &'a dyn Learner);

impl Learner for StandIn<'_> {
    fn summary(&self) -> String {
        self.0.summary()
    }

    fn learn(&self, tasks: &[Task]) -> Result<Vec<Answers>, LearnError> {
        self.0.learn(tasks)
    }
}

impl Learner for Bright<'_> {
    fn kind(&self) -> LearnerKind {
        LearnerKind::OwnRecipe
    }

    fn summary(&self) -> String {
        "one number a picture".to_owned()
    }

    fn learn(&self, tasks: &[Task]) -> Result<Vec<Answers>, LearnError> {
        Ok(tasks.iter().map(|task| self.one(task)).collect())
    }
}
