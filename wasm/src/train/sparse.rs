//! Sums of few of many rows, `sum += factor_k * row_k`. Behind a ReLU and a maximum most gradients
//! are exact zeros: the rows that they would be multiplied with are not read.

use super::gemm::tiles;
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
        unsafe { found = push(*values.add(row * step), row * length, list, found) }
    }
    found
}

/// As [`collect`], for values that are neighbours.
///
/// # Safety
/// As for [`collect`].
pub unsafe fn collect_run(values: *const f32, n: usize, length: usize, list: *mut Entry) -> usize {
    let whole = n - n % 4;
    let mut found = 0;
    unsafe {
        for first in (0..whole).step_by(4) {
            let start = (first * length) as u32;
            found += F32x4::load(values.add(first)).store_pairs(start, length as u32, list.add(found).cast());
        }
        for row in whole..n {
            found = push(*values.add(row), row * length, list, found);
        }
    }
    found
}

/// Writes an entry to place `found` of a list, and returns the length of the list with it, without
/// it if its factor is 0.
#[inline(always)]
unsafe fn push(factor: f32, start: usize, list: *mut Entry, found: usize) -> usize {
    unsafe { *list.add(found) = Entry { start: start as u32, factor } };
    found + usize::from(factor != 0.0)
}

/// Cuts rows into blocks that fit into registers, and yields the start and the number of vectors of
/// each. `length` is a multiple of 4.
#[inline(always)]
pub fn blocks(length: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..length).step_by(4 * BLOCK).map(move |from| (from, ((length - from) / 4).min(BLOCK)))
}

/// Adds `factor * row` to `sum` for every entry of the list, whose rows start at `rows`, in a block
/// of `vectors` vectors.
///
/// # Safety
/// The rows are readable and `sum` is writable.
#[inline(always)]
pub unsafe fn add_block(vectors: usize, list: &[Entry], rows: *const f32, sum: *mut f32) {
    unsafe { Block { from: 0, vectors, last: vectors * 4 - 4 }.add(list, rows, sum) }
}

/// Part of rows that fits into registers.
#[derive(Clone, Copy)]
pub struct Block {
    /// Start of the first vector.
    pub from: usize,
    /// Number of vectors.
    pub vectors: usize,
    /// Distance of the last vector from the first; the last may overlap the one before.
    pub last: usize,
}

impl Block {
    /// Cuts rows of at least four values into the least number of blocks, of sizes as even as
    /// possible.
    #[inline(always)]
    pub fn cut(length: usize) -> impl Iterator<Item = Self> {
        tiles(length.div_ceil(4), BLOCK).map(move |(first, vectors)| {
            let from = first * 4;
            Self { from, vectors, last: (from + vectors * 4).min(length) - 4 - from }
        })
    }

    /// Adds `factor * row` to `sum` for every entry of the list.
    ///
    /// # Safety
    /// The rows are readable and `sum` is writable.
    #[inline(always)]
    pub unsafe fn add(self, list: &[Entry], rows: *const f32, sum: *mut f32) {
        if list.is_empty() {
            return;
        }
        let Self { from, vectors, last } = self;
        unsafe {
            let (rows, sum) = (rows.add(from), sum.add(from));
            match vectors {
                1 => add_vectors::<1>(list, rows, sum, last),
                2 => add_vectors::<2>(list, rows, sum, last),
                3 => add_vectors::<3>(list, rows, sum, last),
                4 => add_vectors::<4>(list, rows, sum, last),
                5 => add_vectors::<5>(list, rows, sum, last),
                6 => add_vectors::<6>(list, rows, sum, last),
                7 => add_vectors::<7>(list, rows, sum, last),
                8 => add_vectors::<8>(list, rows, sum, last),
                9 => add_vectors::<9>(list, rows, sum, last),
                _ => add_vectors::<10>(list, rows, sum, last),
            }
        }
    }
}

#[inline(never)]
unsafe fn add_vectors<const VECTORS: usize>(list: &[Entry], rows: *const f32, sum: *mut f32, last: usize) {
    let at = |j: usize| if j + 1 == VECTORS { last } else { j * 4 };
    unsafe {
        let mut sums: [F32x4; VECTORS] = core::array::from_fn(|j| F32x4::load(sum.add(at(j))));
        for entry in list {
            let factor = F32x4::splat(entry.factor);
            let row = rows.add(entry.start as usize);
            for j in 0..VECTORS {
                sums[j] = factor.mul_add(F32x4::load(row.add(at(j))), sums[j]);
            }
        }
        for j in 0..VECTORS {
            sums[j].store(sum.add(at(j)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[Entry]) -> Vec<(u32, f32)> {
        list.iter().map(|entry| (entry.start, entry.factor)).collect()
    }

    #[test]
    fn blocks_add_the_rows_that_collect_lists() {
        for length in [4, 5, 7, 12, 40, 41, 43, 92, 101] {
            let factors = [0.0f32, 2.0, 0.0, -1.0, 0.5];
            let rows: Vec<f32> = (0..5 * length).map(|i| (i % 17) as f32).collect();
            let mut list = [Entry { start: 0, factor: 0.0 }; 5];
            let mut sum = vec![1.0f32; length];
            unsafe {
                assert_eq!(count(factors.as_ptr(), 5), 3);
                assert_eq!(collect(factors.as_ptr(), 5, 1, length, list.as_mut_ptr()), 3);
                Block::cut(length).for_each(|block| block.add(&list[..3], rows.as_ptr(), sum.as_mut_ptr()));
            }
            for (i, &value) in sum.iter().enumerate() {
                let want: f32 = 1.0 + (0..5).map(|r| factors[r] * rows[r * length + i]).sum::<f32>();
                assert_eq!(value, want);
            }
        }
    }

    #[test]
    fn collect_run_lists_what_collect_lists() {
        for mask in 0..1 << 11 {
            let values: Vec<f32> = (0..11).map(|i| if mask >> i & 1 == 1 { i as f32 - 20.0 } else { -0.0 }).collect();
            let [mut run, mut apart] = [[Entry { start: 9, factor: 9.0 }; 11]; 2];
            let found = unsafe {
                let found = collect_run(values.as_ptr(), 11, 7, run.as_mut_ptr());
                assert_eq!(collect(values.as_ptr(), 11, 1, 7, apart.as_mut_ptr()), found);
                found
            };
            assert_eq!(pairs(&run[..found]), pairs(&apart[..found]));
        }
    }
}
