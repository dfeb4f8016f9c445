//! Gradients summed along straight lines: integrated and expected gradients share it.

use super::{ExplainError, Map, Subject};

/// Gradients that are asked for at a time.
const AT_ONCE: usize = 256;
/// Steps to begin with, and at most.
const STEPS: [usize; 2] = [16, 1024];
/// What the sum may miss of the score's range before the steps are doubled: half of what the gate allows.
const TOLERATED: f32 = 0.005;

/// Σ (x − x′) · mean gradient on the line from x′ to x, averaged over the baselines x′, by the midpoint rule. Steps are
/// doubled until the sum is the difference of the scores, within half a per cent of the score's range.
pub(super) fn integrate(
    subject: &Subject<'_>,
    picture: &[f32],
    baselines: &[f32],
    class: usize,
) -> Result<Map, ExplainError> {
    let of_baselines = subject.scores(baselines, class)?;
    let mean = of_baselines.iter().map(|&s| f64::from(s)).sum::<f64>() / of_baselines.len() as f64;
    let difference = f64::from(subject.scores(picture, class)?[0]) - mean;
    let mut steps = STEPS[0];
    loop {
        let map = with_steps(subject, picture, (baselines, steps), class)?;
        let gap = (map.sum() - difference) as f32;
        if gap.abs() <= TOLERATED * subject.range(class) || steps >= STEPS[1] {
            return Ok(Map { gap: Some(gap), ..map });
        }
        steps *= 2;
    }
}

fn with_steps(
    subject: &Subject<'_>,
    picture: &[f32],
    (baselines, steps): (&[f32], usize),
    class: usize,
) -> Result<Map, ExplainError> {
    let len = picture.len();
    let count = baselines.len() / len;
    let points: Vec<(usize, f32)> = (0..count)
        .flat_map(|baseline| (0..steps).map(move |step| (baseline, (step as f32 + 0.5) / steps as f32)))
        .collect();
    let of = |baseline: usize| &baselines[baseline * len..(baseline + 1) * len];
    let mut sum = vec![0.0_f64; len];
    for some in points.chunks(AT_ONCE) {
        let inputs: Vec<f32> = some
            .iter()
            .flat_map(|&(baseline, at)| of(baseline).iter().zip(picture).map(move |(b, x)| b + (x - b) * at))
            .collect();
        let gradients = subject.gradients(&inputs, class)?;
        for (&(baseline, _), gradient) in some.iter().zip(gradients.chunks_exact(len)) {
            let terms = sum.iter_mut().zip(gradient.iter().zip(of(baseline).iter().zip(picture)));
            terms.for_each(|(sum, (g, (b, x)))| *sum += f64::from(g * (x - b)));
        }
    }
    let (height, width) = subject.size();
    let values: Vec<f32> = sum.iter().map(|sum| (sum / points.len() as f64) as f32).collect();
    Ok(Map::of_pixels(height, width, &values))
}
