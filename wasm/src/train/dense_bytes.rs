//! Dense layer of nine to twelve outputs over rows of bytes most of which are 0, such as black pixels:
//! the results of `widen_bytes` and `dense_forward` one after the other, without the values between.

use super::bytes::ByteTable;
use super::dense_narrow::{VECTORS, fits, pays, place};
use super::gemm::tiles;
use crate::simd::{F32x4, U32x4};

/// Rows of a tile whose sums are held in registers.
const TALL: usize = 3;
/// Inputs that are looked at together, and those of a block that is read at once.
const GROUP: usize = 4;
const BLOCK: usize = 16;

/// Writes `y = table[bytes] * w + b`, without a bias where `b` is null, for bytes `[rows, inputs]`.
/// The groups have room for `inputs` values. Returns 0, with nothing written, where the layer is
/// another one, the byte 0 does not stand for 0, or too few bytes are 0; else 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dense_bytes(
    bytes: *const u8,
    table: &ByteTable,
    w: *const f32,
    b: *const f32,
    y: *mut f32,
    rows: usize,
    inputs: usize,
    outputs: usize,
    groups: *mut u32,
) -> u32 {
    if !fits(inputs, outputs) || table.values[0] != 0.0 {
        return 0;
    }
    for (row, count) in tiles(rows, TALL) {
        unsafe {
            let (bytes, y) = (bytes.add(row * inputs), y.add(row * outputs));
            let (size, values) = ([inputs, outputs], table.values.as_ptr());
            let done = match count {
                1 => rows_of::<1>(size, bytes, values, w, b, y, groups, row == 0),
                2 => rows_of::<2>(size, bytes, values, w, b, y, groups, row == 0),
                _ => rows_of::<3>(size, bytes, values, w, b, y, groups, row == 0),
            };
            if !done {
                return 0;
            }
        }
    }
    1
}

/// Computes the outputs of rows. With `may_stop` it returns false, with nothing written, where too
/// few bytes are 0.
#[inline(never)]
unsafe fn rows_of<const ROWS: usize>(
    [inputs, outputs]: [usize; 2],
    bytes: *const u8,
    table: *const f32,
    w: *const f32,
    b: *const f32,
    y: *mut f32,
    groups: *mut u32,
    may_stop: bool,
) -> bool {
    unsafe {
        let x: [*const u8; ROWS] = core::array::from_fn(|i| bytes.add(i * inputs));
        // The groups in which a row has a byte that is not 0.
        let (blocks, whole) = (inputs - inputs % BLOCK, inputs - inputs % GROUP);
        let mut found = 0;
        for first in (0..blocks).step_by(BLOCK) {
            let mut any = U32x4::load(x[0].add(first).cast());
            for x in &x[1..] {
                any = any | U32x4::load(x.add(first).cast());
            }
            found += any.store_places(first as u32, GROUP as u32, groups.add(found));
        }
        for first in (blocks..whole).step_by(GROUP) {
            *groups.add(found) = first as u32;
            found += 1;
        }
        if may_stop && !pays(found * GROUP, inputs) {
            return false;
        }
        let mut sums = [[F32x4::splat(0.0); VECTORS]; ROWS];
        if !b.is_null() {
            sums = [core::array::from_fn(|j| F32x4::load(b.add(place(j, outputs)))); ROWS];
        }
        let mut add = |x: [u8; ROWS], w: *const f32| {
            let weights: [F32x4; VECTORS] = core::array::from_fn(|j| F32x4::load(w.add(place(j, outputs))));
            for i in 0..ROWS {
                let value = F32x4::splat(*table.add(x[i] as usize));
                for j in 0..VECTORS {
                    sums[i][j] = value.mul_add(weights[j], sums[i][j]);
                }
            }
        };
        for group in 0..found {
            let first = *groups.add(group) as usize;
            let four = x.map(|x| x.add(first).cast::<u32>().read_unaligned());
            let mut w = w.add(first * outputs);
            for k in 0..GROUP {
                add(four.map(|four| (four >> (8 * k)) as u8), w);
                w = w.add(outputs);
            }
        }
        for input in whole..inputs {
            add(x.map(|x| *x.add(input)), w.add(input * outputs));
        }
        for i in 0..ROWS {
            for j in 0..VECTORS {
                sums[i][j].store(y.add(i * outputs + place(j, outputs)));
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::bytes::widen_bytes;
    use super::super::dense::{dense_forward, dense_forward_scratch};
    use super::super::testing::values;
    use super::*;

    fn table(first: f32) -> ByteTable {
        let value = |byte: usize| if byte == 0 { first } else { byte as f32 / 255.0 };
        ByteTable { values: core::array::from_fn(value), high: 0.0, low: 0.0 }
    }

    /// Bytes of which one in `keep` is not 0.
    fn sparse(rows: usize, inputs: usize, keep: usize) -> Vec<u8> {
        let byte = |i: usize| if (i % inputs / 3 + i / inputs / 2) % keep == 0 { 1 + i % 255 } else { 0 };
        (0..rows * inputs).map(|i| byte(i) as u8).collect()
    }

    /// Returns the results of the kernel, and those of the two that it stands for.
    fn both([rows, inputs, outputs]: [usize; 3], bytes: &[u8], has_bias: bool) -> (u32, Vec<u32>, Vec<u32>) {
        let (w, bias, table) = (values(inputs * outputs, 2), values(outputs, 3), table(0.0));
        let b = if has_bias { bias.as_ptr() } else { core::ptr::null() };
        let mut x = vec![0.0f32; rows * inputs];
        let mut scratch = vec![0.0f32; dense_forward_scratch(inputs)];
        let mut groups = vec![0; inputs + BLOCK];
        let (mut found, mut wanted) = (vec![9.0f32; rows * outputs], vec![8.0f32; rows * outputs]);
        let (w, to) = (w.as_ptr(), found.as_mut_ptr());
        let done = unsafe {
            widen_bytes(bytes.as_ptr(), &table, bytes.len(), x.as_mut_ptr());
            dense_forward(x.as_ptr(), w, b, wanted.as_mut_ptr(), rows, inputs, outputs, 0, scratch.as_mut_ptr());
            dense_bytes(bytes.as_ptr(), &table, w, b, to, rows, inputs, outputs, groups.as_mut_ptr())
        };
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect();
        (done, bits(found), bits(wanted))
    }

    #[test]
    fn results_have_the_bits_of_widened_rows() {
        for size in [[1, 19, 9], [10, 130, 10], [11, 784, 10], [256, 50, 11], [7, 403, 12]] {
            for has_bias in [true, false] {
                let (done, found, wanted) = both(size, &sparse(size[0], size[1], 9), has_bias);
                assert_eq!((done, found), (1, wanted), "{size:?}");
            }
        }
    }

    #[test]
    fn other_layers_and_rows_without_zeros_are_left_to_other_kernels() {
        let bytes = sparse(8, 64, 9);
        assert_eq!(both([8, 64, 8], &bytes, true).0, 0);
        assert_eq!(both([8, 64, 13], &bytes, true).0, 0);
        assert_eq!(both([8, 64, 10], &[1; 512], true).0, 0);
        let (w, mut y, mut groups) = (values(640, 1), [0.0; 80], [0; 80]);
        let (w, y, groups) = (w.as_ptr(), y.as_mut_ptr(), groups.as_mut_ptr());
        let none = core::ptr::null();
        assert_eq!(unsafe { dense_bytes(bytes.as_ptr(), &table(-0.5), w, none, y, 8, 64, 10, groups) }, 0);
    }
}
