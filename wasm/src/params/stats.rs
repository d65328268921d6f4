//! Sum of squares and count of non-finite values of `n` values, alone or along with a copy or a
//! subtraction.
//!
//! The sum of a vector is the sum of its runs of [`RUN`] values, added in order in float64, so it
//! does not depend on how a caller cuts the vector into multiples of a run. Within a run, squares
//! are summed 16 at a time in float32 and those sums in float64, which keeps the relative error of
//! the norm below 2e-7. A run whose sum left the range in which that holds is summed again in
//! float64.

use crate::simd::{F32x4, Sums};

/// Statistics, which the kernels add to.
#[repr(C)]
#[derive(Default)]
pub struct Stats {
    /// Sum of the squares.
    pub sum_squares: f64,
    /// Number of NaN, Infinity and -Infinity.
    pub non_finite: f64,
}

impl Stats {
    /// Adds a run: the sum of its squares if it is accurate, else one computed anew from the
    /// values.
    unsafe fn add(&mut self, sum: f64, values: *const f32, n: usize) {
        if (TINY..f64::INFINITY).contains(&sum) {
            self.sum_squares += sum;
            return;
        }
        let values = unsafe { core::slice::from_raw_parts(values, n) };
        let (fours, rest) = values.as_chunks::<4>();
        let mut sums = Sums::zero();
        for four in fours {
            sums.add_squares(unsafe { F32x4::load(four.as_ptr()) });
        }
        self.sum_squares += sums.total() + rest.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
        self.non_finite += f64::from(values.iter().map(|x| u32::from(!x.is_finite())).sum::<u32>());
    }
}

/// Number of values of a run.
pub const RUN: usize = 1 << 14;

// Below this a run's sum may owe more than 1e-7 of itself to squares that float32 rounds to a
// multiple of 2^-149.
pub const TINY: f64 = 1e-33;

/// Number of values of a run. A vector that is cut at multiples of it gives the same statistics,
/// bit for bit, as the whole.
#[unsafe(no_mangle)]
pub extern "C" fn run() -> usize {
    RUN
}

/// Statistics of the values, added to `into`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stats(values: *const f32, n: usize, into: &mut Stats) {
    unsafe {
        let mut start = 0;
        while start + 4 * RUN <= n {
            let p = values.add(start);
            for (i, sum) in four_runs(p).into_iter().enumerate() {
                into.add(sum, p.add(i * RUN), RUN);
            }
            start += 4 * RUN;
        }
        let p = values.add(start);
        runs(p, n - start, into, |i| F32x4::load(p.add(i)), |i| *p.add(i));
    }
}

/// Copy, `to = from`, with the statistics of the values added to `into`. The two vectors do not
/// overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn copy(to: *mut f32, from: *const f32, n: usize, into: &mut Stats) {
    unsafe {
        let four = |i| {
            let values = F32x4::load(from.add(i));
            values.store(to.add(i));
            values
        };
        let one = |i| {
            *to.add(i) = *from.add(i);
            *to.add(i)
        };
        runs(to, n, into, four, one);
    }
}

/// Difference, `to = a - b`, with the statistics of the result added to `into`. `to` is `a` or `b`,
/// or overlaps neither.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn difference(to: *mut f32, a: *const f32, b: *const f32, n: usize, into: &mut Stats) {
    unsafe {
        let four = |i| {
            let values = F32x4::load(a.add(i)) - F32x4::load(b.add(i));
            values.store(to.add(i));
            values
        };
        let one = |i| {
            *to.add(i) = *a.add(i) - *b.add(i);
            *to.add(i)
        };
        runs(to, n, into, four, one);
    }
}

/// Adds the statistics of the values that `four(i)` and, for the last 0 to 15 of a run, `one(i)`
/// return and leave in `values`.
#[inline(always)]
unsafe fn runs(
    values: *const f32,
    n: usize,
    into: &mut Stats,
    four: impl Fn(usize) -> F32x4,
    one: impl Fn(usize) -> f32,
) {
    let mut start = 0;
    while start < n {
        let end = n.min(start + RUN);
        let mut sums = Sums::zero();
        let mut i = start;
        while i + 16 <= end {
            sums.add(square_sum([four(i), four(i + 4), four(i + 8), four(i + 12)]));
            i += 16;
        }
        let mut sum = sums.total();
        while i < end {
            let value = f64::from(one(i));
            sum += value * value;
            i += 1;
        }
        unsafe { into.add(sum, values.add(start), end - start) };
        start = end;
    }
}

/// Returns the sums of squares of four runs, summed together: more reads from memory are in flight
/// than for one run after the other.
unsafe fn four_runs(p: *const f32) -> [f64; 4] {
    let mut sums = [Sums::zero(); 4];
    let mut i = 0;
    while i < RUN {
        for (run, sums) in sums.iter_mut().enumerate() {
            let p = unsafe { p.add(run * RUN + i) };
            sums.add(square_sum([0, 4, 8, 12].map(|j| unsafe { F32x4::load(p.add(j)) })));
        }
        i += 16;
    }
    sums.map(Sums::total)
}

#[inline(always)]
fn square_sum([a, b, c, d]: [F32x4; 4]) -> F32x4 {
    (a * a + b * b) + (c * c + d * d)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: [usize; 12] = [0, 1, 3, 15, 16, 17, 1000, 4099, RUN - 1, RUN, RUN + 1, 6 * RUN + 77];

    fn sample(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919) % 1009) as f32 / 100.0 - 5.0).collect()
    }

    fn reference(values: &[f32]) -> f64 {
        values.iter().map(|&x| f64::from(x).powi(2)).sum()
    }

    fn stats_of(values: &[f32]) -> Stats {
        let mut found = Stats::default();
        unsafe { stats(values.as_ptr(), values.len(), &mut found) };
        found
    }

    fn assert_close(got: f64, expected: f64) {
        assert!((got - expected).abs() <= 4e-7 * expected, "expected {expected}, got {got}");
    }

    #[test]
    fn stats_sums_squares_of_any_length() {
        for n in LENGTHS {
            let values = sample(n + 1);
            assert_close(stats_of(&values[1..]).sum_squares, reference(&values[1..]));
        }
    }

    #[test]
    fn stats_does_not_depend_on_the_cut() {
        let values = sample(6 * RUN + 77);
        let whole = stats_of(&values);
        let mut parts = Stats::default();
        for part in [&values[..RUN], &values[RUN..3 * RUN], &values[3 * RUN..]] {
            unsafe { stats(part.as_ptr(), part.len(), &mut parts) };
        }
        assert_eq!(parts.sum_squares, whole.sum_squares);
        let mut copied = Stats::default();
        let mut to = vec![0.0; values.len()];
        unsafe { copy(to.as_mut_ptr(), values.as_ptr(), values.len(), &mut copied) };
        assert_eq!(copied.sum_squares, whole.sum_squares);
    }

    #[test]
    fn stats_is_exact_outside_float32_range() {
        for value in [3e38, 1e-30, 1e-45] {
            let found = stats_of(&vec![value; 1001]);
            assert_close(found.sum_squares, 1001.0 * f64::from(value).powi(2));
            assert_eq!(found.non_finite, 0.0);
        }
    }

    #[test]
    fn stats_counts_non_finite_values() {
        for n in LENGTHS.into_iter().filter(|&n| n >= 3) {
            let mut values = sample(n);
            values[0] = f32::NAN;
            values[n / 2] = f32::INFINITY;
            values[n - 1] = f32::NEG_INFINITY;
            assert_eq!(stats_of(&values).non_finite, 3.0);
        }
    }

    #[test]
    fn copy_copies_and_adds_to_the_statistics() {
        for n in LENGTHS {
            let from = sample(n);
            let mut to = vec![f32::NAN; n + 2];
            let mut found = Stats { sum_squares: 1.0, non_finite: 2.0 };
            unsafe { copy(to.as_mut_ptr().add(1), from.as_ptr(), n, &mut found) };
            assert_eq!(to[1..=n], from);
            assert!(to[0].is_nan() && to[n + 1].is_nan());
            assert_close(found.sum_squares, 1.0 + reference(&from));
            assert_eq!(found.non_finite, 2.0);
        }
    }

    #[test]
    fn difference_may_be_taken_in_place() {
        for n in LENGTHS {
            let mut a = sample(n);
            let b: Vec<f32> = a.iter().map(|x| x * 0.5 + 1.0).collect();
            let expected: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
            let mut found = Stats::default();
            unsafe { difference(a.as_mut_ptr(), a.as_ptr(), b.as_ptr(), n, &mut found) };
            assert_eq!(a, expected);
            assert_close(found.sum_squares, reference(&expected));
        }
    }
}
