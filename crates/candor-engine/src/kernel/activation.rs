//! Functions applied to each value, and the way of the gradient back through them.
//!
//! The plain form of a function and the fast one are the same source: arithmetic and choices without a branch or a call, on
//! single values, so that the compiler makes vectors of it for each instruction set. What it takes from the standard
//! library elsewhere (`exp`, `tanh`) is a call a value, which is why it stands here anew:
//!
//! - eˣ and the normal distribution's Φ: `activation/exponential.rs`.
//! - tanh x = −t / (t + 2) with t = e⁻²ˣ − 1, which is exact in the limit at both ends.
//!
//! How far the results are off at worst, against double precision: values in ulp, derivatives in 2⁻²⁴ (half an ulp of 1;
//! those of SiLU, hard-swish and GELU pass through zero, where nothing can be said in ulp):
//!
//! | function | value | derivative |
//! |---|---|---|
//! | linear, ReLU, ReLU6 | exact | exact |
//! | leaky ReLU | .5 | exact |
//! | tanh | 2.3 | 2.5 |
//! | sigmoid | 2.5 | 1.5 |
//! | SiLU | 3.4 | 3.2 |
//! | hard-swish | 1.9 | 2.0 |
//! | GELU | 1.4 | 1.2 |
//!
//! Measured with AVX2 over every float from 2⁻¹⁴ to 128 on both sides, without fused multiply-add over every 257th of all (GELU
//! on both over every 4,099th);
//! `CANDOR_EVERY_FLOAT=1 cargo test -p candor-engine functions_and_derivatives` does so again.

mod exponential;

pub(super) use self::exponential::exp;
use self::exponential::{
    at_least, clamp, exp_in_parts, fused, fused_wide, normal_tail, power_of_two, powers,
};
use super::Isa;
use super::simd::{Simd, simd_kernel};
use crate::layer::{Activation, LEAKY_SLOPE};

/// Applies an activation other than softmax in place.
pub(crate) fn activate(isa: Isa, function: Activation, values: &mut [f32]) {
    // SAFETY: the kernels are safe code; `isa` comes from `Isa::available`.
    unsafe {
        match function {
            Activation::Linear | Activation::Softmax => {}
            Activation::Relu => relu_forward(isa, Relu, values),
            Activation::LeakyRelu => leaky_relu_forward(isa, LeakyRelu, values),
            Activation::Relu6 => relu6_forward(isa, Relu6, values),
            Activation::Tanh => tanh_forward(isa, Tanh, values),
            Activation::Sigmoid => sigmoid_forward(isa, Sigmoid, values),
            Activation::Silu => silu_forward(isa, Silu, values),
            Activation::HardSwish => hard_swish_forward(isa, HardSwish, values),
            Activation::Gelu => gelu_forward(isa, Gelu, values),
        }
    }
}

/// Multiplies `gradient` by the derivative of an activation other than softmax. `values` are its outputs, or its inputs
/// where [`Activation::gradient_from_output`] says that outputs do not do.
pub(crate) fn activate_backward(isa: Isa, function: Activation, values: &[f32], gradient: &mut [f32]) {
    // SAFETY: the kernels are safe code; `isa` comes from `Isa::available`.
    unsafe {
        match function {
            Activation::Linear | Activation::Softmax => {}
            Activation::Relu => relu_backward(isa, Relu, values, gradient),
            Activation::LeakyRelu => leaky_relu_backward(isa, LeakyRelu, values, gradient),
            Activation::Relu6 => relu6_backward(isa, Relu6, values, gradient),
            Activation::Tanh => tanh_backward(isa, Tanh, values, gradient),
            Activation::Sigmoid => sigmoid_backward(isa, Sigmoid, values, gradient),
            Activation::Silu => silu_backward(isa, Silu, values, gradient),
            Activation::HardSwish => hard_swish_backward(isa, HardSwish, values, gradient),
            Activation::Gelu => gelu_backward(isa, Gelu, values, gradient),
        }
    }
}

/// A function of single values.
trait Function: Copy {
    fn value<S: Simd>(self, x: f32) -> f32;
    /// The derivative, from the function's output or its input.
    fn derivative<S: Simd>(self, value: f32) -> f32;
}

#[inline(always)]
fn apply<S: Simd>(function: impl Function, values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = function.value::<S>(*value));
}

#[inline(always)]
fn scale<S: Simd>(function: impl Function, values: &[f32], gradient: &mut [f32]) {
    gradient.iter_mut().zip(values).for_each(|(g, &value)| *g *= function.derivative::<S>(value));
}

/// The two kernels of a function, and its name as a type.
macro_rules! kernels {
    ($($name:ident: $forward:ident, $backward:ident;)+) => { $(
        #[derive(Clone, Copy)]
        struct $name;
        simd_kernel! { fn $forward = apply(function: $name, values: &mut [f32]) }
        simd_kernel! { fn $backward = scale(function: $name, values: &[f32], gradient: &mut [f32]) }
    )+ };
}

kernels! {
    Relu: relu_forward, relu_backward;
    LeakyRelu: leaky_relu_forward, leaky_relu_backward;
    Relu6: relu6_forward, relu6_backward;
    Tanh: tanh_forward, tanh_backward;
    Sigmoid: sigmoid_forward, sigmoid_backward;
    Silu: silu_forward, silu_backward;
    HardSwish: hard_swish_forward, hard_swish_backward;
    Gelu: gelu_forward, gelu_backward;
}

// Comparisons are written such that what is not a number stays so: a training that has diverged must show it.

impl Function for Relu {
    #[inline(always)]
    fn value<S: Simd>(self, x: f32) -> f32 {
        if x <= 0.0 { 0.0 } else { x }
    }

    #[inline(always)]
    fn derivative<S: Simd>(self, y: f32) -> f32 {
        if y > 0.0 { 1.0 } else { 0.0 }
    }
}

impl Function for LeakyRelu {
    #[inline(always)]
    fn value<S: Simd>(self, x: f32) -> f32 {
        if x <= 0.0 { LEAKY_SLOPE * x } else { x }
    }

    #[inline(always)]
    fn derivative<S: Simd>(self, y: f32) -> f32 {
        if y > 0.0 { 1.0 } else { LEAKY_SLOPE }
    }
}

impl Function for Relu6 {
    #[inline(always)]
    fn value<S: Simd>(self, x: f32) -> f32 {
        clamp(x, 0.0, 6.0)
    }

    #[inline(always)]
    fn derivative<S: Simd>(self, y: f32) -> f32 {
        if y > 0.0 && y < 6.0 { 1.0 } else { 0.0 }
    }
}

impl Function for Tanh {
    #[inline(always)]
    fn value<S: Simd>(self, x: f32) -> f32 {
        // From 10 on, the nearest float is 1.
        let a = clamp(x.abs(), 0.0, 10.0);
        let (n, power) = powers::<S>(-2.0 * a);
        let scale = power_of_two(n);
        let e = fused::<S>(power, scale, scale);
        let t = fused::<S>(power, scale, scale - 1.0);
        // Near zero −t / (2 + t), where t is more exact than e; elsewhere 1 − 2e / (1 + e), whose fraction is small.
        let is_small = a < 0.55;
        let fraction = (if is_small { -t } else { 2.0 * e }) / (if is_small { 2.0 + t } else { 1.0 + e });
        (if is_small { fraction } else { 1.0 - fraction }).copysign(x)
    }

    #[inline(always)]
    fn derivative<S: Simd>(self, y: f32) -> f32 {
        1.0 - y * y
    }
}

impl Function for Sigmoid {
    #[inline(always)]
    fn value<S: Simd>(self, x: f32) -> f32 {
        let e = exp::<S>(-x.abs());
        (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
    }

    #[inline(always)]
    fn derivative<S: Simd>(self, y: f32) -> f32 {
        y * (1.0 - y)
    }
}

impl Function for Silu {
    #[inline(always)]
    fn value<S: Simd>(self, x: f32) -> f32 {
        let x = at_least(x, -120.0);
        let (e, scale) = exp_in_parts::<S>(-x.abs());
        let below = 1.0 + e * scale;
        if x < 0.0 { x * e / below * scale } else { x / below }
    }

    #[inline(always)]
    fn derivative<S: Simd>(self, x: f32) -> f32 {
        let e = exp::<S>(-x.abs());
        let larger = 1.0 / (1.0 + e);
        let smaller = e * larger;
        let (sigmoid, rest) = if x < 0.0 { (smaller, larger) } else { (larger, smaller) };
        fused::<S>(sigmoid * x, rest, sigmoid)
    }
}

impl Function for HardSwish {
    #[inline(always)]
    fn value<S: Simd>(self, x: f32) -> f32 {
        x * (clamp(x + 3.0, 0.0, 6.0) / 6.0)
    }

    #[inline(always)]
    fn derivative<S: Simd>(self, x: f32) -> f32 {
        let inside = (2.0 * x + 3.0) / 6.0;
        let left = if x <= -3.0 { 0.0 } else { inside };
        if x >= 3.0 { 1.0 } else { left }
    }
}

impl Function for Gelu {
    #[inline(always)]
    fn value<S: Simd>(self, x: f32) -> f32 {
        let x = at_least(x, -15.0);
        let (_, tail) = normal_tail::<S>(x);
        (f64::from(x) * if x < 0.0 { tail } else { 1.0 - tail }) as f32
    }

    #[inline(always)]
    fn derivative<S: Simd>(self, x: f32) -> f32 {
        const ONE_OVER_ROOT_OF_TWO_PI: f64 = 0.398_942_280_401_432_7;
        let x = clamp(x, -15.0, 15.0);
        let (exponential, tail) = normal_tail::<S>(x);
        let below = if x < 0.0 { tail } else { 1.0 - tail };
        fused_wide::<S>(f64::from(x) * exponential, ONE_OVER_ROOT_OF_TWO_PI, below) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far each function may be off in ulps, and its derivative in units of 2⁻²⁴ (half an ulp of 1).
    const BOUNDS: [(Activation, f64, f64); 9] = [
        (Activation::Linear, 0.0, 0.0),
        (Activation::Relu, 0.0, 0.0),
        (Activation::LeakyRelu, 0.5, 0.0),
        (Activation::Relu6, 0.0, 0.0),
        (Activation::Tanh, 2.4, 2.5),
        (Activation::Sigmoid, 2.5, 2.0),
        (Activation::Silu, 3.4, 3.3),
        (Activation::HardSwish, 2.0, 2.1),
        (Activation::Gelu, 1.4, 1.2),
    ];

    /// The function and its derivative by the book.
    fn exact(function: Activation, x: f64) -> (f64, f64) {
        let sigmoid = 1.0 / (1.0 + (-x).exp());
        let slope = f64::from(LEAKY_SLOPE);
        match function {
            Activation::Linear | Activation::Softmax => (x, 1.0),
            Activation::Relu => (x.max(0.0), if x > 0.0 { 1.0 } else { 0.0 }),
            Activation::LeakyRelu => {
                if x > 0.0 {
                    (x, 1.0)
                } else {
                    (slope * x, slope)
                }
            }
            Activation::Relu6 => (x.clamp(0.0, 6.0), if x > 0.0 && x < 6.0 { 1.0 } else { 0.0 }),
            Activation::Tanh => (x.tanh(), 1.0 - x.tanh() * x.tanh()),
            Activation::Sigmoid => (sigmoid, sigmoid * (1.0 - sigmoid)),
            Activation::Silu => (x * sigmoid, sigmoid * (1.0 + x * (1.0 - sigmoid))),
            Activation::HardSwish => {
                let inside = x * (x + 3.0).clamp(0.0, 6.0) / 6.0;
                (
                    inside,
                    if x <= -3.0 {
                        0.0
                    } else if x >= 3.0 {
                        1.0
                    } else {
                        (2.0 * x + 3.0) / 6.0
                    },
                )
            }
            Activation::Gelu => {
                let below = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
                let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
                (x * below, below + x * density)
            }
        }
    }

    fn ulps(got: f32, expected: f64) -> f64 {
        let exponent = expected.abs().log2().floor().clamp(-126.0, 127.0);
        (f64::from(got) - expected).abs() / (exponent - 23.0).exp2()
    }

    /// Every 4099th float; with `CANDOR_EVERY_FLOAT` set, all from 2⁻¹⁴ to 128 on both sides.
    fn inputs() -> Box<dyn Iterator<Item = f32>> {
        if std::env::var_os("CANDOR_EVERY_FLOAT").is_none() {
            let all = (0..=u32::MAX).step_by(4099).map(f32::from_bits);
            return Box::new(all.filter(|x| x.is_finite()));
        }
        let positive = (2.0_f32.powi(-14).to_bits()..=128.0_f32.to_bits()).map(f32::from_bits);
        Box::new(positive.flat_map(|x| [x, -x]))
    }

    #[test]
    fn functions_and_derivatives_are_as_exact_as_the_table_says() {
        for (isa, (function, ulps_allowed, slope_allowed)) in
            Isa::available().into_iter().flat_map(|isa| BOUNDS.map(|bound| (isa, bound)))
        {
            let mut worst = [(0.0, 0.0); 2];
            let mut all = inputs();
            loop {
                let xs: Vec<f32> = all.by_ref().take(4096).collect();
                if xs.is_empty() {
                    break;
                }
                let (mut ys, mut slopes) = (xs.clone(), vec![1.0; xs.len()]);
                activate(isa, function, &mut ys);
                let values = if function.gradient_from_output() { &ys } else { &xs };
                activate_backward(isa, function, values, &mut slopes);
                for ((&x, &y), &slope) in xs.iter().zip(&ys).zip(&slopes) {
                    let (value, derivative) = exact(function, x.into());
                    let errors = [ulps(y, value), (f64::from(slope) - derivative).abs() * 24_f64.exp2()];
                    for (worst, error) in worst.iter_mut().zip(errors) {
                        if error > worst.0 || error.is_nan() {
                            *worst = (error, x);
                        }
                    }
                }
            }
            let [(value, at), (slope, slope_at)] = worst;
            println!(
                "{isa} {}: {value:.2} ulp at {at}, derivative {slope:.2} at {slope_at}",
                function.name()
            );
            assert!(value <= ulps_allowed, "{isa} {}: {value} ulp at {at}", function.name());
            assert!(
                slope <= slope_allowed,
                "{isa} {}: the derivative at {slope_at} by {slope}",
                function.name()
            );
        }
    }

    #[test]
    fn the_ends_are_their_limits_and_nan_stays_nan() {
        for isa in Isa::available() {
            for (function, at_minus_infinity, at_infinity) in [
                (Activation::Relu, 0.0, f32::INFINITY),
                (Activation::LeakyRelu, f32::NEG_INFINITY, f32::INFINITY),
                (Activation::Relu6, 0.0, 6.0),
                (Activation::Tanh, -1.0, 1.0),
                (Activation::Sigmoid, 0.0, 1.0),
                (Activation::Silu, 0.0, f32::INFINITY),
                (Activation::Gelu, 0.0, f32::INFINITY),
            ] {
                let mut row = [f32::NEG_INFINITY, f32::INFINITY, f32::NAN];
                activate(isa, function, &mut row);
                assert_eq!(row[..2], [at_minus_infinity, at_infinity], "{isa} {}", function.name());
                assert!(row[2].is_nan(), "{isa} {}", function.name());
            }
        }
    }
}
