//! Conversion of one value from and to IEEE 754 binary16.

/// Converts one value to half precision: to the nearest, ties to even. Overflow becomes infinity
/// and NaN stays NaN.
pub fn narrow(value: f32) -> u16 {
    let bits = value.to_bits();
    // Values from 2^16 on become infinity by the same steps as values that round up to 2^16.
    let magnitude = (bits & 0x7FFF_FFFF).min(143 << 23);
    // Moving the exponent from a bias of 127 to one of 15 and adding just under half of the last
    // place kept, or half where that place is odd, rounds to nearest even; a carry into the
    // exponent is what it should be.
    let odd = (magnitude >> 13) & 1;
    let normal = magnitude.wrapping_sub(112 << 23).wrapping_add(0xFFF + odd) >> 13;
    // Below 2^-14 the addition of 0.5 leaves the multiple of 2^-24 in the last bits, rounded by the
    // addition itself.
    let subnormal = (f32::from_bits(magnitude) + 0.5).to_bits().wrapping_sub(0.5_f32.to_bits());
    let finite = if magnitude < 113 << 23 { subnormal } else { normal };
    let half = if value.is_nan() { 0x7E00 } else { finite };
    (half | (bits >> 16) & 0x8000) as u16
}

/// Converts one value from half precision, exactly.
pub fn widen(half: u16) -> f32 {
    let half = u32::from(half);
    let magnitude = half & 0x7FFF;
    // The product moves the exponent's bias, of subnormal numbers too.
    let finite = (f32::from_bits(magnitude << 13) * f32::from_bits((127 + 112) << 23)).to_bits();
    let special = if magnitude >= 0x7C00 { 0x7F80_0000 } else { 0 };
    f32::from_bits(finite | special | (half & 0x8000) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of a half by the definition of the format, NaN aside.
    fn definition(half: u16) -> f64 {
        let exponent = i32::from(half >> 10 & 31);
        let fraction = f64::from(half & 1023) / 1024.0;
        let magnitude = match exponent {
            0 => fraction * 2f64.powi(-14),
            31 => f64::INFINITY,
            _ => (1.0 + fraction) * 2f64.powi(exponent - 15),
        };
        if half >> 15 == 1 { -magnitude } else { magnitude }
    }

    fn is_nan(half: u16) -> bool {
        half & 0x7FFF > 0x7C00
    }

    #[test]
    fn halves_widen_by_the_definition_and_narrow_to_themselves() {
        for half in 0..=u16::MAX {
            let value = widen(half);
            if is_nan(half) {
                assert!(value.is_nan() && is_nan(narrow(value)));
            } else {
                assert_eq!(f64::from(value), definition(half));
                assert_eq!(narrow(value), half);
            }
        }
    }

    #[test]
    fn narrowing_rounds_to_nearest_even() {
        for half in 0..0x7BFF_u16 {
            let middle = (widen(half) + widen(half + 1)) / 2.0;
            assert_eq!(narrow(middle), half + (half & 1));
            assert_eq!(narrow(middle.next_down()), half);
            assert_eq!(narrow(middle.next_up()), half + 1);
            assert_eq!(narrow(-middle), 0x8000 | (half + (half & 1)));
        }
    }

    #[test]
    fn narrowing_overflows_to_infinity() {
        assert_eq!(narrow(65519.996), 0x7BFF);
        for value in [65520.0, 65536.0, f32::MAX, f32::INFINITY] {
            assert_eq!((narrow(value), narrow(-value)), (0x7C00, 0xFC00));
        }
    }
}
