//! Conversion of vectors of `n` values from and to bfloat16, the upper half of float32.

/// Conversion to bfloat16: to the nearest, ties to even. Overflow becomes infinity and NaN stays
/// NaN. The two vectors do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn to_bfloat(halves: *mut u16, values: *const f32, n: usize) {
    let halves = unsafe { core::slice::from_raw_parts_mut(halves, n) };
    let values = unsafe { core::slice::from_raw_parts(values, n) };
    for (half, value) in halves.iter_mut().zip(values) {
        let bits = value.to_bits();
        let rounded = bits.wrapping_add(0x7FFF + (bits >> 16 & 1));
        let is_nan = bits & 0x7FFF_FFFF > 0x7F80_0000;
        *half = ((if is_nan { bits | 0x40_0000 } else { rounded }) >> 16) as u16;
    }
}

/// Exact conversion from bfloat16. The two vectors do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn from_bfloat(values: *mut f32, halves: *const u16, n: usize) {
    let values = unsafe { core::slice::from_raw_parts_mut(values, n) };
    let halves = unsafe { core::slice::from_raw_parts(halves, n) };
    for (value, &half) in values.iter_mut().zip(halves) {
        *value = f32::from_bits(u32::from(half) << 16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrow(value: f32) -> u16 {
        let mut half = 0;
        unsafe { to_bfloat(&mut half, &value, 1) };
        half
    }

    #[test]
    fn halves_come_back() {
        let halves: Vec<u16> = (0..=u16::MAX).collect();
        let mut values = vec![0.0; halves.len()];
        unsafe { from_bfloat(values.as_mut_ptr(), halves.as_ptr(), halves.len()) };
        for (half, value) in halves.into_iter().zip(values) {
            assert!(if value.is_nan() { half & 0x7F80 == 0x7F80 } else { narrow(value) == half });
        }
    }

    #[test]
    fn narrowing_rounds_to_nearest_even() {
        for half in (0..0x7F7F_u16).step_by(7) {
            let middle = f32::from_bits((u32::from(half) << 16) + 0x8000);
            assert_eq!(narrow(middle), half + (half & 1));
            assert_eq!(narrow(middle.next_down()), half);
            assert_eq!(narrow(-middle.next_up()), 0x8000 | (half + 1));
        }
        assert_eq!(narrow(f32::MAX), 0x7F80);
        assert_eq!(narrow(f32::from_bits(0x7F80_0001)) & 0x7FC0, 0x7FC0);
    }
}
