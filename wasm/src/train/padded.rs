//! Images with their padding around them: the values under a row of a window are contiguous.

use super::window::Window;
use crate::simd::F32x4;

/// Number of values that [`unfold`] may read or write past the end.
pub const SPILL: usize = 4;

/// Number of values of a padded image.
pub fn size(window: &Window) -> usize {
    let [height, width] = window.padded();
    height * width * window.channels
}

/// Calls `visit` with the start of each row of the image, its start in the padded image, and its
/// number of values there.
#[inline(always)]
fn rows(window: &Window, mut visit: impl FnMut(usize, usize, usize)) {
    let [height, width] = window.padded();
    let columns = window.width.min(width.saturating_sub(window.pad_left));
    for y in 0..window.height.min(height.saturating_sub(window.pad_top)) {
        let to = (y + window.pad_top) * width + window.pad_left;
        visit(y * window.width * window.channels, to * window.channels, columns * window.channels);
    }
}

/// Copies an image and surrounds it with zeros.
///
/// # Safety
/// `image` and `to` are within the memory and do not overlap.
pub unsafe fn pad(window: &Window, image: *const f32, to: *mut f32) {
    unsafe {
        to.write_bytes(0, size(window));
        rows(window, |from, place, n| copy(image.add(from), to.add(place), n));
    }
}

/// Copies an image without its padding: the converse of [`pad`]. Pixels that no window reaches
/// become 0.
///
/// # Safety
/// As for [`pad`].
pub unsafe fn crop(window: &Window, padded: *const f32, image: *mut f32) {
    unsafe {
        image.write_bytes(0, window.image());
        rows(window, |to, place, n| copy(padded.add(place), image.add(to), n));
    }
}

/// Writes the values under the window of result pixel `i` to row `i` of `to`; rows are `length`
/// values apart (im2col).
///
/// # Safety
/// `padded` is an image with its padding; both are within the memory and do not overlap. [`SPILL`]
/// more values follow each; those behind `to` are overwritten.
#[inline(never)]
pub unsafe fn unfold(window: &Window, padded: *const f32, to: *mut f32, length: usize) {
    let run = window.run();
    window.each_start(|pixel, start| {
        window.each_run(|i, from| {
            // The surplus of the last vector is overwritten by the next run.
            for j in (0..run).step_by(4) {
                unsafe { F32x4::load(padded.add(start + from + j)).store(to.add(pixel * length + i * run + j)) }
            }
        });
    });
}

/// Adds each value to the place that it came from: the converse of [`unfold`].
///
/// # Safety
/// As for [`unfold`].
#[inline(never)]
pub unsafe fn fold(window: &Window, rows: *const f32, padded: *mut f32) {
    let (run, depth) = (window.run(), window.depth());
    window.each_start(|pixel, start| {
        window.each_run(|i, to| unsafe { add(rows.add(pixel * depth + i * run), padded.add(start + to), run) });
    });
}

/// Copies `n` values. The instruction that copies memory is slow for a few values.
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

/// Adds `n` values, `to += from`.
///
/// # Safety
/// Both have `n` values.
#[inline(always)]
pub unsafe fn add(from: *const f32, to: *mut f32, n: usize) {
    let whole = n - n % 4;
    for i in (0..whole).step_by(4) {
        unsafe { (F32x4::load(to.add(i)) + F32x4::load(from.add(i))).store(to.add(i)) }
    }
    for i in whole..n {
        unsafe { *to.add(i) += *from.add(i) }
    }
}
