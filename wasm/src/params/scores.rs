//! Scores of the rows of a classifier's output, for its metrics.
//!
//! Powers and logarithms are exact to about a unit in the last place, and have the same bits in
//! every build and engine.

use core::array::from_fn;

use crate::simd::{Constant, F32x4, F64x4};

/// Bins of one unit of the logit, up to the size `LINEAR`.
const RESOLUTION: f64 = 65_536.0;
/// Size of a logit up to which bins are equally wide; beyond it they grow with the logit.
const LINEAR: f64 = 8.0;
/// Number of bins.
const BINS: f64 = 8_388_608.0;
/// Classes whose powers and logarithms are computed side by side.
const TOGETHER: usize = 3;

/// Figures of one row.
#[repr(C)]
pub struct RowScores {
    /// Sum over the classes of the squared difference of probability and truth.
    pub brier: f64,
    /// Logit of the row's class.
    pub logit: f64,
    /// Probability of the answer.
    pub confidence: f64,
    /// Class of the first of the greatest outputs; -1 where the probabilities are NaN.
    pub answer: f64,
}

/// Computes the figures of rows of logits `[rows, units]` from their softmax, and for each class
/// and row, `[units, rows]`, twice the bin of the class's logit `z_c - ln sum_(i != c) e^z_i`, and
/// one more where the row is of the class. `spare` has room for `8 * units` values.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn class_scores(
    z: *const f32,
    labels: *const i32,
    rows: usize,
    units: usize,
    spare: *mut f64,
    codes: *mut u32,
    figures: &mut RowScores,
) {
    let figures = figures as *mut RowScores;
    for start in (0..rows).step_by(4) {
        let count = (rows - start).min(4);
        // The last row stands in for those past the end.
        let four: [usize; 4] = from_fn(|k| start + k.min(count - 1));
        let label = four.map(|row| unsafe { *labels.add(row) } as usize);
        let at = four.map(|row| unsafe { z.add(row * units) });
        let scores = unsafe {
            four_rows(units, label, spare, at, |i, code| {
                let to = codes.add(i * rows + start);
                if count == 4 {
                    return code.store_whole(to);
                }
                let mut whole = [0; 4];
                code.store_whole(whole.as_mut_ptr());
                to.copy_from_nonoverlapping(whole.as_ptr(), count);
            })
        };
        for (k, scores) in scores.into_iter().enumerate().take(count) {
            unsafe { figures.add(start + k).write(scores) };
        }
    }
}

/// Sums of the figures of rows.
#[repr(C)]
pub struct ClassTotals {
    /// Number of rows that are classified correctly.
    pub correct: f64,
    /// Sum of the cross-entropies.
    pub log_loss: f64,
    /// Sum of the Brier scores.
    pub brier: f64,
    /// For each of the 15 bins of confidence: answers, sum of their confidences, right answers.
    pub calibration: [f64; 45],
}

/// Bins of the confidence of answers.
const CALIBRATION_BINS: usize = 15;

/// Adds the figures of rows, which are computed by `class_scores`, to `totals` in their order, and
/// unless `answers` is null counts the rows of each class by their answer, `[units, units + 1]`,
/// with a last column for rows without one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn add_scores(
    figures: &RowScores,
    labels: *const i32,
    rows: usize,
    units: usize,
    totals: &mut ClassTotals,
    answers: *mut f64,
) {
    let figures = unsafe { core::slice::from_raw_parts(figures, rows) };
    // Both classes of two have the same error: one of them counts, as is usual.
    let share = if units == 2 { 0.5 } else { 1.0 };
    for (start, four) in figures.chunks(4).enumerate().map(|(i, four)| (4 * i, four)) {
        let logits: [f64; 4] = from_fn(|k| four[k.min(four.len() - 1)].logit);
        let surprises = surprises(unsafe { F64x4::load(logits.as_ptr()) }).to_array();
        for (k, (row, surprise)) in four.iter().zip(surprises).enumerate() {
            let label = unsafe { *labels.add(start + k) };
            let (right, answered) = (row.answer == f64::from(label), row.answer >= 0.0);
            totals.brier += row.brier * share;
            totals.log_loss += surprise;
            totals.correct += f64::from(u8::from(right));
            let bin = ((row.confidence * CALIBRATION_BINS as f64) as usize).min(CALIBRATION_BINS - 1);
            totals.calibration[3 * bin] += 1.0;
            totals.calibration[3 * bin + 1] += row.confidence;
            totals.calibration[3 * bin + 2] += f64::from(u8::from(right));
            if !answers.is_null() {
                let column = if answered { row.answer as usize } else { units };
                unsafe { *answers.add(label as usize * (units + 1) + column) += 1.0 };
            }
        }
    }
}

/// Returns the cross-entropies `-ln p` of events of these logits, `ln(1 + e^-z)`.
#[inline(always)]
fn surprises(logits: F64x4) -> F64x4 {
    let (zero, one) = (F64x4::splat(0.0), F64x4::splat(1.0));
    let [power] = exps([zero - logits.abs()]);
    let whole = one + power;
    // The second term has what rounding has taken from the sum.
    let [ln] = lns([whole]);
    let rest = ln + (power - (whole - one)) / whole;
    F64x4::where_less(logits, zero, zero - logits, zero) + rest
}

/// Writes the logits of four rows for each class, as float64: `[units, 4]`.
#[inline(always)]
unsafe fn widen_logits(units: usize, z: [*const f32; 4], into: *mut f64) {
    let write = |i: usize, logits: F32x4| unsafe { F64x4::from(logits).store(into.add(4 * i)) };
    if units < 4 {
        for i in 0..units {
            write(i, unsafe { F32x4::load(z.map(|row| *row.add(i)).as_ptr()) });
        }
        return;
    }
    // The last four classes end with the last one.
    for first in (0..units).step_by(4).map(|first| first.min(units - 4)) {
        let four = F32x4::transpose(z.map(|row| unsafe { F32x4::load(row.add(first)) }));
        for (k, logits) in four.into_iter().enumerate() {
            write(first + k, logits);
        }
    }
}

/// Computes the scores of four rows, one in each lane. `take` gets twice the bins of each class, and
/// one more where the row is of the class.
#[inline(always)]
unsafe fn four_rows(
    units: usize,
    label: [usize; 4],
    spare: *mut f64,
    z: [*const f32; 4],
    mut take: impl FnMut(usize, F64x4),
) -> [RowScores; 4] {
    let (zero, one) = (F64x4::splat(0.0), F64x4::splat(1.0));
    // The logits of each class, and its powers.
    let (z_at, power_at) = (|i: usize| unsafe { spare.add(4 * i) }, |i: usize| unsafe { spare.add(4 * (units + i)) });
    unsafe { widen_logits(units, z, spare) };
    let labels = unsafe { F64x4::load(label.map(|label| label as f64).as_ptr()) };
    let (mut peak, mut most) = (F64x4::splat(f64::NEG_INFINITY), zero);
    for i in 0..units {
        let z = unsafe { F64x4::load(z_at(i)) };
        most = F64x4::where_less(peak, z, F64x4::splat(i as f64), most);
        peak = F64x4::where_less(peak, z, z, peak);
    }
    // The last class stands in for those past the end.
    let together = |first: usize| from_fn::<usize, TOGETHER, _>(|k| (first + k).min(units - 1));
    let mut others = zero;
    for first in (0..units).step_by(TOGETHER) {
        let powers = exps(together(first).map(|i| unsafe { F64x4::load(z_at(i)) } - peak));
        for (i, power) in (first..units).zip(powers) {
            unsafe { power.store(power_at(i)) };
            others = others + F64x4::where_equal(most, F64x4::splat(i as f64), zero, power);
        }
    }
    let sum = one + others;
    let share = one / sum;
    let mut brier = zero;
    for first in (0..units).step_by(TOGETHER) {
        // What the other classes have, without cancellation for the greatest.
        let rests = lns(together(first).map(|i| {
            F64x4::where_equal(most, F64x4::splat(i as f64), others, sum - unsafe { F64x4::load(power_at(i)) })
        }));
        for (i, rest) in (first..units).zip(rests) {
            let (z, power) = unsafe { (F64x4::load(z_at(i)), F64x4::load(power_at(i))) };
            let holds = F64x4::where_equal(labels, F64x4::splat(i as f64), one, zero);
            let error = power * share - holds;
            brier = brier + error * error;
            let logit = z - peak - rest;
            unsafe { logit.store(z_at(i)) };
            let bin = bins(logit);
            take(i, bin + bin + holds);
        }
    }
    let (brier, confidence, most) = (brier.to_array(), share.to_array(), most.to_array());
    from_fn(|k| RowScores {
        brier: brier[k],
        logit: if label[k] < units { unsafe { *z_at(label[k]).add(k) } } else { f64::NAN },
        confidence: confidence[k],
        answer: if brier[k].is_nan() { -1.0 } else { most[k] },
    })
}

/// Returns the bins of logits, as whole numbers; those of NaN are any.
#[inline(always)]
fn bins(logits: F64x4) -> F64x4 {
    let linear = F64x4::splat(LINEAR);
    let largest = F64x4::splat(BINS / 2.0 / RESOLUTION);
    let size = logits.abs();
    let mut place = size;
    if F64x4::any_less(linear, size) {
        let [ln] = normal_lns([size * F64x4::splat(1.0 / LINEAR)]);
        let curve = (ln + F64x4::splat(1.0)) * linear;
        place = F64x4::where_less(linear, size, curve, size);
    }
    // The last bin has all that is beyond.
    let place = F64x4::less_of(largest, place).with_signs_of(logits);
    let bin = (place * F64x4::splat(RESOLUTION)).floor() + F64x4::splat(BINS / 2.0);
    F64x4::less_of(F64x4::splat(BINS - 1.0), bin)
}

static LN_2_HIGH: Constant = Constant::new(f64::from_bits(0x3FE6_2E42_FEE0_0000));
static LN_2_LOW: Constant = Constant::new(f64::from_bits(0x3DEA_39EF_3579_3C76));
static LOG2_E: Constant = Constant::new(core::f64::consts::LOG2_E);
static HALF: Constant = Constant::new(0.5);
static ONE: Constant = Constant::new(1.0);
static TWO: Constant = Constant::new(2.0);
static SMALLEST: Constant = Constant::new(f64::MIN_POSITIVE);
/// Least exponent whose power is taken for more than 0.
static LEAST: Constant = Constant::new(LEAST_EXPONENT);
const LEAST_EXPONENT: f64 = -700.0;

/// Returns `e^x` for each `x` up to 0, by the rational approximation of fdlibm; NaN stays NaN. The
/// vectors are computed side by side, as an operation waits for the one before in its own.
#[inline(always)]
fn exps<const N: usize>(x: [F64x4; N]) -> [F64x4; N] {
    static P: [Constant; 5] = Constant::series([
        4.138_136_797_057_238_5e-08,
        -1.653_390_220_546_525_2e-06,
        6.613_756_321_437_934e-05,
        -2.777_777_777_701_559_3e-03,
        1.666_666_666_666_660_2e-01,
    ]);
    // Reduced to at most half of ln 2, as a difference of two parts.
    let turns = x.map(|x| (x * LOG2_E.splat() - HALF.splat()).truncate());
    let upper: [F64x4; N] = from_fn(|i| x[i] - turns[i] * LN_2_HIGH.splat());
    let lower = turns.map(|turns| turns * LN_2_LOW.splat());
    let rest: [F64x4; N] = from_fn(|i| upper[i] - lower[i]);
    let t = rest.map(|rest| rest * rest);
    let mut sums = [F64x4::splat(0.0); N];
    for p in &P {
        sums = from_fn(|i| sums[i] * t[i] + p.splat());
    }
    from_fn(|i| {
        let c = rest[i] - t[i] * sums[i];
        let y = ONE.splat() - ((lower[i] - (rest[i] * c) / (TWO.splat() - c)) - upper[i]);
        F64x4::where_less(x[i], LEAST.splat(), F64x4::splat(0.0), y * turns[i].power_of_two())
    })
}

/// Returns the natural logarithms of finite numbers from 0; NaN gives a number.
#[inline(always)]
fn lns<const N: usize>(x: [F64x4; N]) -> [F64x4; N] {
    let normal = normal_lns(x);
    let infinite = F64x4::splat(f64::NEG_INFINITY);
    from_fn(|i| F64x4::where_less(x[i], SMALLEST.splat(), infinite, normal[i]))
}

/// Returns the natural logarithms of normal numbers above 0, by the series of fdlibm.
#[inline(always)]
fn normal_lns<const N: usize>(x: [F64x4; N]) -> [F64x4; N] {
    static EVEN: [Constant; 4] = Constant::series([
        1.479_819_860_511_658_591e-01,
        1.818_357_216_161_805_012e-01,
        2.857_142_874_366_239_149e-01,
        6.666_666_666_666_735_130e-01,
    ]);
    static ODD: [Constant; 3] =
        Constant::series([1.531_383_769_920_937_332e-01, 2.222_219_843_214_978_396e-01, 3.999_999_999_940_941_908e-01]);
    let parts = x.map(F64x4::split);
    let f = parts.map(|(_, mantissa)| mantissa - ONE.splat());
    let s = f.map(|f| f / (TWO.splat() + f));
    let z = s.map(|s| s * s);
    let w = z.map(|z| z * z);
    let (mut even, mut odd) = ([F64x4::splat(0.0); N], [F64x4::splat(0.0); N]);
    for term in &EVEN {
        even = from_fn(|i| even[i] * w[i] + term.splat());
    }
    for term in &ODD {
        odd = from_fn(|i| odd[i] * w[i] + term.splat());
    }
    from_fn(|i| {
        let r = z[i] * even[i] + w[i] * odd[i];
        let (half, k) = (HALF.splat() * f[i] * f[i], parts[i].0);
        k * LN_2_HIGH.splat() - ((half - (s[i] * (half + r) + k * LN_2_LOW.splat())) - f[i])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what a function of four gives for a number.
    fn one(function: impl Fn(F64x4) -> F64x4, x: f64) -> f64 {
        function(unsafe { F64x4::load([1.0, x, 2.0, 3.0].as_ptr()) }).to_array()[1]
    }

    /// Returns the distance of two numbers, in units of the last place.
    fn units_apart(a: f64, b: f64) -> u64 {
        a.to_bits().abs_diff(b.to_bits())
    }

    #[test]
    fn exp_and_ln_are_within_a_unit_of_the_standard_library() {
        let (exp, ln) = (|x| one(|x| exps([x])[0], x), |x| one(|x| lns([x])[0], x));
        for i in 0..200_000 {
            let x = LEAST_EXPONENT * f64::from(i) / 200_000.0;
            assert!(units_apart(exp(x), x.exp()) <= 1, "exp {x}");
            let x = f64::from(i + 1) * 1e-3;
            assert!(units_apart(ln(x), x.ln()) <= 1 || (ln(x) - x.ln()).abs() < 1e-16, "ln {x}");
            let x = (-x * 3.5).exp();
            assert!(units_apart(ln(x), x.ln()) <= 1, "ln {x}");
        }
        assert!(exp(f64::NAN).is_nan());
        assert_eq!((exp(0.0), exp(-1e4), exp(f64::NEG_INFINITY)), (1.0, 0.0, 0.0));
        assert_eq!((ln(1.0), ln(0.0)), (0.0, f64::NEG_INFINITY));
    }

    #[test]
    fn bins_rise_with_the_logit() {
        let bin = |x| one(bins, x) as i32;
        assert_eq!((bin(0.0), bin(-1e-9), bin(1.0)), (1 << 22, (1 << 22) - 1, (1 << 22) + 65_536));
        assert_eq!((bin(f64::NEG_INFINITY), bin(f64::INFINITY)), (0, (1 << 23) - 1));
        assert_eq!(bin(80.0), (1 << 22) + (8.0 * (1.0 + 10f64.ln()) * 65_536.0) as i32);
        let bins: Vec<i32> = (-800..800).map(|x| bin(f64::from(x))).collect();
        assert!(bins.is_sorted());
    }

    #[test]
    fn surprises_are_those_of_the_standard_library() {
        for i in -4000..4000 {
            let z = f64::from(i) * 0.017;
            let want = (-z).max(0.0) + (-z.abs()).exp().ln_1p();
            assert!((one(surprises, z) - want).abs() <= 1e-15 * want, "{z}");
        }
        assert_eq!((one(surprises, f64::INFINITY), one(surprises, f64::NEG_INFINITY)), (0.0, f64::INFINITY));
    }

    #[test]
    fn add_scores_counts_answers_and_sums_figures() {
        let row = |brier, logit, confidence, answer| RowScores { brier, logit, confidence, answer };
        let figures = [row(0.5, 0.0, 0.5, 1.0), row(0.25, 2.0, 1.0, 2.0), row(f64::NAN, 0.0, f64::NAN, -1.0)];
        let mut totals = ClassTotals { correct: 1.0, log_loss: 0.0, brier: 1.0, calibration: [0.0; 45] };
        let mut answers = [0.0; 12];
        unsafe { add_scores(&figures[0], [1, 0].as_ptr(), 2, 3, &mut totals, answers.as_mut_ptr()) };
        assert_eq!((totals.correct, totals.brier), (2.0, 1.75));
        assert!((totals.log_loss - 2f64.ln() - (-2f64).exp().ln_1p()).abs() < 1e-15);
        assert_eq!(totals.calibration[21..24], [1.0, 0.5, 1.0]);
        assert_eq!(totals.calibration[42..45], [1.0, 1.0, 0.0]);
        unsafe { add_scores(&figures[2], [1].as_ptr(), 1, 3, &mut totals, answers.as_mut_ptr()) };
        assert_eq!(answers, [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(totals.brier.is_nan());
    }

    #[test]
    fn figures_are_those_of_softmax() {
        let (z, labels) = ([0.5f32, 2.0, -1.0, 1.0, f32::NAN, 0.0], [2, 0]);
        let (mut spare, mut codes) = ([9.0; 24], [0; 6]);
        let mut figures = [const { RowScores { brier: 0.0, logit: 0.0, confidence: 0.0, answer: 0.0 } }; 2];
        let (spare, into) = (spare.as_mut_ptr(), codes.as_mut_ptr());
        unsafe { class_scores(z.as_ptr(), labels.as_ptr(), 2, 3, spare, into, &mut figures[0]) };
        let powers = [0.5f64.exp(), 2f64.exp(), (-1f64).exp()];
        let sum: f64 = powers.iter().sum();
        let brier: f64 = powers.iter().enumerate().map(|(i, p)| (p / sum - f64::from(u8::from(i == 2))).powi(2)).sum();
        let [first, second] = &figures;
        assert!((first.brier - brier).abs() < 1e-12);
        assert!((first.logit - (powers[2] / (sum - powers[2])).ln()).abs() < 1e-12);
        assert!((first.confidence - powers[1] / sum).abs() < 1e-12);
        assert_eq!((first.answer, second.answer), (1.0, -1.0));
        assert_eq!(codes[4], 2 * one(bins, first.logit) as u32 + 1);
        assert!(second.brier.is_nan());
    }
}
