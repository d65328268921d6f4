//! Inverted dropout (Srivastava et al. 2014) of `n` values with the probability p: `y = x * mask`,
//! where `mask` is 0 with probability p and else `factor = 1 / (1 - p)`, so that inference needs no
//! scaling. The gradient is `dx = dy * mask`.

/// Stream of random numbers: Philox4x32-10 of Salmon et al. 2011, as in `src/base/random.ts`.
#[repr(C)]
pub struct Stream {
    /// Seed and purpose.
    key: [u32; 2],
    /// Round and rank.
    stream: [u32; 2],
    /// Number of the next block of four, low half first.
    block: [u32; 2],
}

impl Stream {
    fn next(&mut self) -> [u32; 4] {
        let [mut c0, mut c1, mut c2, mut c3] = [self.block[0], self.block[1], self.stream[0], self.stream[1]];
        let [mut k0, mut k1] = self.key;
        for _ in 0..10 {
            let (one, two) = (u64::from(c0) * 0xD251_1F53, u64::from(c2) * 0xCD9E_8D57);
            (c0, c1) = ((two >> 32) as u32 ^ c1 ^ k0, two as u32);
            (c2, c3) = ((one >> 32) as u32 ^ c3 ^ k1, one as u32);
            (k0, k1) = (k0.wrapping_add(0x9E37_79B9), k1.wrapping_add(0xBB67_AE85));
        }
        let (low, wrapped) = self.block[0].overflowing_add(1);
        self.block = [low, self.block[1].wrapping_add(u32::from(wrapped))];
        [c0, c1, c2, c3]
    }
}

/// Dropout: `mask = factor` where the value's draw is at least `least`, else 0, and `y = x * mask`.
/// The rest of the last block of draws is not used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dropout_forward(
    x: *const f32,
    y: *mut f32,
    mask: *mut f32,
    n: usize,
    least: u32,
    factor: f32,
    stream: &mut Stream,
) {
    for from in (0..n).step_by(4) {
        for (i, draw) in (from..n).zip(stream.next()) {
            unsafe { *mask.add(i) = if draw >= least { factor } else { 0.0 } }
        }
    }
    unsafe { multiply(x, mask, y, n) }
}

/// Product of two vectors, `y = a * b`. `y` may be either.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn multiply(a: *const f32, b: *const f32, y: *mut f32, n: usize) {
    unsafe { super::activation::map2(a, b, y, n, |a, b| a * b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_philox() {
        // Known answers of the authors' Random123 library.
        let mut zero = Stream { key: [0; 2], stream: [0; 2], block: [0; 2] };
        assert_eq!(zero.next(), [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]);
        assert_eq!(zero.block, [1, 0]);
        let mut ones = Stream { key: [u32::MAX; 2], stream: [u32::MAX; 2], block: [u32::MAX; 2] };
        assert_eq!(ones.next(), [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]);
        assert_eq!(ones.block, [0, 0]);
    }
}
