//! Pooling: the maximum or the mean of the values under a window, channel by channel; padding
//! counts for neither.
//!
//! Shapes: `x` and `dx` `[N, H, W, C]`, `y` and `dy` `[N, OH, OW, C]`.

use super::window::Window;
use crate::simd::F32x4;

/// Max pooling of `count` images: `y` is the maximum under each window.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn max_pool_forward(window: &Window, x: *const f32, y: *mut f32, count: usize) {
    let pool = |x: *const f32, y: *mut f32| unsafe {
        by_channels(window, |pixel, channel, lanes| {
            let mut most = F32x4::splat(f32::NEG_INFINITY);
            window.each(pixel, |from, _| {
                let value = lanes.load(x.add(from * window.channels + channel));
                most = F32x4::where_positive(value - most, value, most);
            });
            lanes.store(most, y.add(pixel * window.channels + channel));
        })
    };
    images(window, count, |from, to| unsafe { pool(x.add(from), y.add(to)) });
}

/// Max pooling with windows that lie wholly within the image. `places` receives the pixel of each
/// maximum, the first of equal ones.
///
/// # Safety
/// All arguments are within the memory, and written ones overlap no other.
pub unsafe fn max_pool_places(window: &Window, x: *const f32, y: *mut f32, places: *mut u32, count: usize) {
    // No arithmetic is done on places, so lanes of float32 hold their bits.
    let places = places.cast::<f32>();
    images(window, count, |from, to| unsafe {
        by_channels(window, |pixel, channel, lanes| {
            let first = window.first(pixel);
            let mut most = F32x4::splat(f32::NEG_INFINITY);
            // Even where no value is a number, no two windows name the same place.
            let mut place = F32x4::splat(f32::from_bits(first as u32));
            for row in 0..window.rows {
                for at in (first + row * window.width..).take(window.columns) {
                    let value = lanes.load(x.add(from + at * window.channels + channel));
                    let more = value - most;
                    place = F32x4::where_positive(more, F32x4::splat(f32::from_bits(at as u32)), place);
                    most = F32x4::where_positive(more, value, most);
                }
            }
            let at = to + pixel * window.channels + channel;
            lanes.store(most, y.add(at));
            lanes.store(place, places.add(at));
        })
    });
}

/// Gradient of max pooling: that of each result goes to the first of the greatest values under its
/// window.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn max_pool_backward(
    window: &Window,
    x: *const f32,
    y: *const f32,
    dy: *const f32,
    dx: *mut f32,
    count: usize,
) {
    unsafe { dx.write_bytes(0, count * window.image()) };
    images(window, count, |from, to| unsafe {
        let (x, dx, y, dy) = (x.add(from), dx.add(from), y.add(to), dy.add(to));
        by_channels(window, |pixel, channel, lanes| {
            let at = pixel * window.channels + channel;
            let (most, mut gradient) = (lanes.load(y.add(at)), lanes.load(dy.add(at)));
            window.each(pixel, |from, _| {
                let from = from * window.channels + channel;
                let value = lanes.load(x.add(from));
                let zero = F32x4::splat(0.0);
                let here = F32x4::where_equal(value, most, gradient, zero);
                gradient = F32x4::where_equal(value, most, zero, gradient);
                lanes.store(lanes.load(dx.add(from)) + here, dx.add(from));
            });
        })
    });
}

/// Average pooling of `count` images: `y` is the mean of the values under each window.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn average_pool_forward(window: &Window, x: *const f32, y: *mut f32, count: usize) {
    images(window, count, |from, to| unsafe {
        let (x, y) = (x.add(from), y.add(to));
        by_channels(window, |pixel, channel, lanes| {
            let (mut sum, mut values) = (F32x4::splat(0.0), 0.0);
            window.each(pixel, |from, _| {
                sum = sum + lanes.load(x.add(from * window.channels + channel));
                values += 1.0;
            });
            lanes.store(sum * F32x4::splat(1.0 / values), y.add(pixel * window.channels + channel));
        })
    });
}

/// Gradient of average pooling: that of each result is divided equally among the values under its
/// window.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn average_pool_backward(window: &Window, dy: *const f32, dx: *mut f32, count: usize) {
    unsafe { dx.write_bytes(0, count * window.image()) };
    images(window, count, |from, to| unsafe {
        let (dx, dy) = (dx.add(from), dy.add(to));
        by_channels(window, |pixel, channel, lanes| {
            let mut values = 0.0;
            window.each(pixel, |_, _| values += 1.0);
            let share = lanes.load(dy.add(pixel * window.channels + channel)) * F32x4::splat(1.0 / values);
            window.each(pixel, |from, _| {
                let to = dx.add(from * window.channels + channel);
                lanes.store(lanes.load(to) + share, to);
            });
        })
    });
}

/// Calls `visit` with the start of each image and of its result.
#[inline(always)]
fn images(window: &Window, count: usize, visit: impl Fn(usize, usize)) {
    for image in 0..count {
        visit(image * window.image(), image * window.pixels() * window.channels);
    }
}

/// Calls `visit` for each pixel of the result and each four of its channels, then for each of the
/// remaining channels.
#[inline(always)]
fn by_channels(window: &Window, visit: impl Fn(usize, usize, Lanes)) {
    let whole = window.channels - window.channels % 4;
    for pixel in 0..window.pixels() {
        for channel in (0..whole).step_by(4) {
            visit(pixel, channel, Lanes::Four);
        }
        for channel in whole..window.channels {
            visit(pixel, channel, Lanes::One);
        }
    }
}

/// Number of values that are worked on at once.
#[derive(Clone, Copy)]
pub(super) enum Lanes {
    Four,
    One,
}

impl Lanes {
    #[inline(always)]
    pub(super) unsafe fn load(self, from: *const f32) -> F32x4 {
        match self {
            Self::Four => unsafe { F32x4::load(from) },
            Self::One => F32x4::splat(unsafe { *from }),
        }
    }

    #[inline(always)]
    pub(super) unsafe fn store(self, value: F32x4, to: *mut f32) {
        match self {
            Self::Four => unsafe { value.store(to) },
            Self::One => unsafe { *to = value.first() },
        }
    }
}
