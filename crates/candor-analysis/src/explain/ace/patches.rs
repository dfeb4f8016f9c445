//! Patches of several sizes, and what the network makes of each.

use serde::{Deserialize, Serialize};

use super::super::{ExplainError, Subject, slic};

/// Patches a picture, about, from coarse to fine.
const SCALES: [usize; 3] = [6, 16, 40];
/// Of the patches: how much space counts beside colour.
const COMPACTNESS: f32 = 0.2;
/// Of two patches that share more than this of what they cover together, the second is left out.
const SAME: f64 = 0.6;
/// Pictures with one patch that are asked about at a time.
const AT_ONCE: usize = 128;

/// A part of a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    /// Which picture.
    pub picture: usize,
    /// Its pixels, ascending, counted row by row.
    pub pixels: Vec<usize>,
}

/// A patch and what the network makes of it.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub patch: Patch,
    /// The mean of each feature map where it lies.
    pub features: Vec<f32>,
    /// How much of each cell of the maps it covers, adding up to 1.
    pub cover: Vec<f32>,
}

/// All patches of some pictures, each shown alone with the mean picture around it.
pub(super) fn describe(
    subject: &Subject<'_>,
    pictures: &[f32],
    (layer, maps): (&str, [usize; 3]),
) -> Result<Vec<Described>, ExplainError> {
    let len = subject.input_len();
    let mut all = Vec::new();
    for (number, picture) in pictures.chunks_exact(len).enumerate() {
        subject.go_on()?;
        let patches = cut(picture, subject.size());
        all.extend(patches.into_iter().map(|pixels| Patch { picture: number, pixels }));
    }
    let mut described = Vec::with_capacity(all.len());
    for some in all.chunks(AT_ONCE) {
        subject.go_on()?;
        let inputs: Vec<f32> = some
            .iter()
            .flat_map(|patch| alone(subject, &pictures[patch.picture * len..][..len], patch))
            .collect();
        let answers = subject.network.maps(&inputs, layer)?;
        for (patch, answer) in some.iter().zip(answers.chunks_exact(maps.iter().product())) {
            let cover = cover(patch, subject.size(), maps);
            let mean = |map: &[f32]| map.iter().zip(&cover).map(|(value, share)| value * share).sum();
            let features = answer.chunks_exact(maps[0] * maps[1]).map(mean).collect();
            described.push(Described { patch: patch.clone(), features, cover });
        }
    }
    Ok(described)
}

/// The pixels of each patch at all scales, without those that were there already.
fn cut(picture: &[f32], size: (usize, usize)) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = Vec::new();
    for wanted in SCALES {
        let patches = slic(picture, size, wanted, COMPACTNESS);
        let mut pixels = vec![Vec::new(); patches.count];
        patches.of.iter().enumerate().for_each(|(pixel, &patch)| pixels[patch].push(pixel));
        let coarser = all.len();
        for patch in pixels {
            if all[..coarser].iter().all(|other| shared(other, &patch) <= SAME) {
                all.push(patch);
            }
        }
    }
    all
}

/// What two ascending lists have in common, as a share of both together.
fn shared(a: &[usize], b: &[usize]) -> f64 {
    // Patches of very different sizes cannot be the same.
    if (a.len().min(b.len()) as f64) < SAME * a.len().max(b.len()) as f64 {
        return 0.0;
    }
    let both = b.iter().filter(|pixel| a.binary_search(pixel).is_ok()).count();
    both as f64 / (a.len() + b.len() - both) as f64
}

fn alone(subject: &Subject<'_>, picture: &[f32], patch: &Patch) -> Vec<f32> {
    let (height, width) = subject.size();
    let channels = picture.len() / (height * width);
    let mut input = subject.mean().to_vec();
    for &pixel in &patch.pixels {
        let values = pixel * channels..(pixel + 1) * channels;
        input[values.clone()].copy_from_slice(&picture[values]);
    }
    input
}

/// Which share of the patch lies in each cell of the maps.
fn cover(patch: &Patch, (height, width): (usize, usize), [rows, columns, _]: [usize; 3]) -> Vec<f32> {
    let mut cover = vec![0.0; rows * columns];
    let share = 1.0 / patch.pixels.len() as f32;
    for &pixel in &patch.pixels {
        let (y, x) = (pixel / width * rows / height, pixel % width * columns / width);
        cover[y * columns + x] += share;
    }
    cover
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_cover_a_picture_at_each_scale_and_none_is_there_twice() {
        let picture: Vec<f32> = (0..20 * 20).map(|at| ((at % 20) / 10) as f32).collect();
        let patches = cut(&picture, (20, 20));
        let covered: usize = patches.iter().map(Vec::len).sum();
        assert!(covered >= 20 * 20, "{covered}");
        for (at, patch) in patches.iter().enumerate() {
            assert!(patches[..at].iter().all(|other| shared(other, patch) <= SAME || at < 1));
        }
        assert_eq!(shared(&[1, 2, 3], &[2, 3, 4]), 0.5);
    }

    #[test]
    fn a_patch_covers_the_cells_that_it_lies_in() {
        let patch = Patch { picture: 0, pixels: vec![0, 1, 4, 7] };
        assert_eq!(cover(&patch, (2, 4), [1, 2, 9]), [0.75, 0.25]);
    }
}
