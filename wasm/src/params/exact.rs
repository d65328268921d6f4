//! Exact sums of weighted vectors: one result, bit for bit, whatever the order and the grouping of
//! the terms (Demmel and Nguyen 2015, "Parallel Reproducible Summation").
//!
//! A product `weight * x` has at most 53 significant bits where the weight has at most 29, so
//! float64 holds it exactly. It is cut into three parts, the multiples of the bins' [`UNITS`], and
//! each bin adds up its own parts. An addition is exact as long as the magnitude of the sum is at
//! most 2^53 units, which holds for products of at most 2^38, a sum of their magnitudes below 2^40
//! and fewer than 2^24 terms. What lies below the last unit is rounded to the nearest multiple of
//! it, ties to even, for each term alone.
//!
//! Four sums lie together, `[bin 0 of four][bin 1 of four][bin 2 of four]`, and `n` values have
//! `12 * ceil(n / 4)` float64.

use crate::simd::{F32x4, F64x4, Largest};

/// Units of the bins, as powers of two.
const UNITS: [i32; BINS] = [-13, -43, -73];
const BINS: usize = 3;
/// Number of values whose bins lie together, and of their float64.
const LANES: usize = 4;
const TILE: usize = BINS * LANES;

/// Returns 1.5 * 2^52 units: adding it rounds a value to a multiple of the unit.
const fn magic(unit: i32) -> f64 {
    f64::from_bits((((unit + 52 + 1023) as u64) << 52) | 1 << 51)
}

/// Weighted addition to exact sums, `bins += weight * x`. The two do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn exact_add(bins: *mut f64, x: *const f32, weight: f64, n: usize) {
    let weight = F64x4::splat(weight);
    let mut i = 0;
    unsafe {
        while i + LANES <= n {
            add_four(bins.add(BINS * i), F32x4::load(x.add(i)), weight);
            i += LANES;
        }
        if i < n {
            let mut last = [0.0; LANES];
            for j in i..n {
                last[j - i] = *x.add(j);
            }
            add_four(bins.add(BINS * i), F32x4::load(last.as_ptr()), weight);
        }
    }
}

#[inline(always)]
unsafe fn add_four(bins: *mut f64, x: F32x4, weight: F64x4) {
    let mut rest = weight * F64x4::from(x);
    for (bin, unit) in UNITS.into_iter().enumerate() {
        let magic = F64x4::splat(magic(unit));
        let part = (rest + magic) - magic;
        rest = rest - part;
        unsafe {
            let at = bins.add(bin * LANES);
            (F64x4::load(at) + part).store(at);
        }
    }
}

/// Addition of the exact sums of `n` values to others, `bins += other`. The two are the same or do
/// not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn exact_merge(bins: *mut f64, other: *const f64, n: usize) {
    for i in (0..n.div_ceil(LANES) * TILE).step_by(LANES) {
        unsafe {
            let at = bins.add(i);
            (F64x4::load(at) + F64x4::load(other.add(i))).store(at);
        }
    }
}

/// Quotients of exact sums by a number, `out = bins / divisor`, rounded to float32.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn exact_finish(out: *mut f32, bins: *const f64, divisor: f64, n: usize) {
    let four = |i: usize| unsafe {
        let [first, second, third] = [0, 1, 2].map(|bin| F64x4::load(bins.add(BINS * i + bin * LANES)));
        ((third + second) + first).divided_by(divisor)
    };
    let mut i = 0;
    unsafe {
        while i + LANES <= n {
            four(i).store(out.add(i));
            i += LANES;
        }
        if i < n {
            let mut last = [0.0; LANES];
            four(i).store(last.as_mut_ptr());
            for j in i..n {
                *out.add(j) = last[j - i];
            }
        }
    }
}

/// Largest magnitude of `n` values: infinity if a value is infinite, and NaN if one is NaN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn largest(values: *const f32, n: usize) -> f32 {
    let mut found = [Largest::zero(); 4];
    let mut i = 0;
    unsafe {
        while i + 16 <= n {
            for (j, found) in found.iter_mut().enumerate() {
                found.add(F32x4::load(values.add(i + 4 * j)));
            }
            i += 16;
        }
        for i in i..n {
            found[0].add(F32x4::splat(*values.add(i)));
        }
    }
    let [a, b, c, d] = found;
    a.max(b).max(c.max(d)).value()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of many magnitudes.
    fn sample(n: usize, seed: usize) -> Vec<f32> {
        let value = |i: usize| ((i * 7919 + seed * 104729) % 2003) as f32 - 1001.0;
        (0..n).map(|i| value(i) * 2f32.powi(((i + seed) % 68) as i32 - 60)).collect()
    }

    fn bins_of(terms: &[(f64, &[f32])], n: usize) -> Vec<f64> {
        let mut bins = vec![0.0; n.div_ceil(LANES) * TILE];
        for (weight, x) in terms {
            unsafe { exact_add(bins.as_mut_ptr(), x.as_ptr(), *weight, n) };
        }
        bins
    }

    /// A value in units of 2^-73, rounded to the nearest, ties to even.
    fn fixed(value: f64) -> i128 {
        (value * 2f64.powi(73)).round_ties_even() as i128
    }

    #[test]
    fn sums_are_those_of_fixed_point() {
        for n in [1, 3, 4, 5, 64, 1003] {
            let vectors: Vec<Vec<f32>> = (0..5).map(|seed| sample(n, seed)).collect();
            let weights = [1.0, 600.0, 1_048_575.0, 7.0, 0.125];
            let terms: Vec<(f64, &[f32])> =
                weights.iter().zip(&vectors).map(|(&weight, x)| (weight, x.as_slice())).collect();
            let bins = bins_of(&terms, n);
            for i in 0..n {
                let at = BINS * (i - i % LANES) + i % LANES;
                let got: i128 = (0..BINS).map(|bin| fixed(bins[at + bin * LANES])).sum();
                let expected: i128 = terms.iter().map(|(weight, x)| fixed(weight * f64::from(x[i]))).sum();
                assert_eq!(got, expected, "value {i} of {n}");
            }
        }
    }

    #[test]
    fn sums_do_not_depend_on_order_and_grouping() {
        let n = 77;
        let vectors: Vec<Vec<f32>> = (0..4).map(|seed| sample(n, seed)).collect();
        let terms: Vec<(f64, &[f32])> =
            vectors.iter().enumerate().map(|(i, x)| ((i * 37 + 1) as f64, x.as_slice())).collect();
        let whole = bins_of(&terms, n);
        let mut merged = bins_of(&[terms[3], terms[1]], n);
        let other = bins_of(&[terms[0], terms[2]], n);
        unsafe { exact_merge(merged.as_mut_ptr(), other.as_ptr(), n) };
        assert_eq!(merged, whole);
    }

    #[test]
    fn finish_returns_a_single_vector() {
        for n in [1, 4, 6, 129] {
            let x: Vec<f32> = sample(n, 1).iter().map(|x| x * 2f32.powi(20)).collect();
            let bins = bins_of(&[(12345.0, &x)], n);
            let mut out = vec![f32::NAN; n + 1];
            unsafe { exact_finish(out.as_mut_ptr(), bins.as_ptr(), 12345.0, n) };
            assert_eq!(out[..n], x);
            assert!(out[n].is_nan());
        }
    }

    #[test]
    fn largest_is_a_magnitude_and_tells_what_is_not_finite() {
        for n in [0, 1, 15, 16, 17, 100] {
            let mut values = sample(n, 3);
            let expected = values.iter().fold(0.0, |most: f32, x| most.max(x.abs()));
            assert_eq!(unsafe { largest(values.as_ptr(), n) }, expected);
            for (i, wrong) in [(n / 2, f32::NEG_INFINITY), (n / 3, -f32::NAN)] {
                if n == 0 || (n == 1 && wrong.is_nan()) {
                    continue;
                }
                values[i] = wrong;
                let found = unsafe { largest(values.as_ptr(), n) };
                assert!(if wrong.is_nan() { found.is_nan() } else { found == f32::INFINITY });
            }
        }
    }
}
