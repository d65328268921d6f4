//! Softmax cross-entropy of few classes, four rows at a time, one in each lane. The results are those
//! of a loop over single rows with the powers and logarithms of `loss.rs`, bit for bit.

use super::loss::{LN_2, exps};
use crate::simd::{Constant, F32x4, F64x4};

/// Most classes, whose powers are kept at once.
const MOST: usize = 16;
/// Classes whose powers are computed side by side: with two, V8 does them one after the other.
const TOGETHER: usize = 3;

/// Returns true if the number of classes is that of this module.
pub fn fits(units: usize) -> bool {
    (4..=MOST).contains(&units)
}

/// Losses of four rows, and whether the first of the greatest logits is that of the label.
pub struct FourRows {
    pub loss: [f64; 4],
    pub correct: [bool; 4],
}

/// Computes the losses of four rows of logits, with labels from 0. With `GRADIENT` it also writes
/// `dz_i = scale * (softmax(z)_i - [i = label])`. The same row may stand in several places.
///
/// # Safety
/// All places are within the memory, and no `dz` overlaps a `z`.
#[inline(never)]
pub unsafe fn four_rows<const GRADIENT: bool>(
    units: usize,
    z: [*const f32; 4],
    labels: [i32; 4],
    dz: [*mut f32; 4],
    scale: f64,
) -> FourRows {
    // The classes of a vector for each row become the rows of a vector for each class. The last ones
    // end with the last class.
    let groups = || (0..units).step_by(4).map(|first| first.min(units - 4));
    let mut lanes = [F32x4::splat(0.0); MOST];
    for first in groups() {
        let four = F32x4::transpose(z.map(|row| unsafe { F32x4::load(row.add(first)) }));
        lanes[first..first + 4].copy_from_slice(&four);
    }
    let lanes = &mut lanes[..units];
    let (mut peak, mut most) = (lanes[0], F32x4::splat(0.0));
    for (i, &z) in lanes.iter().enumerate().skip(1) {
        most = F32x4::where_less(peak, z, F32x4::splat(i as f32), most);
        peak = F32x4::where_less(peak, z, z, peak);
    }
    let mut sum = F64x4::splat(0.0);
    for lanes in lanes.chunks_mut(TOGETHER) {
        // The last class stands in for those past the end.
        let powers: [F64x4; TOGETHER] = exps(core::array::from_fn(|i| (lanes[i.min(lanes.len() - 1)] - peak).into()));
        for (lane, power) in lanes.iter_mut().zip(powers) {
            sum = sum + power;
            if GRADIENT {
                *lane = power.narrow();
            }
        }
    }
    if GRADIENT {
        let (share, zero) = (F64x4::splat(scale) / sum, F64x4::splat(0.0));
        let label = labels.map(|label| label as f32);
        let label = unsafe { F32x4::load(label.as_ptr()) };
        let (one, none) = (F32x4::splat(1.0), F32x4::splat(0.0));
        for (i, lane) in lanes.iter_mut().enumerate() {
            let hit = F32x4::where_equal(label, F32x4::splat(i as f32), one, none);
            let value = F64x4::from(*lane) * share - F64x4::from(hit) * F64x4::splat(scale);
            // A value too small to move a parameter would only slow the processor down.
            *lane = F64x4::where_less(value.abs(), F64x4::splat(1e-30), zero, value).narrow();
        }
        for first in groups() {
            let four = F32x4::transpose(core::array::from_fn(|k| lanes[first + k]));
            for (row, values) in dz.into_iter().zip(four) {
                unsafe { values.store(row.add(first)) };
            }
        }
    }
    let own: [f32; 4] = core::array::from_fn(|k| unsafe { *z[k].add(labels[k] as usize) });
    let own = F64x4::from(unsafe { F32x4::load(own.as_ptr()) });
    let loss = (lns(sum) + F64x4::from(peak) - own).to_array();
    let (most, sum) = (F64x4::from(most).to_array(), sum.to_array());
    // The sum is NaN where a logit is, or where the greatest is infinite.
    let correct = core::array::from_fn(|k| most[k] == f64::from(labels[k]) && !sum[k].is_nan());
    FourRows { loss, correct }
}

/// Inverses of the odd numbers from 29 down to 1.
static INVERSES: [Constant; 15] = Constant::series({
    let mut inverses = [1.0; 15];
    let mut i = 0;
    while i < inverses.len() {
        inverses[i] = 1.0 / (29 - 2 * i) as f64;
        i += 1;
    }
    inverses
});

/// Returns the results of `ln` of `loss.rs` for sums of powers: numbers from 1, or NaN.
#[inline(always)]
fn lns(x: F64x4) -> F64x4 {
    let values = x.to_array();
    let exponent = values.map(|x| ((x.to_bits() >> 52) as i64 - 1023) as f64);
    let mantissa = values.map(|x| f64::from_bits(x.to_bits() & 0x000F_FFFF_FFFF_FFFF | 1023 << 52));
    let (exponent, mantissa) = unsafe { (F64x4::load(exponent.as_ptr()), F64x4::load(mantissa.as_ptr())) };
    let (one, two) = (F64x4::splat(1.0), F64x4::splat(2.0));
    let t = (mantissa - one) / (mantissa + one);
    let square = t * t;
    let sum = INVERSES.iter().fold(F64x4::splat(0.0), |sum, inverse| sum * square + inverse.splat());
    let ln = exponent * F64x4::splat(LN_2) + two * t * sum;
    // A number that is not less than infinity stays as it is.
    F64x4::where_less(x, F64x4::splat(f64::INFINITY), ln, x)
}

#[cfg(test)]
mod tests {
    use super::super::loss::{Loss, exp, ln, softmax_cross_entropy};
    use super::super::testing::values;

    /// Computes the loss of a row and its gradient, one value after the other.
    fn row(z: &[f32], label: i32, scale: f64, dz: &mut [f32]) -> f64 {
        let peak = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f64> = z.iter().map(|z| exp(f64::from(z - peak))).collect();
        let sum = powers.iter().fold(0.0, |sum, power| sum + power);
        for (i, power) in powers.iter().enumerate() {
            let hit = if i == label as usize { scale } else { 0.0 };
            let value = f64::from(*power as f32) * (scale / sum) - hit;
            dz[i] = if value.abs() < 1e-30 { 0.0 } else { value as f32 };
        }
        ln(sum) + f64::from(peak) - f64::from(z[label as usize])
    }

    #[test]
    fn four_rows_have_the_bits_of_single_rows() {
        for (rows, units) in [(1, 4), (6, 5), (10, 10), (11, 16)] {
            let z: Vec<f32> = values(rows * units, 3).into_iter().map(|z| z * 40.0).collect();
            let labels: Vec<i32> = (0..rows).map(|i| (i * 7 % (units + 1)) as i32 - 1).collect();
            let counted = labels.iter().filter(|&&label| label >= 0).count() as f64;
            let mut total = Loss { loss: 0.0, correct: 0.0, counted: 0.0, scale: -0.03 };
            let (mut found, mut wanted) = (vec![9.0f32; rows * units], vec![0.0f32; rows * units]);
            let mut loss = 0.0;
            for (i, &label) in labels.iter().enumerate().filter(|(_, label)| **label >= 0) {
                let place = i * units..(i + 1) * units;
                loss += row(&z[place.clone()], label, f64::from(-0.03f32) / counted, &mut wanted[place]);
            }
            let (from, to) = (z.as_ptr(), found.as_mut_ptr());
            unsafe { softmax_cross_entropy(from, labels.as_ptr(), to, rows, units, &mut total) };
            assert_eq!((total.loss, total.counted), (loss, counted));
            assert!(found.iter().zip(&wanted).all(|(a, b)| a.to_bits() == b.to_bits()), "{rows} {units}");
            unsafe { softmax_cross_entropy(from, labels.as_ptr(), core::ptr::null_mut(), rows, units, &mut total) };
            assert_eq!(total.loss, loss);
        }
    }
}
