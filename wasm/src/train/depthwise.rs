//! Depthwise convolution with strides `s`, dilations `d` and padding `p`: each channel of an image
//! has `multiplier` filters of its own, M.
//!
//! ```text
//! y[n, i, j, c * M + m] = b[c * M + m] +
//!     sum_{k, l} x[n, i * s_y + k * d_y - p_y, j * s_x + l * d_x - p_x, c] * w[k, l, c * M + m]
//! ```
//!
//! Shapes: `x` and `dx` `[N, H, W, C]`, `w` and `dw` `[KH, KW, C * M]`, `b` and `db` `[C * M]`, `y`
//! and `dy` `[N, OH, OW, C * M]`. `window.channels` is the number of channels of the result,
//! `C * M`.
//!
//! Where M is more than 1, each value of the image is repeated M times first, so that the
//! convolution goes value by value.

use super::activation::{each, put};
use super::window::Window;
use crate::simd::F32x4;

/// Number of vectors of channels that are worked on at once.
const BLOCK: usize = 4;

/// Depthwise convolution of `count` images. No bias where `b` is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn depthwise_forward(
    window: &Window,
    x: *const f32,
    w: *const f32,
    b: *const f32,
    y: *mut f32,
    count: usize,
    multiplier: usize,
    scratch: *mut f32,
) {
    let channels = window.channels;
    for image in 0..count {
        unsafe {
            let x = repeated(window, x, image, multiplier, scratch);
            let y = y.add(image * window.pixels() * channels);
            for pixel in 0..window.pixels() {
                let mut channel = 0;
                while channel + 4 * BLOCK <= channels {
                    taps::<BLOCK>(window, pixel, channel, x, w, b, y);
                    channel += 4 * BLOCK;
                }
                while channel + 4 <= channels {
                    taps::<1>(window, pixel, channel, x, w, b, y);
                    channel += 4;
                }
                for channel in channel..channels {
                    let mut sum = if b.is_null() { 0.0 } else { *b.add(channel) };
                    window.each(pixel, |from, place| {
                        sum += *x.add(from * channels + channel) * *w.add(place * channels + channel);
                    });
                    *y.add(pixel * channels + channel) = sum;
                }
            }
        }
    }
}

/// Number of values of the scratch memory of `depthwise_forward`: an image of the result's
/// channels.
#[unsafe(no_mangle)]
pub extern "C" fn depthwise_forward_scratch(window: &Window) -> usize {
    window.image()
}

/// Computes one pixel of the result for `N` vectors of channels.
#[inline(always)]
unsafe fn taps<const N: usize>(
    window: &Window,
    pixel: usize,
    channel: usize,
    x: *const f32,
    w: *const f32,
    b: *const f32,
    y: *mut f32,
) {
    let channels = window.channels;
    unsafe {
        let mut sums = [F32x4::splat(0.0); N];
        for (i, sum) in sums.iter_mut().enumerate().take(if b.is_null() { 0 } else { N }) {
            *sum = F32x4::load(b.add(channel + 4 * i));
        }
        window.each(pixel, |from, place| {
            let (x, w) = (x.add(from * channels + channel), w.add(place * channels + channel));
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = F32x4::load(x.add(4 * i)).mul_add(F32x4::load(w.add(4 * i)), *sum);
            }
        });
        for (i, sum) in sums.iter().enumerate() {
            sum.store(y.add(pixel * channels + channel + 4 * i));
        }
    }
}

/// Gradient of the images.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn depthwise_backward(
    window: &Window,
    dy: *const f32,
    w: *const f32,
    dx: *mut f32,
    count: usize,
    multiplier: usize,
    scratch: *mut f32,
) {
    let channels = window.channels;
    for image in 0..count {
        unsafe {
            let own = dx.add(image * window.image() / multiplier);
            let to = if multiplier == 1 { own } else { scratch };
            to.write_bytes(0, window.image());
            each_pixel(window, dy, image, |pixel, dy| {
                window.each(pixel, |from, place| {
                    add_products(dy, w.add(place * channels), to.add(from * channels), channels)
                });
            });
            for i in 0..if multiplier == 1 { 0 } else { window.image() / multiplier } {
                *own.add(i) = (0..multiplier).fold(0.0, |sum, k| sum + *scratch.add(i * multiplier + k));
            }
        }
    }
}

/// Number of values of the scratch memory of `depthwise_backward`: an image of the result's
/// channels.
#[unsafe(no_mangle)]
pub extern "C" fn depthwise_backward_scratch(window: &Window) -> usize {
    window.image()
}

/// Gradients of filters and bias. Where `add` is not 0, they are added to the values of `dw` and
/// `db`. No bias where `db` is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn depthwise_gradient(
    window: &Window,
    x: *const f32,
    dy: *const f32,
    dw: *mut f32,
    db: *mut f32,
    count: usize,
    multiplier: usize,
    add: u32,
    scratch: *mut f32,
) {
    let (channels, depth) = (window.channels, window.depth());
    unsafe {
        // Summed apart from the filters: small terms would be rounded away when added to a weight
        // one by one.
        let filters = scratch.add(window.image());
        let bias = filters.add(depth);
        filters.write_bytes(0, depth + channels);
        for image in 0..count {
            let x = repeated(window, x, image, multiplier, scratch);
            each_pixel(window, dy, image, |pixel, dy| {
                window.each(pixel, |from, place| {
                    add_products(dy, x.add(from * channels), filters.add(place * channels), channels)
                });
                super::activation::add(bias, dy, bias, channels);
            });
        }
        put(filters, dw, depth, add);
        if !db.is_null() {
            put(bias, db, channels, add);
        }
    }
}

/// Number of values of the scratch memory of `depthwise_gradient`: an image of the result's
/// channels, the filters and the bias.
#[unsafe(no_mangle)]
pub extern "C" fn depthwise_gradient_scratch(window: &Window) -> usize {
    window.image() + window.depth() + window.channels
}

/// Calls `visit` with each pixel of the result of an image and the place of its gradient.
#[inline(always)]
fn each_pixel(window: &Window, dy: *const f32, image: usize, visit: impl Fn(usize, *const f32)) {
    for pixel in 0..window.pixels() {
        visit(pixel, unsafe { dy.add((image * window.pixels() + pixel) * window.channels) });
    }
}

/// Adds products of `n` values, `sum += a * b`.
#[inline(always)]
unsafe fn add_products(a: *const f32, b: *const f32, sum: *mut f32, n: usize) {
    each(
        n,
        |i| unsafe { F32x4::load(a.add(i)).mul_add(F32x4::load(b.add(i)), F32x4::load(sum.add(i))).store(sum.add(i)) },
        |i| unsafe { *sum.add(i) += *a.add(i) * *b.add(i) },
    );
}

/// Returns an image with each value repeated `multiplier` times: in `scratch` where that is more
/// than once.
unsafe fn repeated(window: &Window, x: *const f32, image: usize, multiplier: usize, scratch: *mut f32) -> *const f32 {
    let values = window.image() / multiplier;
    let x = unsafe { x.add(image * values) };
    if multiplier == 1 {
        return x;
    }
    for i in 0..values {
        for k in 0..multiplier {
            unsafe { *scratch.add(i * multiplier + k) = *x.add(i) }
        }
    }
    scratch
}
