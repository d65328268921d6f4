//! Sigmoid and hyperbolic tangent of the gates of recurrent layers, to an absolute error of 5e-7.
//!
//! Those of [`activation`](super::activation) keep the digits of values near 0 too, which takes
//! three times as long. The gates multiply and add, where only the absolute error matters.

use crate::simd::F32x4;

/// Magnitude from which the result is that of this one.
const LIMIT: f32 = 8.0;
/// Coefficients of the even powers, the highest first, of the quotient of polynomials that has the
/// least relative error up to `LIMIT`, 6e-9; found by least squares with the weights of Lawson
/// (1961), from a divisor whose weights are those of Loeb's iteration.
const UPPER: [f32; 4] = [1.523_039_5e-8, 2.189_464_6e-5, 3.571_597_2e-3, 1.344_449_7e-1];
const LOWER: [f32; 4] = [8.522_437_7e-7, 3.411_290_5e-4, 2.616_443_9e-2, 4.677_782_4e-1];

/// `tanh x`; NaN stays NaN.
#[inline(always)]
pub fn tanh(x: F32x4) -> F32x4 {
    let (less, _) = F32x4::order(x, F32x4::splat(LIMIT));
    let (_, x) = F32x4::order(F32x4::splat(-LIMIT), less);
    let (one, square) = (F32x4::splat(1.0), x * x);
    let sum = |factors: [f32; 4]| {
        let [first, rest @ ..] = factors;
        rest.into_iter().fold(F32x4::splat(first), |sum, factor| sum.mul_add(square, F32x4::splat(factor)))
    };
    let (upper, lower) = (sum(UPPER), sum(LOWER));
    upper.mul_add(square, one) * x / lower.mul_add(square, one)
}

/// `1 / (1 + e^-x)`, as `(1 + tanh(x / 2)) / 2`.
#[inline(always)]
pub fn sigmoid(x: F32x4) -> F32x4 {
    let half = F32x4::splat(0.5);
    tanh(x * half).mul_add(half, half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_those_of_the_standard_library_and_stay_within_their_bounds() {
        for i in -200_000..=200_000 {
            let x = i as f32 * 1e-4;
            let of = |curve: fn(F32x4) -> F32x4| curve(F32x4::splat(x)).first();
            let (wide, [curved, gate]) = (f64::from(x), [of(tanh), of(sigmoid)]);
            assert!((f64::from(curved) - wide.tanh()).abs() < 5e-7, "tanh {x}");
            assert!((f64::from(gate) - 1.0 / (1.0 + (-wide).exp())).abs() < 5e-7, "sigmoid {x}");
            assert!(curved.abs() <= 1.0 && (0.0..=1.0).contains(&gate), "{x}: {curved} {gate}");
        }
        for curve in [tanh, sigmoid] {
            assert!(curve(F32x4::splat(f32::NAN)).first().is_nan());
            let far = |x: f32| curve(F32x4::splat(x)).first();
            assert!((far(f32::INFINITY) - 1.0).abs() < 5e-7);
            assert_eq!(far(f32::NEG_INFINITY), far(-1e30));
        }
        assert_eq!(tanh(F32x4::splat(0.0)).first(), 0.0);
    }
}
