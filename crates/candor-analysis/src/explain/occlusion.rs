//! Occlusion.

use super::{ExplainError, Map, Method, Subject};

pub(super) static METHOD: Method = Method {
    id: "occlusion",
    title: "Occlusion",
    shows: "How far the score falls when a square of the picture is covered with the background's mean.",
    misleads: "Evidence that is in a picture twice is not missed when one of the two is covered. The square's size decides what \
               can be seen, and a square with sharp edges is something the network may never have met.",
    reference: "Zeiler and Fergus, “Visualizing and understanding convolutional networks”, ECCV 2014, section 4.2.",
    adds_up: false,
    explain,
};

/// Squares beside each other along the shorter side; each moves by a third of itself.
const SQUARES: usize = 7;

fn explain(subject: &Subject<'_>, picture: &[f32], classes: &[usize]) -> Result<Vec<Map>, ExplainError> {
    subject.go_on()?;
    let (height, width) = subject.size();
    let side = (height.min(width) / SQUARES).max(1);
    let step = side.div_ceil(3);
    let starts = |size: usize| (0..size + step - side).step_by(step).map(move |at| at.min(size - side));
    let squares: Vec<(usize, usize)> =
        starts(height).flat_map(|y| starts(width).map(move |x| (y, x))).collect();
    let covered: Vec<f32> =
        squares.iter().flat_map(|&square| cover(subject, picture, square, side)).collect();
    let number = subject.network.classes().len();
    let (before, after) =
        (subject.network.evidence(picture)?.scores, subject.network.evidence(&covered)?.scores);
    let of_class = |&class: &usize| {
        let (mut values, mut counts) = (vec![0.0; height * width], vec![0.0; height * width]);
        for (index, &(top, left)) in squares.iter().enumerate() {
            let fall = before[class] - after[index * number + class];
            for at in (top..top + side).flat_map(|y| (left..left + side).map(move |x| y * width + x)) {
                values[at] += fall;
                counts[at] += 1.0;
            }
        }
        values.iter_mut().zip(&counts).for_each(|(value, count): (&mut f32, &f32)| *value /= count.max(1.0));
        Map { height, width, values, gap: None }
    };
    Ok(classes.iter().map(of_class).collect())
}

fn cover(subject: &Subject<'_>, picture: &[f32], (top, left): (usize, usize), side: usize) -> Vec<f32> {
    let (height, width) = subject.size();
    let channels = picture.len() / (height * width);
    let mut covered = picture.to_vec();
    for y in top..top + side {
        let row = (y * width + left) * channels..(y * width + left + side) * channels;
        covered[row.clone()].copy_from_slice(&subject.mean()[row]);
    }
    covered
}
