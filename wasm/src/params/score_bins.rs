//! Histograms of a classifier's scores, for the areas under its curves.

/// Values of a byte.
const DIGITS: usize = 256;
/// Bytes of a code.
const BYTES: usize = 3;
/// Bits of a number of a bin, and one more.
const PLACES: usize = 33;

/// Counts the scores of `n` rows, each by twice the number of its bin, and one more where the row is
/// of the class. Bins are joined in pairs until at most `most` are occupied.
///
/// Writes three values for each occupied bin, in rising order: its number less that of the bin
/// before, the rows that are not of the class, and those that are. `shift` becomes the number of
/// times that bins were joined. `codes` is overwritten; `spare` has room for as many.
///
/// The order is that of a radix sort from the lowest byte on (Knuth, "The Art of Computer
/// Programming", volume 3, algorithm 5.2.5R).
///
/// Returns the number of occupied bins.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn score_bins(
    codes: *mut u32,
    n: usize,
    most: usize,
    spare: *mut u32,
    bins: *mut f64,
    shift: *mut u32,
) -> usize {
    unsafe {
        let sorted = sort(codes, n, spare);
        let joined = shift_for(sorted, n, most);
        *shift = joined;
        let (mut count, mut last, mut before) = (0, 0, 0);
        for i in 0..n {
            let code = *sorted.add(i);
            let (place, positive) = (code >> 1 >> joined, code & 1);
            if count == 0 || place != last {
                let bin = bins.add(3 * count);
                *bin = f64::from(place - before);
                *bin.add(1) = 0.0;
                *bin.add(2) = 0.0;
                count += 1;
                (last, before) = (place, place);
            }
            *bins.add(3 * (count - 1) + 1 + positive as usize) += 1.0;
        }
        count
    }
}

/// Sorts codes, with room for as many, and returns where they are then.
unsafe fn sort(codes: *mut u32, n: usize, spare: *mut u32) -> *mut u32 {
    let mut starts = [[0u32; DIGITS]; BYTES];
    let (mut from, mut to) = (codes, spare);
    for i in 0..n {
        let code = unsafe { *codes.add(i) };
        for (byte, counts) in starts.iter_mut().enumerate() {
            counts[digit(code, byte)] += 1;
        }
    }
    for (byte, starts) in starts.iter_mut().enumerate() {
        let mut before = 0;
        for start in starts.iter_mut() {
            (*start, before) = (before, before + *start);
        }
        for i in 0..n {
            let code = unsafe { *from.add(i) };
            let start = &mut starts[digit(code, byte)];
            unsafe { *to.add(*start as usize) = code };
            *start += 1;
        }
        (from, to) = (to, from);
    }
    from
}

fn digit(code: u32, byte: usize) -> usize {
    (code >> (8 * byte)) as usize % DIGITS
}

/// Returns the least number of times by which bins are joined, so that at most `most` are occupied.
unsafe fn shift_for(sorted: *const u32, n: usize, most: usize) -> u32 {
    // Bins are joined from the shift on by which their numbers differ in no bit that is left.
    let mut apart = [0usize; PLACES];
    for i in 1..n {
        let (a, b) = unsafe { (*sorted.add(i - 1) >> 1, *sorted.add(i) >> 1) };
        apart[(32 - (a ^ b).leading_zeros()) as usize % PLACES] += 1;
    }
    let (mut count, mut shift) = (n - apart[0], 0);
    while count > most && shift + 1 < PLACES {
        shift += 1;
        count -= apart[shift];
    }
    shift as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins_of(codes: &[u32], most: usize) -> (u32, Vec<f64>) {
        let (mut codes, mut spare) = (codes.to_vec(), vec![0; codes.len()]);
        let (mut bins, mut shift) = (vec![0.0; 3 * codes.len()], 99);
        let (at, room) = (codes.as_mut_ptr(), spare.as_mut_ptr());
        let count = unsafe { score_bins(at, codes.len(), most, room, bins.as_mut_ptr(), &mut shift) };
        bins.truncate(3 * count);
        (shift, bins)
    }

    #[test]
    fn counts_rows_of_each_bin() {
        let codes = [2 * 70_000, 2 * 5 + 1, 2 * 5, 2 * 8_388_607 + 1, 2 * 5];
        assert_eq!(bins_of(&codes, 9), (0, vec![5.0, 2.0, 1.0, 69_995.0, 1.0, 0.0, 8_318_607.0, 0.0, 1.0]));
        assert_eq!(bins_of(&[], 9), (0, vec![]));
    }

    #[test]
    fn joins_bins_in_pairs() {
        let codes = [2 * 8, 2 * 9 + 1, 2 * 12, 2 * 15];
        assert_eq!(bins_of(&codes, 3), (1, vec![4.0, 1.0, 1.0, 2.0, 1.0, 0.0, 1.0, 1.0, 0.0]));
        assert_eq!(bins_of(&codes, 2), (2, vec![2.0, 1.0, 1.0, 1.0, 2.0, 0.0]));
        assert_eq!(bins_of(&codes, 1), (3, vec![1.0, 3.0, 1.0]));
    }
}
