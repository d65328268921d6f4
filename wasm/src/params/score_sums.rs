//! Sums of histograms of scores.
//!
//! A histogram is three numbers for each occupied bin, in rising order: its place less that of the bin
//! before, the rows that are not of the class, and those that are. All are whole numbers.

/// Bits of the place of a bin, and one more.
const PLACES: usize = 33;

/// Adds a histogram of `n` bins, joined in pairs `n_shift` times, and one of `m` bins. Bins are
/// joined in pairs until at most `most` are occupied; `shift` becomes the number of times. `bins` has
/// room for those of both.
///
/// Returns the number of bins.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn add_bins(
    one: *const f64,
    n: usize,
    n_shift: u32,
    other: *const f64,
    m: usize,
    m_shift: u32,
    most: usize,
    bins: *mut f64,
    shift: *mut u32,
) -> usize {
    let whole = n_shift.max(m_shift);
    let (n_joined, m_joined) = (whole - n_shift, whole - m_shift);
    // Bins are joined from the shift on by which their places differ in no bit that is left.
    let mut apart = [0usize; PLACES];
    let place = |of: *const f64, i: usize, count: usize, sum: u32| unsafe {
        if i < count { sum.wrapping_add(*of.add(3 * i) as u32) } else { sum }
    };
    let (mut n_sum, mut m_sum, mut last, mut end) = (place(one, 0, n, 0), place(other, 0, m, 0), 0, 0);
    let (mut i, mut k) = (0, 0);
    while i < n || k < m {
        let (n_place, m_place) = (n_sum >> n_joined, m_sum >> m_joined);
        let is_one = k >= m || i < n && n_place <= m_place;
        let place_now = if is_one { n_place } else { m_place };
        unsafe {
            let from = if is_one { one.add(3 * i) } else { other.add(3 * k) };
            let to = bins.add(3 * end);
            if end > 0 && place_now == last {
                *to.sub(2) += *from.add(1);
                *to.sub(1) += *from.add(2);
            } else {
                if end > 0 {
                    apart[(32 - (place_now ^ last).leading_zeros()) as usize] += 1;
                }
                *to = f64::from(place_now);
                *to.add(1) = *from.add(1);
                *to.add(2) = *from.add(2);
                end += 1;
                last = place_now;
            }
        }
        if is_one {
            i += 1;
            n_sum = place(one, i, n, n_sum);
        } else {
            k += 1;
            m_sum = place(other, k, m, m_sum);
        }
    }
    let (mut count, mut joined) = (end, 0);
    while count > most && joined + 1 < PLACES {
        joined += 1;
        count -= apart[joined];
    }
    unsafe {
        *shift = whole + joined as u32;
        put_gaps(bins, end, joined as u32)
    }
}

/// Joins `2^shift` bins in one, in place, and puts the distance to the bin before in the place of the
/// place of each. Returns the number of bins.
unsafe fn put_gaps(bins: *mut f64, count: usize, shift: u32) -> usize {
    let (mut end, mut last) = (0, 0);
    for i in 0..count {
        unsafe {
            let from = bins.add(3 * i);
            let place = (*from as u32).checked_shr(shift).unwrap_or(0);
            let to = bins.add(3 * end);
            if end > 0 && place == last {
                *to.sub(2) += *from.add(1);
                *to.sub(1) += *from.add(2);
                continue;
            }
            *to = f64::from(place - last);
            *to.add(1) = *from.add(1);
            *to.add(2) = *from.add(2);
            end += 1;
            last = place;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum_of(one: &[f64], other: &[f64], shifts: [u32; 2], most: usize) -> (u32, Vec<f64>) {
        let (mut bins, mut shift) = (vec![0.0; one.len() + other.len()], 99);
        let (n, m) = (one.len() / 3, other.len() / 3);
        let to = bins.as_mut_ptr();
        let count = unsafe { add_bins(one.as_ptr(), n, shifts[0], other.as_ptr(), m, shifts[1], most, to, &mut shift) };
        bins.truncate(3 * count);
        (shift, bins)
    }

    #[test]
    fn add_bins_lists_the_bins_of_both() {
        let (one, other) = ([5.0, 2.0, 1.0, 3.0, 0.0, 4.0], [8.0, 1.0, 1.0, 1.0, 7.0, 0.0]);
        let all = vec![5.0, 2.0, 1.0, 3.0, 1.0, 5.0, 1.0, 7.0, 0.0];
        assert_eq!(sum_of(&one, &other, [0, 0], 9), (0, all.clone()));
        assert_eq!(sum_of(&all, &[], [3, 0], 9), (3, all));
        assert_eq!(sum_of(&one, &other, [0, 0], 2), (1, vec![2.0, 2.0, 1.0, 2.0, 8.0, 5.0]));
        assert_eq!(sum_of(&one, &[4.0, 1.0, 0.0], [0, 1], 9), (1, vec![2.0, 2.0, 1.0, 2.0, 1.0, 4.0]));
    }
}
