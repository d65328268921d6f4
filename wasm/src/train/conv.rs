//! A convolution: the values under each window, laid out as a row, times the filters.
//!
//! Images lie pixel by pixel, filters by row, column and input channel of the window, then output channel.

use super::dense::add_column_sums;
use super::gemm::{Finish, Left, Sides, Start, multiply, transpose};
use super::padded::{self, add, crop, fold, pad, unfold};
use super::sparse::{self, Entry};
use super::window::Window;
use super::winograd::{self, Filters};

/// Of a gradient with no more than one value in so many that is not 0, only those are worked on.
const SPARSE: usize = 3;
/// Runs of fewer values are laid together before they are summed.
const SHORT: usize = 20;

/// Whether it pays to work only on the values that are not 0.
unsafe fn is_sparse(dy: *const f32, values: usize) -> bool {
    unsafe { sparse::count(dy, values) * SPARSE <= values }
}

/// `y = conv(x, w) + b` of `count` images. No bias where `b` is null. `scratch` holds a padded image and `pixels * depth` values,
/// and no less than [`winograd::convolve`] wants.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conv_forward(
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
    if winograd::fits(window, filters) {
        let source = Filters::forward(window, w, filters);
        return unsafe { winograd::convolve(window, x, source, b, y, count, filters, scratch) };
    }
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

/// The gradient of the images. `scratch` holds a padded image, `(pixels + filters) * depth` values and two for each of the
/// result's, and `depth * filters` values more than the forward pass wants.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conv_backward(
    window: &Window,
    dy: *const f32,
    w: *const f32,
    dx: *mut f32,
    count: usize,
    filters: usize,
    scratch: *mut f32,
) {
    let (pixels, depth, run) = (window.pixels(), window.depth(), window.run());
    let values = pixels * filters;
    unsafe {
        if run % 4 == 0 && is_sparse(dy, count * values) {
            return scatter(window, dy, w, dx, count, filters, scratch);
        }
        let back = winograd::reversed(window, filters);
        if winograd::fits(&back, window.channels) {
            let source = Filters::reversed(window, w, scratch, filters);
            let scratch = scratch.add(depth * filters);
            return winograd::convolve(&back, dy, source, core::ptr::null(), dx, count, window.channels, scratch);
        }
        let padded = scratch.add(depth * filters);
        let rows = padded.add(padded::size(window));
        transpose(depth, filters, w, scratch);
        for image in 0..count {
            let left = Left { values: dy.add(image * values), row: filters, step: 1 };
            let sides = Sides { right: scratch, right_row: depth, result: rows, result_row: depth };
            multiply::<false>([pixels, depth, filters], left, sides, Start::Zero, Finish::Store);
            padded.write_bytes(0, padded::size(window));
            fold(window, rows, padded);
            crop(window, padded, dx.add(image * window.image()));
        }
    }
}

/// The gradient of images, from the few values of `dy` that are not 0. A piece of every filter serves all pixels before the
/// next one does, so that it stays in the first-level cache. `scratch` is as for [`conv_backward`].
unsafe fn scatter(
    window: &Window,
    dy: *const f32,
    w: *const f32,
    dx: *mut f32,
    count: usize,
    filters: usize,
    scratch: *mut f32,
) {
    let (pixels, depth, run) = (window.pixels(), window.depth(), window.run());
    unsafe {
        let padded = scratch.add(depth * filters);
        let ends = padded.add(padded::size(window)).cast::<u32>();
        let lists = ends.add(pixels).cast::<Entry>();
        transpose(depth, filters, w, scratch);
        for image in 0..count {
            let values = dy.add(image * pixels * filters);
            let mut found = 0;
            for pixel in 0..pixels {
                found += sparse::collect(values.add(pixel * filters), filters, 1, depth, lists.add(found));
                *ends.add(pixel) = found as u32;
            }
            padded.write_bytes(0, padded::size(window));
            for (i, to) in window.runs().enumerate() {
                for (from, vectors) in sparse::blocks(run) {
                    let mut first = 0;
                    for (pixel, start) in window.starts().enumerate() {
                        let end = *ends.add(pixel) as usize;
                        let list = core::slice::from_raw_parts(lists.add(first), end - first);
                        let rows = scratch.add(i * run + from);
                        sparse::add_block(vectors, list, rows, padded.add(start + to + from));
                        first = end;
                    }
                }
            }
            crop(window, padded, dx.add(image * window.image()));
        }
    }
}

/// The gradient of filters and bias, or that added to what lies there where `add` is not 0. No bias where `b` is null.
/// `scratch` holds a padded image, as many values as for the larger of pixels and filters, times the depth rounded up to a
/// multiple of four, as many as for the filters once more, `filters` and two for each of the result's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conv_gradient(
    window: &Window,
    x: *const f32,
    dy: *const f32,
    w: *mut f32,
    b: *mut f32,
    count: usize,
    filters: usize,
    add: u32,
    scratch: *mut f32,
) {
    let (pixels, depth) = (window.pixels(), window.depth());
    let long = depth.next_multiple_of(4);
    unsafe {
        let rows = scratch.add(padded::size(window));
        let turned = rows.add(pixels.max(filters) * long);
        let lists = turned.add(filters * long);
        turned.write_bytes(0, filters * long);
        if add == 0 {
            w.write_bytes(0, depth * filters);
        }
        let mut turn = false;
        for image in 0..count {
            let values = dy.add(image * pixels * filters);
            pad(window, x.add(image * window.image()), scratch);
            if is_sparse(values, pixels * filters) {
                gather(window, scratch, values, filters, turned, rows, lists);
                turn = true;
                continue;
            }
            unfold(window, scratch, rows, depth);
            let left = Left { values: rows, row: 1, step: depth };
            let sides = Sides { right: values, right_row: filters, result: w, result_row: filters };
            multiply::<true>([depth, filters, pixels], left, sides, Start::Zero, Finish::Add);
        }
        if turn {
            add_turned(filters, long, turned, rows, depth, w);
        }
        add_column_sums(dy, b, count * pixels, filters, add);
    }
}

/// Adds the gradient of the filters by an image to `turned`, whose row `f` is filter `f`, from the few values of `dy` that are
/// not 0. `rows` has room for what lies under each window, `lists` for `filters` values and two for each of the result's.
unsafe fn gather(
    window: &Window,
    padded: *const f32,
    dy: *const f32,
    filters: usize,
    turned: *mut f32,
    rows: *mut f32,
    lists: *mut f32,
) {
    let (pixels, run) = (window.pixels(), window.run());
    let long = window.depth().next_multiple_of(4);
    let short = run % 4 != 0 || run < SHORT;
    let counts = lists.cast::<u32>();
    unsafe {
        let lists = counts.add(filters).cast::<Entry>();
        counts.write_bytes(0, filters);
        for (pixel, start) in window.starts().enumerate() {
            let start = if short { pixel * long } else { start } as u32;
            for filter in 0..filters {
                let factor = *dy.add(pixel * filters + filter);
                let found = counts.add(filter);
                *lists.add(filter * pixels + *found as usize) = Entry { start, factor };
                *found += u32::from(factor != 0.0);
            }
        }
        let each = |from: *const f32, to: usize, length: usize| {
            for (at, vectors) in sparse::blocks(length) {
                for filter in 0..filters {
                    let list = core::slice::from_raw_parts(lists.add(filter * pixels), *counts.add(filter) as usize);
                    sparse::add_block(vectors, list, from.add(at), turned.add(filter * long + to + at));
                }
            }
        };
        if short {
            unfold(window, padded, rows, long);
            return each(rows, 0, long);
        }
        for (i, from) in window.runs().enumerate() {
            each(padded.add(from), i * run, run);
        }
    }
}

/// Adds the transpose of the first `depth` columns of `turned`, `filters` rows of `long` values, to `w`.
unsafe fn add_turned(filters: usize, long: usize, turned: *const f32, room: *mut f32, depth: usize, w: *mut f32) {
    unsafe {
        transpose(filters, long, turned, room);
        add(room, w, depth * filters);
    }
}
