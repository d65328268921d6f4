//! Conversion of vectors of `n` values from and to half precision, IEEE 754 binary16.

use crate::simd::{F32x4, narrow, widen};

/// Conversion to half precision: to the nearest, ties to even. Overflow becomes infinity and NaN
/// stays NaN. The two vectors do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn to_half(halves: *mut u16, values: *const f32, n: usize) {
    let mut i = 0;
    unsafe {
        while i + 8 <= n {
            let p = values.add(i);
            F32x4::store_halves([F32x4::load(p), F32x4::load(p.add(4))], halves.add(i));
            i += 8;
        }
        for i in i..n {
            *halves.add(i) = narrow(*values.add(i));
        }
    }
}

/// Exact conversion from half precision. The two vectors do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn from_half(values: *mut f32, halves: *const u16, n: usize) {
    let mut i = 0;
    unsafe {
        while i + 8 <= n {
            let [low, high] = F32x4::load_halves(halves.add(i));
            low.store(values.add(i));
            high.store(values.add(i + 4));
            i += 8;
        }
        for i in i..n {
            *values.add(i) = widen(*halves.add(i));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eights_and_the_rest_agree() {
        let halves: Vec<u16> = (0..27).map(|i| i * 2427).collect();
        for n in 0..halves.len() {
            let mut values = vec![7.0; n + 1];
            let mut back = vec![7; n + 1];
            unsafe { from_half(values.as_mut_ptr(), halves.as_ptr(), n) };
            unsafe { to_half(back.as_mut_ptr(), values.as_ptr(), n) };
            assert_eq!((&back[..n], back[n], values[n]), (&halves[..n], 7, 7.0));
        }
    }
}
