//! Which pictures stand for "any picture".

use candor_core::Seed;

/// `count` of `candidates` (each with its class), drawn such that the classes take turns; all where there are no more.
pub fn choose_background(
    candidates: &[(usize, usize)],
    classes: usize,
    count: usize,
    seed: Seed,
) -> Vec<usize> {
    let mut order: Vec<(usize, usize)> = candidates.to_vec();
    seed.derive("background").rng().shuffle(&mut order);
    let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); classes];
    order.into_iter().for_each(|(index, class)| of_class[class].push(index));
    let rounds = of_class.iter().map(Vec::len).max().unwrap_or(0);
    let turns = (0..rounds).flat_map(|round| of_class.iter().filter_map(move |all| all.get(round)));
    turns.copied().take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_take_turns() {
        let candidates: Vec<(usize, usize)> =
            (0..20).map(|index| (index, usize::from(index >= 17))).collect();
        let chosen = choose_background(&candidates, 2, 6, Seed(1));
        assert_eq!(chosen.iter().filter(|&&index| index >= 17).count(), 3);
        assert_eq!(choose_background(&candidates, 2, 99, Seed(1)).len(), 20);
    }
}
