//! A convolution: the values under each window, laid out as a row, times the filters.
//!
//! Images lie pixel by pixel, filters by row, column and input channel of the window, then output channel.

use super::conv_sparse::{Gradient, gather, scatter};
use super::dense::add_column_sums;
use super::gemm::{Finish, Left, Sides, Start, multiply, transpose};
use super::padded::{self, add, crop, fold, pad, unfold};
use super::pool::max_pool_places;
use super::window::Window;
use super::winograd::{self, Filters, Prepared};

/// Images that are convolved before their results are pooled, which then are still in the cache.
const TOGETHER: usize = 4;

/// `y = conv(x, w) + b` of `count` images. No bias where `b` is null.
///
/// With a pool, whose windows do not overlap, `y` is the greatest values under its windows, and `places` gets the pixels of the
/// convolution's result that they come from.
///
/// `scratch` holds a padded image and `pixels * depth` values, and no less than [`Prepared::new`] wants; with a pool, the results
/// of four images more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conv_forward(
    window: &Window,
    pool: Option<&Window>,
    x: *const f32,
    w: *const f32,
    b: *const f32,
    y: *mut f32,
    places: *mut u32,
    count: usize,
    filters: usize,
    scratch: *mut f32,
) {
    let values = window.pixels() * filters;
    unsafe {
        let rest = if pool.is_none() { scratch } else { scratch.add(TOGETHER * values) };
        let prepared = winograd::fits(window, filters)
            .then(|| Prepared::new(window, Filters::forward(window, w, filters), filters, rest));
        let convolve = |x: *const f32, y: *mut f32, count: usize| match &prepared {
            Some(prepared) => prepared.convolve(x, b, y, count),
            None => convolve(window, x, w, b, y, count, filters, rest),
        };
        let Some(pool) = pool else {
            return convolve(x, y, count);
        };
        for first in (0..count).step_by(TOGETHER) {
            let count = (count - first).min(TOGETHER);
            let from = first * pool.pixels() * filters;
            convolve(x.add(first * window.image()), scratch, count);
            max_pool_places(pool, scratch, y.add(from), places.add(from), count);
        }
    }
}

unsafe fn convolve(
    window: &Window,
    x: *const f32,
    w: *const f32,
    b: *const f32,
    y: *mut f32,
    count: usize,
    filters: usize,
    scratch: *mut f32,
) {
    let (pixels, depth) = (window.pixels(), window.depth());
    let start = if b.is_null() { Start::Zero } else { Start::Row(b) };
    for image in 0..count {
        unsafe {
            let rows = scratch.add(padded::size(window));
            pad(window, x.add(image * window.image()), scratch);
            unfold(window, scratch, rows, depth);
            let left = Left { values: rows, row: depth, step: 1 };
            let result = y.add(image * pixels * filters);
            let sides = Sides { right: w, right_row: filters, result, result_row: filters };
            multiply::<false>([pixels, filters, depth], left, sides, start, Finish::Store);
        }
    }
}

/// The gradient of the images. `places` is null, or says which pixels of the result the `cells` values of each filter in `dy`
/// belong to; of the window's runs they must then have a multiple of four values.
///
/// `scratch` holds a padded image, `(pixels + filters) * depth` values, two for each of the result's and two for each of its
/// pixels, and `depth * filters` values more than [`Prepared::new`] wants.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conv_backward(
    window: &Window,
    dy: *const f32,
    places: *const u32,
    cells: usize,
    w: *const f32,
    dx: *mut f32,
    count: usize,
    filters: usize,
    scratch: *mut f32,
) {
    let (pixels, depth) = (window.pixels(), window.depth());
    let gradient = Gradient { values: dy, places, cells, filters };
    unsafe {
        if window.run() % 4 == 0 && gradient.is_sparse(0, count) {
            return scatter(window, &gradient, w, dx, count, scratch);
        }
        let back = winograd::reversed(window, filters);
        if winograd::fits(&back, window.channels) {
            let source = Filters::reversed(window, w, scratch, filters);
            let prepared = Prepared::new(&back, source, window.channels, scratch.add(depth * filters));
            return prepared.convolve(dy, core::ptr::null(), dx, count);
        }
        let padded = scratch.add(depth * filters);
        let rows = padded.add(padded::size(window));
        transpose(depth, filters, w, scratch);
        for image in 0..count {
            let left = Left { values: dy.add(image * pixels * filters), row: filters, step: 1 };
            let sides = Sides { right: scratch, right_row: depth, result: rows, result_row: depth };
            multiply::<false>([pixels, depth, filters], left, sides, Start::Zero, Finish::Store);
            padded.write_bytes(0, padded::size(window));
            fold(window, rows, padded);
            crop(window, padded, dx.add(image * window.image()));
        }
    }
}

/// The gradient of filters and bias, or that added to what lies there where `add` is not 0. No bias where `b` is null. `places`
/// and `cells` are as for [`conv_backward`].
///
/// `scratch` holds a padded image, as many values as for the larger of pixels and filters, times the depth rounded up to a
/// multiple of four, as many as for the filters once more, one for each filter and each pixel, and two for each of the result's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conv_gradient(
    window: &Window,
    x: *const f32,
    dy: *const f32,
    places: *const u32,
    cells: usize,
    w: *mut f32,
    b: *mut f32,
    count: usize,
    filters: usize,
    add_to: u32,
    scratch: *mut f32,
) {
    let (pixels, depth) = (window.pixels(), window.depth());
    let long = depth.next_multiple_of(4);
    let gradient = Gradient { values: dy, places, cells, filters };
    unsafe {
        let rows = scratch.add(padded::size(window));
        let turned = rows.add(pixels.max(filters) * long);
        let lists = turned.add(filters * long);
        turned.write_bytes(0, filters * long);
        if add_to == 0 {
            w.write_bytes(0, depth * filters);
        }
        let mut sparse = false;
        for image in 0..count {
            pad(window, x.add(image * window.image()), scratch);
            if gradient.is_sparse(image, 1) {
                gather(window, scratch, &gradient, image, turned, rows, lists);
                sparse = true;
                continue;
            }
            unfold(window, scratch, rows, depth);
            let left = Left { values: rows, row: 1, step: depth };
            let right = dy.add(image * pixels * filters);
            let sides = Sides { right, right_row: filters, result: w, result_row: filters };
            multiply::<true>([depth, filters, pixels], left, sides, Start::Zero, Finish::Add);
        }
        if sparse {
            transpose(filters, long, turned, rows);
            add(rows, w, depth * filters);
        }
        add_column_sums(dy, b, count * cells, filters, add_to);
    }
}
