//! Kernels of robust aggregation over a matrix of `rows` vectors of `columns` values: order
//! statistics of each column and distances between rows.
//!
//! A column is sorted by Batcher's odd-even merge network for any number of rows (Knuth, The Art of
//! Computer Programming, volume 3, section 5.2.2, algorithm M). The network does not depend on the
//! values, so it sorts a tile of columns at once, four to a register. Values must not be NaN.

use super::stats::{RUN, Stats, TINY};
use crate::simd::{F32x4, Sums};

/// Number of columns that are sorted at once: a cache line of each row.
const TILE: usize = 16;

/// A matrix of float32: rows of `columns` values, one after the other.
#[derive(Clone, Copy)]
struct Matrix {
    values: *const f32,
    rows: usize,
    columns: usize,
}

/// Number of columns that the kernels of columns take at once; `columns` must be a multiple of it.
#[unsafe(no_mangle)]
pub extern "C" fn tile() -> usize {
    TILE
}

/// Median of each column of a matrix of shape `[rows, columns]`; the mean of the two middle values
/// for an even number of rows. `out` has shape `[columns]`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn median(out: *mut f32, values: *const f32, rows: usize, columns: usize, scratch: *mut f32) {
    unsafe { each_column(out, Matrix { values, rows, columns }, scratch, |sorted| sorted.median()) }
}

/// Number of values of the scratch memory of `median`.
#[unsafe(no_mangle)]
pub extern "C" fn median_scratch(rows: usize) -> usize {
    rows * TILE
}

/// Mean of each column of a matrix of shape `[rows, columns]` without its `trim` lowest and `trim`
/// highest values; `2 * trim` is below `rows`. `out` has shape `[columns]`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn trimmed_mean(
    out: *mut f32,
    values: *const f32,
    rows: usize,
    columns: usize,
    trim: usize,
    scratch: *mut f32,
) {
    unsafe {
        each_column(out, Matrix { values, rows, columns }, scratch, |sorted| {
            let mut sums = Sums::zero();
            for row in trim..rows - trim {
                sums.add(sorted.at(row));
            }
            sums.divided_by((rows - 2 * trim) as f64)
        })
    }
}

/// Number of values of the scratch memory of `trimmed_mean`.
#[unsafe(no_mangle)]
pub extern "C" fn trimmed_mean_scratch(rows: usize) -> usize {
    rows * TILE
}

/// Mean of the `keep` values of each column of a matrix of shape `[rows, columns]` that are closest
/// to the column's median; of two equally close values the lower one. `keep` is from 1 to `rows`.
/// `out` has shape `[columns]`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mean_around_median(
    out: *mut f32,
    values: *const f32,
    rows: usize,
    columns: usize,
    keep: usize,
    scratch: *mut f32,
) {
    let drop = rows - keep;
    unsafe {
        each_column(out, Matrix { values, rows, columns }, scratch, |sorted| {
            let median = sorted.median();
            // The kept values are neighbours. The result is positive where the value at `row` is
            // farther away than the one `keep` rows on, which holds for the first rows and none
            // after them.
            let gives_way = |row: usize| (median - sorted.at(row)) - (sorted.at(row + keep) - median);
            let nothing = F32x4::splat(0.0);
            let mut sums = Sums::zero();
            for row in 0..rows {
                let mut value = sorted.at(row);
                if row < drop {
                    value = F32x4::where_positive(gives_way(row), nothing, value);
                }
                if row >= keep {
                    value = F32x4::where_positive(gives_way(row - keep), value, nothing);
                }
                sums.add(value);
            }
            sums.divided_by(keep as f64)
        })
    }
}

/// Number of values of the scratch memory of `mean_around_median`.
#[unsafe(no_mangle)]
pub extern "C" fn mean_around_median_scratch(rows: usize) -> usize {
    rows * TILE
}

/// Squared L2 distance of the vector `one` of `columns` values from each row of a matrix of shape
/// `[rows, columns]`. `into` has shape `[rows]`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn squared_distances(
    into: *mut f64,
    one: *const f32,
    values: *const f32,
    rows: usize,
    columns: usize,
) {
    for row in 0..rows {
        unsafe { *into.add(row) = run_distance(one, values.add(row * columns), columns) };
    }
}

/// Squared L2 distance of two vectors of `n` values, added run by run to the sum of squares of
/// `into`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn squared_distance(a: *const f32, b: *const f32, n: usize, into: &mut Stats) {
    let mut start = 0;
    while start < n {
        let length = (n - start).min(RUN);
        into.sum_squares += unsafe { run_distance(a.add(start), b.add(start), length) };
        start += length;
    }
}

/// Returns the squared distance of a run: squares are summed 16 at a time in float32 and those sums
/// in float64, or all in float64 where float32 is not accurate.
unsafe fn run_distance(a: *const f32, b: *const f32, n: usize) -> f64 {
    let difference = |i| unsafe { F32x4::load(a.add(i)) - F32x4::load(b.add(i)) };
    let rest = |from: usize| -> f64 {
        let square = |i| unsafe {
            (f64::from(*a.add(i)) - f64::from(*b.add(i))) * (f64::from(*a.add(i)) - f64::from(*b.add(i)))
        };
        (from..n).map(square).sum()
    };
    let mut sums = Sums::zero();
    let mut i = 0;
    while i + 16 <= n {
        let [p, q, r, s] = [i, i + 4, i + 8, i + 12].map(difference);
        sums.add((p * p + q * q) + (r * r + s * s));
        i += 16;
    }
    let sum = sums.total() + rest(i);
    if (TINY..f64::INFINITY).contains(&sum) { sum } else { rest(0) }
}

/// Four sorted columns of a tile.
struct Sorted {
    tile: *const f32,
    rows: usize,
}

impl Sorted {
    #[inline(always)]
    fn at(&self, row: usize) -> F32x4 {
        debug_assert!(row < self.rows);
        unsafe { F32x4::load(self.tile.add(row * TILE)) }
    }

    #[inline(always)]
    fn median(&self) -> F32x4 {
        let half = F32x4::splat(0.5);
        let (low, high) = (self.at((self.rows - 1) / 2), self.at(self.rows / 2));
        // The sum of two large values would overflow, and half of a tiny one would lose a bit.
        F32x4::where_equal(low, high, low, low * half + high * half)
    }
}

/// Writes the result of `find` for each sorted column.
#[inline(always)]
unsafe fn each_column(out: *mut f32, matrix: Matrix, tile: *mut f32, find: impl Fn(Sorted) -> F32x4) {
    let Matrix { values, rows, columns } = matrix;
    for start in (0..columns).step_by(TILE) {
        unsafe {
            for row in 0..rows {
                core::ptr::copy_nonoverlapping(values.add(row * columns + start), tile.add(row * TILE), TILE);
            }
            sort(tile, rows);
            for column in (0..TILE).step_by(4) {
                find(Sorted { tile: tile.add(column), rows }).store(out.add(start + column));
            }
        }
    }
}

/// Sorts each column of a tile, the lowest value first.
unsafe fn sort(tile: *mut f32, rows: usize) {
    let mut p = 1;
    while p < rows {
        let mut k = p;
        while k > 0 {
            let mut j = k % p;
            while j + k < rows {
                for low in j..(j + k).min(rows - k) {
                    if low / (2 * p) == (low + k) / (2 * p) {
                        unsafe { order(tile.add(low * TILE), tile.add((low + k) * TILE)) };
                    }
                }
                j += 2 * k;
            }
            k /= 2;
        }
        p *= 2;
    }
}

/// Exchanges the values of two rows of a tile that are in the wrong order.
#[inline(always)]
unsafe fn order(low: *mut f32, high: *mut f32) {
    for column in (0..TILE).step_by(4) {
        unsafe {
            let (low, high) = (low.add(column), high.add(column));
            let (less, more) = F32x4::order(F32x4::load(low), F32x4::load(high));
            less.store(low);
            more.store(high);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of values that repeat, some of them huge.
    fn sample(rows: usize, columns: usize) -> Vec<f32> {
        (0..rows * columns)
            .map(|i| {
                let value = ((i * 7919 + i / 13) % 61) as f32 - 30.0;
                if i % 17 == 0 { value * 1e30 } else { value }
            })
            .collect()
    }

    /// Runs the kernel on matrices of many heights and compares each column with the reference for
    /// its sorted values.
    fn check(
        least: usize,
        kernel: impl Fn(*mut f32, *const f32, [usize; 2], *mut f32),
        reference: impl Fn(&[f64]) -> f64,
    ) {
        for rows in least..40 {
            let columns = 3 * TILE;
            let values = sample(rows, columns);
            let (mut out, mut scratch) = (vec![0.0; columns], vec![0.0; median_scratch(rows)]);
            kernel(out.as_mut_ptr(), values.as_ptr(), [rows, columns], scratch.as_mut_ptr());
            for (i, &got) in out.iter().enumerate() {
                let mut column: Vec<f64> = (0..rows).map(|row| f64::from(values[row * columns + i])).collect();
                column.sort_by(f64::total_cmp);
                let expected = reference(&column);
                let close = (f64::from(got) - expected).abs() <= 1e-6 * expected.abs();
                assert!(close, "{rows} rows, column {i}: expected {expected}, got {got}");
            }
        }
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    fn middle(sorted: &[f64]) -> f64 {
        mean(&sorted[(sorted.len() - 1) / 2..=sorted.len() / 2])
    }

    #[test]
    fn median_is_that_of_the_sorted_column() {
        let kernel = |out: *mut f32, values: *const f32, [rows, columns]: [usize; 2], scratch: *mut f32| unsafe {
            median(out, values, rows, columns, scratch)
        };
        check(1, kernel, middle);
    }

    #[test]
    fn trimmed_mean_leaves_both_ends_out() {
        for trim in [0, 1, 3] {
            let kernel = |out: *mut f32, values: *const f32, [rows, columns]: [usize; 2], scratch: *mut f32| unsafe {
                trimmed_mean(out, values, rows, columns, trim, scratch)
            };
            check(2 * trim + 1, kernel, |sorted| mean(&sorted[trim..sorted.len() - trim]));
        }
    }

    #[test]
    fn mean_around_median_keeps_the_closest() {
        for keep in [1, 2, 5] {
            let kernel = |out: *mut f32, values: *const f32, [rows, columns]: [usize; 2], scratch: *mut f32| unsafe {
                mean_around_median(out, values, rows, columns, keep, scratch)
            };
            check(keep, kernel, |sorted| {
                let (mut left, median) = (sorted.to_vec(), middle(sorted));
                while left.len() > keep {
                    let (first, last) = (left[0], left[left.len() - 1]);
                    if median - first > last - median {
                        left.remove(0);
                    } else {
                        left.pop();
                    }
                }
                mean(&left)
            });
        }
    }

    #[test]
    fn squared_distances_are_those_of_a_vector_from_each_row() {
        for (columns, factor) in [(1, 1.0), (16, 1.0), (77, 1.0), (64, 1e-25), (64, 3e35)] {
            let rows = 7;
            let values: Vec<f32> = (0..rows * columns).map(|i| ((i * 37) % 101) as f32 * factor).collect();
            for a in values.chunks(columns) {
                let mut into = vec![f64::NAN; rows];
                unsafe { squared_distances(into.as_mut_ptr(), a.as_ptr(), values.as_ptr(), rows, columns) };
                for (b, distance) in values.chunks(columns).zip(into) {
                    let expected: f64 = a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
                    let mut found = Stats::default();
                    unsafe { squared_distance(a.as_ptr(), b.as_ptr(), columns, &mut found) };
                    for got in [distance, found.sum_squares] {
                        assert!((got - expected).abs() <= 1e-6 * expected, "expected {expected}, got {got}");
                    }
                }
            }
        }
    }
}
