//! Dense layer of nine to twelve outputs, such as the ten digits of a logistic regression, over
//! rows many of whose values are 0.
//!
//! The products that are left out are those with 0, and the others are added in the order of
//! `gemm.rs`: the results are the same, bit for bit, except where weights are not finite or -0.

use super::gemm::tiles;
use super::sparse::Entry;
use crate::simd::F32x4;

/// Vectors of four outputs; the last one ends with the last output.
pub const VECTORS: usize = 3;
/// Rows, or inputs, of a tile whose sums are held in registers.
const TALL: usize = 3;
/// Inputs that are looked at together.
const GROUP: usize = 4;

/// Returns true if the sizes are those of a layer of this module.
pub fn fits(inputs: usize, outputs: usize) -> bool {
    (4 * VECTORS - 3..=4 * VECTORS).contains(&outputs) && inputs >= GROUP
}

/// Returns true if so few of the inputs are left that leaving out the others pays.
pub fn pays(left: usize, inputs: usize) -> bool {
    left * 4 <= inputs * 3
}

/// Writes `y = x * w + b`, without a bias where `b` is null. Returns false, with nothing written,
/// where that is better done by a product of all values.
///
/// # Safety
/// All arguments are within the memory, and written ones overlap no other; `groups` has room for
/// `inputs` values.
pub unsafe fn forward(
    [rows, inputs, outputs]: [usize; 3],
    x: *const f32,
    w: *const f32,
    b: *const f32,
    y: *mut f32,
    groups: *mut u32,
) -> bool {
    for (row, count) in tiles(rows, TALL) {
        unsafe {
            let (x, y) = (x.add(row * inputs), y.add(row * outputs));
            let size = [inputs, outputs];
            let done = match count {
                1 => rows_of::<1>(size, x, w, b, y, groups, row == 0),
                2 => rows_of::<2>(size, x, w, b, y, groups, row == 0),
                _ => rows_of::<3>(size, x, w, b, y, groups, row == 0),
            };
            if !done {
                return false;
            }
        }
    }
    true
}

/// Joins four neighbours of all rows: a lane is 0 where those of all rows are.
#[inline(always)]
unsafe fn any_of_column(rows: usize, inputs: usize, x: *const f32) -> F32x4 {
    (1..rows).fold(unsafe { F32x4::load(x) }, |any, row| any.join(unsafe { F32x4::load(x.add(row * inputs)) }))
}

/// Place of a vector in a row of `outputs` values.
#[inline(always)]
pub fn place(vector: usize, outputs: usize) -> usize {
    if vector + 1 == VECTORS { outputs - 4 } else { 4 * vector }
}

/// Computes the outputs of rows. With `may_stop` it returns false, with nothing written, where too
/// few values are 0.
#[inline(never)]
unsafe fn rows_of<const ROWS: usize>(
    [inputs, outputs]: [usize; 2],
    x: *const f32,
    w: *const f32,
    b: *const f32,
    y: *mut f32,
    groups: *mut u32,
    may_stop: bool,
) -> bool {
    let whole = inputs - inputs % GROUP;
    unsafe {
        let x: [*const f32; ROWS] = core::array::from_fn(|i| x.add(i * inputs));
        let mut found = 0;
        for first in (0..whole).step_by(GROUP) {
            let mut any = F32x4::load(x[0].add(first));
            for x in &x[1..] {
                any = any.join(F32x4::load(x.add(first)));
            }
            *groups.add(found) = first as u32;
            found += usize::from(any.is_any());
        }
        if may_stop && !pays(found * GROUP, inputs) {
            return false;
        }
        let mut sums = [[F32x4::splat(0.0); VECTORS]; ROWS];
        if !b.is_null() {
            sums = [core::array::from_fn(|j| F32x4::load(b.add(place(j, outputs)))); ROWS];
        }
        let mut add = |x: [*const f32; ROWS], w: *const f32| {
            let weights: [F32x4; VECTORS] = core::array::from_fn(|j| F32x4::load(w.add(place(j, outputs))));
            for i in 0..ROWS {
                let value = F32x4::splat(*x[i]);
                for j in 0..VECTORS {
                    sums[i][j] = value.mul_add(weights[j], sums[i][j]);
                }
            }
        };
        for group in 0..found {
            let first = *groups.add(group) as usize;
            let (x, mut w) = (x.map(|x| x.add(first)), w.add(first * outputs));
            for k in 0..GROUP {
                add(x.map(|x| x.add(k)), w);
                w = w.add(outputs);
            }
        }
        for input in whole..inputs {
            add(x.map(|x| x.add(input)), w.add(input * outputs));
        }
        for i in 0..ROWS {
            for j in 0..VECTORS {
                sums[i][j].store(y.add(i * outputs + place(j, outputs)));
            }
        }
    }
    true
}

/// Adds `x^T * dy` to `dw`. Returns false, with nothing written, where that is better done by a
/// product of all values.
///
/// # Safety
/// As for [`forward`]; `list` has room for `inputs + 3` entries.
pub unsafe fn add_gradient(
    [rows, inputs, outputs]: [usize; 3],
    x: *const f32,
    dy: *const f32,
    dw: *mut f32,
    list: *mut Entry,
) -> bool {
    let mut found = 0;
    unsafe {
        let whole = inputs - inputs % GROUP;
        for first in (0..whole).step_by(GROUP) {
            found += any_of_column(rows, inputs, x.add(first)).store_pairs(first as u32, 1, list.add(found).cast());
        }
        for input in whole..inputs {
            *list.add(found) = Entry { start: input as u32, factor: 0.0 };
            found += 1;
        }
        if !pays(found, inputs) {
            return false;
        }
        for (first, count) in tiles(found, TALL) {
            let list = core::slice::from_raw_parts(list.add(first), count);
            match count {
                1 => inputs_of::<1>(list, rows, inputs, outputs, x, dy, dw),
                2 => inputs_of::<2>(list, rows, inputs, outputs, x, dy, dw),
                _ => inputs_of::<3>(list, rows, inputs, outputs, x, dy, dw),
            }
        }
    }
    true
}

#[inline(never)]
unsafe fn inputs_of<const INPUTS: usize>(
    list: &[Entry],
    rows: usize,
    inputs: usize,
    outputs: usize,
    x: *const f32,
    dy: *const f32,
    dw: *mut f32,
) {
    unsafe {
        let mut sums = [[F32x4::splat(0.0); VECTORS]; INPUTS];
        let at: [usize; INPUTS] = core::array::from_fn(|i| list[i].start as usize);
        let mut values: [*const f32; INPUTS] = at.map(|input| x.add(input));
        let mut dy = dy;
        for _ in 0..rows {
            let errors: [F32x4; VECTORS] = core::array::from_fn(|j| F32x4::load(dy.add(place(j, outputs))));
            for i in 0..INPUTS {
                let value = F32x4::splat(*values[i]);
                for j in 0..VECTORS {
                    sums[i][j] = value.mul_add(errors[j], sums[i][j]);
                }
                values[i] = values[i].add(inputs);
            }
            dy = dy.add(outputs);
        }
        for i in 0..INPUTS {
            let dw = dw.add(at[i] * outputs);
            // Vectors overlap: all are read before one is written.
            let all: [F32x4; VECTORS] = core::array::from_fn(|j| sums[i][j] + F32x4::load(dw.add(place(j, outputs))));
            for j in 0..VECTORS {
                all[j].store(dw.add(place(j, outputs)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::gemm::{Finish, Left, Sides, Start, multiply};
    use crate::train::testing::values;

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    /// Values of which one in `keep` is not 0, the same ones in most rows.
    fn sparse(rows: usize, inputs: usize, keep: usize) -> Vec<f32> {
        let mut x = values(rows * inputs, 1);
        for (i, x) in x.iter_mut().enumerate() {
            if (i % inputs / 3 + i / inputs / 2) % keep != 0 {
                *x = 0.0;
            }
        }
        x
    }

    #[test]
    fn results_have_the_bits_of_the_dense_product() {
        let sizes = [[1, 9, 9], [10, 130, 10], [11, 784, 10], [256, 50, 11], [7, 403, 12]];
        for ([rows, inputs, outputs], keep) in sizes.into_iter().flat_map(|size| [(size, 4), (size, 9)]) {
            assert!(fits(inputs, outputs));
            let x = sparse(rows, inputs, keep);
            let (w, bias, dy) = (values(inputs * outputs, 2), values(outputs, 3), values(rows * outputs, 4));
            let mut list = vec![Entry { start: 0, factor: 0.0 }; inputs + 3];
            let size = [rows, inputs, outputs];
            for b in [core::ptr::null(), bias.as_ptr()] {
                let (mut found, mut wanted) = (vec![9.0f32; rows * outputs], vec![8.0f32; rows * outputs]);
                let left = Left { values: x.as_ptr(), row: inputs, step: 1 };
                let result = wanted.as_mut_ptr();
                let sides = Sides { right: w.as_ptr(), right_row: outputs, result, result_row: outputs };
                let start = if b.is_null() { Start::Zero } else { Start::Row(b) };
                unsafe {
                    multiply::<false>([rows, outputs, inputs], left, sides, start, Finish::Store);
                    let groups = list.as_mut_ptr().cast();
                    if forward(size, x.as_ptr(), w.as_ptr(), b, found.as_mut_ptr(), groups) {
                        assert_eq!(bits(&found), bits(&wanted), "{size:?}");
                    }
                }
            }
            let (mut found, mut wanted) = (w.clone(), w.clone());
            let left = Left { values: x.as_ptr(), row: 1, step: inputs };
            let result = wanted.as_mut_ptr();
            let sides = Sides { right: dy.as_ptr(), right_row: outputs, result, result_row: outputs };
            unsafe {
                multiply::<true>([inputs, outputs, rows], left, sides, Start::Zero, Finish::Add);
                if add_gradient(size, x.as_ptr(), dy.as_ptr(), found.as_mut_ptr(), list.as_mut_ptr()) {
                    assert_eq!(bits(&found), bits(&wanted), "{size:?}");
                }
            }
        }
    }

    #[test]
    fn rows_without_zeros_are_left_to_the_dense_product() {
        let (x, w) = (vec![1.0f32; 800], vec![1.0f32; 800]);
        let (mut y, mut list) = ([7.0f32; 100], vec![Entry { start: 0, factor: 0.0 }; 83]);
        let (groups, null) = (list.as_mut_ptr().cast(), core::ptr::null());
        unsafe {
            assert!(!forward([10, 80, 10], x.as_ptr(), w.as_ptr(), null, y.as_mut_ptr(), groups));
            assert!(!add_gradient([10, 80, 10], x.as_ptr(), x.as_ptr(), y.as_mut_ptr(), list.as_mut_ptr()));
        }
        assert!(y.iter().all(|&value| value == 7.0));
    }
}
