//! What stands around a step: the batch before it, the update after it, and the processor's peak to compare with.

use crate::simd::F32x4;

/// Rows `order[0..count]` of a matrix of rows of `length` values, one after the other; and the same of the labels.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gather(
    features: *const f32,
    labels: *const i32,
    order: *const u32,
    count: usize,
    length: usize,
    rows: *mut f32,
    classes: *mut i32,
) {
    for i in 0..count {
        unsafe {
            let row = *order.add(i) as usize;
            core::ptr::copy_nonoverlapping(features.add(row * length), rows.add(i * length), length);
            *classes.add(i) = *labels.add(row);
        }
    }
}

/// `v = momentum * v + g + decay * w`, then `w -= rate * v`. A null `v` is for no momentum.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sgd(w: *mut f32, g: *const f32, v: *mut f32, n: usize, rate: f32, momentum: f32, decay: f32) {
    let (minus_rate, momentum, decay) = (F32x4::splat(-rate), F32x4::splat(momentum), F32x4::splat(decay));
    let whole = n - n % 4;
    let next = |w: F32x4, g: F32x4, v: F32x4| {
        let velocity = momentum.mul_add(v, decay.mul_add(w, g));
        (minus_rate.mul_add(velocity, w), velocity)
    };
    for i in (0..whole).step_by(4) {
        unsafe {
            let before = if v.is_null() { F32x4::splat(0.0) } else { F32x4::load(v.add(i)) };
            let (weight, velocity) = next(F32x4::load(w.add(i)), F32x4::load(g.add(i)), before);
            weight.store(w.add(i));
            if !v.is_null() {
                velocity.store(v.add(i));
            }
        }
    }
    for i in whole..n {
        unsafe {
            let before = if v.is_null() { 0.0 } else { *v.add(i) };
            let (weight, velocity) = next(F32x4::splat(*w.add(i)), F32x4::splat(*g.add(i)), F32x4::splat(before));
            *w.add(i) = weight.first();
            if !v.is_null() {
                *v.add(i) = velocity.first();
            }
        }
    }
}

/// `rounds` times twelve independent multiply-adds of four lanes, in registers alone: 96 operations a round. What it
/// returns only keeps the work from being dropped.
#[unsafe(no_mangle)]
pub extern "C" fn peak(rounds: usize, seed: f32) -> f32 {
    let mut sums: [F32x4; 12] = core::array::from_fn(|i| F32x4::splat(seed + i as f32));
    let (factor, addend) = (F32x4::splat(0.999), F32x4::splat(seed * 0.001));
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = sum.mul_add(factor, addend);
        }
    }
    sums.into_iter().fold(F32x4::splat(0.0), |total, sum| total + sum).first()
}
