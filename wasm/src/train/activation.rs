//! Activations, value by value.

use crate::simd::F32x4;

/// `y = x` where x is positive, else `slope * x`; `y` may be `x`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn leaky_relu_forward(x: *const f32, y: *mut f32, n: usize, slope: f32) {
    let slope = F32x4::splat(slope);
    each(
        n,
        |i| unsafe {
            let value = F32x4::load(x.add(i));
            F32x4::where_positive(value, value, value * slope).store(y.add(i));
        },
        |i| unsafe {
            let value = *x.add(i);
            *y.add(i) = if value > 0.0 { value } else { value * slope.first() };
        },
    );
}

/// `dx = dy` where y is positive, else `slope * dy`; `dx` may be `dy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn leaky_relu_backward(y: *const f32, dy: *const f32, dx: *mut f32, n: usize, slope: f32) {
    let slope = F32x4::splat(slope);
    each(
        n,
        |i| unsafe {
            let gradient = F32x4::load(dy.add(i));
            F32x4::where_positive(F32x4::load(y.add(i)), gradient, gradient * slope).store(dx.add(i));
        },
        |i| unsafe {
            let gradient = *dy.add(i);
            *dx.add(i) = if *y.add(i) > 0.0 { gradient } else { gradient * slope.first() };
        },
    );
}

/// `y = a + b`; `y` may be either.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn add(a: *const f32, b: *const f32, y: *mut f32, n: usize) {
    each(
        n,
        |i| unsafe { (F32x4::load(a.add(i)) + F32x4::load(b.add(i))).store(y.add(i)) },
        |i| unsafe { *y.add(i) = *a.add(i) + *b.add(i) },
    );
}

/// `y = x`; the two do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duplicate(x: *const f32, y: *mut f32, n: usize) {
    unsafe { core::ptr::copy_nonoverlapping(x, y, n) }
}

/// Four at a time, and the last ones one by one.
#[inline(always)]
fn each(n: usize, four: impl Fn(usize), one: impl Fn(usize)) {
    let whole = n - n % 4;
    (0..whole).step_by(4).for_each(four);
    (whole..n).for_each(one);
}
