//! Features of 8 bits, each of which stands for a value of a table: images, whose pixels take a
//! quarter of the memory of floats.
//!
//! Shapes: `table` `[256]`, `features` `[samples, length]`, `labels` `[samples]`, `order` and
//! `classes` `[count]`, `rows` `[count, length]`.

use crate::simd::F32x4;

/// Number of bytes that are looked at together.
const BLOCK: usize = 8;

/// `values[i] = table[bytes[i]]` for `n` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn widen_bytes(bytes: *const u8, table: *const f32, n: usize, values: *mut f32) {
    let whole = n - n % BLOCK;
    unsafe {
        let zero = F32x4::splat(*table);
        for i in (0..whole).step_by(BLOCK) {
            // Most pixels of many images are black.
            if bytes.add(i).cast::<u64>().read_unaligned() == 0 {
                zero.store(values.add(i));
                zero.store(values.add(i + 4));
                continue;
            }
            for k in i..i + BLOCK {
                *values.add(k) = *table.add(*bytes.add(k) as usize);
            }
        }
        for k in whole..n {
            *values.add(k) = *table.add(*bytes.add(k) as usize);
        }
    }
}

/// Selection of a batch: `rows[i] = table[features[order[i]]]` and `classes[i] = labels[order[i]]`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gather_bytes(
    features: *const u8,
    table: *const f32,
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
    fn gather_bytes_looks_each_byte_up() {
        let table: Vec<f32> = (0..256).map(|byte| byte as f32 / 255.0 - 0.5).collect();
        for length in [1, 7, 8, 21, 40] {
            let byte = |row: usize, i: usize| if i / 8 % 2 == 1 { 0 } else { (row * 101 + i * 57) as u8 };
            let features: Vec<u8> = (0..3).flat_map(|row| (0..length).map(move |i| byte(row, i))).collect();
            let order = [2, 0, 2, 1];
            let (mut rows, mut classes) = (vec![9.0; 4 * length], [9; 4]);
            unsafe {
                gather_bytes(
                    features.as_ptr(),
                    table.as_ptr(),
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
                    assert_eq!(rows[i * length + k], table[byte(row as usize, k) as usize]);
                }
            }
            assert_eq!(classes, [7, 5, 7, 6]);
        }
    }
}
