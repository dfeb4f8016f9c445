//! `mutate TARGET SECONDS [SEED]`: changes well-formed files at random and feeds a reader with them, until the time is over or it
//! panics; what it panicked on is kept as `crash-TARGET`. TARGET `all` takes them one after the other.

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use candor_core::{Rng, Seed};
use candor_fuzz::{TARGETS, Target};

/// Numbers at which readers stumble.
const EDGES: [u64; 10] =
    [0, 1, 0x7f, 0x80, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x7fff_ffff_ffff_ffff, u64::MAX];
/// Longer than that, a file teaches nothing new.
const LONGEST: usize = 1 << 20;
/// What takes longer is a finding, too.
const SLOW: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let chosen: Vec<&Target> = TARGETS
        .iter()
        .filter(|target| arguments.get(1).is_some_and(|name| name == target.name || name == "all"))
        .collect();
    let seconds = arguments.get(2).and_then(|seconds| seconds.parse().ok());
    let (Some(seconds), false) = (seconds, chosen.is_empty()) else {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("mutate TARGET SECONDS [SEED]; TARGET is all, or one of {}", names.join(", "));
        return ExitCode::from(2);
    };
    let seed = arguments.get(3).and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let crashed =
        chosen.into_iter().filter(|target| !holds(target, Duration::from_secs(seconds), Seed(seed))).count();
    if crashed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether the target held out.
fn holds(target: &Target, time: Duration, seed: Seed) -> bool {
    let (seeds, began) = ((target.seeds)(), Instant::now());
    let mut rng = seed.derive(target.name).rng();
    let (mut fed, mut slowest) = (0u64, Duration::ZERO);
    while began.elapsed() < time {
        let bytes = changed(&seeds, &mut rng);
        let started = Instant::now();
        if catch_unwind(|| (target.feed)(&bytes)).is_err() {
            let file = format!("crash-{}", target.name);
            std::fs::write(&file, &bytes).expect("what it panicked on can be kept");
            println!("{}: PANICKED after {fed} files; kept as {file}", target.name);
            return false;
        }
        if started.elapsed() > slowest {
            slowest = started.elapsed();
            if slowest > SLOW {
                std::fs::write(format!("slow-{}", target.name), &bytes).expect("what is slow can be kept");
            }
        }
        fed += 1;
    }
    println!(
        "{}: {fed} files in {} s, the slowest took {} ms",
        target.name,
        time.as_secs(),
        slowest.as_millis()
    );
    true
}

/// One of the seeds with up to eight changes.
fn changed(seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let pick = |rng: &mut Rng| seeds[rng.below(seeds.len())].clone();
    let mut bytes = pick(rng);
    for _ in 0..1 + rng.below(8) {
        if bytes.is_empty() {
            break;
        }
        // Headers are at the beginning, and Parquet's and zip's at the end.
        let at = match rng.below(4) {
            0 => rng.below(bytes.len().min(64)),
            1 => bytes.len() - 1 - rng.below(bytes.len().min(256)),
            _ => rng.below(bytes.len()),
        };
        match rng.below(7) {
            0 => bytes[at] ^= 1 << rng.below(8),
            1 => bytes[at] = rng.next_u64() as u8,
            2 => bytes.truncate(at),
            3 => overwrite(&mut bytes, at, rng),
            4 => {
                let end = (at + 1 + rng.below(64)).min(bytes.len());
                drop(bytes.drain(at..end));
            }
            5 => {
                let end = (at + 1 + rng.below(64)).min(bytes.len());
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            _ => {
                let other = pick(rng);
                let start = rng.below(other.len().max(1));
                bytes.truncate(at);
                bytes.extend_from_slice(&other[start.min(other.len())..]);
            }
        }
    }
    bytes.truncate(LONGEST);
    bytes
}

/// A number at the edge, in one of its widths and orders.
fn overwrite(bytes: &mut [u8], at: usize, rng: &mut Rng) {
    let edge = EDGES[rng.below(EDGES.len())];
    let width = [1, 2, 4, 8][rng.below(4)];
    let mut written = edge.to_le_bytes()[..width].to_vec();
    if rng.below(2) == 0 {
        written.reverse();
    }
    let end = (at + width).min(bytes.len());
    bytes[at..end].copy_from_slice(&written[..end - at]);
}
