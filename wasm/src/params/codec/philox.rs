//! Random numbers that depend only on a seed, a purpose, a round and a rank: Philox4x32-10 (Salmon
//! et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3", section 4.3).

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// Returns the block of a counter and a key.
fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut c0, mut c1, mut c2, mut c3], [mut k0, mut k1]) = (counter, key);
    for _ in 0..ROUNDS {
        let first = u64::from(MULTIPLIERS[0]) * u64::from(c0);
        let second = u64::from(MULTIPLIERS[1]) * u64::from(c2);
        (c0, c1) = ((second >> 32) as u32 ^ c1 ^ k0, second as u32);
        (c2, c3) = ((first >> 32) as u32 ^ c3 ^ k1, first as u32);
        (k0, k1) = (k0.wrapping_add(WEYL[0]), k1.wrapping_add(WEYL[1]));
    }
    [c0, c1, c2, c3]
}

/// Stream of blocks of four numbers of 32 bits, that of `Random` in `src/base/random.ts`.
pub struct Stream {
    key: [u32; 2],
    round: u32,
    rank: u32,
}

impl Stream {
    /// Opens the stream of a purpose.
    pub const fn new(seed: u32, purpose: &str, round: u32, rank: u32) -> Self {
        Self { key: [seed, fnv1a(purpose)], round, rank }
    }

    /// Opens a stream by the hash of its purpose.
    pub const fn of(seed: u32, purpose: u32, round: u32, rank: u32) -> Self {
        Self { key: [seed, purpose], round, rank }
    }

    /// Returns a block by its number.
    pub fn block(&self, index: u32) -> [u32; 4] {
        philox([index, 0, self.round, self.rank], self.key)
    }
}

/// Returns the FNV-1a hash of a text in ASCII.
const fn fnv1a(text: &str) -> u32 {
    let bytes = text.as_bytes();
    let (mut hash, mut i) = (0x811C_9DC5_u32, 0);
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_those_of_random123() {
        // From kat_vectors of Random123.
        let all = u32::MAX;
        for (counter, key, expected) in [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([all; 4], [all; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ] {
            assert_eq!(philox(counter, key), expected);
        }
    }

    #[test]
    fn hashes_are_those_of_fnv() {
        assert_eq!([fnv1a(""), fnv1a("a"), fnv1a("foobar")], [0x811c_9dc5, 0xe40c_292c, 0xbf9c_f968]);
    }
}
