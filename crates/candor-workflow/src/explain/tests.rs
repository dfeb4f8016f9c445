//! Every method on a network that was trained: a striped patch decides the class, and must be found; with random weights
//! nothing may be shown.

use std::sync::LazyLock;

use candor_analysis::explain::gate::orders::RandomOrders;
use candor_analysis::explain::gate::{Competence, Passport, Sight, check};
use candor_analysis::explain::{METHODS, Map, Method, Subject};
use candor_core::{NetworkClassifier, SampleId, Seed, Silent};
use candor_engine::optimizer::Adam;
use candor_engine::{Batch, Inputs, Loss, Trainer, TrainingConfig};

use crate::model::TrainedModel;
use crate::recipe::{Facts, RecipeFile, resolve};

const SIDE: usize = 14;
const LEN: usize = SIDE * SIDE;
/// The patch: rows and columns.
const PATCH: std::ops::Range<usize> = 4..9;
const BATCH: usize = 32;
const STEPS: u64 = 150;

const RECIPE: &str = r#"
[[network.layers]]
kind = "conv2d"
filters = 8
kernel = 3
padding = "same"
activation = "relu"

[[network.layers]]
kind = "conv2d"
filters = 8
kernel = 3
padding = "same"
activation = "relu"

[[network.layers]]
kind = "global-avg-pool"

[[network.layers]]
kind = "dense"
units = 2
activation = "softmax"

[preprocessing]
height = 14
width = 14
channels = "grey"
"#;

/// Grey noise; those of odd numbers have the patch, whose rows are light and dark by turns.
fn picture(number: usize) -> Vec<f32> {
    let mut rng = Seed(9).at(number as u64).rng();
    let inside = |at: usize| PATCH.contains(&(at / SIDE)) && PATCH.contains(&(at % SIDE));
    let striped = |at: usize| if (at / SIDE).is_multiple_of(2) { 1.0 } else { 0.0 };
    let has_patch = number % 2 == 1;
    (0..LEN)
        .map(|at| {
            let noise = rng.unit() as f32;
            if has_patch && inside(at) { striped(at) } else { 0.3 + 0.4 * noise }
        })
        .collect()
}

fn pictures(numbers: impl Iterator<Item = usize>) -> Vec<f32> {
    numbers.flat_map(picture).collect()
}

/// Trained once for all tests.
static MODEL: LazyLock<TrainedModel> = LazyLock::new(|| {
    let facts = Facts { classes: 2, ..Facts::default() };
    let (recipe, _) = resolve(&RecipeFile::parse(RECIPE).unwrap(), &facts).unwrap();
    let network = recipe.build(2).unwrap();
    let config = TrainingConfig {
        loss: Loss::CrossEntropy,
        optimizer: Adam { learning_rate: 0.01, ..Adam::default() }.into(),
        batch_size: BATCH,
        threads: 1,
        ..TrainingConfig::default()
    };
    let parameters = candor_engine::Parameters::initial(&network, 3);
    let mut trainer = Trainer::new(&network, parameters, &config).unwrap();
    for step in 0..STEPS as usize {
        let numbers = step * BATCH..(step + 1) * BATCH;
        let targets: Vec<usize> = numbers.clone().map(|number| number % 2).collect();
        let inputs = pictures(numbers.map(|number| 1000 + number));
        trainer.step(Batch { inputs: Inputs::Floats(&inputs), targets: &targets });
    }
    let names = ["plain".to_owned(), "patch".to_owned()];
    TrainedModel::new(&recipe, &names, trainer.parameters().clone(), SampleId::of(b""), 1, 2).unwrap()
});

fn right_answers(network: &dyn NetworkClassifier, of: usize) -> Competence {
    let scores = network.evidence(&pictures(0..of)).unwrap().scores;
    let right =
        scores.chunks(2).enumerate().filter(|(number, row)| usize::from(row[1] > row[0]) == number % 2);
    Competence { right: right.count(), of, most_frequent: of / 2 }
}

fn at_the_gate(method: &Method, subject: &Subject<'_>, competence: Competence) -> (Vec<Map>, Passport) {
    let shown: Vec<Vec<f32>> = [1, 3, 5].map(picture).to_vec();
    let map = |picture: &Vec<f32>| method.explain(subject, picture, &[1]).unwrap().remove(0);
    let maps: Vec<Map> = shown.iter().map(map).collect();
    let sights: Vec<Sight<'_>> =
        shown.iter().zip(&maps).map(|(picture, map)| Sight { picture, class: 1, map }).collect();
    let asked: Vec<(&[f32], usize)> = shown.iter().map(|picture| (picture.as_slice(), 1)).collect();
    let orders = RandomOrders::of(subject, &asked, &|_| {}).unwrap();
    let passport = check(method, subject, (&sights, &orders), competence, &|_| {}).unwrap();
    (maps, passport)
}

#[test]
fn every_method_finds_the_patch_that_a_trained_network_goes_by() {
    let competence = right_answers(&*MODEL, 100);
    assert!(competence.right >= 99, "{competence:?}");
    let (background, shown) = (pictures((200..240).step_by(2)), pictures([1, 3, 5].into_iter()));
    let subject = Subject::new(&*MODEL, &background, &shown, Seed(1), &Silent).unwrap();
    let mut refused = Vec::new();
    for method in METHODS {
        let (maps, passport) = at_the_gate(method, &subject, competence);
        let on_patch = maps.iter().map(share_of_the_strongest).sum::<f64>() / maps.len() as f64;
        assert!(on_patch >= 0.8, "{method:?}: {on_patch} of the strongest pixels lie on the patch");
        refused.extend((!passport.passed()).then_some(method.id));
    }
    // Its slopes have both signs on the stripes: what it names first is no more than chance, and is not shown.
    assert_eq!(refused, ["smooth-grad"]);
}

#[test]
fn with_random_weights_the_gate_refuses_every_method_and_says_why() {
    let layers: Vec<String> = MODEL.layers().into_iter().map(|layer| layer.name).collect();
    let network = MODEL.randomised(&layers, Seed(7)).unwrap();
    let competence = right_answers(&*network, 100);
    let (background, shown) = (pictures((200..240).step_by(2)), pictures([1, 3, 5].into_iter()));
    let subject = Subject::new(&*network, &background, &shown, Seed(1), &Silent).unwrap();
    for method in METHODS {
        let (_, passport) = at_the_gate(method, &subject, competence);
        let why = passport.failures.join(" ");
        assert!(
            why.starts_with("The network is right on ")
                && why.contains("it has learned nothing that a map could show. Train it longer"),
            "{method:?}: {why}"
        );
    }
}

/// The share of the strongest twentieth of the pixels that lies on the patch.
fn share_of_the_strongest(map: &Map) -> f64 {
    let top = &map.order()[..LEN / 20];
    let inside = |at: &&usize| PATCH.contains(&(**at / SIDE)) && PATCH.contains(&(**at % SIDE));
    top.iter().filter(inside).count() as f64 / top.len() as f64
}
