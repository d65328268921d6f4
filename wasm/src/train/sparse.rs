//! Sums of few of many rows, `sum += factor_k * row_k`. Behind a ReLU and a maximum most gradients
//! are exact zeros: the rows that they would be multiplied with are not read.

use crate::simd::F32x4;

/// A factor that is not 0, and the start of its row.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Entry {
    pub start: u32,
    pub factor: f32,
}

/// Most vectors of a sum that are held in registers.
const BLOCK: usize = 10;

/// Counts the values that are not 0.
///
/// # Safety
/// `values` points to `n` readable values.
pub unsafe fn count(values: *const f32, n: usize) -> usize {
    (0..n).map(|i| usize::from(unsafe { *values.add(i) } != 0.0)).sum()
}

/// Lists those of `n` values, `step` apart, that are not 0, and returns their number. They belong
/// to rows of `length` values.
///
/// # Safety
/// The values are readable, and `list` has room for `n` entries.
pub unsafe fn collect(values: *const f32, n: usize, step: usize, length: usize, list: *mut Entry) -> usize {
    let mut found = 0;
    for row in 0..n {
        unsafe {
            let factor = *values.add(row * step);
            *list.add(found) = Entry { start: (row * length) as u32, factor };
            found += usize::from(factor != 0.0);
        }
    }
    found
}

/// Cuts rows into blocks that fit into registers, and yields the start and the number of vectors of
/// each. `length` is a multiple of 4.
#[inline(always)]
pub fn blocks(length: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..length).step_by(4 * BLOCK).map(move |from| (from, ((length - from) / 4).min(BLOCK)))
}

/// Adds `factor * row` to `sum` for every entry of the list, whose rows of `length` values start at
/// `rows`. `length` is a multiple of 4.
///
/// # Safety
/// The rows are readable and `sum` is writable.
#[inline(always)]
pub unsafe fn add_rows(list: &[Entry], rows: *const f32, length: usize, sum: *mut f32) {
    for (from, vectors) in blocks(length) {
        unsafe { add_block(vectors, list, rows.add(from), sum.add(from)) }
    }
}

/// Does the same for a block of `vectors` vectors.
///
/// # Safety
/// As for [`add_rows`].
#[inline(always)]
pub unsafe fn add_block(vectors: usize, list: &[Entry], rows: *const f32, sum: *mut f32) {
    if list.is_empty() {
        return;
    }
    unsafe {
        match vectors {
            1 => add_vectors::<1>(list, rows, sum),
            2 => add_vectors::<2>(list, rows, sum),
            3 => add_vectors::<3>(list, rows, sum),
            4 => add_vectors::<4>(list, rows, sum),
            5 => add_vectors::<5>(list, rows, sum),
            6 => add_vectors::<6>(list, rows, sum),
            7 => add_vectors::<7>(list, rows, sum),
            8 => add_vectors::<8>(list, rows, sum),
            9 => add_vectors::<9>(list, rows, sum),
            _ => add_vectors::<10>(list, rows, sum),
        }
    }
}

#[inline(never)]
unsafe fn add_vectors<const VECTORS: usize>(list: &[Entry], rows: *const f32, sum: *mut f32) {
    unsafe {
        let mut sums: [F32x4; VECTORS] = core::array::from_fn(|j| F32x4::load(sum.add(j * 4)));
        for entry in list {
            let factor = F32x4::splat(entry.factor);
            let row = rows.add(entry.start as usize);
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
            let mut list = [Entry { start: 0, factor: 0.0 }; 5];
            let mut sum = vec![1.0f32; length];
            unsafe {
                assert_eq!(count(factors.as_ptr(), 5), 3);
                assert_eq!(collect(factors.as_ptr(), 5, 1, length, list.as_mut_ptr()), 3);
                add_rows(&list[..3], rows.as_ptr(), length, sum.as_mut_ptr());
            }
            for (i, &value) in sum.iter().enumerate() {
                let want: f32 = 1.0 + (0..5).map(|r| factors[r] * rows[r * length + i]).sum::<f32>();
                assert_eq!(value, want);
            }
        }
    }
}
