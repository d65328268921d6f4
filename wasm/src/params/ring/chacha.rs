//! Key streams of ChaCha20 (RFC 8439, section 2.4) as integers: each four bytes of a stream are an
//! integer, little-endian.
//!
//! A stream is given by the last twelve words of its first state: eight words of key, the number of
//! the first block, three words of nonce.

use crate::simd::U32x4;

const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646E, 0x7962_2D32, 0x6B20_6574];
const DOUBLE_ROUNDS: usize = 10;
/// Words of a block, of four blocks that are made at once, and of a given state.
const BLOCK: usize = 16;
const BLOCKS: usize = 4 * BLOCK;
const GIVEN: usize = 12;
/// Place of the number of the block in a given state, and in a block.
const COUNTER: usize = 8;
const NUMBER: usize = 12;
/// Words to which all streams are added before the next ones: they stay in the cache.
const TILE: usize = 30 * BLOCKS;

/// Four blocks: each word of theirs in the four lanes.
type Words = [U32x4; BLOCK];

/// Addition of the streams of `count` states to integers, modulo 2^32. `first` is added to the
/// number of each stream's first block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn add_streams(acc: *mut u32, states: *const u32, count: usize, first: u32, n: usize) {
    unsafe { for_each_stream(acc, states, (count, first, n), |acc, stream| acc + stream) }
}

/// Subtraction of the streams of `count` states from integers, modulo 2^32. `first` is added to the
/// number of each stream's first block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn subtract_streams(acc: *mut u32, states: *const u32, count: usize, first: u32, n: usize) {
    unsafe { for_each_stream(acc, states, (count, first, n), |acc, stream| acc - stream) }
}

#[inline(always)]
unsafe fn for_each_stream(
    acc: *mut u32,
    states: *const u32,
    (count, first, n): (usize, u32, usize),
    combine: impl Fn(U32x4, U32x4) -> U32x4,
) {
    for start in (0..n).step_by(TILE) {
        let tile = TILE.min(n - start);
        let block = first.wrapping_add((start / BLOCK) as u32);
        for state in 0..count {
            unsafe {
                let given = &*states.add(GIVEN * state).cast::<[u32; GIVEN]>();
                combine_tile(acc.add(start), tile, given, block, &combine);
            }
        }
    }
}

#[inline(always)]
unsafe fn combine_tile(
    acc: *mut u32,
    n: usize,
    given: &[u32; GIVEN],
    first: u32,
    combine: &impl Fn(U32x4, U32x4) -> U32x4,
) {
    let mut start = [U32x4::splat(0); BLOCK];
    for (word, value) in start.iter_mut().zip(CONSTANTS.iter().chain(given)) {
        *word = U32x4::splat(*value);
    }
    start[NUMBER] = start[NUMBER] + U32x4::splat(first) + U32x4::from([0, 1, 2, 3]);
    let mut i = 0;
    while i < n {
        let words = four_blocks(&start);
        let left = n - i;
        if left >= BLOCKS {
            unsafe { combine_blocks(acc.add(i), words, combine) };
        } else {
            let mut last = [0; BLOCKS];
            unsafe {
                last.as_mut_ptr().copy_from_nonoverlapping(acc.add(i), left);
                combine_blocks(last.as_mut_ptr(), words, combine);
                acc.add(i).copy_from_nonoverlapping(last.as_ptr(), left);
            }
        }
        start[NUMBER] = start[NUMBER] + U32x4::splat(4);
        i += BLOCKS;
    }
}

/// Combines 64 integers with four blocks.
#[inline(always)]
unsafe fn combine_blocks(acc: *mut u32, words: Words, combine: &impl Fn(U32x4, U32x4) -> U32x4) {
    for (i, four) in words.chunks_exact(4).enumerate() {
        let parts = U32x4::transposed([four[0], four[1], four[2], four[3]]);
        for (block, part) in parts.into_iter().enumerate() {
            unsafe {
                let at = acc.add(BLOCK * block + 4 * i);
                combine(U32x4::load(at), part).store(at);
            }
        }
    }
}

/// Returns the four blocks of four first states.
#[inline(always)]
fn four_blocks(start: &Words) -> Words {
    let mut x = *start;
    for _ in 0..DOUBLE_ROUNDS {
        quarter_round(&mut x, [0, 4, 8, 12]);
        quarter_round(&mut x, [1, 5, 9, 13]);
        quarter_round(&mut x, [2, 6, 10, 14]);
        quarter_round(&mut x, [3, 7, 11, 15]);
        quarter_round(&mut x, [0, 5, 10, 15]);
        quarter_round(&mut x, [1, 6, 11, 12]);
        quarter_round(&mut x, [2, 7, 8, 13]);
        quarter_round(&mut x, [3, 4, 9, 14]);
    }
    for (word, first) in x.iter_mut().zip(start) {
        *word = *word + *first;
    }
    x
}

#[inline(always)]
fn quarter_round(x: &mut Words, [a, b, c, d]: [usize; 4]) {
    x[a] = x[a] + x[b];
    x[d] = (x[d] ^ x[a]).rotate_left::<16>();
    x[c] = x[c] + x[d];
    x[b] = (x[b] ^ x[c]).rotate_left::<12>();
    x[a] = x[a] + x[b];
    x[d] = (x[d] ^ x[a]).rotate_left::<8>();
    x[c] = x[c] + x[d];
    x[b] = (x[b] ^ x[c]).rotate_left::<7>();
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC_STATE: [u32; GIVEN] = [
        0x0302_0100,
        0x0706_0504,
        0x0B0A_0908,
        0x0F0E_0D0C,
        0x1312_1110,
        0x1716_1514,
        0x1B1A_1918,
        0x1F1E_1D1C,
        1,
        0x0900_0000,
        0x4A00_0000,
        0,
    ];

    /// The blocks of RFC 8439, section 2.3, one at a time.
    fn plain(given: [u32; GIVEN], n: usize) -> Vec<u32> {
        let mut words = Vec::new();
        for number in 0.. {
            let mut start = [0; BLOCK];
            start[..4].copy_from_slice(&CONSTANTS);
            start[4..].copy_from_slice(&given);
            start[12] = start[12].wrapping_add(number);
            let mut x = start;
            let mut quarter = |a: usize, b: usize, c: usize, d: usize| {
                x[a] = x[a].wrapping_add(x[b]);
                x[d] = (x[d] ^ x[a]).rotate_left(16);
                x[c] = x[c].wrapping_add(x[d]);
                x[b] = (x[b] ^ x[c]).rotate_left(12);
                x[a] = x[a].wrapping_add(x[b]);
                x[d] = (x[d] ^ x[a]).rotate_left(8);
                x[c] = x[c].wrapping_add(x[d]);
                x[b] = (x[b] ^ x[c]).rotate_left(7);
            };
            for _ in 0..10 {
                quarter(0, 4, 8, 12);
                quarter(1, 5, 9, 13);
                quarter(2, 6, 10, 14);
                quarter(3, 7, 11, 15);
                quarter(0, 5, 10, 15);
                quarter(1, 6, 11, 12);
                quarter(2, 7, 8, 13);
                quarter(3, 4, 9, 14);
            }
            words.extend(x.iter().zip(start).map(|(x, start)| x.wrapping_add(start)));
            if words.len() >= n {
                words.truncate(n);
                return words;
            }
        }
        unreachable!()
    }

    #[test]
    fn the_block_is_that_of_rfc_8439() {
        let mut acc = [0; BLOCK];
        unsafe { add_streams(acc.as_mut_ptr(), RFC_STATE.as_ptr(), 1, 0, BLOCK) };
        assert_eq!(acc[..4], [0xE4E7_F110, 0x1559_3BD1, 0x1FDD_0F50, 0xC471_20A3]);
        assert_eq!(acc[12..], [0xD19C_12B5, 0xB94E_16DE, 0xE883_D0CB, 0x4E3C_50A2]);
    }

    #[test]
    fn sums_of_streams_are_those_of_the_plain_blocks_and_are_taken_away_again() {
        let mut other = RFC_STATE;
        other[3] ^= 5;
        other[8] = u32::MAX;
        let states = [RFC_STATE, other].concat();
        for n in (0..200).chain([TILE - 1, TILE + 70, 3 * TILE]) {
            let mut acc: Vec<u32> = (0..=n as u32).collect();
            unsafe { add_streams(acc.as_mut_ptr(), states.as_ptr(), 2, 0, n) };
            let [one, two] = [RFC_STATE, other].map(|given| plain(given, n));
            for i in 0..n {
                assert_eq!(acc[i], (i as u32).wrapping_add(one[i]).wrapping_add(two[i]), "{i} of {n}");
            }
            assert_eq!(acc[n], n as u32);
            // In two pieces, cut at a block.
            let cut = n / 2 / BLOCK * BLOCK;
            unsafe {
                subtract_streams(acc.as_mut_ptr(), states.as_ptr(), 2, 0, cut);
                let rest = acc.as_mut_ptr().add(cut);
                subtract_streams(rest, states.as_ptr(), 2, (cut / BLOCK) as u32, n - cut);
            }
            assert!(acc.iter().enumerate().all(|(i, x)| *x == i as u32));
        }
    }
}
