//! An embedding: each whole number of the input picks a row of a table.

use super::activation::add as add_row;

/// Rows `x` of the table, one after the other.
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

/// The gradient of the table, or that added to what lies there where `add` is not 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn embedding_gradient(
    x: *const f32,
    dy: *const f32,
    table: *mut f32,
    count: usize,
    rows: usize,
    length: usize,
    add: u32,
) {
    unsafe {
        if add == 0 {
            table.write_bytes(0, rows * length);
        }
        for i in 0..count {
            let row = table.add(row_of(*x.add(i), rows) * length);
            add_row(row, dy.add(i * length), row, length);
        }
    }
}

/// The caller has checked the numbers; the bounds are for data that were changed since.
fn row_of(value: f32, rows: usize) -> usize {
    (value as usize).min(rows - 1)
}
