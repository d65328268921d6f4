//! Features of 8 bits, each of which stands for a value of a table: images, whose pixels take a
//! quarter of the memory of floats.
//!
//! Shapes: `features` `[samples, length]`, `labels` `[samples]`, `order` and `classes` `[count]`,
//! `rows` `[count, length]`.

use crate::simd::F32x4;

/// Values that bytes stand for.
#[repr(C)]
pub struct ByteTable {
    /// Value of each byte.
    pub values: [f32; 256],
    /// Factors of which `byte * high + byte * low`, rounded after each operation, is the value of
    /// each byte; 0 where there are none.
    pub high: f32,
    pub low: f32,
}

/// Number of bytes that are computed together.
const BLOCK: usize = 16;

/// `values[i] = table[bytes[i]]` for `n` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn widen_bytes(bytes: *const u8, table: &ByteTable, n: usize, values: *mut f32) {
    // Products take less time than look-ups, which have no vectors.
    let whole = if table.high == 0.0 { 0 } else { n - n % BLOCK };
    let (high, low) = (F32x4::splat(table.high), F32x4::splat(table.low));
    unsafe {
        for i in (0..whole).step_by(BLOCK) {
            for (k, byte) in F32x4::load_bytes(bytes.add(i)).into_iter().enumerate() {
                (byte * high + byte * low).store(values.add(i + 4 * k));
            }
        }
        for i in whole..n {
            *values.add(i) = table.values[*bytes.add(i) as usize];
        }
    }
}

/// Selection of a batch: `rows[i] = table[features[order[i]]]` and `classes[i] = labels[order[i]]`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gather_bytes(
    features: *const u8,
    table: &ByteTable,
    labels: *const i32,
    order: *const u32,
    count: usize,
    length: usize,
    rows: *mut f32,
    classes: *mut i32,
) {
    for i in 0..count {
        unsafe {
            let row = *order.add(i) as usize;
            widen_bytes(features.add(row * length), table, length, rows.add(i * length));
            *classes.add(i) = *labels.add(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gather_bytes_gives_the_value_of_each_byte() {
        let scale = 1.0 / 255.0;
        let high = f32::from_bits((scale as f32).to_bits() & !0xFF);
        let products = ByteTable {
            values: core::array::from_fn(|byte| (byte as f64 * scale) as f32),
            high,
            low: (scale - f64::from(high)) as f32,
        };
        let others = ByteTable { values: core::array::from_fn(|byte| byte as f32 / 255.0 - 0.5), high: 0.0, low: 0.0 };
        for (table, length) in
            [&products, &others].into_iter().flat_map(|table| [1, 15, 16, 47, 300].map(|n| (table, n)))
        {
            let byte = |row: usize, i: usize| (row * 101 + i * 57) as u8;
            let features: Vec<u8> = (0..3).flat_map(|row| (0..length).map(move |i| byte(row, i))).collect();
            let order = [2, 0, 2, 1];
            let (mut rows, mut classes) = (vec![9.0; 4 * length], [9; 4]);
            unsafe {
                gather_bytes(
                    features.as_ptr(),
                    table,
                    [5, 6, 7].as_ptr(),
                    order.as_ptr(),
                    4,
                    length,
                    rows.as_mut_ptr(),
                    classes.as_mut_ptr(),
                );
            }
            for (i, &row) in order.iter().enumerate() {
                for k in 0..length {
                    assert_eq!(rows[i * length + k], table.values[byte(row as usize, k) as usize]);
                }
            }
            assert_eq!(classes, [7, 5, 7, 6]);
        }
    }
}
