//! Dense layer over values many of which are 0, such as black pixels and outputs of a ReLU.
//!
//! The products that are left out are those with 0, and the others are added in the order of
//! `gemm.rs`: the results are the same, bit for bit, except where weights are not finite.

use super::gemm::tiles;
use super::sparse::{self, Block, Entry};
use crate::simd::F32x4;

/// Most rows that are worked on before the next part of the weights.
const CHUNK: usize = 64;
/// Number of weights of a panel: so few that it stays in the second-level cache beside the lists.
/// With smaller panels, shorter lists cost more than the cache gains.
const PANEL: usize = 16_384;
/// Fewer rows than this do not read a panel often enough: each goes through all weights.
const FEW_ROWS: usize = 24;
/// Columns of the widest block. For fewer outputs, making the lists takes more time than they save.
const WIDEST: usize = 40;

/// Lists of the values of rows that are not 0.
#[derive(Clone, Copy)]
struct Lists {
    counts: *mut u32,
    entries: *mut Entry,
    room: usize,
}

impl Lists {
    unsafe fn new(count: usize, room: usize, scratch: *mut f32) -> Self {
        Self { counts: scratch.cast(), entries: unsafe { scratch.add(count).cast() }, room }
    }

    /// Lists the values of a row, which belong to rows of `length` values.
    #[inline(always)]
    unsafe fn fill(&self, row: usize, values: *const f32, n: usize, length: usize) {
        unsafe {
            let found = sparse::collect_run(values, n, length, self.entries.add(row * self.room));
            *self.counts.add(row) = found as u32;
        }
    }

    #[inline(always)]
    unsafe fn get(&self, row: usize) -> &[Entry] {
        unsafe { core::slice::from_raw_parts(self.entries.add(row * self.room), *self.counts.add(row) as usize) }
    }
}

/// Inputs whose weights make a panel.
fn panel_depth(inputs: usize, outputs: usize) -> usize {
    (PANEL / outputs.min(WIDEST)).min(inputs)
}

/// Number of values of the scratch memory of [`forward`].
pub fn forward_scratch(inputs: usize) -> usize {
    (1 + 2 * inputs).max(CHUNK + 2 * CHUNK * panel_depth(inputs, WIDEST))
}

/// Returns true if the values that are not 0 are few enough for [`forward`] to pay.
///
/// # Safety
/// `x` points to as many readable values.
pub unsafe fn pays(x: *const f32, values: usize, outputs: usize) -> bool {
    outputs >= WIDEST && unsafe { sparse::count(x, values) } * 5 <= values * 3
}

/// Writes `y = x * w + b`, without a bias where `b` is null; with `relu`, `y = max(0, x * w + b)`.
///
/// # Safety
/// All arguments are within the memory, and written ones overlap no other.
pub unsafe fn forward(
    [rows, inputs, outputs]: [usize; 3],
    x: *const f32,
    w: *const f32,
    b: *const f32,
    y: *mut f32,
    relu: bool,
    scratch: *mut f32,
) {
    let (chunk, depth) = if rows < FEW_ROWS { (1, inputs) } else { (CHUNK, panel_depth(inputs, outputs)) };
    for row in 0..rows {
        unsafe {
            let y = y.add(row * outputs);
            if b.is_null() {
                y.write_bytes(0, outputs);
            } else {
                y.copy_from_nonoverlapping(b, outputs);
            }
        }
    }
    for (first, count) in tiles(rows, chunk) {
        for (from, depth) in tiles(inputs, depth) {
            unsafe {
                let lists = Lists::new(count, depth, scratch);
                for row in 0..count {
                    lists.fill(row, x.add((first + row) * inputs + from), depth, outputs);
                }
                for block in Block::cut(outputs) {
                    for row in 0..count {
                        let y = y.add((first + row) * outputs);
                        block.add(lists.get(row), w.add(from * outputs), y);
                    }
                }
            }
        }
        if relu {
            unsafe { clip(y.add(first * outputs), count * outputs) }
        }
    }
}

/// Replaces negative values and NaN by 0.
unsafe fn clip(values: *mut f32, n: usize) {
    let whole = n - n % 4;
    unsafe {
        for i in (0..whole).step_by(4) {
            F32x4::load(values.add(i)).relu().store(values.add(i));
        }
        for i in whole..n {
            *values.add(i) = (*values.add(i)).max(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::gemm::{Finish, Left, Sides, Start, multiply};
    use crate::train::testing::values;

    #[test]
    fn forward_gives_the_bits_of_the_dense_product() {
        for [rows, inputs, outputs] in [[1, 9, 40], [23, 130, 41], [24, 500, 47], [150, 420, 40], [70, 33, 52]] {
            for (keep, relu, has_bias) in [(2, true, true), (5, false, true), (3, true, false)] {
                let mut x = values(rows * inputs, 1);
                x.iter_mut().enumerate().filter(|(i, _)| i * 7 % 11 % keep != 0).for_each(|(_, x)| *x = 0.0);
                let (w, bias) = (values(inputs * outputs, 2), values(outputs, 3));
                let (mut dense, mut sparse) = (vec![9.0f32; rows * outputs], vec![-9.0f32; rows * outputs]);
                let mut scratch = vec![9.0; forward_scratch(inputs)];
                let b = if has_bias { bias.as_ptr() } else { core::ptr::null() };
                let size = [rows, inputs, outputs];
                unsafe {
                    forward(size, x.as_ptr(), w.as_ptr(), b, sparse.as_mut_ptr(), relu, scratch.as_mut_ptr());
                    let left = Left { values: x.as_ptr(), row: inputs, step: 1 };
                    let result = dense.as_mut_ptr();
                    let sides = Sides { right: w.as_ptr(), right_row: outputs, result, result_row: outputs };
                    let start = if has_bias { Start::Row(b) } else { Start::Zero };
                    let finish = if relu { Finish::Relu } else { Finish::Store };
                    multiply::<false>([rows, outputs, inputs], left, sides, start, finish);
                }
                let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&sparse), bits(&dense), "{size:?}");
            }
        }
    }
}
