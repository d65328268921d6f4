//! A convolution: the values under each window, laid out as a row, times the filters.
//!
//! Images lie pixel by pixel, filters by row, column and input channel of the window, then output channel.

use super::dense::add_column_sums;
use super::gemm::{Finish, Left, Sides, Start, multiply, transpose};
use super::sparse::{self, Entry};
use super::window::Window;
use super::winograd::{self, Filters};
use crate::simd::F32x4;

/// Of a gradient with no more than one value in so many that is not 0, only those are worked on.
const SPARSE: usize = 3;

/// Whether it pays to work only on the values that are not 0.
unsafe fn is_sparse(window: &Window, dy: *const f32, values: usize) -> bool {
    window.depth() % 4 == 0 && window.depth() >= 40 && unsafe { sparse::count(dy, values) } * SPARSE <= values
}

/// `y = conv(x, w) + b` of `count` images. No bias where `b` is null. `scratch` holds `pixels * depth` values, and as many as
/// [`winograd::convolve`] wants.
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
            unfold(window, x.add(image * window.image()), scratch);
            let left = Left { values: scratch, row: depth, step: 1 };
            let result = y.add(image * pixels * filters);
            let sides = Sides { right: w, right_row: filters, result, result_row: filters };
            multiply::<false>([pixels, filters, depth], left, sides, start, Finish::Store);
        }
    }
}

/// The gradient of the images. `scratch` holds `(pixels + filters) * depth + 2 * filters` values, and `depth * filters` more than
/// the forward pass wants.
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
    let (pixels, depth) = (window.pixels(), window.depth());
    unsafe {
        let back = winograd::reversed(window, filters);
        if winograd::fits(&back, window.channels) && !is_sparse(window, dy, count * pixels * filters) {
            let source = Filters::reversed(window, w, scratch, filters);
            let scratch = scratch.add(depth * filters);
            return winograd::convolve(&back, dy, source, core::ptr::null(), dx, count, window.channels, scratch);
        }
        let turned = scratch.add(pixels * depth);
        transpose(depth, filters, w, turned);
        for image in 0..count {
            let values = dy.add(image * pixels * filters);
            if is_sparse(window, values, pixels * filters) {
                scatter(window, values, turned, dx.add(image * window.image()), filters, scratch);
                continue;
            }
            let left = Left { values, row: filters, step: 1 };
            let sides = Sides { right: turned, right_row: depth, result: scratch, result_row: depth };
            multiply::<false>([pixels, depth, filters], left, sides, Start::Zero, Finish::Store);
            fold(window, scratch, dx.add(image * window.image()));
        }
    }
}

/// The gradient of filters and bias, or that added to what lies there where `add` is not 0. No bias where `b` is null.
/// `scratch` holds as many values as for the larger of pixels and filters, times the depth, `depth * filters` and `2 * pixels`.
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
    let turned = unsafe { scratch.add(pixels.max(filters) * depth) };
    let list = unsafe { turned.add(depth * filters) }.cast::<Entry>();
    unsafe {
        turned.write_bytes(0, depth * filters);
        if add == 0 {
            w.write_bytes(0, depth * filters);
        }
    }
    for image in 0..count {
        unsafe {
            unfold(window, x.add(image * window.image()), scratch);
            let values = dy.add(image * pixels * filters);
            if is_sparse(window, values, pixels * filters) {
                for filter in 0..filters {
                    let found = sparse::collect(values.add(filter), pixels, filters, list);
                    let list = core::slice::from_raw_parts(list, found);
                    sparse::add_rows(list, scratch, depth, turned.add(filter * depth));
                }
                continue;
            }
            let left = Left { values: scratch, row: 1, step: depth };
            let sides = Sides { right: values, right_row: filters, result: w, result_row: filters };
            multiply::<true>([depth, filters, pixels], left, sides, Start::Zero, Finish::Add);
        }
    }
    unsafe { add_turned(filters, depth, turned, w, scratch) }
    unsafe { add_column_sums(dy, b, count * pixels, filters, add) }
}

/// The gradient of an image, from the few values of `dy` that are not 0. Row `f` of `turned` is filter `f`, and behind
/// it is room for the list of a pixel.
#[inline(never)]
unsafe fn scatter(
    window: &Window,
    dy: *const f32,
    turned: *const f32,
    image: *mut f32,
    filters: usize,
    scratch: *mut f32,
) {
    let (channels, depth) = (window.channels, window.depth());
    unsafe {
        let list = turned.add(depth * filters).cast_mut().cast::<Entry>();
        image.write_bytes(0, window.image());
        for pixel in 0..window.pixels() {
            let found = sparse::collect(dy.add(pixel * filters), filters, 1, list);
            if found == 0 {
                continue;
            }
            scratch.write_bytes(0, depth);
            sparse::add_rows(core::slice::from_raw_parts(list, found), turned, depth, scratch);
            window.each(pixel, |to, place| add(scratch.add(place * channels), image.add(to * channels), channels));
        }
    }
}

/// Adds the transpose of `turned`, `rows` by `columns`, to `w`.
unsafe fn add_turned(rows: usize, columns: usize, turned: *const f32, w: *mut f32, scratch: *mut f32) {
    unsafe {
        transpose(rows, columns, turned, scratch);
        add(scratch, w, rows * columns);
    }
}

/// Row `i` of `to` becomes what lies under the window of pixel `i`, zeros for the padding.
#[inline(never)]
unsafe fn unfold(window: &Window, image: *const f32, to: *mut f32) {
    let (channels, depth) = (window.channels, window.depth());
    for pixel in 0..window.pixels() {
        unsafe {
            let row = to.add(pixel * depth);
            row.write_bytes(0, depth);
            window.each(pixel, |from, place| copy(image.add(from * channels), row.add(place * channels), channels));
        }
    }
}

/// The converse of [`unfold`]: each value is added to where it came from.
#[inline(never)]
unsafe fn fold(window: &Window, rows: *const f32, image: *mut f32) {
    let (channels, depth) = (window.channels, window.depth());
    unsafe {
        image.write_bytes(0, window.image());
        for pixel in 0..window.pixels() {
            let row = rows.add(pixel * depth);
            window.each(pixel, |to, place| add(row.add(place * channels), image.add(to * channels), channels));
        }
    }
}

#[inline(always)]
unsafe fn copy(from: *const f32, to: *mut f32, n: usize) {
    let whole = n - n % 4;
    for i in (0..whole).step_by(4) {
        unsafe { F32x4::load(from.add(i)).store(to.add(i)) }
    }
    for i in whole..n {
        unsafe { *to.add(i) = *from.add(i) }
    }
}

#[inline(always)]
unsafe fn add(from: *const f32, to: *mut f32, n: usize) {
    let whole = n - n % 4;
    for i in (0..whole).step_by(4) {
        unsafe { (F32x4::load(to.add(i)) + F32x4::load(from.add(i))).store(to.add(i)) }
    }
    for i in whole..n {
        unsafe { *to.add(i) += *from.add(i) }
    }
}
