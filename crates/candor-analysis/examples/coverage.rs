//! How often 95 % intervals of a share hold the truth: single pictures, groups of every kind, classes of an evaluation.
//!
//! ```text
//! cargo run --release -p candor-analysis --example coverage [WORLDS]
//! ```
//!
//! A world has n pictures in groups of given sizes; each group has a share of its own, drawn from a beta distribution with mean p
//! and the given correlation between pictures of one group (0: none; 1: all pictures of a group share one fate). Printed is the
//! share of 10,000 worlds whose interval holds p. Few errors can only be counted in whole numbers: with 20 pictures and a share
//! of 95 %, no interval that ends between two counts holds it in 93 to 97 of 100 worlds, but only in 92.5 or in 98.4.

use candor_analysis::interval::{Groups, share_interval};
use candor_core::{Rng, Seed};

const SHARES: [f64; 4] = [0.5, 0.8, 0.95, 0.99];
const CORRELATIONS: [f64; 4] = [0.0, 0.05, 0.3, 1.0];
const PICTURES: [usize; 7] = [20, 50, 100, 200, 500, 1_000, 2_000];

fn main() {
    let worlds = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(10_000);
    println!("single pictures; share {SHARES:?}");
    for n in PICTURES {
        let row = SHARES.map(|p| coverage(&vec![1; n], p, 0.0, worlds));
        println!("n {n:>5}: {}", written(&row));
    }
    println!("\ngroups; for each share {SHARES:?} the correlations {CORRELATIONS:?}");
    for (name, sizes) in shapes() {
        let rows = SHARES.map(|p| CORRELATIONS.map(|correlation| coverage(&sizes, p, correlation, worlds)));
        let rows: Vec<String> = rows.iter().map(|row| written(row)).collect();
        println!("{name}, n {}: {}", sizes.iter().sum::<usize>(), rows.join(" | "));
    }
}

/// Group sizes: many small and few large ones, even and uneven.
fn shapes() -> Vec<(String, Vec<usize>)> {
    let mut shapes = Vec::new();
    for n in PICTURES {
        for size in [2, 5, 20, 100] {
            if n / size >= 5 {
                shapes.push((format!("{} groups of {size}", n / size), vec![size; n / size]));
            }
        }
        // Two in three pictures alone, as where some have near copies.
        let copies: Vec<usize> = (0..n / 6).map(|at| 2 + at % 3).scan(0, within(n / 3)).collect();
        let alone = vec![1; n - copies.iter().sum::<usize>()];
        shapes.push(("single pictures and copies".to_owned(), [copies, alone].concat()));
        let mut uneven: Vec<usize> = (0..).map(|at| 1 << (at % 6)).scan(0, within(n)).collect();
        uneven.push(n - uneven.iter().sum::<usize>());
        shapes.push(("groups of 1 to 32".to_owned(), uneven.into_iter().filter(|&size| size > 0).collect()));
    }
    shapes
}

/// Takes sizes as long as their sum stays within `most`.
fn within(most: usize) -> impl FnMut(&mut usize, usize) -> Option<usize> {
    move |sum, size| {
        *sum += size;
        (*sum <= most).then_some(size)
    }
}

fn coverage(sizes: &[usize], p: f64, correlation: f64, worlds: u64) -> f64 {
    let names = sizes.iter().enumerate().flat_map(|(group, &size)| vec![Some(group.to_string()); size]);
    let groups = Groups::of(&names.collect::<Vec<_>>());
    let holds = |world: &u64| {
        let mut rng = Seed(2026).at(*world).rng();
        let mut hits = Vec::with_capacity(groups.pictures());
        for &size in sizes {
            let share = own_share(p, correlation, &mut rng);
            hits.extend((0..size).map(|_| rng.unit() < share));
        }
        share_interval(&groups, |picture| Some(hits[picture])).expect("there are pictures").contains(p)
    };
    (0..worlds).filter(holds).count() as f64 / worlds as f64
}

/// Beta(p s, (1 − p) s) with s = 1 / correlation − 1.
fn own_share(p: f64, correlation: f64, rng: &mut Rng) -> f64 {
    if correlation == 0.0 {
        return p;
    }
    let s = 1.0 / correlation - 1.0;
    if s == 0.0 {
        return f64::from(u8::from(rng.unit() < p));
    }
    let (a, b) = (gamma(p * s, rng), gamma((1.0 - p) * s, rng));
    if a + b > 0.0 { a / (a + b) } else { f64::from(u8::from(rng.unit() < p)) }
}

/// Marsaglia & Tsang, "A simple method for generating gamma variables", ACM Transactions on Mathematical Software 26 (2000).
fn gamma(shape: f64, rng: &mut Rng) -> f64 {
    if shape < 1.0 {
        return gamma(shape + 1.0, rng) * rng.unit().powf(1.0 / shape);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let normal = (-2.0 * (1.0 - rng.unit()).ln()).sqrt() * (std::f64::consts::TAU * rng.unit()).cos();
        let v = (1.0 + c * normal).powi(3);
        if v > 0.0 && (1.0 - rng.unit()).ln() < 0.5 * normal * normal + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

fn written(row: &[f64]) -> String {
    row.iter().map(|share| format!("{:5.1}", 100.0 * share)).collect::<Vec<_>>().join(" ")
}
