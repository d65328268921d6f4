//! Products of matrices whose right side is copied first, into panels of eight columns that are
//! contiguous.
//!
//! A right side whose rows are a multiple of 4 kB long is slow to read in place: the rows of a panel
//! then share one set of the first-level cache. A copy pays where many rows of the left side use it.
//!
//! Shapes are those of [`gemm`](super::gemm). A packed matrix has as many values as the matrix.

use super::gemm::{Finish, Left, Sides, Start, multiply};
use crate::simd::F32x4;

/// Number of columns of a panel; the last one has those that are left.
const PANEL: usize = 8;

/// Packs a right side whose rows are `row` values apart.
///
/// # Safety
/// The matrix and `to` are within the memory and do not overlap.
pub unsafe fn pack([depth, columns]: [usize; 2], right: *const f32, row: usize, to: *mut f32) {
    for first in (0..columns).step_by(PANEL) {
        let width = (columns - first).min(PANEL);
        unsafe {
            let panel = to.add(first * depth);
            for k in 0..depth {
                let from = right.add(k * row + first);
                if width == PANEL {
                    let (low, high) = (F32x4::load(from), F32x4::load(from.add(4)));
                    low.store(panel.add(k * PANEL));
                    high.store(panel.add(k * PANEL + 4));
                } else {
                    panel.add(k * width).copy_from_nonoverlapping(from, width);
                }
            }
        }
    }
}

/// Packs the transpose of a matrix of `columns` rows of `depth` values, which are `row` values apart.
///
/// # Safety
/// As for [`pack`].
pub unsafe fn pack_transposed([depth, columns]: [usize; 2], values: *const f32, row: usize, to: *mut f32) {
    for first in (0..columns).step_by(PANEL) {
        let width = (columns - first).min(PANEL);
        unsafe {
            let panel = to.add(first * depth);
            let from = |j: usize, k: usize| values.add((first + j) * row + k);
            let whole = if width == PANEL { depth - depth % 4 } else { 0 };
            for k in (0..whole).step_by(4) {
                for half in [0, 4] {
                    let block = core::array::from_fn(|j| F32x4::load(from(half + j, k)));
                    for (i, lanes) in F32x4::transpose(block).into_iter().enumerate() {
                        lanes.store(panel.add((k + i) * PANEL + half));
                    }
                }
            }
            for k in whole..depth {
                for j in 0..width {
                    *panel.add(k * width + j) = *from(j, k);
                }
            }
        }
    }
}

/// Computes `result = finish(start + left * right)` with a right side that was packed.
///
/// # Safety
/// As for [`multiply`].
pub unsafe fn multiply_packed<const DOWN: bool>(
    [rows, columns, depth]: [usize; 3],
    left: Left,
    packed: *const f32,
    result: *mut f32,
    result_row: usize,
    start: Start,
    finish: Finish,
) {
    for first in (0..columns).step_by(PANEL) {
        let width = (columns - first).min(PANEL);
        unsafe {
            let sides =
                Sides { right: packed.add(first * depth), right_row: width, result: result.add(first), result_row };
            let start = match start {
                Start::Row(values) => Start::Row(values.add(first)),
                other => other,
            };
            multiply::<DOWN>([rows, width, depth], left, sides, start, finish);
        }
    }
}

/// Number of rows of the right side that are packed at once in [`add_product`], so that a panel of
/// them stays in the first-level cache.
const DEPTH: usize = 392;

/// Number of values of the scratch memory of [`add_product`].
pub fn product_scratch(columns: usize, depth: usize) -> usize {
    columns * depth.min(DEPTH)
}

/// Adds `left^T * right` to the result: the left side is `[depth, rows]` and the right one
/// `[depth, columns]`, the rows of each side a given number of values apart. With `replace` the
/// product replaces the result.
///
/// # Safety
/// As for [`multiply`]; `scratch` has [`product_scratch`] values.
pub unsafe fn add_product(
    [rows, columns, depth]: [usize; 3],
    [left, right]: [(*const f32, usize); 2],
    (result, result_row): (*mut f32, usize),
    replace: bool,
    scratch: *mut f32,
) {
    for from in (0..depth).step_by(DEPTH) {
        let part = (depth - from).min(DEPTH);
        let finish = if replace && from == 0 { Finish::Store } else { Finish::Add };
        unsafe {
            pack([part, columns], right.0.add(from * right.1), right.1, scratch);
            let left = Left { values: left.0.add(from * left.1), row: 1, step: left.1 };
            multiply_packed::<true>([rows, columns, part], left, scratch, result, result_row, Start::Zero, finish);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::values;

    fn product([rows, columns, depth]: [usize; 3], a: &[f32], b: &[f32]) -> Vec<f64> {
        let mut result = vec![0.0; rows * columns];
        for i in 0..rows {
            for j in 0..columns {
                result[i * columns + j] =
                    (0..depth).map(|k| f64::from(a[i * depth + k]) * f64::from(b[k * columns + j])).sum();
            }
        }
        result
    }

    fn transposed(rows: usize, columns: usize, a: &[f32]) -> Vec<f32> {
        let mut turned = vec![0.0; a.len()];
        for i in 0..rows {
            for j in 0..columns {
                turned[j * rows + i] = a[i * columns + j];
            }
        }
        turned
    }

    fn agree(got: &[f32], want: &[f64]) {
        for (got, want) in got.iter().zip(want) {
            assert!((f64::from(*got) - want).abs() < 1e-4, "{got} {want}");
        }
    }

    #[test]
    fn packed_products_are_plain_sums_for_every_remainder() {
        for rows in [1, 5, 11] {
            for columns in 1..20 {
                for depth in [1, 3, 8, 401] {
                    let (a, b) = (values(rows * depth, 1), values(depth * columns, 2));
                    let bias = values(columns, 3);
                    let turned = transposed(depth, columns, &b);
                    let mut want = product([rows, columns, depth], &a, &b);
                    let before = values(rows * columns, 4);
                    let sum: Vec<f64> = want.iter().zip(&before).map(|(a, b)| a + f64::from(*b)).collect();
                    let (mut packed, mut again) = (vec![0.0; b.len()], vec![0.0; b.len()]);
                    let mut result = vec![0.0; rows * columns];
                    let left = Left { values: a.as_ptr(), row: depth, step: 1 };
                    let mut total = before.clone();
                    let mut scratch = vec![0.0; product_scratch(columns, depth)];
                    let down = transposed(rows, depth, &a);
                    unsafe {
                        pack([depth, columns], b.as_ptr(), columns, packed.as_mut_ptr());
                        pack_transposed([depth, columns], turned.as_ptr(), depth, again.as_mut_ptr());
                        assert_eq!(packed, again);
                        let shape = [rows, columns, depth];
                        let start = Start::Row(bias.as_ptr());
                        let to = result.as_mut_ptr();
                        multiply_packed::<false>(shape, left, packed.as_ptr(), to, columns, start, Finish::Store);
                        let sides = [(down.as_ptr(), rows), (b.as_ptr(), columns)];
                        add_product(shape, sides, (total.as_mut_ptr(), columns), false, scratch.as_mut_ptr());
                    }
                    for (i, value) in want.iter_mut().enumerate() {
                        *value += f64::from(bias[i % columns]);
                    }
                    agree(&result, &want);
                    agree(&total, &sum);
                }
            }
        }
    }
}
