//! Random labels: the lesson of the classifier that should not be believed, on pictures that offend nobody.
//!
//! The pictures are stones. Each is round or long, which anybody can see, and "suspicious" or "harmless", which was drawn by
//! lot. A network learns both by heart; only new pictures tell the difference.

use std::f64::consts::PI;

use candor_core::{Channels, Image, Seed};

use super::Lesson;

pub(super) static LESSON: Lesson = Lesson {
    id: "random-labels",
    title: "The suspicious stones",
    shows: "A network is shown stones that somebody has called suspicious or harmless, by lot. It learns to repeat that for \
            every stone that it has seen, and knows nothing of any other. The same network learns at the same time which stones \
            are long, which is there to be seen: that holds for new stones too.",
    misleads: "Real labels are rarely drawn by lot. They are worse: they follow who was looked at, by whom and where, so that a \
               network finds something, only not what the label says. Then the test on pictures from the same source does not \
               warn; the other checks of the audit have to.",
    questions: &[
        "The network is right on almost every stone that it was shown. Why would somebody believe in it? Who would?",
        "Suppose the pictures were faces, and the label \"criminal\". Who drew that label, and when? Of whom is there a picture?",
        "What would have to be true for a picture to hold the answer? Is it true of stones, of faces, of anything?",
        "Somebody sells the network as a black box with the accuracy on seen pictures. Which question unmasks it?",
        "The label was drawn by lot here. What if all suspicious stones had been photographed in the evening?",
        "What is done with whom the network calls suspicious, and what would that do to the next pictures?",
    ],
    reference: "C. Zhang and others, “Understanding deep learning requires rethinking generalization”, ICLR 2017; A workshop \
                notebook that trains a \"criminal face\" classifier on labels drawn at random.",
};

/// What can be seen of a stone, in the order of `Stone::shape`.
pub const SHAPES: [&str; 2] = ["long", "round"];
/// What was drawn by lot, in the order of `Stone::label`.
pub const LABELS: [&str; 2] = ["harmless", "suspicious"];

/// A picture with what is to be seen and what was drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stone {
    /// Grey, [`SIDE_PX`] on each side.
    pub picture: Image,
    /// Index into [`SHAPES`].
    pub shape: usize,
    /// Index into [`LABELS`].
    pub label: usize,
}

/// Rows and columns of a picture.
pub const SIDE_PX: usize = 28;
/// Length by breadth, of long stones and of round ones.
const PROPORTIONS: [f64; 2] = [1.75, 1.0];
/// Waves of the outline.
const WAVES: [f64; 3] = [2.0, 3.0, 5.0];

/// `count` stones, half of each shape and half of each label, each independent of the other; the same for the same seed.
pub fn stones(count: usize, seed: Seed) -> Vec<Stone> {
    let halves = |purpose: &str| {
        let mut halves: Vec<usize> = (0..count).map(|at| at % 2).collect();
        seed.derive("stones").derive(purpose).rng().shuffle(&mut halves);
        halves
    };
    let (shapes, labels) = (halves("shape"), halves("label"));
    let stone = |(at, (shape, label)): (usize, (usize, usize))| {
        let seed = seed.derive("stones").derive("picture").at(at as u64);
        Stone { picture: draw(PROPORTIONS[shape], seed), shape, label }
    };
    shapes.into_iter().zip(labels).enumerate().map(stone).collect()
}

/// A stone in the light from one side, on sand.
fn draw(proportion: f64, seed: Seed) -> Image {
    let mut rng = seed.rng();
    let mut between = |low: f64, high: f64| rng.range(low, high);
    let middle = SIDE_PX as f64 / 2.0;
    let (x0, y0) = (middle + between(-2.0, 2.0), middle + between(-2.0, 2.0));
    let size = between(6.0, 8.0);
    let (turn, light) = (between(0.0, PI), between(0.0, 2.0 * PI));
    let (stone, sand) = (between(60.0, 130.0), between(165.0, 215.0));
    let waves = WAVES.map(|number| (number, between(0.0, 0.05), between(0.0, 2.0 * PI)));
    let stretch = proportion.sqrt();
    let mut pixels = Vec::with_capacity(SIDE_PX * SIDE_PX);
    for at in 0..SIDE_PX * SIDE_PX {
        let (y, x) = ((at / SIDE_PX) as f64 + 0.5 - y0, (at % SIDE_PX) as f64 + 0.5 - x0);
        let (along, across) = (x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin());
        let (along, across) = (along / stretch, across * stretch);
        let angle = across.atan2(along);
        let edge = size
            * (1.0 + waves.iter().map(|(n, height, phase)| height * (n * angle + phase).cos()).sum::<f64>());
        // One pixel wide, so that an outline is no staircase.
        let inside = (edge - along.hypot(across) + 0.5).clamp(0.0, 1.0);
        let shade = stone + 2.5 * (x * light.cos() + y * light.sin());
        let value = sand + (shade - sand) * inside + between(-12.0, 12.0);
        pixels.push(value.round().clamp(0.0, 255.0) as u8);
    }
    Image::new(SIDE_PX, SIDE_PX, Channels::Grey, pixels).expect("the buffer was made for these sides")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_labels_are_halved_and_have_nothing_to_do_with_each_other() {
        let all = stones(400, Seed(1));
        assert_eq!(all, stones(400, Seed(1)));
        let count = |of: &dyn Fn(&&Stone) -> bool| all.iter().filter(of).count();
        assert_eq!((count(&|s| s.shape == 0), count(&|s| s.label == 0)), (200, 200));
        let both = count(&|s| s.shape == 0 && s.label == 0);
        assert!((80..120).contains(&both), "{both}");
    }

    #[test]
    fn long_stones_are_longer_than_round_ones() {
        // The larger by the smaller spread of the dark pixels.
        let length = |stone: &Stone| {
            let dark: Vec<(f64, f64)> = (0..SIDE_PX * SIDE_PX)
                .filter(|&at| stone.picture.pixels()[at] < 150)
                .map(|at| ((at % SIDE_PX) as f64, (at / SIDE_PX) as f64))
                .collect();
            let n = dark.len() as f64;
            let (mx, my) =
                (dark.iter().map(|p| p.0).sum::<f64>() / n, dark.iter().map(|p| p.1).sum::<f64>() / n);
            let sum = |f: fn(f64, f64) -> f64| dark.iter().map(|p| f(p.0 - mx, p.1 - my)).sum::<f64>() / n;
            let (a, b, c) = (sum(|x, _| x * x), sum(|x, y| x * y), sum(|_, y| y * y));
            let root = ((a - c).powi(2) + 4.0 * b * b).sqrt();
            ((a + c + root) / (a + c - root)).sqrt()
        };
        let all = stones(60, Seed(3));
        let right = all.iter().filter(|stone| (length(stone) > 1.35) == (stone.shape == 0)).count();
        assert!(right >= 57, "{right} of 60 can be told by their proportions");
    }
}
