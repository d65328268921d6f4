//! Random whole numbers, as `Random` of `src/base/random.ts` draws them.

use super::codec::philox::Stream;

/// Draws `count` whole numbers from a stream, from its number `first` on: that at place `i` is below
/// `limit - i`, each equally likely. `purpose` is the hash of the stream's purpose.
///
/// Returns how many numbers of the stream were used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn draw_below(
    seed: u32,
    purpose: u32,
    round: u32,
    rank: u32,
    first: usize,
    limit: usize,
    count: usize,
    draws: *mut u32,
) -> usize {
    const ALL: u64 = 1 << 32;
    let stream = Stream::of(seed, purpose, round, rank);
    let (mut at, mut block) = (first, stream.block(first as u32 / 4));
    let mut next = || {
        if at % 4 == 0 {
            block = stream.block((at / 4) as u32);
        }
        at += 1;
        block[(at - 1) % 4]
    };
    for i in 0..count {
        let limit = (limit - i) as u64;
        let mut draw = u64::from(next());
        // Smaller draws are fair for sure, without a second division.
        if draw > ALL - limit {
            let fair = ALL - ALL % limit;
            while draw >= fair {
                draw = u64::from(next());
            }
        }
        unsafe { *draws.add(i) = (draw % limit) as u32 };
    }
    at - first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_go_on_where_the_last_ones_ended() {
        let mut all = [0; 100];
        let used = unsafe { draw_below(7, 9, 1, 2, 0, 101, 100, all.as_mut_ptr()) };
        assert!(used >= 100 && all.iter().enumerate().all(|(i, &draw)| draw < 101 - i as u32));
        let mut parts = [0; 100];
        let first = unsafe { draw_below(7, 9, 1, 2, 0, 101, 33, parts.as_mut_ptr()) };
        unsafe { draw_below(7, 9, 1, 2, first, 68, 67, parts[33..].as_mut_ptr()) };
        assert_eq!(all, parts);
    }
}
