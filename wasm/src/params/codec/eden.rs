//! EDEN (Vargaftik et al. 2022, "EDEN: Communication-Efficient and Robust Distributed Mean Estimation
//! for Federated Learning"), a chunk at a time; with 1 bit it is DRIVE (Vargaftik et al. 2021).
//!
//! A chunk `x` of `n` values, followed by zeros up to a power of two `padded`, is rotated twice:
//! `h = H(E H(D x))`, with random signs `D` and `E` and the Hadamard transform `H` without a factor.
//! Its values look like draws from a normal distribution of deviation `|x| * sqrt(padded)`, so each
//! becomes the code of the nearest of the `2^bits` centroids `c` of Lloyd and Max, times the
//! deviation. Decoded values are `factor * D(H(E H(c)))`, and are unbiased where
//! `factor = |x|^2 / <c, h>`.
//!
//! One rotation would not do: where one value of a chunk is larger than the sum of the others, each
//! rotated value has the sign that this value gives it, and the others are lost in every round.
//!
//! A code has the sign in its upper bit, 1 for a negative one, and the number of the magnitude below
//! it. Codes follow each other from the lowest bit of the first byte on; the last byte is filled
//! with zeros.

use super::hadamard::transform;
use super::philox::Stream;
use crate::simd::{F32x4, Sums};

/// Values of a chunk, the most that are rotated together.
const CHUNK: usize = 4096;
/// Values whose signs come from one block of random numbers, and from a word.
const BLOCK: usize = 128;
const WORD: usize = 32;

/// Magnitudes of the centroids for the standard normal distribution, by bits.
#[allow(clippy::excessive_precision)]
static MAGNITUDES: [&[f32]; 4] = [
    &[0.797_884_560_8],
    &[0.452_780_034_6, 1.510_417_608_5],
    &[0.245_094_178_9, 0.756_005_281_2, 1.343_909_278_5, 2.151_945_704_5],
    &[
        0.128_395_029_9,
        0.388_048_299_5,
        0.656_759_118_5,
        0.942_340_456_5,
        1.256_231_197_3,
        1.618_046_386,
        2.069_017_226_5,
        2.732_589_571,
    ],
];

/// Signs of four lanes by the bits of a number.
static SIGNS: [[f32; 4]; 16] = signs();

const fn signs() -> [[f32; 4]; 16] {
    let mut all = [[1.0; 4]; 16];
    let mut i = 0;
    while i < 64 {
        if (i / 4) >> (i % 4) & 1 == 1 {
            all[i / 4][i % 4] = -1.0;
        }
        i += 1;
    }
    all
}

/// Returns the signs of the lowest four bits, 1 for a negative one.
#[inline(always)]
fn four_signs(bits: u32) -> F32x4 {
    unsafe { F32x4::load(SIGNS[bits as usize & 15].as_ptr()) }
}

/// Signs of the two rotations.
struct Rotations {
    first: Stream,
    second: Stream,
    chunk: u32,
}

impl Rotations {
    fn new(seed: u32, round: u32, rank: u32, chunk: u32) -> Self {
        let stream = |purpose| Stream::new(seed, purpose, round, rank);
        Self { first: stream("rotation"), second: stream("second-rotation"), chunk }
    }

    /// Transforms the values, multiplies them by the signs of the second rotation, and transforms
    /// them again.
    unsafe fn apply(&self, values: *mut f32, padded: usize) {
        unsafe { transform(values, padded) };
        let zero = F32x4::splat(0.0);
        each_four(&self.second, self.chunk, padded, |i, signs| unsafe {
            let p = values.add(i);
            // The sum is no negative zero, so neither is a sum of the transform.
            (F32x4::load(p) * signs + zero).store(p);
        });
        unsafe { transform(values, padded) };
    }
}

/// Passes the start and the signs of every four values of a chunk to `four`.
#[inline(always)]
fn each_four(stream: &Stream, chunk: u32, end: usize, mut four: impl FnMut(usize, F32x4)) {
    for start in (0..end).step_by(BLOCK) {
        let block = stream.block(chunk * (CHUNK / BLOCK) as u32 + (start / BLOCK) as u32);
        for (word, bits) in block.into_iter().enumerate() {
            let start = start + word * WORD;
            for i in (start..end.min(start + WORD)).step_by(4) {
                four(i, four_signs(bits >> (i - start)));
            }
        }
    }
}

/// Random order of the numbers below a power of two, of which each number is equally likely at each
/// place.
struct Order {
    mask: u32,
    shift: u32,
    words: [u32; 4],
}

impl Order {
    fn new(seed: u32, round: u32, rank: u32, chunk: u32, padded: usize) -> Self {
        let words = Stream::new(seed, "kept", round, rank).block(chunk);
        Self { mask: padded as u32 - 1, shift: padded.trailing_zeros().div_ceil(2), words }
    }

    /// Returns the number at a place: each step maps the numbers one to one.
    #[inline(always)]
    fn at(&self, place: usize) -> usize {
        let [first, second, added, _] = self.words;
        let mixed = (place as u32).wrapping_mul(first | 1) & self.mask;
        let mixed = (mixed ^ mixed >> self.shift).wrapping_mul(second | 1) & self.mask;
        ((mixed ^ mixed >> self.shift).wrapping_add(added) & self.mask) as usize
    }
}

/// Number of float32 of the scratch memory.
#[unsafe(no_mangle)]
pub extern "C" fn eden_encode_scratch(padded: usize) -> usize {
    // The codes of the last eight values are written along with eight more bytes.
    padded + padded / 4 + 2
}

/// Codes of a chunk of `n` values. `padded` is a power of two from 32 and not below `n`, `bits` from 1
/// to 4, and `kept` the number of codes, at most `padded`: of fewer, the values that they stand for
/// are drawn at random. The values are first multiplied by `power`, a power of two, and the result is
/// the factor of the product, 0 for zeros. `chunk` is the number of the chunk in its vector.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eden_encode(
    codes: *mut u8,
    values: *const f32,
    scratch: *mut f32,
    n: usize,
    padded: usize,
    bits: u32,
    kept: usize,
    power: f32,
    seed: u32,
    round: u32,
    rank: u32,
    chunk: u32,
) -> f64 {
    let mut squares = Sums::zero();
    let power = F32x4::splat(power);
    let rotations = Rotations::new(seed, round, rank, chunk);
    each_four(&rotations.first, chunk, padded, |i, signs| {
        let x = unsafe { load_some(values, i, n) } * power;
        squares.add_squares(x);
        unsafe { (x * signs).store(scratch.add(i)) };
    });
    let squares = squares.total();
    if squares == 0.0 {
        unsafe { core::ptr::write_bytes(codes, 0, (kept * bits as usize).div_ceil(8)) };
        return 0.0;
    }
    unsafe { rotations.apply(scratch, padded) };
    if bits == 1 && kept == padded {
        return squares / unsafe { encode_signs(codes, scratch, padded) };
    }
    let each = unsafe { scratch.add(padded).cast::<u8>() };
    let deviation = F32x4::splat((squares * padded as f64) as f32).sqrt().first();
    let product = unsafe { encode_each(each, scratch, padded, bits, deviation) };
    let order = Order::new(seed, round, rank, chunk, padded);
    let place = |i: usize| if kept == padded { i } else { order.at(i) };
    unsafe { pack(codes, kept, bits, |i| *each.add(place(i))) };
    squares / product
}

/// Loads four values of `n`, zeros after them.
#[inline(always)]
unsafe fn load_some(values: *const f32, i: usize, n: usize) -> F32x4 {
    if i + 4 <= n {
        return unsafe { F32x4::load(values.add(i)) };
    }
    let mut last = [0.0; 4];
    for j in i..n {
        last[j - i] = unsafe { *values.add(j) };
    }
    unsafe { F32x4::load(last.as_ptr()) }
}

/// Writes codes of 1 bit, and returns the product of the rotated values and their centroids.
unsafe fn encode_signs(codes: *mut u8, rotated: *const f32, padded: usize) -> f64 {
    let centroid = F32x4::splat(MAGNITUDES[0][0]);
    let mut product = Sums::zero();
    for i in 0..padded / 8 {
        let [low, high] = [0, 4].map(|j| {
            let h = unsafe { F32x4::load(rotated.add(8 * i + j)) };
            product.add(h.abs() * centroid);
            h.negative()
        });
        unsafe { *codes.add(i) = (low | high << 4) as u8 };
    }
    product.total()
}

/// Writes a code for each byte, and returns the product of the rotated values and their centroids.
unsafe fn encode_each(codes: *mut u8, rotated: *const f32, padded: usize, bits: u32, deviation: f32) -> f64 {
    let magnitudes = MAGNITUDES[bits as usize - 1];
    let mut product = Sums::zero();
    let [zero, one, sign] = [0.0, 1.0, magnitudes.len() as f32].map(F32x4::splat);
    for i in (0..padded).step_by(8) {
        let numbers = [0, 4].map(|j| {
            let h = unsafe { F32x4::load(rotated.add(i + j)) };
            let magnitude = h.abs();
            let mut number = F32x4::where_positive(zero - h, sign, zero);
            let mut centroid = F32x4::splat(magnitudes[0]);
            for pair in magnitudes.windows(2) {
                let above = magnitude - F32x4::splat((pair[0] + pair[1]) / 2.0 * deviation);
                number = F32x4::where_positive(above, number + one, number);
                centroid = F32x4::where_positive(above, F32x4::splat(pair[1]), centroid);
            }
            product.add(magnitude * centroid);
            number
        });
        unsafe { F32x4::store_bytes([numbers[0], numbers[1], zero, zero], codes.add(i)) };
    }
    product.total()
}

/// Writes `n` codes one after the other.
unsafe fn pack(codes: *mut u8, n: usize, bits: u32, code: impl Fn(usize) -> u8) {
    for (group, start) in (0..n).step_by(8).enumerate() {
        let end = n.min(start + 8);
        let packed = (start..end).fold(0, |packed, i| packed | u32::from(code(i)) << (bits * (i - start) as u32));
        for byte in 0..((end - start) * bits as usize).div_ceil(8) {
            unsafe { *codes.add(group * bits as usize + byte) = (packed >> (8 * byte)) as u8 };
        }
    }
}

/// Reads `n` codes.
unsafe fn unpack(codes: *const u8, n: usize, bits: u32, mut code: impl FnMut(usize, usize)) {
    for (group, start) in (0..n).step_by(8).enumerate() {
        let end = n.min(start + 8);
        let packed = (0..((end - start) * bits as usize).div_ceil(8)).fold(0, |packed, byte| {
            packed | u32::from(unsafe { *codes.add(group * bits as usize + byte) }) << (8 * byte)
        });
        for i in start..end {
            code(i, (packed >> (bits * (i - start) as u32)) as usize & ((1 << bits) - 1));
        }
    }
}

/// Number of float32 of the scratch memory.
#[unsafe(no_mangle)]
pub extern "C" fn eden_decode_scratch(padded: usize) -> usize {
    padded
}

/// Values of the codes of a chunk, which `eden_encode` describes. Those that no code stands for are
/// taken for 0 before they are rotated back. The factor is the product of `factor` and `power`, a
/// power of two.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eden_decode(
    values: *mut f32,
    codes: *const u8,
    scratch: *mut f32,
    n: usize,
    padded: usize,
    bits: u32,
    kept: usize,
    factor: f32,
    power: f32,
    seed: u32,
    round: u32,
    rank: u32,
    chunk: u32,
) {
    let magnitudes = MAGNITUDES[bits as usize - 1];
    if bits == 1 && kept == padded {
        let centroid = F32x4::splat(magnitudes[0]);
        for i in 0..padded / 8 {
            let code = u32::from(unsafe { *codes.add(i) });
            unsafe { (four_signs(code) * centroid).store(scratch.add(8 * i)) };
            unsafe { (four_signs(code >> 4) * centroid).store(scratch.add(8 * i + 4)) };
        }
    } else {
        let mut centroids = [0.0; 16];
        for (i, &magnitude) in magnitudes.iter().enumerate() {
            (centroids[i], centroids[i + magnitudes.len()]) = (magnitude, -magnitude);
        }
        if kept < padded {
            unsafe { core::ptr::write_bytes(scratch, 0, padded) };
        }
        let order = Order::new(seed, round, rank, chunk, padded);
        let place = |i: usize| if kept == padded { i } else { order.at(i) };
        unsafe { unpack(codes, kept, bits, |i, code| *scratch.add(place(i)) = centroids[code & 15]) };
    }
    let rotations = Rotations::new(seed, round, rank, chunk);
    unsafe { rotations.apply(scratch, padded) };
    let (factor, power) = (F32x4::splat(factor), F32x4::splat(power));
    each_four(&rotations.first, chunk, n, |i, signs| {
        let x = unsafe { F32x4::load(scratch.add(i)) } * factor * power * signs;
        if i + 4 <= n {
            return unsafe { x.store(values.add(i)) };
        }
        let mut last = [0.0; 4];
        unsafe { x.store(last.as_mut_ptr()) };
        for j in i..n {
            unsafe { *values.add(j) = last[j - i] };
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_hold_each_number_once() {
        for padded in [32, 64, 128, CHUNK] {
            for chunk in 0..20 {
                let order = Order::new(1, 2, 3, chunk, padded);
                let mut all: Vec<usize> = (0..padded).map(|place| order.at(place)).collect();
                all.sort();
                assert!(all.into_iter().eq(0..padded));
            }
        }
    }

    #[test]
    fn codes_are_unpacked_as_they_were_packed() {
        for bits in 1..=4 {
            for n in 0..40 {
                let size = (n * bits as usize).div_ceil(8);
                let mut packed = vec![0xAA; size + 1];
                let code = |i: usize| ((i * 7 + 3) % (1 << bits)) as u8;
                unsafe { pack(packed.as_mut_ptr(), n, bits, code) };
                let mut count = 0;
                unsafe {
                    unpack(packed.as_ptr(), n, bits, |i, found| {
                        assert_eq!((i, found), (count, usize::from(code(i))));
                        count += 1;
                    });
                }
                assert_eq!((count, packed[size]), (n, 0xAA));
            }
        }
    }

    #[test]
    fn decoded_chunks_point_where_the_values_do() {
        for (n, padded) in [(1, 32), (32, 32), (33, 64), (100, 128), (4000, CHUNK)] {
            for bits in 1..=4 {
                let values: Vec<f32> = (0..n).map(|i| ((i * 7919) % 1009) as f32 / 100.0 - 4.0).collect();
                let mut codes = vec![0; padded * bits as usize / 8];
                let mut scratch = vec![0.0; eden_encode_scratch(padded)];
                let mut decoded = vec![0.0; n];
                let (x, work) = (values.as_ptr(), scratch.as_mut_ptr());
                let to = codes.as_mut_ptr();
                unsafe {
                    let factor = eden_encode(to, x, work, n, padded, bits, padded, 1.0, 1, 2, 3, 4) as f32;
                    let out = decoded.as_mut_ptr();
                    eden_decode(out, to, work, n, padded, bits, padded, factor, 1.0, 1, 2, 3, 4);
                }
                // The factor makes the product of the two vectors the square of the first.
                let square: f32 = values.iter().map(|x| x * x).sum();
                let product: f32 = values.iter().zip(&decoded).map(|(x, y)| x * y).sum();
                assert!((product - square).abs() < 1e-4 * square, "{bits} bits of {n}: {product}, {square}");
            }
        }
    }
}
