//! Layer normalization (Ba et al. 2016), `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`,
//! row by row, with the biased variance.
//!
//! Shapes: `x`, `y`, `dx` and `dy` `[rows, length]`, `gamma` and `beta` `[length]`, `saved`
//! `[rows, 2]`.

use super::recurrent::{add_sums, in_fours, read, write};
use crate::simd::{F32x4, F64x4};

/// Normalizes each row. `saved` receives mean and inverse standard deviation of each row, for the
/// backward pass. Null `gamma` stands for ones, null `beta` for zeros. `y` may be `x`, which then
/// cannot be differentiated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn layer_norm_forward(
    x: *const f32,
    gamma: *const f32,
    beta: *const f32,
    y: *mut f32,
    saved: *mut f32,
    rows: usize,
    length: usize,
    epsilon: f32,
) {
    for row in 0..rows {
        unsafe {
            let (x, y) = (x.add(row * length), y.add(row * length));
            let mean = (sum(length, |at, count| read(x.add(at), count)) / length as f64) as f32;
            let variance = sum(length, |at, count| {
                let distance = lanes(count, read(x.add(at), count) - F32x4::splat(mean));
                distance * distance
            }) / length as f64;
            let inverse = (1.0 / root(variance + f64::from(epsilon))) as f32;
            *saved.add(2 * row) = mean;
            *saved.add(2 * row + 1) = inverse;
            in_fours(length, |at, count| {
                let normal = (read(x.add(at), count) - F32x4::splat(mean)) * F32x4::splat(inverse);
                let scaled = if gamma.is_null() { normal } else { normal * read(gamma.add(at), count) };
                let value = if beta.is_null() { scaled } else { scaled + read(beta.add(at), count) };
                write(value, y.add(at), count);
            });
        }
    }
}

/// Gradients of `layer_norm_forward`. `dx`, `dgamma` and `dbeta` may be null; where `add` is not 0
/// those of the weights are added to the values in their places, which may be the weights themselves.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn layer_norm_backward(
    x: *const f32,
    gamma: *const f32,
    saved: *const f32,
    dy: *const f32,
    dx: *mut f32,
    dgamma: *mut f32,
    dbeta: *mut f32,
    rows: usize,
    length: usize,
    add: u32,
) {
    unsafe {
        let normal = |row: usize, at: usize, count: usize| {
            let (mean, inverse) = (*saved.add(2 * row), *saved.add(2 * row + 1));
            let distance = read(x.add(row * length + at), count) - F32x4::splat(mean);
            lanes(count, distance * F32x4::splat(inverse))
        };
        // The gradient of x reads gamma: it comes first.
        for row in (0..rows).filter(|_| !dx.is_null()) {
            let scaled = |at: usize, count: usize| {
                let dy = read(dy.add(row * length + at), count);
                if gamma.is_null() { dy } else { dy * read(gamma.add(at), count) }
            };
            let mean = |value: f64| F32x4::splat((value / length as f64) as f32);
            let common = mean(sum(length, scaled));
            let along = mean(sum(length, |at, count| scaled(at, count) * normal(row, at, count)));
            let inverse = F32x4::splat(*saved.add(2 * row + 1));
            in_fours(length, |at, count| {
                let value = (scaled(at, count) - common - normal(row, at, count) * along) * inverse;
                write(value, dx.add(row * length + at), count);
            });
        }
        if !dbeta.is_null() {
            add_sums([rows, length], (dy, length), dbeta, add);
        }
        if !dgamma.is_null() {
            if add == 0 {
                dgamma.write_bytes(0, length);
            }
            for row in 0..rows {
                in_fours(length, |at, count| {
                    let (dy, to) = (read(dy.add(row * length + at), count), dgamma.add(at));
                    write(dy.mul_add(normal(row, at, count), read(to, count)), to, count);
                });
            }
        }
    }
}

/// Sums four values at a time in float64.
#[inline(always)]
unsafe fn sum(n: usize, value: impl Fn(usize, usize) -> F32x4) -> f64 {
    let mut sums = F64x4::splat(0.0);
    in_fours(n, |at, count| sums = sums + value(at, count).into());
    sums.to_array().iter().sum()
}

/// Replaces the lanes past a number of values by 0.
#[inline(always)]
fn lanes(count: usize, values: F32x4) -> F32x4 {
    if count == 4 { values } else { zeroed(count, values) }
}

#[cold]
fn zeroed(count: usize, values: F32x4) -> F32x4 {
    let mut kept = [0.0; 4];
    unsafe {
        values.store(kept.as_mut_ptr());
        kept[count..].fill(0.0);
        F32x4::load(kept.as_ptr())
    }
}

fn root(value: f64) -> f64 {
    F64x4::splat(value).sqrt().to_array()[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::{check_gradient, narrow, parts, values};

    #[test]
    fn layer_norm_is_its_definition_and_has_the_gradients_of_central_differences() {
        let epsilon = 1e-3;
        for (rows, length) in [(1, 1), (3, 7), (2, 12)] {
            let run = |[x, gamma, beta]: &[Vec<f64>; 3]| -> Vec<f64> {
                x.chunks(length)
                    .flat_map(|x| {
                        let mean = x.iter().sum::<f64>() / length as f64;
                        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / length as f64;
                        let root = (variance + epsilon).sqrt();
                        (0..length).map(move |i| gamma[i] * (x[i] - mean) / root + beta[i])
                    })
                    .collect()
            };
            let parts = parts([rows * length, length, length]);
            let [x, gamma, beta] = parts.each_ref().map(|part| narrow(part));
            let (mut y, mut saved) = (vec![0.0f32; x.len()], vec![0.0f32; 2 * rows]);
            let (at, weights) = (x.as_ptr(), [gamma.as_ptr(), beta.as_ptr()]);
            let (to, kept) = (y.as_mut_ptr(), saved.as_mut_ptr());
            unsafe { layer_norm_forward(at, weights[0], weights[1], to, kept, rows, length, epsilon as f32) };
            for (got, want) in y.iter().zip(run(&parts)) {
                assert!((f64::from(*got) - want).abs() < 1e-5, "{got}, not {want}");
            }
            let dy = values(y.len(), 9);
            let loss =
                |parts: &[Vec<f64>; 3]| -> f64 { run(parts).iter().zip(&dy).map(|(y, dy)| y * f64::from(*dy)).sum() };
            let mut dx = vec![0.0f32; x.len()];
            let mut added = [vec![0.5f32; length], vec![0.5f32; length]];
            let [dgamma, dbeta] = added.each_mut().map(|part| part.as_mut_ptr());
            let (dy, to) = (dy.as_ptr(), dx.as_mut_ptr());
            unsafe { layer_norm_backward(at, weights[0], kept, dy, to, dgamma, dbeta, rows, length, 1) };
            check_gradient(&parts, 0, &dx, 0.0, loss);
            check_gradient(&parts, 1, &added[0], 0.5, loss);
            check_gradient(&parts, 2, &added[1], 0.5, loss);
        }
    }
}
