//! GELU (Hendrycks and Gimpel 2016), `y = x P(x)` with the distribution function `P` of the standard
//! normal distribution, or its approximation by a hyperbolic tangent.

use super::activation::{exp, map2, tanh};
use crate::simd::F32x4;

/// `sqrt(2 / pi)`.
const ROOT: f32 = 0.797_884_6;
const CUBIC: f32 = 0.044_715;

/// GELU of `n` values. Where `approximate` is not 0, it is
/// `y = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))`. `y` may be `x`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gelu_forward(x: *const f32, y: *mut f32, n: usize, approximate: u32) {
    if approximate == 0 {
        unsafe { map2(x, x, y, n, |x, _| x * normal(x).0) }
    } else {
        unsafe { map2(x, x, y, n, |x, _| x * tangent(x).0) }
    }
}

/// Gradient of `gelu_forward`, from its input. `dx` may be `dy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gelu_backward(x: *const f32, dy: *const f32, dx: *mut f32, n: usize, approximate: u32) {
    let slope = |x: F32x4, dy: F32x4, (share, change): (F32x4, F32x4)| dy * x.mul_add(change, share);
    if approximate == 0 {
        unsafe { map2(x, dy, dx, n, |x, dy| slope(x, dy, normal(x))) }
    } else {
        unsafe { map2(x, dy, dx, n, |x, dy| slope(x, dy, tangent(x))) }
    }
}

/// Returns distribution function and density of the standard normal distribution, by formula 7.1.26
/// of Abramowitz and Stegun 1964, whose error is at most 1.5e-7.
#[inline(always)]
fn normal(x: F32x4) -> (F32x4, F32x4) {
    let (zero, one) = (F32x4::splat(0.0), F32x4::splat(1.0));
    let power = exp(x * x * F32x4::splat(-0.5));
    let far = x.abs() * F32x4::splat(core::f32::consts::FRAC_1_SQRT_2);
    let t = one / far.mul_add(F32x4::splat(0.327_591_1), one);
    let sum = [1.061_405_4, -1.453_152_1, 1.421_413_8, -0.284_496_74, 0.254_829_6]
        .into_iter()
        .fold(zero, |sum, factor| sum.mul_add(t, F32x4::splat(factor)));
    let tail = sum * t * power * F32x4::splat(0.5);
    let density = power * F32x4::splat(0.398_942_3);
    (F32x4::where_positive(x, one - tail, tail), density)
}

/// Returns the factor of the approximation, and its slope.
#[inline(always)]
fn tangent(x: F32x4) -> (F32x4, F32x4) {
    let (half, one) = (F32x4::splat(0.5), F32x4::splat(1.0));
    let square = x * x;
    let value = tanh(x * F32x4::splat(ROOT) * square.mul_add(F32x4::splat(CUBIC), one));
    let inner = F32x4::splat(ROOT) * square.mul_add(F32x4::splat(3.0 * CUBIC), one);
    (half * (one + value), half * (one - value * value) * inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The distribution function by Simpson's rule.
    fn share(x: f64) -> f64 {
        let density = |x: f64| (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let (n, step) = (2000, x / 2000.0);
        let sum: f64 = (0..=n)
            .map(|i| {
                let weight = if i == 0 || i == n {
                    1.0
                } else if i % 2 == 1 {
                    4.0
                } else {
                    2.0
                };
                weight * density(f64::from(i) * step)
            })
            .sum();
        0.5 + sum * step / 3.0
    }

    #[test]
    fn gelu_is_its_definition_and_has_the_gradient_of_central_differences() {
        let exact = |x: f64| x * share(x);
        let approximate = |x: f64| {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        };
        let curves: [&dyn Fn(f64) -> f64; 2] = [&exact, &approximate];
        for (kind, curve) in curves.into_iter().enumerate() {
            for i in -70..=70 {
                let x = f64::from(i) / 10.0;
                let (mut y, mut dx) = ([0.0f32; 1], [2.0f32; 1]);
                let at = [x as f32];
                unsafe {
                    gelu_forward(at.as_ptr(), y.as_mut_ptr(), 1, kind as u32);
                    gelu_backward(at.as_ptr(), dx.as_ptr(), dx.as_mut_ptr(), 1, kind as u32);
                }
                let (x, want) = (f64::from(at[0]), curve(f64::from(at[0])));
                assert!((f64::from(y[0]) - want).abs() < 1e-6 * want.abs().max(1.0), "{x}: {} {want}", y[0]);
                let slope = (curve(x + 1e-5) - curve(x - 1e-5)) / 2e-5;
                assert!((f64::from(dx[0]) / 2.0 - slope).abs() < 2e-6, "{x}: {} {slope}", dx[0] / 2.0);
            }
        }
        let mut lost = [f32::NAN];
        unsafe { gelu_forward(lost.as_ptr(), lost.as_mut_ptr(), 1, 0) };
        assert!(lost[0].is_nan());
    }
}
