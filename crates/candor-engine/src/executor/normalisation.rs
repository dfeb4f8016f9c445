//! The formulas of batch normalisation for one channel, of pictures or of vectors.
//!
//! With x̂ = (x − μ) / σ, S₁ = Σ g and S₂ = Σ g · x̂ over the N values of a channel, dx = γ/σ · (g − S₁/N − x̂ · S₂/N): a
//! linear map of g and x, with S₂ and S₁ the gradients of γ and β.

/// What a channel is normalised with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channel {
    pub gamma: f32,
    pub beta: f32,
    pub mean: f64,
    pub variance: f64,
    pub epsilon: f64,
}

impl Channel {
    /// σ, never zero.
    pub fn deviation(&self) -> f64 {
        (self.variance + self.epsilon).sqrt()
    }

    /// \[s, t\] of y = s · x + t: γ/σ and β − μ · γ/σ.
    pub fn forward(&self) -> [f32; 2] {
        let scale = f64::from(self.gamma) / self.deviation();
        [scale as f32, (f64::from(self.beta) - self.mean * scale) as f32]
    }

    /// \[a, b, c\] of dx = a · g + b · x + c, with S₁ and S₂ over `count` values.
    pub fn backward(&self, [s1, s2]: [f64; 2], count: f64) -> [f32; 3] {
        let deviation = self.deviation();
        let a = f64::from(self.gamma) / deviation;
        let b = -a * s2 / deviation / count;
        let c = -a * s1 / count - b * self.mean;
        [a as f32, b as f32, c as f32]
    }
}

/// Takes means and variances over `count` values into the running ones: the unbiased variance, as PyTorch keeps it; of a
/// single value there is none.
pub(super) fn remember(
    momentum: f32,
    count: f64,
    [means, variances]: [&[f64]; 2],
    [running_means, running_variances]: [&mut [f32]; 2],
) {
    let unbiased = if count > 1.0 { count / (count - 1.0) } else { 1.0 };
    let update = |running: &mut [f32], values: &[f64], factor: f64| {
        for (running, value) in running.iter_mut().zip(values) {
            *running += momentum * ((value * factor) as f32 - *running);
        }
    };
    update(running_means, means, 1.0);
    update(running_variances, variances, unbiased);
}
