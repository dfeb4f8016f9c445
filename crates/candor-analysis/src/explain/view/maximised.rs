//! Pictures that a class's score is as high as possible for.

use candor_core::Quantity;

use super::{ExplainError, Row, Seen, Subject, View, picture};

pub(super) static VIEW: View = View {
    id: "maximised",
    title: "Pictures that maximise a class",
    shows: "Pictures made for the network: grey noise, changed in small steps that raise the class's score. Each class \
            has three, from different noise; what recurs in them tends to raise the score.",
    misleads: "They are not typical pictures of the class: no photograph looks like them, and their score may be far above that of any \
               real picture. If nobody recognises anything in them, the network may still be right on real pictures; if somebody \
               does, this does not prove that it is right for the right reason.",
    reference: "Simonyan, Vedaldi and Zisserman, “Deep inside convolutional networks”, ICLR workshop 2014, section 2; Yosinski and \
                others, “Understanding neural networks through deep visualization”, 2015 (blur); Olah, Mordvintsev and Schubert, \
                “Feature visualization”, Distill 2017 (jitter).",
    look,
};

/// Classes that are shown; and pictures of each.
const CLASSES: usize = 20;
const STARTS: usize = 3;
const STEPS: usize = 160;
/// How far a step moves a pixel, root mean square, at first.
const STRIDE: f32 = 0.06;
/// The picture is moved by up to this share of its shorter side before each gradient, so that no single pixel counts.
const JITTER: usize = 14;
/// Every so many of the first steps it is blurred a little; the others sharpen what came of that.
const BLURRED_EVERY: usize = 4;
const BLURRED_UNTIL: usize = STEPS / 2;

fn look(subject: &Subject<'_>, seen: &[Seen<'_>]) -> Result<Vec<Row>, ExplainError> {
    let classes = subject.network.classes().len().min(CLASSES);
    let made = maximise(subject, classes)?;
    let (len, number) = (subject.input_len(), subject.network.classes().len());
    let inputs: Vec<f32> = seen.iter().flat_map(|seen| seen.input).copied().collect();
    let (of_made, of_seen) =
        (subject.network.evidence(&made)?.scores, subject.network.evidence(&inputs)?.scores);
    let highest = |scores: &[f32], class: usize| {
        scores.iter().skip(class).step_by(number).fold(f32::NEG_INFINITY, |most, &score| most.max(score))
    };
    let row = |(class, pictures): (usize, &[f32])| {
        let scores = &of_made[class * STARTS * number..][..STARTS * number];
        let mut label =
            vec![subject.network.classes()[class].clone(), format!("score {:.1}", highest(scores, class))];
        if !seen.is_empty() {
            label.push(format!("real pictures: {:.1}", highest(&of_seen, class)));
        }
        let image =
            |input: &[f32]| picture(subject.size(), subject.network.input().channels, input, [0.0, 1.0]);
        Row { label, images: pictures.chunks_exact(len).map(image).collect() }
    };
    Ok(made.chunks_exact(STARTS * len).enumerate().map(row).collect())
}

/// For each class [`STARTS`] inputs, all climbing at once.
fn maximise(subject: &Subject<'_>, classes: usize) -> Result<Vec<f32>, ExplainError> {
    let len = subject.input_len();
    let size @ (height, width) = subject.size();
    let of: Vec<Quantity> = (0..classes).flat_map(|class| [Quantity::Score(class); STARTS]).collect();
    let mut rng = subject.seed.derive("explain").derive(VIEW.id).rng();
    let mut inputs: Vec<f32> = (0..of.len() * len).map(|_| rng.unit() as f32).collect();
    let reach = height.min(width) / JITTER;
    for step in 0..STEPS {
        subject.go_on()?;
        let by = [(); 2].map(|()| rng.below(2 * reach + 1) as isize - reach as isize);
        let moved: Vec<f32> = inputs.chunks_exact(len).flat_map(|input| shifted(input, size, by)).collect();
        let gradients = subject.network.gradient(&moved, &of)?;
        // Smaller and smaller steps: the last ones only settle.
        let stride = STRIDE * (1.0 - step as f32 / STEPS as f32);
        for (input, gradient) in inputs.chunks_exact_mut(len).zip(gradients.chunks_exact(len)) {
            climb(input, &shifted(gradient, size, by.map(|by| -by)), stride);
            if step < BLURRED_UNTIL && (step + 1).is_multiple_of(BLURRED_EVERY) {
                blur(input, size);
            }
        }
    }
    Ok(inputs)
}

/// A step of `stride`, root mean square, along the gradient; pixels stay in 0..=1.
fn climb(input: &mut [f32], gradient: &[f32], stride: f32) {
    let mean_square = gradient.iter().map(|g| g * g).sum::<f32>() / gradient.len() as f32;
    let scale = stride / mean_square.sqrt().max(1e-12);
    input.iter_mut().zip(gradient).for_each(|(x, g)| *x = (*x + scale * g).clamp(0.0, 1.0));
}

/// The picture moved down and right; what goes out on one side comes in on the other.
fn shifted(values: &[f32], (height, width): (usize, usize), [down, right]: [isize; 2]) -> Vec<f32> {
    let channels = values.len() / (height * width);
    let from = |at: usize, by: isize, size: usize| (at as isize - by).rem_euclid(size as isize) as usize;
    let value = |at: usize| {
        let (pixel, channel) = (at / channels, at % channels);
        let (y, x) = (from(pixel / width, down, height), from(pixel % width, right, width));
        values[(y * width + x) * channels + channel]
    };
    (0..values.len()).map(value).collect()
}

/// Each pixel becomes half of what it was and a quarter of its neighbour on either side; first across, then down. Beyond the edge
/// the last pixel goes on.
fn blur(values: &mut [f32], (height, width): (usize, usize)) {
    let channels = values.len() / (height * width);
    for (step, size) in [(channels, width), (channels * width, height)] {
        let before = values.to_vec();
        for (at, value) in values.iter_mut().enumerate() {
            let place = at / step % size;
            let low = if place > 0 { at - step } else { at };
            let high = if place + 1 < size { at + step } else { at };
            *value = 0.25 * before[low] + 0.5 * before[at] + 0.25 * before[high];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_moved_comes_back_and_a_blur_keeps_the_mean() {
        let values: Vec<f32> = (0..24).map(|at| (at * 7 % 11) as f32).collect();
        let moved = shifted(&values, (4, 3), [1, -1]);
        assert_eq!(moved[3 * 2], values[2]);
        assert_eq!(shifted(&moved, (4, 3), [-1, 1]), values);
        let mut blurred = values.clone();
        blur(&mut blurred, (4, 3));
        assert!((blurred.iter().sum::<f32>() - values.iter().sum::<f32>()).abs() < 1e-3);
        assert!(blurred.iter().cloned().fold(0.0, f32::max) < 10.0);
    }
}
