//! Arithmetic of two vectors of `n` values, value by value.

use crate::simd::F32x4;

/// Weighted addition, `acc += weight * x`. `acc` and `x` are the same or do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fold(acc: *mut f32, x: *const f32, weight: f32, n: usize) {
    let weight = F32x4::splat(weight);
    unsafe { update(acc, x, n, |acc, x| weight.mul_add(x, acc)) }
}

/// Linear interpolation, `acc += t * (x - acc)`, and exactly `acc = x` where `t` is 1. `acc` and
/// `x` are the same or do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blend(acc: *mut f32, x: *const f32, t: f32, n: usize) {
    if t == 1.0 {
        return unsafe { core::ptr::copy(x, acc, n) };
    }
    let t = F32x4::splat(t);
    unsafe { update(acc, x, n, |acc, x| t.mul_add(x - acc, acc)) }
}

/// Multiplication by a number, `values *= factor`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scale(values: *mut f32, factor: f32, n: usize) {
    let factor = F32x4::splat(factor);
    unsafe { update(values, values, n, |value, _| value * factor) }
}

/// Writes `acc = op(acc, x)`. The last values go through lanes too: the result of a value must not
/// depend on its index.
#[inline(always)]
unsafe fn update(acc: *mut f32, x: *const f32, n: usize, op: impl Fn(F32x4, F32x4) -> F32x4) {
    let four = |acc: *mut f32, x: *const f32| unsafe { op(F32x4::load(acc), F32x4::load(x)).store(acc) };
    let mut i = 0;
    unsafe {
        while i + 16 <= n {
            for j in [i, i + 4, i + 8, i + 12] {
                four(acc.add(j), x.add(j));
            }
            i += 16;
        }
        while i + 4 <= n {
            four(acc.add(i), x.add(i));
            i += 4;
        }
        let (mut last_acc, mut last_x) = ([0.0; 4], [0.0; 4]);
        for j in i..n {
            last_acc[j - i] = *acc.add(j);
            last_x[j - i] = *x.add(j);
        }
        four(last_acc.as_mut_ptr(), last_x.as_ptr());
        for j in i..n {
            *acc.add(j) = last_acc[j - i];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: [usize; 10] = [0, 1, 2, 3, 4, 5, 15, 16, 17, 1023];

    fn pair(n: usize) -> (Vec<f32>, Vec<f32>) {
        let value = |i: usize, k: usize| ((i * k) % 101) as f32 - 50.0;
        ((0..=n).map(|i| value(i, 37)).collect(), (0..=n).map(|i| value(i, 59)).collect())
    }

    /// Runs the kernel on all values but the first, and compares with the reference.
    fn check(kernel: impl Fn(*mut f32, *const f32, usize), reference: impl Fn(f32, f32) -> f32) {
        for n in LENGTHS {
            let (mut acc, x) = pair(n);
            let mut expected: Vec<f32> = acc.iter().zip(&x).map(|(&acc, &x)| reference(acc, x)).collect();
            expected[0] = acc[0];
            kernel(acc[1..].as_mut_ptr(), x[1..].as_ptr(), n);
            assert_eq!(acc, expected);
        }
    }

    #[test]
    fn fold_adds_the_weighted_vector() {
        check(|acc, x, n| unsafe { fold(acc, x, 0.25, n) }, |acc, x| 0.25 * x + acc);
    }

    #[test]
    fn blend_moves_towards_the_vector() {
        check(|acc, x, n| unsafe { blend(acc, x, 0.3, n) }, |acc, x| 0.3 * (x - acc) + acc);
    }

    #[test]
    fn blend_with_one_is_the_vector() {
        check(|acc, x, n| unsafe { blend(acc, x, 1.0, n) }, |_, x| x);
        let mut acc = [1e30_f32];
        unsafe { blend(acc.as_mut_ptr(), [1e-3].as_ptr(), 1.0, 1) };
        assert_eq!(acc, [1e-3]);
    }

    #[test]
    fn scale_multiplies() {
        check(|acc, _, n| unsafe { scale(acc, -1.5, n) }, |acc, _| acc * -1.5);
    }
}
