//! Convolution with stride 1 in fewer products: a tile of the image and the filter become values of
//! polynomials at six points, which are multiplied point by point, and the result is computed from
//! the products. Shapes are those of `conv`.
//!
//! Winograd 1980, "Arithmetic Complexity of Computations"; Lavin & Gray 2016, "Fast Algorithms for
//! Convolutional Neural Networks", for tiles of a plane, and for the products over channels as one
//! matrix product a point. Six points serve filters of three taps with four results a tile, and of
//! five with two: 36 products for 16 results instead of 144, or for 4 instead of 100.

use super::gemm::{Finish, Left, Sides, Start, multiply, tiles, transpose};
use super::window::Window;
use crate::simd::F32x4;

/// Points along an axis.
const POINTS: usize = 6;
/// Points of a tile.
const PLANES: usize = POINTS * POINTS;
/// The points are 0, infinity, and plus and minus these: reciprocals, with squares that are not
/// rounded. The error is close to that of plain sums, a third of what the usual 1 and 2 give.
const NEAR: f32 = core::f32::consts::FRAC_1_SQRT_2;
const FAR: f32 = core::f32::consts::SQRT_2;
/// Number of tiles that are worked on at once: their values stay in the second-level cache.
const TILES: usize = 24;
/// Number of values between planes, so that the same place of each does not fall into the same set
/// of the cache.
const GAP: usize = 16;
/// Least number of channels and filters for which the saved products outweigh the transforms.
const MANY: usize = 16;

/// Layout of the filters: those of input `i` start at `first + i * row`, their taps are `step`
/// apart, and the values of the outputs are contiguous.
#[derive(Clone, Copy)]
pub struct Filters {
    pub first: *const f32,
    pub step: isize,
    pub row: usize,
}

impl Filters {
    /// Layout for the forward pass.
    pub fn forward(window: &Window, w: *const f32, filters: usize) -> Self {
        Self { first: w, step: (window.channels * filters) as isize, row: filters }
    }

    /// Layout for the gradient of the images; the transpose of `w` is written to `turned`.
    ///
    /// # Safety
    /// `turned` has as much room as `w`, and the two do not overlap.
    pub unsafe fn reversed(window: &Window, w: *const f32, turned: *mut f32, filters: usize) -> Self {
        let depth = window.depth();
        unsafe {
            transpose(depth, filters, w, turned);
            Self { first: turned.add(depth - window.channels), step: -(window.channels as isize), row: depth }
        }
    }
}

/// Window of the convolution that maps the gradient of the results to the gradient of the images.
pub fn reversed(window: &Window, filters: usize) -> Window {
    Window {
        height: window.out_height,
        width: window.out_width,
        channels: filters,
        out_height: window.height,
        out_width: window.width,
        pad_top: (window.rows - 1).wrapping_sub(window.pad_top),
        pad_left: (window.columns - 1).wrapping_sub(window.pad_left),
        ..*window
    }
}

/// Number of values of the scratch memory of a convolution from `channels` to `filters` channels.
pub fn scratch(channels: usize, filters: usize) -> usize {
    channels + PLANES * (channels * filters + TILES * (channels + filters) + 2 * GAP)
}

/// Returns true if a convolution with this number of filters can be computed here, and is faster
/// so.
pub fn fits(window: &Window, filters: usize) -> bool {
    let Window { channels, rows, columns, stride_y, stride_x, dilation_y, dilation_x, .. } = *window;
    let near = [stride_y, stride_x, dilation_y, dilation_x] == [1; 4];
    let tile = (POINTS + 1).saturating_sub(rows);
    near && rows == columns
        && (rows == 3 || rows == 5)
        && window.out_height.min(window.out_width) >= tile
        && channels % 4 == 0
        && filters % 4 == 0
        && channels.min(filters) >= MANY
}

/// Transformed filters of a convolution for which [`fits`] holds, ready for any number of images.
pub struct Prepared<'a> {
    window: &'a Window,
    filters: usize,
    scratch: *mut f32,
}

impl<'a> Prepared<'a> {
    /// Transforms the filters. `scratch` holds [`scratch`] values and belongs to the result for as
    /// long as that lives.
    ///
    /// # Safety
    /// All arguments are within the memory, and written ones overlap no other.
    pub unsafe fn new(window: &'a Window, source: Filters, filters: usize, scratch: *mut f32) -> Self {
        let channels = window.channels;
        unsafe {
            scratch.write_bytes(0, channels);
            let right = scratch.add(channels);
            if window.rows == 3 {
                transform_filters::<3>(source, channels, filters, right);
            } else {
                transform_filters::<5>(source, channels, filters, right);
            }
        }
        Self { window, filters, scratch }
    }

    /// Computes `y = conv(x, filters) + b` of `count` images; no bias where `b` is null.
    ///
    /// # Safety
    /// As for [`Prepared::new`].
    pub unsafe fn convolve(&self, x: *const f32, b: *const f32, y: *mut f32, count: usize) {
        unsafe {
            if self.window.rows == 3 {
                self.convolve_tiles::<4>(x, b, y, count)
            } else {
                self.convolve_tiles::<2>(x, b, y, count)
            }
        }
    }

    unsafe fn convolve_tiles<const RESULTS: usize>(&self, x: *const f32, b: *const f32, y: *mut f32, count: usize) {
        let Self { window, filters, scratch: zeros } = *self;
        let channels = window.channels;
        let (left_plane, result_plane) = (TILES * channels + GAP, TILES * filters + GAP);
        let tiling = Tiling::new(window, RESULTS);
        unsafe {
            let right = zeros.add(channels);
            let left = right.add(PLANES * channels * filters);
            let result = left.add(PLANES * left_plane);
            for (from, n) in tiles(count * tiling.rows * tiling.columns, TILES) {
                for t in 0..n {
                    let pixels = tiling.pixels(window, from + t, x, zeros);
                    transform_tile(&pixels, channels, left.add(t * channels), left_plane);
                }
                for plane in 0..PLANES {
                    let left = Left { values: left.add(plane * left_plane), row: channels, step: 1 };
                    let right = right.add(plane * channels * filters);
                    let result = result.add(plane * result_plane);
                    let sides = Sides { right, right_row: filters, result, result_row: filters };
                    multiply::<false>([n, filters, channels], left, sides, Start::Zero, Finish::Store);
                }
                for t in 0..n {
                    let values = result.add(t * filters);
                    let place = tiling.place(from + t);
                    read_off::<RESULTS>(values, result_plane, window, place, b, y, filters);
                }
            }
        }
    }
}

/// Cover of the results by tiles.
struct Tiling {
    rows: usize,
    columns: usize,
    /// Number of results of a tile along an axis.
    size: usize,
}

impl Tiling {
    fn new(window: &Window, size: usize) -> Self {
        Self { rows: window.out_height.div_ceil(size), columns: window.out_width.div_ceil(size), size }
    }

    /// Returns the image of a tile, and the row and column of its first result.
    fn place(&self, tile: usize) -> [usize; 3] {
        let (row, column) = (tile / self.columns, tile % self.columns);
        [row / self.rows, row % self.rows * self.size, column * self.size]
    }

    /// Returns the places of the pixels under a tile; those of the padding are all `zeros`.
    unsafe fn pixels(&self, window: &Window, tile: usize, x: *const f32, zeros: *const f32) -> [*const f32; PLANES] {
        let [image, row, column] = self.place(tile);
        core::array::from_fn(|i| {
            // An index above or to the left of the image wraps around to a large number.
            let y = (row + i / POINTS).wrapping_sub(window.pad_top);
            let at = (column + i % POINTS).wrapping_sub(window.pad_left);
            if y < window.height && at < window.width {
                let pixel = (image * window.height + y) * window.width + at;
                unsafe { x.add(pixel * window.channels) }
            } else {
                zeros
            }
        })
    }
}

/// Writes the tile's values at the points, plane by plane.
#[inline(never)]
unsafe fn transform_tile(pixels: &[*const f32; PLANES], channels: usize, to: *mut f32, plane: usize) {
    for channel in (0..channels).step_by(4) {
        unsafe {
            let mut rows = [[F32x4::splat(0.0); POINTS]; POINTS];
            for column in 0..POINTS {
                let values = core::array::from_fn(|i| F32x4::load(pixels[i * POINTS + column].add(channel)));
                let values = at_points(values);
                for i in 0..POINTS {
                    rows[i][column] = values[i];
                }
            }
            for (i, row) in rows.into_iter().enumerate() {
                for (j, value) in at_points(row).into_iter().enumerate() {
                    value.store(to.add((i * POINTS + j) * plane + channel));
                }
            }
        }
    }
}

/// Evaluates six neighbours at the six points: the transpose of interpolation.
#[inline(always)]
fn at_points([a, b, c, d, e, f]: [F32x4; POINTS]) -> [F32x4; POINTS] {
    let [minus_half, minus_two, minus_both] = [-0.5, -2.0, -2.5].map(F32x4::splat);
    let [near, far] = [NEAR, FAR].map(F32x4::splat);
    let (even, odd) = (minus_two.mul_add(c, e), near * minus_two.mul_add(b, d));
    let (even_far, odd_far) = (minus_half.mul_add(c, e), far * minus_half.mul_add(b, d));
    [
        minus_both.mul_add(c, a + e),
        even + odd,
        even - odd,
        even_far + odd_far,
        even_far - odd_far,
        minus_both.mul_add(d, b + f),
    ]
}

/// Writes the filters' values at the points, as the right sides of the planes' products.
#[inline(never)]
unsafe fn transform_filters<const TAPS: usize>(source: Filters, inputs: usize, outputs: usize, to: *mut f32) {
    for input in 0..inputs {
        for output in (0..outputs).step_by(4) {
            unsafe {
                let from = source.first.add(input * source.row + output);
                let mut rows = [[F32x4::splat(0.0); TAPS]; POINTS];
                for column in 0..TAPS {
                    let taps =
                        core::array::from_fn(|i| F32x4::load(from.offset((i * TAPS + column) as isize * source.step)));
                    let values = filter_at_points::<TAPS>(taps);
                    for i in 0..POINTS {
                        rows[i][column] = values[i];
                    }
                }
                for (i, row) in rows.into_iter().enumerate() {
                    for (j, value) in filter_at_points::<TAPS>(row).into_iter().enumerate() {
                        value.store(to.add(((i * POINTS + j) * inputs + input) * outputs + output));
                    }
                }
            }
        }
    }
}

/// Evaluates a filter at the points, each value divided by the product of the point's distances
/// from the others.
#[inline(always)]
fn filter_at_points<const TAPS: usize>(taps: [F32x4; TAPS]) -> [F32x4; POINTS] {
    let [zero, half, two] = [0.0, 0.5, 2.0].map(F32x4::splat);
    let [near, far] = [NEAR, FAR].map(F32x4::splat);
    let [by_near, by_far] = [-1.0 / 1.5, 1.0 / 6.0].map(F32x4::splat);
    let tap = |i: usize| if i < TAPS { taps[i] } else { zero };
    let even = half.mul_add(half.mul_add(tap(4), tap(2)), tap(0));
    let odd = near * half.mul_add(tap(3), tap(1));
    let even_far = two.mul_add(two.mul_add(tap(4), tap(2)), tap(0));
    let odd_far = far * two.mul_add(tap(3), tap(1));
    [
        tap(0),
        by_near * (even + odd),
        by_near * (even - odd),
        by_far * (even_far + odd_far),
        by_far * (even_far - odd_far),
        taps[TAPS - 1],
    ]
}

/// Writes the results of a tile that lie within the image.
#[inline(never)]
unsafe fn read_off<const RESULTS: usize>(
    values: *const f32,
    plane: usize,
    window: &Window,
    [image, row, column]: [usize; 3],
    b: *const f32,
    y: *mut f32,
    filters: usize,
) {
    let (height, width) = (window.out_height, window.out_width);
    let (rows, columns) = ((height - row).min(RESULTS), (width - column).min(RESULTS));
    for filter in (0..filters).step_by(4) {
        unsafe {
            let bias = if b.is_null() { F32x4::splat(0.0) } else { F32x4::load(b.add(filter)) };
            let mut parts = [[F32x4::splat(0.0); POINTS]; RESULTS];
            for j in 0..POINTS {
                let points = core::array::from_fn(|i| F32x4::load(values.add((i * POINTS + j) * plane + filter)));
                let results = results::<RESULTS>(points);
                for i in 0..RESULTS {
                    parts[i][j] = results[i];
                }
            }
            let first = y.add(((image * height + row) * width + column) * filters + filter);
            for (i, part) in parts.into_iter().enumerate() {
                for (j, value) in results::<RESULTS>(part).into_iter().enumerate() {
                    if i < rows && j < columns {
                        (value + bias).store(first.add((i * width + j) * filters));
                    }
                }
            }
        }
    }
}

/// Computes the results from the products at the points, each by the powers of the points.
#[inline(always)]
fn results<const RESULTS: usize>([a, b, c, d, e, f]: [F32x4; POINTS]) -> [F32x4; RESULTS] {
    let (sum, difference, sum_far, difference_far) = (b + c, b - c, d + e, d - e);
    core::array::from_fn(|i| {
        let [near, far] = [[1.0, 1.0], [NEAR, FAR], [0.5, 2.0], [NEAR * 0.5, FAR * 2.0]][i].map(F32x4::splat);
        let value = match i {
            0 => a + (sum + sum_far),
            1 | 3 => near.mul_add(difference, far * difference_far),
            _ => near.mul_add(sum, far * sum_far),
        };
        if i + 1 == RESULTS { value + f } else { value }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::{Guarded, values};

    #[test]
    fn convolve_agrees_with_the_sums_in_float64() {
        for (taps, size, out, pad) in
            [(5, [14, 14], [14, 14], 2), (5, [9, 8], [5, 4], 0), (3, [7, 10], [7, 10], 1), (3, [9, 9], [7, 7], 0)]
        {
            let (channels, filters, count) = (16, 20, 3);
            let window = Window {
                height: size[0],
                width: size[1],
                channels,
                out_height: out[0],
                out_width: out[1],
                rows: taps,
                columns: taps,
                stride_y: 1,
                stride_x: 1,
                dilation_y: 1,
                dilation_x: 1,
                pad_top: pad,
                pad_left: pad,
            };
            assert!(fits(&window, filters));
            let x = values(count * window.image(), 1);
            let w = values(window.depth() * filters, 2);
            let b = values(filters, 3);
            let mut y = vec![f32::NAN; count * window.pixels() * filters];
            let mut memory = Guarded::new(scratch(channels, filters));
            let source = Filters::forward(&window, w.as_ptr(), filters);
            unsafe {
                let prepared = Prepared::new(&window, source, filters, memory.start());
                prepared.convolve(x.as_ptr(), b.as_ptr(), y.as_mut_ptr(), count);
            }
            memory.check();
            let mut worst = 0.0f64;
            for (at, &value) in y.iter().enumerate() {
                let (filter, pixel) = (at % filters, at / filters % window.pixels());
                let image = at / filters / window.pixels();
                let mut want = f64::from(b[filter]);
                window.each(pixel, |from, place| {
                    for c in 0..channels {
                        let value = x[image * window.image() + from * channels + c];
                        want += f64::from(value) * f64::from(w[(place * channels + c) * filters + filter]);
                    }
                });
                worst = worst.max((f64::from(value) - want).abs());
            }
            // The sums are of up to 400 products of values around 1/2.
            assert!(worst < 2e-5, "{taps} taps: {worst}");
        }
    }
}
