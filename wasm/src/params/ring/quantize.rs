//! Float32 values as integers with a common factor, and back.

use crate::params::codec::philox::Stream;

/// Values to which one block of random numbers belongs.
const DRAWS: usize = 4;
const PURPOSE: &str = "quantize";

/// Integers of values, `out = floor(factor * clamp(x, -clip, clip) + U)` with `U` uniform in [0, 1),
/// and at most `most` in magnitude. Value `i` takes number `4 * first + i` of the random stream of
/// (`seed`, "quantize", `round`, `rank`). Returns how many values lay outside of the clip. Values
/// are not NaN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quantize(
    out: *mut i32,
    x: *const f32,
    clip: f64,
    factor: f64,
    most: f64,
    seed: u32,
    round: u32,
    rank: u32,
    first: u32,
    n: usize,
) -> usize {
    let stream = Stream::new(seed, PURPOSE, round, rank);
    let mut outside = 0;
    for start in (0..n).step_by(DRAWS) {
        let draws = stream.block(first.wrapping_add((start / DRAWS) as u32));
        for i in start..n.min(start + DRAWS) {
            unsafe {
                let value = f64::from(*x.add(i));
                outside += usize::from(value > clip || value < -clip);
                let scaled = factor * value.max(-clip).min(clip);
                let draw = f64::from(draws[i - start]) * (1.0 / 4_294_967_296.0);
                *out.add(i) = floor(scaled + draw).max(-most).min(most) as i32;
            }
        }
    }
    outside
}

/// Integers of values, `factor * clamp(x, -clip, clip)` rounded toward 0, and at most `most` in
/// magnitude: no norm grows. Returns how many values lay outside of the clip. Values are not NaN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quantize_toward_zero(
    out: *mut i32,
    x: *const f32,
    clip: f64,
    factor: f64,
    most: f64,
    n: usize,
) -> usize {
    let mut outside = 0;
    for i in 0..n {
        unsafe {
            let value = f64::from(*x.add(i));
            outside += usize::from(value > clip || value < -clip);
            let scaled = factor * value.max(-clip).min(clip);
            *out.add(i) = scaled.max(-most).min(most) as i32;
        }
    }
    outside
}

/// Values at a distance from others, `out = base + factor * steps`, computed in float64. `out` is
/// `base` or does not overlap it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn add_steps(out: *mut f32, base: *const f32, steps: *const i32, factor: f64, n: usize) {
    for i in 0..n {
        unsafe {
            *out.add(i) = (f64::from(*base.add(i)) + factor * f64::from(*steps.add(i))) as f32;
        }
    }
}

/// Rounds to the next integer below; the magnitude is less than 2^32.
fn floor(value: f64) -> f64 {
    let whole = value as i64 as f64;
    if whole > value { whole - 1.0 } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [f32; 7] = [0.0, 0.25, -0.25, 1.0, -1.0, 3.0, -5.0];

    #[test]
    fn integers_are_bounded_and_next_to_the_value() {
        let mut out = [0; 8];
        let outside = unsafe { quantize(out.as_mut_ptr(), X.as_ptr(), 1.0, 1000.5, 1000.0, 7, 1, 2, 0, 7) };
        assert_eq!((outside, out[7]), (2, 0));
        for (x, out) in X.iter().zip(out) {
            assert!((f64::from(out) - 1000.5 * f64::from(x.clamp(-1.0, 1.0))).abs() <= 1.0);
            assert!(out.abs() <= 1000);
        }
    }

    #[test]
    fn toward_zero_no_magnitude_grows() {
        let mut out = [0; 7];
        let outside = unsafe { quantize_toward_zero(out.as_mut_ptr(), X.as_ptr(), 1.0, 10.9, 10.0, 7) };
        assert_eq!((outside, out), (2, [0, 2, -2, 10, -10, 10, -10]));
    }

    #[test]
    fn the_mean_of_many_roundings_is_the_value() {
        let mut sum = 0.0;
        for round in 0..20_000 {
            let mut out = [0];
            unsafe { quantize(out.as_mut_ptr(), [0.3].as_ptr(), 1.0, -1.0, 9.0, 1, round, 0, 0, 1) };
            sum += f64::from(out[0]);
        }
        assert!((sum / 20_000.0 + 0.3).abs() < 0.015, "{sum}");
    }

    #[test]
    fn steps_are_added_in_float64() {
        let (base, steps) = ([1.0_f32, -2.0], [3, i32::MIN]);
        let mut out = [0.0; 2];
        unsafe { add_steps(out.as_mut_ptr(), base.as_ptr(), steps.as_ptr(), 0.5, 2) };
        assert_eq!(out, [2.5, -1_073_741_826.0]);
    }
}
