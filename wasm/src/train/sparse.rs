//! Sums of few of many rows. Behind a rectifier and a maximum most gradients are exact zeros: what they would be
//! multiplied with is not even read.

use crate::simd::F32x4;

/// A factor that is not 0, and the row that it belongs to.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Entry {
    pub row: u32,
    pub factor: f32,
}

/// Vectors of a sum that are held in registers.
const BLOCK: usize = 10;

/// Number of values that are not 0.
///
/// # Safety
/// `values` points to `n` readable values.
pub unsafe fn count(values: *const f32, n: usize) -> usize {
    (0..n).map(|i| usize::from(unsafe { *values.add(i) } != 0.0)).sum()
}

/// Lists the values that are not 0 of `n`, `step` apart, and their places. Gives their number.
///
/// # Safety
/// The values are readable, and `list` has room for `n` entries.
pub unsafe fn collect(values: *const f32, n: usize, step: usize, list: *mut Entry) -> usize {
    let mut found = 0;
    for row in 0..n {
        unsafe {
            let factor = *values.add(row * step);
            *list.add(found) = Entry { row: row as u32, factor };
            found += usize::from(factor != 0.0);
        }
    }
    found
}

/// `sum += factor * row` for every entry of the list, whose rows of `length` values start at `rows`. `length` is a multiple of 4.
///
/// # Safety
/// The rows are readable and `sum` is writable.
#[inline(never)]
pub unsafe fn add_rows(list: &[Entry], rows: *const f32, length: usize, sum: *mut f32) {
    if list.is_empty() {
        return;
    }
    let mut from = 0;
    unsafe {
        while from + 4 * BLOCK <= length {
            add_block::<BLOCK>(list, rows.add(from), length, sum.add(from));
            from += 4 * BLOCK;
        }
        while from < length {
            add_block::<1>(list, rows.add(from), length, sum.add(from));
            from += 4;
        }
    }
}

#[inline(always)]
unsafe fn add_block<const VECTORS: usize>(list: &[Entry], rows: *const f32, length: usize, sum: *mut f32) {
    unsafe {
        let mut sums: [F32x4; VECTORS] = core::array::from_fn(|j| F32x4::load(sum.add(j * 4)));
        for entry in list {
            let factor = F32x4::splat(entry.factor);
            let row = rows.add(entry.row as usize * length);
            for j in 0..VECTORS {
                sums[j] = factor.mul_add(F32x4::load(row.add(j * 4)), sums[j]);
            }
        }
        for j in 0..VECTORS {
            sums[j].store(sum.add(j * 4));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn add_rows_adds_the_rows_that_collect_lists() {
        for length in [4, 12, 40, 92] {
            let factors = [0.0f32, 2.0, 0.0, -1.0, 0.5];
            let rows: Vec<f32> = (0..5 * length).map(|i| (i % 17) as f32).collect();
            let mut list = [Entry { row: 0, factor: 0.0 }; 5];
            let mut sum = vec![1.0f32; length];
            unsafe {
                assert_eq!(count(factors.as_ptr(), 5), 3);
                assert_eq!(collect(factors.as_ptr(), 5, 1, list.as_mut_ptr()), 3);
                add_rows(&list[..3], rows.as_ptr(), length, sum.as_mut_ptr());
            }
            for (i, &value) in sum.iter().enumerate() {
                let want: f32 = 1.0 + (0..5).map(|r| factors[r] * rows[r * length + i]).sum::<f32>();
                assert_eq!(value, want);
            }
        }
    }
}
