//! Batch normalization (Ioffe and Szegedy 2015),
//! `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`, channel by channel.
//!
//! Shapes: `x`, `y`, `dx` and `dy` `[count, channels]`, all parameters and statistics `[channels]`,
//! `saved` `[2, channels]`.

use super::activation::{each, put};
use super::pool::Lanes;
use crate::simd::F32x4;

/// Number of pixels whose values are summed separately, so that a long sum does not lose digits.
const RUN: usize = 64;

/// Batch normalization by the batch's own mean and biased variance. The moving statistics move
/// towards these by the fraction `rate`. `saved` receives the means and the inverse standard
/// deviations, for the backward pass. Null `gamma` stands for ones, null `beta` for zeros.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn batch_norm_train(
    x: *const f32,
    y: *mut f32,
    saved: *mut f32,
    gamma: *const f32,
    beta: *const f32,
    moving_mean: *mut f32,
    moving_variance: *mut f32,
    count: usize,
    channels: usize,
    rate: f32,
    epsilon: f32,
    scratch: *mut f32,
) {
    unsafe {
        let (mean, inverse) = (saved, saved.add(channels));
        let share = 1.0 / count as f32;
        sums(count, channels, mean, scratch, |i, _, lanes| lanes.load(x.add(i)));
        for c in 0..channels {
            *mean.add(c) *= share;
        }
        sums(count, channels, inverse, scratch, |i, c, lanes| {
            let distance = lanes.load(x.add(i)) - lanes.load(mean.add(c));
            distance * distance
        });
        for c in 0..channels {
            let variance = *inverse.add(c) * share;
            *moving_mean.add(c) -= (*moving_mean.add(c) - *mean.add(c)) * rate;
            *moving_variance.add(c) -= (*moving_variance.add(c) - variance) * rate;
            *inverse.add(c) = inverse_deviation(variance, epsilon);
        }
        affine([x, mean, inverse, gamma, beta], y, count, channels, scratch);
    }
}

/// Number of values of the scratch memory of `batch_norm_train`.
#[unsafe(no_mangle)]
pub extern "C" fn batch_norm_train_scratch(channels: usize) -> usize {
    channels
}

/// Batch normalization by the moving statistics `mean` and `variance`, which stay as they are. Null
/// `gamma` stands for ones, null `beta` for zeros.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn batch_norm_judge(
    x: *const f32,
    y: *mut f32,
    gamma: *const f32,
    beta: *const f32,
    mean: *const f32,
    variance: *const f32,
    count: usize,
    channels: usize,
    epsilon: f32,
    scratch: *mut f32,
) {
    unsafe {
        let inverse = scratch.add(channels);
        for c in 0..channels {
            *inverse.add(c) = inverse_deviation(*variance.add(c), epsilon);
        }
        affine([x, mean, inverse, gamma, beta], y, count, channels, scratch);
    }
}

/// Number of values of the scratch memory of `batch_norm_judge`.
#[unsafe(no_mangle)]
pub extern "C" fn batch_norm_judge_scratch(channels: usize) -> usize {
    2 * channels
}

/// Gradients of batch normalization: first `dx` unless it is null, then `dgamma` and `dbeta` unless
/// they are null. Where `add` is not 0, those of the parameters are added to the values of `dgamma`
/// and `dbeta`. `dgamma` may be `gamma`. Null `gamma` stands for ones.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn batch_norm_backward(
    x: *const f32,
    dy: *const f32,
    dx: *mut f32,
    saved: *const f32,
    gamma: *const f32,
    dgamma: *mut f32,
    dbeta: *mut f32,
    count: usize,
    channels: usize,
    add: u32,
    scratch: *mut f32,
) {
    unsafe {
        let (mean, inverse) = (saved, saved.add(channels));
        let (plain, scaled, rest) = (scratch, scratch.add(channels), scratch.add(2 * channels));
        sums(count, channels, plain, rest, |i, _, lanes| lanes.load(dy.add(i)));
        sums(count, channels, scaled, rest, |i, c, lanes| {
            lanes.load(dy.add(i)) * (lanes.load(x.add(i)) - lanes.load(mean.add(c))) * lanes.load(inverse.add(c))
        });
        if !dx.is_null() {
            // dx = factor * (dy - mean(dy) - (x - mean) * slope)
            let (factor, slope) = (rest, rest.add(channels));
            let share = 1.0 / count as f32;
            for c in 0..channels {
                *factor.add(c) = *inverse.add(c) * if gamma.is_null() { 1.0 } else { *gamma.add(c) };
                *slope.add(c) = *scaled.add(c) * *inverse.add(c) * share;
            }
            let share = F32x4::splat(share);
            by_pixel(count, channels, |i, c, lanes| {
                let distance = lanes.load(x.add(i)) - lanes.load(mean.add(c));
                let level = lanes.load(plain.add(c)) * share + distance * lanes.load(slope.add(c));
                lanes.store((lanes.load(dy.add(i)) - level) * lanes.load(factor.add(c)), dx.add(i));
            });
        }
        if !dgamma.is_null() {
            put(scaled, dgamma, channels, add);
        }
        if !dbeta.is_null() {
            put(plain, dbeta, channels, add);
        }
    }
}

/// Number of values of the scratch memory of `batch_norm_backward`.
#[unsafe(no_mangle)]
pub extern "C" fn batch_norm_backward_scratch(channels: usize) -> usize {
    4 * channels
}

fn inverse_deviation(variance: f32, epsilon: f32) -> f32 {
    1.0 / F32x4::splat(variance + epsilon).sqrt().first()
}

/// Writes `y = gamma * (x - mean) * inverse + beta`. `scratch` holds `channels` values.
unsafe fn affine(
    [x, mean, inverse, gamma, beta]: [*const f32; 5],
    y: *mut f32,
    count: usize,
    channels: usize,
    scratch: *mut f32,
) {
    unsafe {
        for c in 0..channels {
            *scratch.add(c) = *inverse.add(c) * if gamma.is_null() { 1.0 } else { *gamma.add(c) };
        }
        by_pixel(count, channels, |i, c, lanes| {
            let level = if beta.is_null() { F32x4::splat(0.0) } else { lanes.load(beta.add(c)) };
            let distance = lanes.load(x.add(i)) - lanes.load(mean.add(c));
            lanes.store(distance.mul_add(lanes.load(scratch.add(c)), level), y.add(i));
        });
    }
}

/// Sums the results of `value`, for an index and its channel, over the pixels. `scratch` holds
/// `channels` values.
#[inline(always)]
unsafe fn sums(
    count: usize,
    channels: usize,
    total: *mut f32,
    scratch: *mut f32,
    value: impl Fn(usize, usize, Lanes) -> F32x4,
) {
    unsafe {
        total.write_bytes(0, channels);
        for from in (0..count).step_by(RUN) {
            scratch.write_bytes(0, channels);
            by_pixel(RUN.min(count - from), channels, |i, c, lanes| {
                let sum = scratch.add(c);
                lanes.store(lanes.load(sum) + value(from * channels + i, c, lanes), sum);
            });
            super::activation::add(total, scratch, total, channels);
        }
    }
}

/// Calls `visit` with each index, its channel, and the number of values there.
#[inline(always)]
fn by_pixel(count: usize, channels: usize, visit: impl Fn(usize, usize, Lanes)) {
    for pixel in 0..count {
        let at = pixel * channels;
        each(channels, |c| visit(at + c, c, Lanes::Four), |c| visit(at + c, c, Lanes::One));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::Guarded;

    #[test]
    fn batch_norm_gives_mean_beta_and_deviation_gamma_and_moves_the_moving_ones() {
        let (count, channels) = (1000, 5);
        let x: Vec<f32> = (0..count * channels).map(|i| 300.0 + (i * 7919 % 1009) as f32 / 100.0).collect();
        let (gamma, beta) = ([1.0, 2.0, 0.5, -1.0, 0.25], [0.0, 1.0, -1.0, 3.0, 0.5]);
        let (mut y, mut saved) = (vec![0.0; x.len()], [0.0; 10]);
        let mut scratch = Guarded::new(batch_norm_train_scratch(channels));
        let (mut means, mut variances) = ([10.0; 5], [1.0; 5]);
        unsafe {
            let (means, variances) = (means.as_mut_ptr(), variances.as_mut_ptr());
            let (saved, scratch) = (saved.as_mut_ptr(), scratch.start());
            let (gamma, beta) = (gamma.as_ptr(), beta.as_ptr());
            let (x, y) = (x.as_ptr(), y.as_mut_ptr());
            batch_norm_train(x, y, saved, gamma, beta, means, variances, count, channels, 0.25, 1e-3, scratch);
        }
        scratch.check();
        for c in 0..channels {
            let column = |values: &[f32]| -> Vec<f64> {
                values.iter().skip(c).step_by(channels).map(|&value| f64::from(value)).collect()
            };
            let moments = |values: Vec<f64>| {
                let mean = values.iter().sum::<f64>() / count as f64;
                (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count as f64)
            };
            let ((mean, variance), (level, spread)) = (moments(column(&x)), moments(column(&y)));
            assert!((f64::from(means[c]) - (0.75 * 10.0 + 0.25 * mean)).abs() < 1e-4);
            assert!((f64::from(variances[c]) - (0.75 + 0.25 * variance)).abs() < 1e-4);
            assert!((level - f64::from(beta[c])).abs() < 1e-4);
            assert!((spread.sqrt() - f64::from(gamma[c].abs())).abs() < 1e-3);
        }
    }
}
