//! Products of matrices whose right side is copied first, into panels of eight columns that are
//! contiguous. The results are those of [`multiply`], bit for bit.
//!
//! A right side whose rows are a multiple of 4 kB long is slow to read in place: the rows of a panel
//! then share one set of the first-level cache. A copy pays where many rows of the left side use it.
//!
//! Shapes are those of [`gemm`](super::gemm). A packed matrix has as many values as the matrix.

use super::gemm::{Finish, Left, Sides, Start, multiply, tiles};
use crate::simd::F32x4;

/// Number of columns of a panel but the last.
const PANEL: usize = 8;

/// Cuts columns into panels, and yields the first column of each and the number of its columns. Up to
/// three that are left join the last panel, as in [`multiply`], which then has no narrow rest.
pub fn panels(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let rest = columns % PANEL;
    let count = if (1..4).contains(&rest) { (columns / PANEL).max(1) } else { columns.div_ceil(PANEL) };
    (0..count).map(move |i| (i * PANEL, if i + 1 == count { columns - i * PANEL } else { PANEL }))
}

/// Packs a right side whose rows are `row` values apart.
///
/// # Safety
/// The matrix and `to` are within the memory and do not overlap.
pub unsafe fn pack([depth, columns]: [usize; 2], right: *const f32, row: usize, to: *mut f32) {
    for (first, width) in panels(columns) {
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
    for (first, width) in panels(columns) {
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
    for (row, count) in tiles(rows, if DOWN { rows.max(1) } else { rows_at_once(depth) }) {
        for (first, width) in panels(columns) {
            unsafe {
                let left = Left { values: left.values.add(row * left.row), ..left };
                let result = result.add(row * result_row + first);
                let sides = Sides { right: packed.add(first * depth), right_row: width, result, result_row };
                let start = match start {
                    Start::Row(values) => Start::Row(values.add(first)),
                    other => other,
                };
                multiply::<DOWN>([count, width, depth], left, sides, start, finish);
            }
        }
    }
}

/// Returns the number of rows of the left side that stay in the first-level cache, beside a panel,
/// while all panels of the right side pass by.
fn rows_at_once(depth: usize) -> usize {
    (LEFT_VALUES / depth.clamp(1, DEPTH)).clamp(12, 60)
}

/// Number of values of the left side that are used at once.
const LEFT_VALUES: usize = 6 * 1024;

/// Number of columns that are packed at once in [`multiply_by_parts`].
const COLUMNS: usize = 8 * PANEL;

/// Number of values of the scratch memory of [`multiply_by_parts`].
pub fn parts_scratch(depth: usize) -> usize {
    (COLUMNS + 3) * depth
}

/// Right side of a product that is packed by parts: where its rows are, or those of its transpose,
/// and the number of values that they are apart.
#[derive(Clone, Copy)]
pub enum Right {
    Plain(*const f32, usize),
    Transposed(*const f32, usize),
}

/// Computes `result = finish(start + left * right)`, packing some columns of the right side at a
/// time, which pays where the left side has many rows.
///
/// # Safety
/// As for [`multiply`]; `scratch` has [`parts_scratch`] values.
pub unsafe fn multiply_by_parts<const DOWN: bool>(
    [rows, columns, depth]: [usize; 3],
    left: Left,
    right: Right,
    (result, result_row): (*mut f32, usize),
    start: Start,
    finish: Finish,
    scratch: *mut f32,
) {
    let mut first = 0;
    while first < columns {
        // Up to three columns that are left join a part, as they join a panel.
        let count = if columns - first < COLUMNS + 4 { columns - first } else { COLUMNS };
        unsafe {
            match right {
                Right::Plain(values, row) => pack([depth, count], values.add(first), row, scratch),
                Right::Transposed(values, row) => {
                    pack_transposed([depth, count], values.add(first * row), row, scratch);
                }
            }
            let start = match start {
                Start::Row(values) => Start::Row(values.add(first)),
                other => other,
            };
            let shape = [rows, count, depth];
            multiply_packed::<DOWN>(shape, left, scratch, result.add(first), result_row, start, finish);
        }
        first += count;
    }
}

/// Number of rows of the right side that are packed at once in [`add_products`], so that a panel of
/// them stays in the first-level cache.
const DEPTH: usize = 392;

/// Number of values of the scratch memory of [`add_products`].
pub fn product_scratch(columns: usize, depth: usize) -> usize {
    columns * depth.min(DEPTH)
}

/// Left side and result of a product of [`add_products`], each with the number of values that its rows
/// are apart.
#[derive(Clone, Copy)]
pub struct Pair {
    /// Number of columns of the left side, and of rows of the result.
    pub rows: usize,
    pub left: (*const f32, usize),
    pub result: (*mut f32, usize),
}

/// Adds `left^T * right` to the result of each pair: the left sides are `[depth, rows]` and the right
/// one, which they share, `[depth, columns]`. With `replace` the products replace the results.
///
/// # Safety
/// As for [`multiply`]; `scratch` has [`product_scratch`] values.
pub unsafe fn add_products(
    [columns, depth]: [usize; 2],
    pairs: &[Pair],
    right: (*const f32, usize),
    replace: bool,
    scratch: *mut f32,
) {
    for from in (0..depth).step_by(DEPTH) {
        let part = (depth - from).min(DEPTH);
        let finish = if replace && from == 0 { Finish::Store } else { Finish::Add };
        unsafe { pack([part, columns], right.0.add(from * right.1), right.1, scratch) };
        for &Pair { rows, left: (values, step), result: (to, row) } in pairs {
            unsafe {
                let left = Left { values: values.add(from * step), row: 1, step };
                multiply_packed::<true>([rows, columns, part], left, scratch, to, row, Start::Zero, finish);
            }
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
                        let pair = Pair { rows, left: (down.as_ptr(), rows), result: (total.as_mut_ptr(), columns) };
                        let right = (b.as_ptr(), columns);
                        add_products([columns, depth], &[pair], right, false, scratch.as_mut_ptr());
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

    #[test]
    fn products_by_parts_are_those_in_place_bit_for_bit() {
        for columns in [1, 3, 5, 8, 9, 11, 12, 63, 64, 65, 67, 68, 75, 130] {
            for (rows, depth) in [(1, 7), (13, 8), (70, 401)] {
                let (a, b) = (values(rows * depth, 1), values(depth * columns, 2));
                let (bias, before) = (values(columns, 3), values(rows * columns, 4));
                let turned = transposed(depth, columns, &b);
                let down = transposed(rows, depth, &a);
                let (mut want, mut got) = (before.clone(), before.clone());
                let (mut want_down, mut got_down) = (before.clone(), before.clone());
                let mut scratch = vec![f32::NAN; parts_scratch(depth)];
                let (shape, scratch) = ([rows, columns, depth], scratch.as_mut_ptr());
                let left = Left { values: a.as_ptr(), row: depth, step: 1 };
                let left_down = Left { values: down.as_ptr(), row: 1, step: rows };
                let sides = |result: &mut [f32]| Sides {
                    right: b.as_ptr(),
                    right_row: columns,
                    result: result.as_mut_ptr(),
                    result_row: columns,
                };
                let start = Start::Row(bias.as_ptr());
                let (to, to_down) = ((got.as_mut_ptr(), columns), (got_down.as_mut_ptr(), columns));
                let (plain, turned) = (Right::Plain(b.as_ptr(), columns), Right::Transposed(turned.as_ptr(), depth));
                unsafe {
                    multiply::<false>(shape, left, sides(&mut want), start, Finish::Relu);
                    multiply_by_parts::<false>(shape, left, turned, to, start, Finish::Relu, scratch);
                    multiply::<true>(shape, left_down, sides(&mut want_down), Start::Zero, Finish::Add);
                    multiply_by_parts::<true>(shape, left_down, plain, to_down, Start::Zero, Finish::Add, scratch);
                }
                assert!(want == got && want_down == got_down, "{rows} {columns} {depth}");
            }
        }
    }
}
