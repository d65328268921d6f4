//! Integers of 8 and of 4 bits with a scale for each block of values: `code = round(value / scale)`,
//! where the scale is the block's largest magnitude divided by the largest code.
//!
//! A block of zeros, and one whose scale is too small for float32, has scale 0 and codes of 0. Where
//! a scale is subnormal, codes are cut at the range of their bits.

use super::philox::Stream;
use crate::params::exact::largest;
use crate::simd::F32x4;

/// Values of a block of each width.
const BYTES: usize = 256;
const NIBBLES: usize = 64;

/// Adding it rounds a value to an integer, ties to even, in the low bits of the sum.
const MAGIC: f32 = 12_582_912.0;

fn nearest(value: f32) -> i32 {
    (value + MAGIC).to_bits() as i32 - MAGIC.to_bits() as i32
}

/// Scales from which on the reciprocal is a number of full accuracy.
const LEAST_SCALE: f32 = f32::from_bits((127 - 100) << 23);

/// Writes values divided by their scale as bytes, each rounded to the nearest, ties to even. A
/// quotient is the product with the reciprocal, except for tiny scales.
#[inline(always)]
fn divide(values: &[f32], scale: f32, codes: &mut [u8]) {
    let (by, inverse) = (F32x4::splat(scale), F32x4::splat(1.0 / scale));
    if scale >= LEAST_SCALE {
        write_bytes(values, codes, |four| four * inverse);
    } else {
        write_bytes(values, codes, |four| four / by);
    }
}

#[inline(always)]
fn write_bytes(values: &[f32], codes: &mut [u8], quotients: impl Fn(F32x4) -> F32x4) {
    let (tiles, rest) = values.as_chunks::<16>();
    let (to, last) = codes.split_at_mut(16 * tiles.len());
    let write = |tile: &[f32; 16], to: &mut [u8; 16]| unsafe {
        let four = |i| quotients(F32x4::load(tile.as_ptr().add(i)));
        F32x4::store_bytes([0, 4, 8, 12].map(four), to.as_mut_ptr());
    };
    for (tile, to) in tiles.iter().zip(to.as_chunks_mut::<16>().0) {
        write(tile, to);
    }
    let (mut tile, mut bytes) = ([0.0; 16], [0; 16]);
    tile[..rest.len()].copy_from_slice(rest);
    write(&tile, &mut bytes);
    last.copy_from_slice(&bytes[..rest.len()]);
}

/// Numbers from 0 to 1 by which values are rounded at random: 8 of a block, each of 16 bits.
struct Draws {
    stream: Stream,
    index: u32,
}

impl Draws {
    fn new(seed: u32, round: u32, rank: u32, first: u32) -> Self {
        Self { stream: Stream::new(seed, "rounding", round, rank), index: first / 8 }
    }

    fn eight(&mut self) -> [f32; 8] {
        let words = self.stream.block(self.index);
        self.index += 1;
        core::array::from_fn(|i| ((words[i / 2] >> (16 * (i % 2)) & 0xFFFF) as f32 + 0.5) / 65536.0)
    }
}

/// Greatest integer not above a value of at most 2^22.
fn floor(value: f32) -> i32 {
    let whole = nearest(value);
    whole - i32::from(whole as f32 > value)
}

/// Writes the scales of blocks of `SIZE` values, and passes each value divided by its scale to
/// `code`, with its number.
#[inline(always)]
unsafe fn encode<const SIZE: usize>(
    scales: *mut f32,
    values: *const f32,
    n: usize,
    most: f32,
    mut block: impl FnMut(usize, &[f32], f32),
) {
    let values = unsafe { core::slice::from_raw_parts(values, n) };
    for (i, values) in values.chunks(SIZE).enumerate() {
        let scale = unsafe { largest(values.as_ptr(), values.len()) } / most;
        unsafe { *scales.add(i) = scale };
        block(i * SIZE, values, scale);
    }
}

/// Codes of 8 bits of `n` values in blocks of 256, each rounded to the nearest, ties to even.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn int8_encode(codes: *mut u8, scales: *mut f32, values: *const f32, n: usize) {
    let codes = unsafe { core::slice::from_raw_parts_mut(codes, n) };
    let block = |start: usize, values: &[f32], scale: f32| {
        let codes = &mut codes[start..start + values.len()];
        if scale == 0.0 {
            return codes.fill(0);
        }
        divide(values, scale, codes);
    };
    unsafe { encode::<BYTES>(scales, values, n, 127.0, block) };
}

/// Codes of 8 bits of `n` values in blocks of 256, each rounded up or down at random so that its
/// mean is the value. `first` is the number of the first value in its vector, a multiple of 256.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn int8_encode_randomly(
    codes: *mut u8,
    scales: *mut f32,
    values: *const f32,
    n: usize,
    seed: u32,
    round: u32,
    rank: u32,
    first: u32,
) {
    let codes = unsafe { core::slice::from_raw_parts_mut(codes, n) };
    let mut draws = Draws::new(seed, round, rank, first);
    let block = |start: usize, values: &[f32], scale: f32| {
        let codes = &mut codes[start..start + values.len()];
        for (codes, values) in codes.chunks_mut(8).zip(values.chunks(8)) {
            for ((code, value), draw) in codes.iter_mut().zip(values).zip(draws.eight()) {
                *code = if scale == 0.0 { 0 } else { floor(value / scale + draw).clamp(-128, 127) as u8 };
            }
        }
    };
    unsafe { encode::<BYTES>(scales, values, n, 127.0, block) };
}

/// Values of `n` codes of 8 bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn int8_decode(values: *mut f32, codes: *const u8, scales: *const f32, n: usize) {
    let values = unsafe { core::slice::from_raw_parts_mut(values, n) };
    let codes = unsafe { core::slice::from_raw_parts(codes, n) };
    for (i, (values, codes)) in values.chunks_mut(BYTES).zip(codes.chunks(BYTES)).enumerate() {
        let scale = unsafe { *scales.add(i) };
        for (value, &code) in values.iter_mut().zip(codes) {
            *value = f32::from(code as i8) * scale;
        }
    }
}

/// Codes of 4 bits of `n` values in blocks of 64, each rounded to the nearest, ties to even. The
/// first of two values is in the lower half of their byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn int4_encode(codes: *mut u8, scales: *mut f32, values: *const f32, n: usize) {
    let codes = unsafe { core::slice::from_raw_parts_mut(codes, n.div_ceil(2)) };
    let block = |start: usize, values: &[f32], scale: f32| {
        let codes = &mut codes[start / 2..start / 2 + values.len().div_ceil(2)];
        if scale == 0.0 {
            return codes.fill(0);
        }
        let mut bytes = [0; NIBBLES];
        divide(values, scale, &mut bytes[..values.len()]);
        let nibble = |byte: u8| (byte as i8).clamp(-8, 7) as u8 & 15;
        for (code, pair) in codes.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *code = nibble(pair[0]) | nibble(pair[1]) << 4;
        }
    };
    unsafe { encode::<NIBBLES>(scales, values, n, 7.0, block) };
}

/// Codes of 4 bits of `n` values in blocks of 64, each rounded up or down at random so that its mean
/// is the value. `first` is the number of the first value in its vector, a multiple of 64.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn int4_encode_randomly(
    codes: *mut u8,
    scales: *mut f32,
    values: *const f32,
    n: usize,
    seed: u32,
    round: u32,
    rank: u32,
    first: u32,
) {
    let codes = unsafe { core::slice::from_raw_parts_mut(codes, n.div_ceil(2)) };
    let mut draws = Draws::new(seed, round, rank, first);
    let block = |start: usize, values: &[f32], scale: f32| {
        let codes = &mut codes[start / 2..start / 2 + values.len().div_ceil(2)];
        let nibble = |value: f32, draw: f32| {
            if scale == 0.0 { 0 } else { floor(value / scale + draw).clamp(-8, 7) & 15 }
        };
        for (codes, values) in codes.chunks_mut(4).zip(values.chunks(8)) {
            let draws = draws.eight();
            codes.fill(0);
            for (i, (&value, draw)) in values.iter().zip(draws).enumerate() {
                codes[i / 2] |= (nibble(value, draw) << (4 * (i % 2))) as u8;
            }
        }
    };
    unsafe { encode::<NIBBLES>(scales, values, n, 7.0, block) };
}

/// Values of `n` codes of 4 bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn int4_decode(values: *mut f32, codes: *const u8, scales: *const f32, n: usize) {
    let values = unsafe { core::slice::from_raw_parts_mut(values, n) };
    let codes = unsafe { core::slice::from_raw_parts(codes, n.div_ceil(2)) };
    for (i, (values, codes)) in values.chunks_mut(NIBBLES).zip(codes.chunks(NIBBLES / 2)).enumerate() {
        let scale = unsafe { *scales.add(i) };
        for (pair, &code) in values.chunks_mut(2).zip(codes) {
            for (value, code) in pair.iter_mut().zip([(code << 4) as i8 >> 4, code as i8 >> 4]) {
                *value = f32::from(code) * scale;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_are_those_of_the_standard_library() {
        for i in -3000..3000 {
            let value = i as f32 / 23.0;
            assert_eq!(floor(value), value.floor() as i32);
        }
    }

    #[test]
    fn codes_that_are_values_come_back() {
        for n in [1, 2, 63, 64, 65, 255, 256, 257, 1000] {
            let mut values: Vec<f32> = (0..n).map(|i| (i * 31 % 255) as f32 - 127.0).collect();
            values.iter_mut().step_by(BYTES).for_each(|value| *value = 127.0);
            let (mut codes, mut scales) = (vec![0; n], vec![0.0; n.div_ceil(BYTES)]);
            let mut decoded = vec![0.0; n];
            unsafe { int8_encode(codes.as_mut_ptr(), scales.as_mut_ptr(), values.as_ptr(), n) };
            unsafe { int8_decode(decoded.as_mut_ptr(), codes.as_ptr(), scales.as_ptr(), n) };
            assert_eq!(decoded, values);
            values.iter_mut().for_each(|value| *value = (*value as i32 % 8) as f32);
            values.iter_mut().step_by(NIBBLES).for_each(|value| *value = -7.0);
            let (mut codes, mut scales) = (vec![0; n.div_ceil(2)], vec![0.0; n.div_ceil(NIBBLES)]);
            unsafe { int4_encode(codes.as_mut_ptr(), scales.as_mut_ptr(), values.as_ptr(), n) };
            unsafe { int4_decode(decoded.as_mut_ptr(), codes.as_ptr(), scales.as_ptr(), n) };
            assert_eq!(decoded, values);
        }
    }
}
