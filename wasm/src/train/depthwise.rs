//! A depthwise convolution: each channel of an image has filters of its own, `multiplier` of them.
//!
//! Where that is more than one, the image is spread first, each value as often as its channel has filters, so that the rest
//! goes value by value. `window.channels` counts the channels of the result.

use super::activation::{each, put};
use super::window::Window;
use crate::simd::F32x4;

/// Vectors of channels that are worked on at once.
const BLOCK: usize = 4;

/// `y = x * w + b`, with weights by row and column of the window, then channel of the result. No bias where `b` is null.
/// `scratch` holds a spread image.
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
            let x = spread(window, x, image, multiplier, scratch);
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

/// What lies under one window, for `N` vectors of channels.
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

/// The gradient of the images. `scratch` holds a spread image.
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
            for pixel in 0..window.pixels() {
                let dy = dy.add((image * window.pixels() + pixel) * channels);
                window.each(pixel, |from, place| {
                    add_products(dy, w.add(place * channels), to.add(from * channels), channels)
                });
            }
            for i in 0..if multiplier == 1 { 0 } else { window.image() / multiplier } {
                *own.add(i) = (0..multiplier).fold(0.0, |sum, k| sum + *scratch.add(i * multiplier + k));
            }
        }
    }
}

/// The gradient of filters and bias, or that added to what lies there where `add` is not 0. No bias where `b` is null.
/// `scratch` holds a spread image, and the filters and the bias.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn depthwise_gradient(
    window: &Window,
    x: *const f32,
    dy: *const f32,
    w: *mut f32,
    b: *mut f32,
    count: usize,
    multiplier: usize,
    add: u32,
    scratch: *mut f32,
) {
    let (channels, depth) = (window.channels, window.depth());
    unsafe {
        // Apart from the filters: so many small terms would be rounded away when added to a weight one by one.
        let filters = scratch.add(window.image());
        let bias = filters.add(depth);
        filters.write_bytes(0, depth + channels);
        for image in 0..count {
            let x = spread(window, x, image, multiplier, scratch);
            for pixel in 0..window.pixels() {
                let dy = dy.add((image * window.pixels() + pixel) * channels);
                window.each(pixel, |from, place| {
                    add_products(dy, x.add(from * channels), filters.add(place * channels), channels)
                });
                super::activation::add(bias, dy, bias, channels);
            }
        }
        put(filters, w, depth, add);
        if !b.is_null() {
            put(bias, b, channels, add);
        }
    }
}

/// `sum += a * b`.
#[inline(always)]
unsafe fn add_products(a: *const f32, b: *const f32, sum: *mut f32, n: usize) {
    each(
        n,
        |i| unsafe { F32x4::load(a.add(i)).mul_add(F32x4::load(b.add(i)), F32x4::load(sum.add(i))).store(sum.add(i)) },
        |i| unsafe { *sum.add(i) += *a.add(i) * *b.add(i) },
    );
}

/// An image with each value as often as its channel has filters: in `scratch` where that is more than once.
unsafe fn spread(window: &Window, x: *const f32, image: usize, multiplier: usize, scratch: *mut f32) -> *const f32 {
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
