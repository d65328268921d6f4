//! Walsh-Hadamard transform, without a factor, of `n` values in place.

use crate::simd::F32x4;

/// Values of the smallest transform.
const TILE: usize = 16;

/// Transforms `n` values, a power of two from 16. Stages of strides 1, 2, 4, … follow each other, and
/// each replaces a pair by its sum and its difference, so the order of all additions is fixed.
///
/// # Safety
/// `values` points to `n` writable values.
pub unsafe fn transform(values: *mut f32, n: usize) {
    let mut i = 0;
    while i < n {
        let p = unsafe { values.add(i) };
        let rows = [0, 4, 8, 12].map(|j| unsafe { F32x4::load(p.add(j)) });
        // Columns are at strides of 1 within the rows.
        let rows = F32x4::transpose(two_stages(F32x4::transpose(rows)));
        for (j, row) in two_stages(rows).into_iter().enumerate() {
            unsafe { row.store(p.add(4 * j)) };
        }
        i += TILE;
    }
    let mut stride = TILE;
    while 4 * stride <= n {
        for start in (0..n).step_by(4 * stride) {
            let mut i = start;
            while i < start + stride {
                let at = [0, 1, 2, 3].map(|j| unsafe { values.add(i + j * stride) });
                let out = two_stages(at.map(|p| unsafe { F32x4::load(p) }));
                for (p, value) in at.into_iter().zip(out) {
                    unsafe { value.store(p) };
                }
                i += 4;
            }
        }
        stride *= 4;
    }
    if stride < n {
        let mut i = 0;
        while i < stride {
            unsafe {
                let (p, q) = (values.add(i), values.add(i + stride));
                let (a, b) = (F32x4::load(p), F32x4::load(q));
                (a + b).store(p);
                (a - b).store(q);
            }
            i += 4;
        }
    }
}

/// Pairs `(0, 1)` and `(2, 3)`, then `(0, 2)` and `(1, 3)`.
#[inline(always)]
fn two_stages([a, b, c, d]: [F32x4; 4]) -> [F32x4; 4] {
    let (ab, a_b, cd, c_d) = (a + b, a - b, c + d, c - d);
    [ab + cd, a_b + c_d, ab - cd, a_b - c_d]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(values: &mut [f32]) {
        let n = values.len();
        let mut stride = 1;
        while stride < n {
            for i in (0..n).filter(|i| i & stride == 0) {
                let (a, b) = (values[i], values[i + stride]);
                (values[i], values[i + stride]) = (a + b, a - b);
            }
            stride *= 2;
        }
    }

    #[test]
    fn lanes_and_plain_loops_agree() {
        for n in (4..=12).map(|log| 1 << log) {
            let mut values: Vec<f32> = (0..n).map(|i| ((i * 7919) % 1009) as f32 / 7.0 - 70.0).collect();
            let mut expected = values.clone();
            unsafe { transform(values.as_mut_ptr(), n) };
            plain(&mut expected);
            assert_eq!(values, expected);
        }
    }

    #[test]
    fn twice_is_a_product_by_the_length() {
        for n in [16, 32, 64, 4096] {
            let values: Vec<f32> = (0..n).map(|i| (i % 37) as f32 - 18.0).collect();
            let mut twice = values.clone();
            unsafe { transform(twice.as_mut_ptr(), n) };
            assert_eq!(twice[0], values.iter().sum::<f32>());
            unsafe { transform(twice.as_mut_ptr(), n) };
            assert_eq!(twice, values.iter().map(|x| x * n as f32).collect::<Vec<_>>());
        }
    }
}
