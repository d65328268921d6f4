//! Peak of the processor, with which the benchmark compares the training kernels.

use crate::simd::F32x4;

/// Loop of `rounds` times twelve independent multiply-adds of four lanes, in registers alone: 96
/// operations a round. The result only keeps the compiler from removing the work.
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
