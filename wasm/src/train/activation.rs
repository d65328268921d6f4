//! Activations of `n` values, `y = f(x)`, and softmax. The backward passes compute `dx` from `y`,
//! not from `x`.

use crate::simd::F32x4;

/// Leaky ReLU: `y = x` where `x > 0`, else `y = slope * x`. `y` may be `x`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn leaky_relu_forward(x: *const f32, y: *mut f32, n: usize, slope: f32) {
    let slope = F32x4::splat(slope);
    each(
        n,
        |i| unsafe {
            let value = F32x4::load(x.add(i));
            F32x4::where_positive(value, value, value * slope).store(y.add(i));
        },
        |i| unsafe {
            let value = *x.add(i);
            *y.add(i) = if value > 0.0 { value } else { value * slope.first() };
        },
    );
}

/// Gradient of leaky ReLU: `dx = dy` where `y > 0`, else `dx = slope * dy`. `dx` may be `dy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn leaky_relu_backward(y: *const f32, dy: *const f32, dx: *mut f32, n: usize, slope: f32) {
    let slope = F32x4::splat(slope);
    each(
        n,
        |i| unsafe {
            let gradient = F32x4::load(dy.add(i));
            F32x4::where_positive(F32x4::load(y.add(i)), gradient, gradient * slope).store(dx.add(i));
        },
        |i| unsafe {
            let gradient = *dy.add(i);
            *dx.add(i) = if *y.add(i) > 0.0 { gradient } else { gradient * slope.first() };
        },
    );
}

/// Sum of two vectors, `y = a + b`. `y` may be either.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn add(a: *const f32, b: *const f32, y: *mut f32, n: usize) {
    each(
        n,
        |i| unsafe { (F32x4::load(a.add(i)) + F32x4::load(b.add(i))).store(y.add(i)) },
        |i| unsafe { *y.add(i) = *a.add(i) + *b.add(i) },
    );
}

/// Writes `to = values`, or `to += values` where `add_to` is not 0.
///
/// # Safety
/// Both have `n` values and do not overlap.
pub unsafe fn put(values: *const f32, to: *mut f32, n: usize, add_to: u32) {
    if add_to == 0 { unsafe { to.copy_from_nonoverlapping(values, n) } } else { unsafe { add(to, values, to, n) } }
}

/// Copy, `y = x`. The two do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duplicate(x: *const f32, y: *mut f32, n: usize) {
    unsafe { core::ptr::copy_nonoverlapping(x, y, n) }
}

/// Sigmoid, `y = 1 / (1 + e^-x)`. `y` may be `x`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmoid_forward(x: *const f32, y: *mut f32, n: usize) {
    unsafe { map(x, y, n, sigmoid) }
}

/// Gradient of the sigmoid, `dx = dy * y * (1 - y)`. `dx` may be `dy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmoid_backward(y: *const f32, dy: *const f32, dx: *mut f32, n: usize) {
    unsafe { map2(y, dy, dx, n, |y, dy| dy * y * (F32x4::splat(1.0) - y)) }
}

/// Hyperbolic tangent, `y = tanh x`. `y` may be `x`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tanh_forward(x: *const f32, y: *mut f32, n: usize) {
    unsafe { map(x, y, n, tanh) }
}

/// Gradient of the hyperbolic tangent, `dx = dy * (1 - y^2)`. `dx` may be `dy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tanh_backward(y: *const f32, dy: *const f32, dx: *mut f32, n: usize) {
    unsafe { map2(y, dy, dx, n, |y, dy| dy * (F32x4::splat(1.0) - y * y)) }
}

/// Softmax over the last axis of shape `[rows, length]`: `y_i = e^x_i / sum_j e^x_j`. `y` may be
/// `x`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softmax_forward(x: *const f32, y: *mut f32, rows: usize, length: usize) {
    for row in 0..rows {
        unsafe {
            let (x, y) = (x.add(row * length), y.add(row * length));
            let mut peak = *x;
            for i in 1..length {
                peak = if *x.add(i) > peak { *x.add(i) } else { peak };
            }
            map(x, y, length, |x| exp(x - F32x4::splat(peak)));
            let share = F32x4::splat(1.0 / sum(length, |i| *y.add(i)));
            map(y, y, length, |y| y * share);
        }
    }
}

/// Gradient of softmax over the last axis of shape `[rows, length]`:
/// `dx_i = y_i * (dy_i - sum_j y_j * dy_j)`. `dx` may be `dy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softmax_backward(y: *const f32, dy: *const f32, dx: *mut f32, rows: usize, length: usize) {
    for row in 0..rows {
        unsafe {
            let at = row * length;
            let (y, dy) = (y.add(at), dy.add(at));
            let common = F32x4::splat(sum(length, |i| *y.add(i) * *dy.add(i)));
            map2(y, dy, dx.add(at), length, |y, dy| y * (dy - common));
        }
    }
}

/// Sums in float64: the rest of a gradient that nearly cancels must not be rounding error.
fn sum(n: usize, value: impl Fn(usize) -> f32) -> f32 {
    (0..n).fold(0.0, |sum, i| sum + f64::from(value(i))) as f32
}

#[inline(always)]
pub(super) fn sigmoid(x: F32x4) -> F32x4 {
    let one = F32x4::splat(1.0);
    // Values beyond the limit would come near subnormal numbers, which slow the processor down.
    one / (one + exp(within(F32x4::splat(0.0) - x, 80.0)))
}

#[inline(always)]
pub(super) fn tanh(x: F32x4) -> F32x4 {
    let (zero, one, square) = (F32x4::splat(0.0), F32x4::splat(1.0), x * x);
    let power = exp(within(x + x, 80.0));
    let far = (power - one) / (power + one);
    // The minimax polynomial of Moshier's Cephes library, used where the quotient would lose
    // digits.
    let near = [-5.704_988_7e-3, 2.063_908_9e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328_2e-1]
        .into_iter()
        .fold(zero, |sum, factor| sum.mul_add(square, F32x4::splat(factor)));
    F32x4::where_positive(square - F32x4::splat(0.390_625), far, (near * square).mul_add(x, x))
}

/// Clamps each lane to `-limit` to `limit`; NaN stays NaN.
#[inline(always)]
fn within(x: F32x4, limit: f32) -> F32x4 {
    let (low, high) = (F32x4::splat(-limit), F32x4::splat(limit));
    let x = F32x4::where_positive(x - high, high, x);
    F32x4::where_positive(low - x, low, x)
}

/// Returns `e^x` to a relative error of 3e-7; 0 below -87, e^88 above 88; NaN stays NaN.
#[inline(always)]
pub(super) fn exp(x: F32x4) -> F32x4 {
    let bounded = within(x, 88.0);
    let turns = (bounded * F32x4::splat(core::f32::consts::LOG2_E)).round();
    // ln 2 in two parts, the first of so few digits that the product is exact.
    let rest = turns.mul_add(F32x4::splat(-0.693_359_4), bounded);
    let rest = turns.mul_add(F32x4::splat(2.121_944_4e-4), rest);
    let next = |sum: F32x4, factor: f32| sum.mul_add(rest, F32x4::splat(factor));
    let high = next(next(next(F32x4::splat(1.0 / 5040.0), 1.0 / 720.0), 1.0 / 120.0), 1.0 / 24.0);
    let sum = next(next(next(next(high, 1.0 / 6.0), 0.5), 1.0), 1.0);
    let zero = F32x4::splat(0.0);
    F32x4::where_positive(F32x4::splat(-87.0) - x, zero, sum * turns.power_of_two())
}

/// Writes `y = op(x)`, value by value; `y` may be `x`.
#[inline(always)]
unsafe fn map(x: *const f32, y: *mut f32, n: usize, op: impl Fn(F32x4) -> F32x4) {
    unsafe { map2(x, x, y, n, |x, _| op(x)) }
}

/// Writes `y = op(a, b)`, value by value; `y` may be either.
#[inline(always)]
pub(super) unsafe fn map2(a: *const f32, b: *const f32, y: *mut f32, n: usize, op: impl Fn(F32x4, F32x4) -> F32x4) {
    each(
        n,
        |i| unsafe { op(F32x4::load(a.add(i)), F32x4::load(b.add(i))).store(y.add(i)) },
        |i| unsafe { *y.add(i) = op(F32x4::splat(*a.add(i)), F32x4::splat(*b.add(i))).first() },
    );
}

/// Calls `four` for each index of four values, then `one` for each of the last up to three.
#[inline(always)]
pub(super) fn each(n: usize, four: impl Fn(usize), one: impl Fn(usize)) {
    let whole = n - n % 4;
    (0..whole).step_by(4).for_each(four);
    (whole..n).for_each(one);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from -100 to 100, close to one another near 0, and the largest error of `op` relative
    /// to `want`.
    fn worst(limit: f64, op: impl Fn(F32x4) -> F32x4, want: impl Fn(f64) -> f64) -> f64 {
        let mut worst = 0.0f64;
        for i in -10_000..=10_000 {
            let x = (limit * (f64::from(i) / 1e4).powi(3)) as f32;
            let want = want(f64::from(x));
            let error = (f64::from(op(F32x4::splat(x)).first()) - want).abs();
            worst = worst.max(if want == 0.0 { error } else { error / want.abs() });
        }
        worst
    }

    #[test]
    fn exp_sigmoid_and_tanh_are_those_of_the_standard_library() {
        assert!(worst(87.0, exp, f64::exp) < 1e-6);
        assert!(worst(79.0, sigmoid, |x| 1.0 / (1.0 + (-x).exp())) < 1e-6);
        assert!(worst(100.0, tanh, f64::tanh) < 1e-6);
        let first = |op: fn(F32x4) -> F32x4, x: f32| op(F32x4::splat(x)).first();
        assert_eq!((first(exp, -1e30), first(exp, f32::NEG_INFINITY)), (0.0, 0.0));
        assert_eq!((first(sigmoid, f32::INFINITY), first(tanh, f32::NEG_INFINITY)), (1.0, -1.0));
        for op in [exp, sigmoid, tanh] {
            assert!(first(op, f32::NAN).is_nan());
        }
    }

    #[test]
    fn softmax_is_its_definition_for_every_remainder() {
        for length in 1..10 {
            let x: Vec<f32> = (0..3 * length).map(|i| (i * 37 % 23) as f32 * 0.7 - 9.0).collect();
            let dy: Vec<f32> = (0..3 * length).map(|i| (i * 41 % 19) as f32 - 9.0).collect();
            let (mut y, mut dx) = (x.clone(), dy.clone());
            unsafe {
                softmax_forward(y.as_ptr(), y.as_mut_ptr(), 3, length);
                softmax_backward(y.as_ptr(), dx.as_ptr(), dx.as_mut_ptr(), 3, length);
            }
            for row in (0..3 * length).step_by(length) {
                let powers: Vec<f64> = (row..row + length).map(|i| f64::from(x[i]).exp()).collect();
                let shares: Vec<f64> = powers.iter().map(|power| power / powers.iter().sum::<f64>()).collect();
                let common: f64 = (0..length).map(|i| shares[i] * f64::from(dy[row + i])).sum();
                for i in 0..length {
                    let want = shares[i] * (f64::from(dy[row + i]) - common);
                    assert!((f64::from(y[row + i]) - shares[i]).abs() < 1e-6 * shares[i] + 1e-30);
                    assert!((f64::from(dx[row + i]) - want).abs() < 1e-5 * shares[i] + 1e-6);
                }
            }
        }
    }
}
