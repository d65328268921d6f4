//! Embedding, `y[i] = table[x[i]]`: each integer of the input selects a row of a table.
//!
//! Shapes: `x` `[count]`, `table` and its gradient `[rows, length]`, `y` and `dy`
//! `[count, length]`.

use super::activation::add as add_row;

/// Embedding, `y[i] = table[x[i]]`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn embedding_forward(
    x: *const f32,
    table: *const f32,
    y: *mut f32,
    count: usize,
    rows: usize,
    length: usize,
) {
    for i in 0..count {
        unsafe {
            let row = table.add(row_of(*x.add(i), rows) * length);
            y.add(i * length).copy_from_nonoverlapping(row, length);
        }
    }
}

/// Gradient of the table: `dtable[r]` is the sum of `dy[i]` over all i with `x[i] = r`. Where `add`
/// is not 0, it is added to the values of `dtable`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn embedding_gradient(
    x: *const f32,
    dy: *const f32,
    dtable: *mut f32,
    count: usize,
    rows: usize,
    length: usize,
    add: u32,
) {
    unsafe {
        if add == 0 {
            dtable.write_bytes(0, rows * length);
        }
        for i in 0..count {
            let row = dtable.add(row_of(*x.add(i), rows) * length);
            add_row(row, dy.add(i * length), row, length);
        }
    }
}

/// Returns the index of a row. The caller has checked the numbers; the bound is for data that
/// changed since.
fn row_of(value: f32, rows: usize) -> usize {
    (value as usize).min(rows - 1)
}
