//! k-means (Lloyd), begun as k-means++ has it (Arthur and Vassilvitskii, 2007).

use candor_core::Seed;

/// Rounds; later ones move next to nothing.
const ROUNDS: usize = 25;

/// Groups of patches with similar features, each with the nearest to its middle first.
pub(super) fn clusters(points: &[&[f32]], count: usize, seed: Seed) -> Vec<Vec<usize>> {
    let mut middles = begin(points, count, seed);
    let mut of = vec![usize::MAX; points.len()];
    for _ in 0..ROUNDS {
        let now: Vec<usize> = points.iter().map(|point| nearest(point, &middles).0).collect();
        let is_still = now == of;
        of = now;
        if is_still {
            break;
        }
        move_middles(&mut middles, points, &of);
    }
    let mut groups = vec![Vec::new(); middles.len()];
    of.iter().enumerate().for_each(|(at, &group)| groups[group].push(at));
    for (group, middle) in groups.iter_mut().zip(&middles) {
        group.sort_by(|&a, &b| {
            distance(points[a], middle).total_cmp(&distance(points[b], middle)).then(a.cmp(&b))
        });
    }
    groups
}

fn begin(points: &[&[f32]], count: usize, seed: Seed) -> Vec<Vec<f32>> {
    let mut rng = seed.derive("clusters").rng();
    let Some(first) = (!points.is_empty()).then(|| points[rng.below(points.len())]) else {
        return Vec::new();
    };
    let mut middles = vec![first.to_vec()];
    let mut far: Vec<f32> = points.iter().map(|point| distance(point, first)).collect();
    while middles.len() < count {
        let all: f64 = far.iter().map(|&d| f64::from(d)).sum();
        if all <= 0.0 {
            break;
        }
        let mut left = rng.unit() * all;
        let chosen = far.iter().position(|&d| {
            left -= f64::from(d);
            left < 0.0 && d > 0.0
        });
        let middle = points[chosen.unwrap_or(0)].to_vec();
        far.iter_mut().zip(points).for_each(|(far, point)| *far = far.min(distance(point, &middle)));
        middles.push(middle);
    }
    middles
}

/// Squared.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn nearest(point: &[f32], middles: &[Vec<f32>]) -> (usize, f32) {
    let all = middles.iter().enumerate().map(|(at, middle)| (at, distance(point, middle)));
    all.fold((0, f32::INFINITY), |best, next| if next.1 < best.1 { next } else { best })
}

/// A group that lost all its points stays where it was.
fn move_middles(middles: &mut [Vec<f32>], points: &[&[f32]], of: &[usize]) {
    let mut sums: Vec<Vec<f64>> = middles.iter().map(|middle| vec![0.0; middle.len()]).collect();
    let mut counts = vec![0_usize; middles.len()];
    for (point, &group) in points.iter().zip(of) {
        counts[group] += 1;
        sums[group].iter_mut().zip(*point).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    for ((middle, sum), count) in middles.iter_mut().zip(sums).zip(counts).filter(|(_, count)| *count > 0) {
        middle.iter_mut().zip(sum).for_each(|(value, sum)| *value = (sum / count as f64) as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_heaps_are_told_apart_and_their_middles_come_first() {
        let mut rng = Seed(2).rng();
        let point = |at: usize, rng: &mut candor_core::Rng| {
            let middle = [0.0, 5.0, 10.0][at % 3];
            vec![middle + rng.range(-1.0, 1.0) as f32, rng.range(-1.0, 1.0) as f32]
        };
        let all: Vec<Vec<f32>> = (0..60).map(|at| point(at, &mut rng)).collect();
        let all: Vec<&[f32]> = all.iter().map(Vec::as_slice).collect();
        let groups = clusters(&all, 3, Seed(1));
        assert_eq!(groups, clusters(&all, 3, Seed(1)));
        for group in &groups {
            assert_eq!(group.len(), 20);
            assert!(group.iter().all(|at| at % 3 == group[0] % 3), "{group:?}");
        }
        let alike = [all[0], all[0]];
        assert_eq!(clusters(&alike, 5, Seed(1)), [[0, 1]]);
        assert!(clusters(&[], 5, Seed(1)).is_empty());
    }
}
