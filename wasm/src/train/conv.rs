//! Convolution with strides `s`, dilations `d` and padding `p`:
//!
//! ```text
//! y[n, i, j, f] = b[f] + sum_{k, l, c} x[n, i * s_y + k * d_y - p_y, j * s_x + l * d_x - p_x, c]
//!                                      * w[k, l, c, f]
//! ```
//!
//! The values under each window are laid out as a row and multiplied by the filters.
//!
//! Shapes: `x` and `dx` `[N, H, W, C]`, `w` and `dw` `[KH, KW, C, F]`, `b` and `db` `[F]`, `y` and
//! `dy` `[N, OH, OW, F]`. With a pool, `y`, `dy` and `places` have the shape of its result,
//! `[N, PH, PW, F]`.

use super::conv_sparse::{self, Gradient, gather, scatter};
use super::dense::add_column_sums;
use super::gemm::{Finish, Left, Sides, Start, multiply, transpose};
use super::padded::{self, crop, fold, pad, unfold};
use super::pool::max_pool_places;
use super::window::Window;
use super::winograd::{self, Filters, Prepared};

/// Number of images that are convolved before their results are pooled: few enough to be in the
/// cache still.
const TOGETHER: usize = 4;

/// Convolution, `y = conv(x, w) + b`, of `count` images. No bias where `b` is null.
///
/// With a pool, `y` is the maximum of the convolution under each window of the pool, and `places`
/// receives the pixels of the convolution's result that the maxima come from. The windows of the
/// pool do not overlap.
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
        // Results to pool come first.
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

/// Number of values of the scratch memory of `conv_forward`.
#[unsafe(no_mangle)]
pub extern "C" fn conv_forward_scratch(window: &Window, pool: Option<&Window>, filters: usize) -> usize {
    let pooled = if pool.is_none() { 0 } else { TOGETHER * window.pixels() * filters };
    let convolved = if winograd::fits(window, filters) {
        winograd::scratch(window.channels, filters)
    } else {
        padded::size(window) + window.pixels() * window.depth() + padded::SPILL
    };
    pooled + convolved
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

/// Gradient of the images, `dx = conv^T(dy, w)`.
///
/// `dy` has `cells` values for each filter and image. `places` is null where `cells` is the number
/// of pixels of the convolution's result, else it holds the pixel that each value of `dy` belongs
/// to; the runs of the window must then have a multiple of four values.
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

/// Number of values of the scratch memory of `conv_backward`.
#[unsafe(no_mangle)]
pub extern "C" fn conv_backward_scratch(window: &Window, filters: usize) -> usize {
    let (pixels, depth) = (window.pixels(), window.depth());
    let sparse = padded::size(window) + conv_sparse::scatter_scratch(window, filters);
    let back = winograd::reversed(window, filters);
    let dense = if winograd::fits(&back, window.channels) {
        winograd::scratch(filters, window.channels)
    } else {
        padded::size(window) + pixels * depth
    };
    depth * filters + sparse.max(dense)
}

/// Gradients of filters and bias: `dw = sum_n unfold(x_n)^T * dy_n` and `db`, the column sums of
/// `dy`. Where `add` is not 0, they are added to the values of `dw` and `db`. No bias where `db` is
/// null. `places` and `cells` are as for [`conv_backward`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conv_gradient(
    window: &Window,
    x: *const f32,
    dy: *const f32,
    places: *const u32,
    cells: usize,
    dw: *mut f32,
    db: *mut f32,
    count: usize,
    filters: usize,
    add: u32,
    scratch: *mut f32,
) {
    let (pixels, depth) = (window.pixels(), window.depth());
    let long = depth.next_multiple_of(4);
    let gradient = Gradient { values: dy, places, cells, filters };
    unsafe {
        let rows = scratch.add(padded::size(window));
        let turned = rows.add(pixels.max(filters) * long + padded::SPILL);
        let lists = turned.add(filters * long);
        turned.write_bytes(0, filters * long);
        if add == 0 {
            dw.write_bytes(0, depth * filters);
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
            let sides = Sides { right, right_row: filters, result: dw, result_row: filters };
            multiply::<true>([depth, filters, pixels], left, sides, Start::Zero, Finish::Add);
        }
        if sparse {
            transpose(filters, long, turned, rows);
            padded::add(rows, dw, depth * filters);
        }
        add_column_sums(dy, db, count * cells, filters, add);
    }
}

/// Number of values of the scratch memory of `conv_gradient`: a padded image, the rows under the
/// windows or the transposed gradient, that gradient, and the lists of a sparse `dy`.
#[unsafe(no_mangle)]
pub extern "C" fn conv_gradient_scratch(window: &Window, filters: usize) -> usize {
    let long = window.depth().next_multiple_of(4);
    let rows = window.pixels().max(filters) * long + padded::SPILL;
    padded::size(window) + rows + filters * long + conv_sparse::gather_scratch(window, filters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::{Guarded, values};

    const COUNT: usize = 3;

    /// Calls with the places of every product: in the images, the filters, and the results.
    fn products(window: &Window, filters: usize, mut visit: impl FnMut(usize, usize, usize)) {
        for at in 0..COUNT * window.pixels() * filters {
            let (filter, pixel) = (at % filters, at / filters % window.pixels());
            let first = at / filters / window.pixels() * window.image();
            window.each(pixel, |from, place| {
                for c in 0..window.channels {
                    visit(first + from * window.channels + c, (place * window.channels + c) * filters + filter, at);
                }
            });
        }
    }

    fn assert_near(got: &[f32], want: &[f64], what: &str) {
        for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
            assert!((f64::from(got) - want).abs() < 3e-5, "{what}, {i}: {got} instead of {want}");
        }
    }

    /// Compares all three passes with sums in float64; `share` of the gradient is not 0.
    fn check(window: &Window, pool: Option<&Window>, filters: usize, share: f32) {
        let (image, depth, results) = (window.image(), window.depth(), window.pixels() * filters);
        let cells = pool.unwrap_or(window).pixels();
        let what = format!("{}x{}, {} channels, share {share}", window.rows, window.columns, window.channels);
        let (x, w, b) = (values(COUNT * image, 1), values(depth * filters, 2), values(filters, 3));
        let mut dy = values(COUNT * cells * filters, 4);
        for (value, chance) in dy.iter_mut().zip(values(COUNT * cells * filters, 5)) {
            *value *= f32::from(chance.abs() < share);
        }
        let before = values(depth * filters + filters, 6);
        let mut y = vec![f32::NAN; dy.len()];
        let mut places = vec![u32::MAX; dy.len()];
        let mut dx = vec![f32::NAN; x.len()];
        let (mut dw, mut db) = (before[filters..].to_vec(), before[..filters].to_vec());
        let [mut forward, mut backward, mut gradient] = [
            conv_forward_scratch(window, pool, filters),
            conv_backward_scratch(window, filters),
            conv_gradient_scratch(window, filters),
        ]
        .map(Guarded::new);
        unsafe {
            let at = places.as_mut_ptr();
            let [x, w, b, dy] = [&x, &w, &b, &dy].map(|values| values.as_ptr());
            conv_forward(window, pool, x, w, b, y.as_mut_ptr(), at, COUNT, filters, forward.start());
            let places = if pool.is_none() { core::ptr::null() } else { at };
            conv_backward(window, dy, places, cells, w, dx.as_mut_ptr(), COUNT, filters, backward.start());
            let (dw, db) = (dw.as_mut_ptr(), db.as_mut_ptr());
            conv_gradient(window, x, dy, places, cells, dw, db, COUNT, filters, 1, gradient.start());
        }
        for scratch in [forward, backward, gradient] {
            scratch.check();
        }

        let mut sums: Vec<f64> = (0..COUNT * results).map(|i| f64::from(b[i % filters])).collect();
        products(window, filters, |i, j, k| sums[k] += f64::from(x[i]) * f64::from(w[j]));
        // The results that come out, and the gradient of all of them.
        let mut out = sums.clone();
        let mut gradient: Vec<f64> = dy.iter().map(|&value| f64::from(value)).collect();
        if let Some(pool) = pool {
            out.clear();
            gradient = vec![0.0; sums.len()];
            for (at, &value) in dy.iter().enumerate() {
                let (filter, cell, first) = (at % filters, at / filters % cells, at / filters / cells * results);
                let mut most = usize::MAX;
                pool.each(cell, |pixel, _| {
                    let here = first + pixel * filters + filter;
                    if most == usize::MAX || sums[here] > sums[most] {
                        most = here;
                    }
                });
                out.push(sums[most]);
                gradient[most] = f64::from(value);
            }
        }
        let (mut of_x, mut of_w) =
            (vec![0.0; x.len()], before[filters..].iter().map(|&v| f64::from(v)).collect::<Vec<_>>());
        products(window, filters, |i, j, k| {
            of_x[i] += gradient[k] * f64::from(w[j]);
            of_w[j] += gradient[k] * f64::from(x[i]);
        });
        let mut of_b: Vec<f64> = before[..filters].iter().map(|&value| f64::from(value)).collect();
        gradient.iter().enumerate().for_each(|(i, value)| of_b[i % filters] += value);
        assert_near(&y, &out, &format!("y of {what}"));
        assert_near(&dx, &of_x, &format!("dx of {what}"));
        assert_near(&dw, &of_w, &format!("dw of {what}"));
        assert_near(&db, &of_b, &format!("db of {what}"));
    }

    fn window(
        [height, width, channels]: [usize; 3],
        taps: [usize; 2],
        stride: usize,
        dilation: usize,
        pad: usize,
    ) -> Window {
        let out = |size: usize, taps: usize| (size + 2 * pad - (taps - 1) * dilation - 1) / stride + 1;
        Window {
            height,
            width,
            channels,
            out_height: out(height, taps[0]),
            out_width: out(width, taps[1]),
            rows: taps[0],
            columns: taps[1],
            stride_y: stride,
            stride_x: stride,
            dilation_y: dilation,
            dilation_x: dilation,
            pad_top: pad,
            pad_left: pad,
        }
    }

    #[test]
    fn all_passes_agree_with_sums_in_float64() {
        for window in [
            window([8, 9, 16], [5, 5], 1, 1, 2),
            window([7, 6, 16], [3, 3], 1, 1, 0),
            window([8, 7, 1], [5, 5], 1, 1, 2),
            window([6, 7, 3], [3, 2], 1, 1, 1),
            window([9, 8, 4], [3, 3], 2, 1, 1),
            window([9, 9, 12], [3, 3], 1, 2, 2),
            window([8, 8, 5], [1, 1], 3, 1, 0),
        ] {
            for filters in [20, 7] {
                check(&window, None, filters, 1.0);
                check(&window, None, filters, 0.2);
            }
        }
    }

    #[test]
    fn a_pool_takes_the_greatest_result_and_gives_it_the_gradient() {
        for convolved in [
            window([8, 9, 16], [5, 5], 1, 1, 2),
            window([9, 8, 4], [3, 3], 1, 1, 1),
            window([9, 9, 12], [3, 3], 1, 2, 2),
        ] {
            for filters in [20, 7] {
                let pool = window([convolved.out_height, convolved.out_width, filters], [2, 2], 2, 1, 0);
                check(&convolved, Some(&pool), filters, 1.0);
            }
        }
    }
}
