//! Losses of a batch of `rows` rows and the gradients that start the backward pass.
//!
//! Shapes: the output `z` or `y` of the model and its gradient `[rows, units]`, `labels` `[rows]`.
//! A gradient is `scale` times that of the mean loss over the rows; where its pointer is null, none
//! is computed. A row whose label is negative, as in the padding of a sequence, does not count: it has
//! no loss, and its gradient is 0.

use super::softmax;
use crate::simd::{Constant, F32x4, F64x4};

/// Loss of a batch.
#[repr(C)]
pub struct Loss {
    /// Sum of the losses of the rows.
    pub loss: f64,
    /// Number of rows that are classified correctly: the first of the greatest outputs is that of
    /// the label. Never a row with a NaN, or whose greatest output is infinite.
    pub correct: f64,
    /// Number of rows that count.
    pub counted: f64,
    /// Factor of the gradient of the mean loss, set by the caller.
    pub scale: f32,
}

/// Sets `total` to the sums over the rows that count of what `judge` returns for a row, its label and
/// the factor of its gradient: its loss, and whether it is classified correctly. The gradient
/// `[rows, units]` of the others becomes 0, unless it is null.
#[inline(always)]
unsafe fn each_row(
    [rows, units]: [usize; 2],
    labels: *const i32,
    gradient: *mut f32,
    total: &mut Loss,
    mut judge: impl FnMut(usize, i32, f64) -> (f64, bool),
) {
    let counted = (0..rows).filter(|&row| unsafe { *labels.add(row) } >= 0).count() as f64;
    (total.loss, total.correct, total.counted) = (0.0, 0.0, counted);
    let scale = f64::from(total.scale) / counted;
    for row in 0..rows {
        let label = unsafe { *labels.add(row) };
        if label < 0 {
            if !gradient.is_null() {
                unsafe { gradient.add(row * units).write_bytes(0, units) };
            }
            continue;
        }
        let (loss, correct) = judge(row, label, scale);
        total.loss += loss;
        total.correct += f64::from(u8::from(correct));
    }
}

/// Softmax cross-entropy of logits, `loss = ln(sum_i e^z_i) - z_label`, with the gradient
/// `dz_i = scale / rows * (softmax(z)_i - [i = label])`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softmax_cross_entropy(
    z: *const f32,
    labels: *const i32,
    dz: *mut f32,
    rows: usize,
    units: usize,
    total: &mut Loss,
) {
    if softmax::fits(units) {
        return if dz.is_null() {
            unsafe { of_few_classes::<false>(z, labels, dz, [rows, units], total) }
        } else {
            unsafe { of_few_classes::<true>(z, labels, dz, [rows, units], total) }
        };
    }
    let judge = |row: usize, label: i32, scale: f64| unsafe {
        let logits = core::slice::from_raw_parts(z.add(row * units), units);
        let label = label as usize;
        let most = greatest(logits);
        let peak = logits[most];
        let mut sum = 0.0;
        let mut add = |i: usize, power: f64| {
            sum += power;
            if !dz.is_null() {
                *dz.add(row * units + i) = power as f32;
            }
        };
        let whole = units - units % 4;
        for i in (0..whole).step_by(4) {
            let x = F32x4::load(logits.as_ptr().add(i)) - F32x4::splat(peak);
            exps([x.into()])[0].to_array().into_iter().enumerate().for_each(|(k, power)| add(i + k, power));
        }
        for i in whole..units {
            add(i, exp(f64::from(logits[i] - peak)));
        }
        if !dz.is_null() {
            let share = scale / sum;
            for i in 0..units {
                let place = dz.add(row * units + i);
                let hit = if i == label { scale } else { 0.0 };
                let value = f64::from(*place) * share - hit;
                // A value too small to move a parameter would only slow the processor down.
                *place = if value.abs() < 1e-30 { 0.0 } else { value as f32 };
            }
        }
        (ln(sum) + f64::from(peak) - f64::from(logits[label]), most == label && has_answer(logits, most))
    };
    unsafe { each_row([rows, units], labels, dz, total, judge) }
}

/// Computes `softmax_cross_entropy` of few classes, four rows at a time.
unsafe fn of_few_classes<const GRADIENT: bool>(
    z: *const f32,
    labels: *const i32,
    dz: *mut f32,
    [rows, units]: [usize; 2],
    total: &mut Loss,
) {
    let counted = (0..rows).filter(|&row| unsafe { *labels.add(row) } >= 0).count() as f64;
    (total.loss, total.correct, total.counted) = (0.0, 0.0, counted);
    let scale = f64::from(total.scale) / counted;
    for start in (0..rows).step_by(4) {
        let count = (rows - start).min(4);
        // The last row stands in for those past the end.
        let four: [usize; 4] = core::array::from_fn(|k| start + k.min(count - 1));
        let label = four.map(|row| unsafe { *labels.add(row) });
        let (from, to) = unsafe { (four.map(|row| z.add(row * units)), four.map(|row| dz.wrapping_add(row * units))) };
        let found = unsafe { softmax::four_rows::<GRADIENT>(units, from, label.map(|label| label.max(0)), to, scale) };
        for k in 0..count {
            if label[k] < 0 {
                if GRADIENT {
                    unsafe { to[k].write_bytes(0, units) };
                }
                continue;
            }
            total.loss += found.loss[k];
            total.correct += f64::from(u8::from(found.correct[k]));
        }
    }
}

/// Returns the index of the greatest value, the first of equal ones.
fn greatest(values: &[f32]) -> usize {
    let mut most = 0;
    for (i, &value) in values.iter().enumerate() {
        if value > values[most] {
            most = i;
        }
    }
    most
}

/// Returns true if the values name a class: the greatest is finite, and none is NaN.
fn has_answer(values: &[f32], most: usize) -> bool {
    values[most].is_finite() && !values.iter().any(|value| value.is_nan())
}

/// Keras's guard against the logarithm of 0.
const EPSILON: f64 = 1e-7;

/// Cross-entropy of probabilities, `loss = -ln(y_label)`, each probability kept `EPSILON` away from
/// 0 and 1, with the gradient `dy_i = -scale / rows * [i = label] / y_i`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn categorical_crossentropy(
    y: *const f32,
    labels: *const i32,
    dy: *mut f32,
    rows: usize,
    units: usize,
    total: &mut Loss,
) {
    let judge = |row: usize, label: i32, scale: f64| unsafe {
        let shares = core::slice::from_raw_parts(y.add(row * units), units);
        let label = label as usize;
        let most = greatest(shares);
        let share = guarded(shares[label]);
        if !dy.is_null() {
            dy.add(row * units).write_bytes(0, units);
            *dy.add(row * units + label) = (-scale / share) as f32;
        }
        (-ln(share), most == label && has_answer(shares, most))
    };
    unsafe { each_row([rows, units], labels, dy, total, judge) }
}

/// Cross-entropy of the probabilities of label 1, `loss = -ln(y)` for label 1 and `-ln(1 - y)` for
/// label 0, each probability kept `EPSILON` away from 0 and 1, with the gradient
/// `dy = scale / rows * (y - label) / (y * (1 - y))`. `units` is 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn binary_crossentropy(
    y: *const f32,
    labels: *const i32,
    dy: *mut f32,
    rows: usize,
    _units: usize,
    total: &mut Loss,
) {
    let judge = |row: usize, label: i32, scale: f64| unsafe {
        let share = guarded(*y.add(row));
        if !dy.is_null() {
            *dy.add(row) = (scale * (share - f64::from(label)) / (share * (1.0 - share))) as f32;
        }
        let correct = i32::from(share > 0.5) == label && !share.is_nan();
        (-ln(if label == 1 { share } else { 1.0 - share }), correct)
    };
    unsafe { each_row([rows, 1], labels, dy, total, judge) }
}

/// Squared error, `loss = (y - label)^2`, with the gradient `dy = scale / rows * 2 * (y - label)`.
/// No row counts as classified correctly. `units` is 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mean_squared_error(
    y: *const f32,
    labels: *const i32,
    dy: *mut f32,
    rows: usize,
    _units: usize,
    total: &mut Loss,
) {
    let judge = |row: usize, label: i32, scale: f64| unsafe {
        let difference = f64::from(*y.add(row)) - f64::from(label);
        if !dy.is_null() {
            *dy.add(row) = (2.0 * scale * difference) as f32;
        }
        (difference * difference, false)
    };
    unsafe { each_row([rows, 1], labels, dy, total, judge) }
}

/// Keeps a probability away from 0 and 1. NaN stays NaN, so that a diverged training is noticed.
fn guarded(share: f32) -> f64 {
    f64::from(share).clamp(EPSILON, 1.0 - EPSILON)
}

pub(super) const LN_2: f64 = core::f64::consts::LN_2;
const INVERSE_FACTORIALS: [f64; 14] = inverse_factorials();
static SERIES: [Constant; 14] = Constant::series(INVERSE_FACTORIALS);
static LOG2_E: Constant = Constant::new(core::f64::consts::LOG2_E);

const fn inverse_factorials() -> [f64; 14] {
    let mut inverses = [1.0; 14];
    let mut i = 1;
    while i < inverses.len() {
        inverses[i] = inverses[i - 1] / i as f64;
        i += 1;
    }
    inverses
}

/// Least exponent whose power is a normal number.
const LEAST: f64 = -700.0;

/// Returns `e^x` for `x` up to 0, to a relative error of 1e-13; NaN stays NaN.
pub(super) fn exp(x: f64) -> f64 {
    if x < LEAST {
        return 0.0;
    }
    let turns = (x * core::f64::consts::LOG2_E - 0.5) as i32;
    let rest = x - f64::from(turns) * LN_2;
    // Taylor series, for a rest below 0.35.
    let sum = INVERSE_FACTORIALS.iter().rev().fold(0.0, |sum, inverse| sum * rest + inverse);
    sum * f64::from_bits(((1023 + i64::from(turns)) as u64) << 52)
}

/// Returns the results of [`exp`], bit for bit, for vectors whose series are computed side by side:
/// an operation waits for the one before in its own.
#[inline(always)]
pub(super) fn exps<const N: usize>(x: [F64x4; N]) -> [F64x4; N] {
    let turns = x.map(|x| (x * LOG2_E.splat() - F64x4::splat(0.5)).truncate());
    let rest: [F64x4; N] = core::array::from_fn(|i| x[i] - turns[i] * F64x4::splat(LN_2));
    let zero = F64x4::splat(0.0);
    let mut sums = [zero; N];
    for inverse in SERIES.iter().rev() {
        for (sum, &rest) in sums.iter_mut().zip(&rest) {
            *sum = *sum * rest + inverse.splat();
        }
    }
    core::array::from_fn(|i| F64x4::where_less(x[i], F64x4::splat(LEAST), zero, sums[i] * turns[i].power_of_two()))
}

/// Returns the natural logarithm of a normal number above 0, to a relative error of 1e-13.
pub(super) fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let exponent = (bits >> 52) as i64 - 1023;
    let mantissa = f64::from_bits(bits & 0x000F_FFFF_FFFF_FFFF | 1023 << 52);
    if !x.is_finite() {
        return x;
    }
    // ln m = 2 artanh((m - 1) / (m + 1)), whose argument is at most a third.
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let square = t * t;
    let mut sum = 0.0;
    let mut odd = 29.0;
    while odd > 0.0 {
        sum = sum * square + 1.0 / odd;
        odd -= 2.0;
    }
    exponent as f64 * LN_2 + 2.0 * t * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_and_ln_are_those_of_the_standard_library() {
        for i in 0..20_000 {
            let x = f64::from(i) / 100.0;
            let want = (-x).exp();
            assert!((exp(-x) - want).abs() <= 1e-12 * want, "exp {x}");
            assert!((ln(want) + x).abs() <= 1e-12 * x.max(1e-3), "ln e^-{x}");
            let x = 1.0 + x * x;
            assert!((ln(x) - x.ln()).abs() <= 1e-12 * x.ln().max(1e-3), "ln {x}");
        }
        assert!(exp(f64::NAN).is_nan() && ln(f64::NAN).is_nan());
        assert_eq!((exp(-1e4), ln(f64::INFINITY)), (0.0, f64::INFINITY));
    }

    #[test]
    fn exps_are_those_of_exp() {
        for i in 0..20_000 {
            let x = [i as f32 * -0.05, i as f32 * -1e-4, i as f32 * -3e30, f32::NAN];
            let [wide] = exps([unsafe { F32x4::load(x.as_ptr()) }.into()]);
            for (wide, x) in wide.to_array().into_iter().zip(x) {
                let single = exp(f64::from(x));
                assert!(wide.to_bits() == single.to_bits() || wide.is_nan() && single.is_nan(), "{x}");
            }
        }
    }

    #[test]
    fn softmax_cross_entropy_is_its_definition() {
        let z = [1.0f32, -2.0, 0.5, 3.0, 3.0, -80.0];
        let labels = [2, 1];
        let mut dz = [0.0f32; 6];
        let mut total = Loss { loss: 0.0, correct: 0.0, counted: 0.0, scale: 1.0 };
        unsafe { softmax_cross_entropy(z.as_ptr(), labels.as_ptr(), dz.as_mut_ptr(), 2, 3, &mut total) };
        let mut loss = 0.0;
        for (row, logits) in z.chunks(3).enumerate() {
            let sum: f64 = logits.iter().map(|&v| f64::from(v).exp()).sum();
            let label = labels[row] as usize;
            loss += sum.ln() - f64::from(logits[label]);
            for i in 0..3 {
                let want = 0.5 * (f64::from(logits[i]).exp() / sum - f64::from(u8::from(i == label)));
                assert!((f64::from(dz[row * 3 + i]) - want).abs() < 1e-7);
            }
        }
        assert!((total.loss - loss).abs() < 1e-10);
        assert_eq!(total.correct, 0.0);
    }

    type LossKernel = unsafe extern "C" fn(*const f32, *const i32, *mut f32, usize, usize, &mut Loss);

    /// Returns loss and number of correct rows; writes the gradient to `dy` if there is one.
    fn run(kernel: LossKernel, y: &[f32], labels: &[i32], scale: f32, dy: Option<&mut [f32]>) -> (f64, f64) {
        let mut total = Loss { loss: 9.0, correct: 9.0, counted: 9.0, scale };
        let dy = dy.map_or(core::ptr::null_mut(), |dy| dy.as_mut_ptr());
        let (rows, units) = (labels.len(), y.len() / labels.len());
        unsafe { kernel(y.as_ptr(), labels.as_ptr(), dy, rows, units, &mut total) };
        (total.loss, total.correct)
    }

    #[test]
    fn losses_are_their_definitions_and_have_the_gradients_of_central_differences() {
        let ends = |p: f64| p.clamp(1e-7, 1.0 - 1e-7);
        let categorical = |p: &[f64], label: i32| -ends(p[label as usize]).ln();
        let binary = |p: &[f64], label: i32| -(ends(if label == 1 { p[0] } else { 1.0 - p[0] })).ln();
        let squared = |p: &[f64], label: i32| (p[0] - f64::from(label)).powi(2);
        type Reference<'a> = &'a dyn Fn(&[f64], i32) -> f64;
        let cases: [(LossKernel, Reference, &[f32], &[i32], f64); 3] = [
            (categorical_crossentropy, &categorical, &[0.2, 0.5, 0.3, 0.4, 0.4, 0.2, 0.1, 0.1, 0.8], &[1, 0, 1], 2.0),
            (binary_crossentropy, &binary, &[0.2, 0.5, 0.51, 0.9], &[1, 0, 1, 0], 2.0),
            (mean_squared_error, &squared, &[3.5, -1.0, 0.0], &[2, 1, 0], 0.0),
        ];
        for (kernel, reference, y, labels, right) in cases {
            let units = y.len() / labels.len();
            let wide: Vec<f64> = y.iter().map(|&y| f64::from(y)).collect();
            let sum = |y: &[f64]| -> f64 { y.chunks(units).zip(labels).map(|(y, &label)| reference(y, label)).sum() };
            let mut dy = vec![9.0; y.len()];
            let (loss, correct) = run(kernel, y, labels, -0.5, Some(&mut dy));
            assert_eq!(run(kernel, y, labels, -0.5, None), (loss, correct));
            assert!((loss - sum(&wide)).abs() < 1e-9, "{loss}");
            assert_eq!(correct, right);
            for i in 0..y.len() {
                let moved = |by: f64| -> f64 {
                    let mut moved = wide.clone();
                    moved[i] += by;
                    sum(&moved)
                };
                let want = -0.5 * (moved(1e-6) - moved(-1e-6)) / 2e-6 / labels.len() as f64;
                assert!((f64::from(dy[i]) - want).abs() < 1e-6 * want.abs().max(1.0), "{} {want}", dy[i]);
            }
            let lost = vec![f32::NAN; y.len()];
            assert!(run(kernel, &lost, labels, 1.0, None).0.is_nan());
        }
    }

    #[test]
    fn rows_with_a_negative_label_do_not_count() {
        let y = [0.2, 0.8, 0.7, 0.3, 0.6, 0.4];
        for kernel in [softmax_cross_entropy, categorical_crossentropy] {
            let (mut dy, mut kept) = ([9.0; 6], [9.0; 4]);
            let all = run(kernel, &y, &[1, -1, 0], 2.0, Some(&mut dy));
            assert_eq!(all, run(kernel, &[0.2, 0.8, 0.6, 0.4], &[1, 0], 2.0, Some(&mut kept)));
            assert_eq!(dy, [kept[0], kept[1], 0.0, 0.0, kept[2], kept[3]]);
        }
    }

    #[test]
    fn outputs_that_are_no_answer_are_never_right() {
        const NAN: f32 = f32::NAN;
        const INFINITE: f32 = f32::INFINITY;
        for kernel in [softmax_cross_entropy, categorical_crossentropy] {
            for lost in [[NAN, 0.0], [1.0, NAN], [INFINITE, 0.0], [-INFINITE, -INFINITE]] {
                assert_eq!(run(kernel, &lost, &[0], 1.0, None).1, 0.0, "{lost:?}");
            }
            assert_eq!(run(kernel, &[1.0, -INFINITE], &[0], 1.0, None).1, 1.0);
        }
        assert_eq!(run(binary_crossentropy, &[NAN, 0.5], &[0, 0], 1.0, None).1, 1.0);
    }

    #[test]
    fn crossentropy_keeps_away_from_the_logarithm_of_zero() {
        let mut dy = [0.0; 2];
        let (loss, _) = run(categorical_crossentropy, &[1.0, 0.0], &[1], 1.0, Some(&mut dy));
        assert!((loss + 1e-7f64.ln()).abs() < 1e-9 && (dy[1] + 1e7).abs() < 1.0 && dy[0] == 0.0);
        let (loss, _) = run(binary_crossentropy, &[1.0], &[0], 1.0, Some(&mut dy[..1]));
        assert!((loss + 1e-7f64.ln()).abs() < 1e-6 && (dy[0] / 1e7 - 1.0).abs() < 1e-6);
    }
}
