//! Vectors of integers modulo 2^32, for sums in which masks cancel.
//!
//! The integers are the same in every build.

mod chacha;
mod quantize;

/// Addition of integers, `acc += x`, modulo 2^32. The two are the same or do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ring_add(acc: *mut u32, x: *const u32, n: usize) {
    for i in 0..n {
        unsafe { *acc.add(i) = (*acc.add(i)).wrapping_add(*x.add(i)) };
    }
}
