//! How often random maps pass, of several kinds, and that true ones do.

use candor_core::{NetworkClassifier, Rng, Seed, Silent};

use super::super::super::tests::{PATCH, Planted, SIDE, background, picture};
use super::*;
use crate::explain::gate::at_least;

/// Random maps of each kind before each set of pictures; and sets.
const MAPS: u64 = 60;
const SETS: u64 = 7;

/// Draws a random map.
type Draw = fn(&mut Rng) -> Map;

/// A random map, by its kind: single pixels, coarse cells enlarged as Grad-CAM does it, and a round spot somewhere.
const KINDS: [(&str, Draw); 3] = [
    ("single pixels", |rng| map((0..SIDE * SIDE).map(|_| rng.range(-1.0, 1.0) as f32).collect())),
    ("coarse cells", |rng| {
        let values = (0..16).map(|_| rng.range(-1.0, 1.0) as f32).collect();
        Map { height: 4, width: 4, values, gap: None }.enlarged(SIDE, SIDE)
    }),
    ("one spot", |rng| {
        let [y, x] = [0; 2].map(|_| rng.range(0.0, SIDE as f64));
        let far = |at: usize| ((at / SIDE) as f64 - y).powi(2) + ((at % SIDE) as f64 - x).powi(2);
        map((0..SIDE * SIDE).map(|at| (-far(at) / 12.0).exp() as f32).collect())
    }),
];

fn map(values: Vec<f32>) -> Map {
    Map { height: SIDE, width: SIDE, values, gap: None }
}

/// Whether both tests let the maps of `pictures` pass, before one set of random orders.
fn passes((subject, orders): (&Subject<'_>, &RandomOrders), pictures: &[Vec<f32>], maps: &[Map]) -> bool {
    let sights = pictures.iter().zip(maps).map(|(picture, map)| Sight { picture, class: 1, map });
    let tested = orders.test(subject, &sights.collect::<Vec<_>>()).unwrap();
    tested.iter().all(|tested| tested.p <= LEVEL + 1e-9)
}

fn with_orders<T>(
    network: &dyn NetworkClassifier,
    pictures: &[Vec<f32>],
    seed: u64,
    then: impl FnOnce(&Subject<'_>, &RandomOrders) -> T,
) -> T {
    let background = background();
    let subject = Subject::new(network, &background, &pictures.concat(), Seed(seed), &Silent).unwrap();
    let asked: Vec<(&[f32], usize)> = pictures.iter().map(|picture| (picture.as_slice(), 1)).collect();
    let orders = RandomOrders::of(&subject, &asked, &|_| {}).unwrap();
    then(&subject, &orders)
}

#[test]
fn of_random_maps_of_every_kind_at_most_one_in_a_hundred_passes() {
    // Before a network that was trained, and before one whose weights are random.
    let planted = Planted::new();
    let random = planted.randomised(&["dense".to_owned()], Seed(3)).unwrap();
    let networks: [(&str, &dyn NetworkClassifier); 2] = [("planted", &planted), ("random weights", &*random)];
    let (mut all, mut tried) = (0, 0);
    for (name, network) in networks {
        for (kind, draw) in KINDS {
            let mut passed = 0;
            for set in 0..SETS {
                // Few pictures are the hardest: one map that hits by chance counts for much.
                let count = 1 + set % 3;
                let pictures: Vec<Vec<f32>> = (0..count).map(|at| picture(10 * set + at, true)).collect();
                passed += with_orders(network, &pictures, set, |subject, orders| {
                    let mut rng = Seed(77).at(set).rng();
                    let mut one = || -> bool {
                        let maps: Vec<Map> = pictures.iter().map(|_| draw(&mut rng)).collect();
                        passes((subject, orders), &pictures, &maps)
                    };
                    (0..MAPS).filter(|_| one()).count()
                });
            }
            println!("{name}, {kind}: {passed} of {} pass", MAPS * SETS);
            // None that more than 1 % of would make impossible, at 1 of 1,000.
            let as_many = at_least(passed, (MAPS * SETS) as usize, 0.01);
            assert!(as_many > 0.001, "{name}, {kind}: {passed}");
            (all, tried) = (all + passed, tried + (MAPS * SETS) as usize);
        }
    }
    println!("{all} of {tried} pass");
    // The exact 95 % upper bound of the rate is at most 1 %: so few would pass in at most 5 of 100 simulations if it were more.
    let as_few = 1.0 - at_least(all + 1, tried, 0.01);
    assert!(tried >= 1000 && as_few <= 0.05, "{all} of {tried} random maps pass");
}

#[test]
fn a_map_of_what_decides_passes_with_a_few_pictures() {
    let inside = |at: usize| PATCH.contains(&(at / SIDE)) && PATCH.contains(&(at % SIDE));
    let truth = map((0..SIDE * SIDE).map(|at| f32::from(u8::from(inside(at)))).collect());
    for count in [3, 6] {
        let pictures: Vec<Vec<f32>> = (0..count).map(|at| picture(at, true)).collect();
        let maps = vec![truth.clone(); pictures.len()];
        let network = Planted::new();
        assert!(with_orders(&network, &pictures, 1, |subject, orders| passes(
            (subject, orders),
            &pictures,
            &maps
        )));
    }
}

#[test]
fn where_nothing_changes_the_score_nothing_passes() {
    let flat = Planted::deaf();
    let pictures = vec![picture(1, true)];
    with_orders(&flat, &pictures, 1, |subject, orders| {
        let map = map((0..SIDE * SIDE).map(|at| at as f32).collect());
        let sights = [Sight { picture: &pictures[0], class: 1, map: &map }];
        let tested = orders.test(subject, &sights).unwrap();
        assert!(tested.iter().all(|tested| tested.p == 1.0));
    });
}
