//! Dense layer, `y = x * w + b`.
//!
//! Shapes: `x` and `dx` `[rows, inputs]`, `w` and `dw` `[inputs, outputs]`, `b` and `db`
//! `[outputs]`, `y` and `dy` `[rows, outputs]`.

use super::gemm::{Finish, Left, Sides, Start, multiply, multiply_rows, transpose};
use super::packed::{Right, multiply_by_parts, parts_scratch};
use super::sparse::{self, Block, Entry};
use super::{dense_narrow, dense_sparse};

/// Most rows of a batch that take dot products with the rows of the weights; for larger batches a
/// transpose of the weights is faster.
const FEW_ROWS: usize = 24;

/// Least number of rows for which it pays to pack the right sides of the products.
const MANY_ROWS: usize = 96;

/// Number of weights that are worked on at once, unless four inputs have more: few enough to stay
/// in the cache.
const BLOCK: usize = 16_384;

/// The gradient of the weights takes lists where at most one input in this number is not 0.
const SPARSE: usize = 3;
/// Least number of outputs for which lists of the values that are not 0 pay.
const WIDE: usize = 40;

/// Returns true if it pays to make the gradient of the weights of lists of the values that are not
/// 0, such as the ink of a handwritten digit. Its sums are rounded otherwise than those of a dense
/// product.
unsafe fn is_sparse(x: *const f32, values: usize, outputs: usize) -> bool {
    outputs >= WIDE && outputs % 4 == 0 && unsafe { sparse::count(x, values) } * SPARSE <= values
}

/// Dense layer, `y = x * w + b`, or `y = max(0, x * w + b)` where `relu` is not 0. No bias where
/// `b` is null.
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
    if unsafe { dense_sparse::pays(x, rows * inputs, outputs) } {
        unsafe { dense_sparse::forward([rows, inputs, outputs], x, w, b, y, relu != 0, scratch) };
        return;
    }
    if relu == 0 && dense_narrow::fits(inputs, outputs) {
        let done = unsafe { dense_narrow::forward([rows, inputs, outputs], x, w, b, y, scratch.cast()) };
        if done {
            return;
        }
    }
    let left = Left { values: x, row: inputs, step: 1 };
    let sides = Sides { right: w, right_row: outputs, result: y, result_row: outputs };
    let start = if b.is_null() { Start::Zero } else { Start::Row(b) };
    let finish = if relu == 0 { Finish::Store } else { Finish::Relu };
    let shape = [rows, outputs, inputs];
    if rows >= MANY_ROWS && outputs >= 8 {
        let right = Right::Plain(w, outputs);
        unsafe { multiply_by_parts::<false>(shape, left, right, (y, outputs), start, finish, scratch) };
        return;
    }
    unsafe { multiply::<false>(shape, left, sides, start, finish) }
}

/// Gradients of a dense layer: `dx = dy * w^T` unless `dx` is null, `dw = x^T * dy`, and `db`, the
/// column sums of `dy`, unless `db` is null. Where `add` is not 0, those of weights and bias are
/// added to the values of `dw` and `db`.
///
/// `dw` may be `w`: each block of the weights is used for `dx` before it is written.
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
    if dx.is_null() && add != 0 && dense_narrow::fits(inputs, outputs) && 2 * (inputs + 3) <= BLOCK {
        let done = unsafe { dense_narrow::add_gradient([rows, inputs, outputs], x, dy, dw, scratch.cast()) };
        if done {
            return unsafe { add_column_sums(dy, db, rows, outputs, add) };
        }
    }
    let sparse = unsafe { is_sparse(x, rows * inputs, outputs) };
    if rows >= MANY_ROWS && outputs >= 8 && inputs % 4 == 0 && !sparse {
        let finish = if add == 0 { Finish::Store } else { Finish::Add };
        let left = Left { values: x, row: 1, step: inputs };
        let (shape, right) = ([inputs, outputs, rows], Right::Plain(dy, outputs));
        unsafe {
            if !dx.is_null() {
                dense_input(dy, w, dx, rows, inputs, outputs, scratch);
            }
            multiply_by_parts::<true>(shape, left, right, (dw, outputs), Start::Zero, finish, scratch);
            return add_column_sums(dy, db, rows, outputs, add);
        }
    }
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

/// Gradient of the input of a dense layer alone, `dx = dy * w^T`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dense_input(
    dy: *const f32,
    w: *const f32,
    dx: *mut f32,
    rows: usize,
    inputs: usize,
    outputs: usize,
    scratch: *mut f32,
) {
    if rows >= MANY_ROWS && inputs % 4 == 0 {
        let left = Left { values: dy, row: outputs, step: 1 };
        let (shape, right) = ([rows, inputs, outputs], Right::Transposed(w, outputs));
        unsafe {
            multiply_by_parts::<false>(shape, left, right, (dx, inputs), Start::Zero, Finish::Store, scratch);
        }
        return;
    }
    let block = (BLOCK / outputs).max(4) / 4 * 4;
    for first in (0..inputs).step_by(block) {
        let count = (inputs - first).min(block);
        unsafe { backward([rows, count, outputs], dy, w.add(first * outputs), dx.add(first), inputs, scratch) };
    }
}

/// Number of values of the scratch memory of `dense_input`: a transposed block of the weights, or a
/// packed part of them.
#[unsafe(no_mangle)]
pub extern "C" fn dense_input_scratch(outputs: usize) -> usize {
    BLOCK.max(parts_scratch(outputs))
}

/// Number of values of the scratch memory of `dense_forward`: an entry for each input, or a packed
/// part of the weights.
#[unsafe(no_mangle)]
pub extern "C" fn dense_forward_scratch(inputs: usize) -> usize {
    dense_sparse::forward_scratch(inputs).max(parts_scratch(inputs))
}

/// Number of values of the scratch memory of `dense_backward`: an entry for each row, a transposed
/// block of the weights, or a packed part of the gradient of the output or of the weights.
#[unsafe(no_mangle)]
pub extern "C" fn dense_backward_scratch(rows: usize, outputs: usize) -> usize {
    let packed = if rows >= MANY_ROWS { parts_scratch(rows) } else { 0 };
    (2 * rows).max(packed).max(dense_input_scratch(outputs))
}

/// Writes `dx = dy * w^T`, the rows of `dx` being `row` values apart.
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

/// Writes `dw = x^T * dy` from the few values of `x` that are not 0, the rows of `x` being `row`
/// values apart.
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
            let list = core::slice::from_raw_parts(scratch.cast::<Entry>(), found);
            Block::cut(outputs).for_each(|block| block.add(list, dy, dw));
        }
    }
}

/// Writes the column sums of `dy` to `b`, or adds them to it where `add` is not 0. Does nothing
/// where `b` is null.
///
/// # Safety
/// `dy` has `rows * columns` values and `b` has `columns`; they do not overlap.
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
