//! A dense layer: `y = x * w + b`, weights `inputs` by `outputs`.

use super::gemm::{Finish, Left, Sides, Start, multiply, multiply_rows, transpose};
use super::sparse::{self, Entry};
use crate::simd::F32x4;

/// Batches up to this many rows take dot products with the rows of the weights; larger ones repay turning the
/// weights.
const FEW_ROWS: usize = 24;

/// Weights that are worked on at once, unless four inputs have more: few enough to stay in the cache.
const BLOCK: usize = 16_384;

/// Of an input with no more than one value in so many that is not 0, only those are worked on.
const SPARSE: usize = 3;
/// A sum of fewer values does not repay the lists.
const WIDE: usize = 40;

/// Whether it pays to work only on the values that are not 0, such as the ink of a written page.
unsafe fn is_sparse(x: *const f32, values: usize, outputs: usize) -> bool {
    outputs >= WIDE && outputs % 4 == 0 && unsafe { sparse::count(x, values) } * SPARSE <= values
}

/// `y = x * w + b`, negative values replaced by 0 where `relu` is not 0. No bias where `b` is null. `scratch` holds
/// `2 * inputs` values.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dense_forward(
    x: *const f32,
    w: *const f32,
    b: *const f32,
    y: *mut f32,
    rows: usize,
    inputs: usize,
    outputs: usize,
    relu: u32,
    scratch: *mut f32,
) {
    if unsafe { is_sparse(x, rows * inputs, outputs) } {
        for row in 0..rows {
            unsafe {
                let found = sparse::collect(x.add(row * inputs), inputs, 1, outputs, scratch.cast());
                let list = core::slice::from_raw_parts(scratch.cast::<Entry>(), found);
                let y = y.add(row * outputs);
                if b.is_null() {
                    y.write_bytes(0, outputs);
                } else {
                    y.copy_from_nonoverlapping(b, outputs);
                }
                sparse::add_rows(list, w, outputs, y);
                for i in (0..if relu == 0 { 0 } else { outputs }).step_by(4) {
                    F32x4::load(y.add(i)).relu().store(y.add(i));
                }
            }
        }
        return;
    }
    let left = Left { values: x, row: inputs, step: 1 };
    let sides = Sides { right: w, right_row: outputs, result: y, result_row: outputs };
    let start = if b.is_null() { Start::Zero } else { Start::Row(b) };
    let finish = if relu == 0 { Finish::Store } else { Finish::Relu };
    unsafe { multiply::<false>([rows, outputs, inputs], left, sides, start, finish) }
}

/// The gradient of the inputs, `dx = dy * w^T`, unless that is null; `dw = x^T * dy`, or added to `dw` where `add` is not 0; and
/// the column sums of `dy` in the same way to `db`, unless it is null. `dw` may be `w`: a piece of the weights serves both
/// before the next one does, so that it is read once. `scratch` holds `max(2 * rows, BLOCK, 4 * outputs)` values.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dense_backward(
    x: *const f32,
    dy: *const f32,
    w: *const f32,
    dx: *mut f32,
    dw: *mut f32,
    db: *mut f32,
    rows: usize,
    inputs: usize,
    outputs: usize,
    add: u32,
    scratch: *mut f32,
) {
    let sparse = unsafe { is_sparse(x, rows * inputs, outputs) };
    let block = if dx.is_null() { inputs } else { (BLOCK / outputs).max(4) / 4 * 4 };
    for first in (0..inputs).step_by(block) {
        let count = (inputs - first).min(block);
        unsafe {
            let (w, dw) = (w.add(first * outputs), dw.add(first * outputs));
            if !dx.is_null() {
                backward([rows, count, outputs], dy, w, dx.add(first), inputs, scratch);
            }
            if sparse {
                gradient_of_few([rows, count, outputs], x.add(first), inputs, dy, dw, add, scratch);
                continue;
            }
            let left = Left { values: x.add(first), row: 1, step: inputs };
            let sides = Sides { right: dy, right_row: outputs, result: dw, result_row: outputs };
            let finish = if add == 0 { Finish::Store } else { Finish::Add };
            multiply::<true>([count, outputs, rows], left, sides, Start::Zero, finish);
        }
    }
    unsafe { add_column_sums(dy, db, rows, outputs, add) }
}

/// `dx = dy * w^T`, `dx` with rows `row` apart.
unsafe fn backward(
    [rows, inputs, outputs]: [usize; 3],
    dy: *const f32,
    w: *const f32,
    dx: *mut f32,
    row: usize,
    scratch: *mut f32,
) {
    unsafe {
        if rows <= FEW_ROWS && inputs % 4 == 0 && outputs % 4 == 0 {
            return multiply_rows([rows, inputs, outputs], dy, w, dx, row);
        }
        transpose(inputs, outputs, w, scratch);
        let left = Left { values: dy, row: outputs, step: 1 };
        let sides = Sides { right: scratch, right_row: inputs, result: dx, result_row: row };
        multiply::<false>([rows, inputs, outputs], left, sides, Start::Zero, Finish::Store)
    }
}

/// `dw = x^T * dy` from the few values of `x`, with rows `row` apart, that are not 0.
unsafe fn gradient_of_few(
    [rows, inputs, outputs]: [usize; 3],
    x: *const f32,
    row: usize,
    dy: *const f32,
    dw: *mut f32,
    add: u32,
    scratch: *mut f32,
) {
    for input in 0..inputs {
        unsafe {
            let found = sparse::collect(x.add(input), rows, row, outputs, scratch.cast());
            let dw = dw.add(input * outputs);
            if add == 0 {
                dw.write_bytes(0, outputs);
            }
            sparse::add_rows(core::slice::from_raw_parts(scratch.cast::<Entry>(), found), dy, outputs, dw);
        }
    }
}

/// The column sums of `dy` become `b`, or are added to it where `add` is not 0. Nothing is done where `b` is null.
///
/// # Safety
/// `dy` has `rows` times `columns` values and `b` `columns`, apart from one another.
pub unsafe fn add_column_sums(dy: *const f32, b: *mut f32, rows: usize, columns: usize, add: u32) {
    if b.is_null() {
        return;
    }
    let left = Left { values: &ONE, row: 0, step: 0 };
    let sides = Sides { right: dy, right_row: columns, result: b, result_row: columns };
    let finish = if add == 0 { Finish::Store } else { Finish::Add };
    unsafe { multiply::<true>([1, columns, rows], left, sides, Start::Zero, finish) }
}

static ONE: f32 = 1.0;
