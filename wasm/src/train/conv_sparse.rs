//! Gradients of a convolution from a sparse gradient of its result: behind a ReLU or a maximum most
//! values are exact zeros.
//!
//! Values that are not 0 go into lists. Each piece of the window is used for all lists before the
//! next piece, so that the values that the lists read stay in the first-level cache.

use super::gemm::transpose;
use super::padded::{self, crop, unfold};
use super::sparse::{self, Entry};
use super::window::Window;

/// A gradient is sparse where at most one value in this number is not 0.
const SPARSE: usize = 3;
/// Shorter runs of values are unfolded into rows before they are summed.
const SHORT: usize = 20;

/// Gradient of a convolution's results, image by image.
pub struct Gradient {
    pub values: *const f32,
    /// Pixels of the result that the values belong to; null where each pixel has its own value.
    pub places: *const u32,
    /// Number of values of a filter in an image.
    pub cells: usize,
    pub filters: usize,
}

impl Gradient {
    /// Returns true if it pays to work only on the values of these images that are not 0.
    ///
    /// # Safety
    /// The values are readable.
    pub unsafe fn is_sparse(&self, first: usize, count: usize) -> bool {
        let size = self.cells * self.filters;
        !self.places.is_null()
            || unsafe { sparse::count(self.values.add(first * size), count * size) } * SPARSE <= count * size
    }

    /// Calls `visit` with pixel, filter and value of each value of an image.
    ///
    /// # Safety
    /// As for [`Gradient::is_sparse`].
    #[inline(always)]
    unsafe fn each(&self, image: usize, mut visit: impl FnMut(usize, usize, f32)) {
        let size = self.cells * self.filters;
        for cell in 0..self.cells {
            for filter in 0..self.filters {
                let i = image * size + cell * self.filters + filter;
                unsafe {
                    let pixel = if self.places.is_null() { cell } else { *self.places.add(i) as usize };
                    visit(pixel, filter, *self.values.add(i));
                }
            }
        }
    }
}

/// Lists of entries, each with room for the same number.
#[derive(Clone, Copy)]
struct Lists {
    counts: *mut u32,
    entries: *mut Entry,
    room: usize,
}

impl Lists {
    /// Creates empty lists in `scratch`, which holds `count + 2 * count * room` values.
    unsafe fn new(count: usize, room: usize, scratch: *mut f32) -> Self {
        unsafe {
            scratch.write_bytes(0, count);
            Self { counts: scratch.cast(), entries: scratch.add(count).cast(), room }
        }
    }

    /// Adds an entry, unless its factor is 0.
    #[inline(always)]
    unsafe fn push(&self, list: usize, start: u32, factor: f32) {
        unsafe {
            let count = self.counts.add(list);
            *self.entries.add(list * self.room + *count as usize) = Entry { start, factor };
            *count += u32::from(factor != 0.0);
        }
    }

    #[inline(always)]
    unsafe fn get(&self, list: usize) -> &[Entry] {
        unsafe { core::slice::from_raw_parts(self.entries.add(list * self.room), *self.counts.add(list) as usize) }
    }
}

/// Number of values of the lists of [`scatter`]: a count for each pixel of the result and an entry
/// for each value.
pub fn scatter_scratch(window: &Window, filters: usize) -> usize {
    window.pixels() + 2 * window.pixels() * filters
}

/// Writes the gradient of the images. The runs of the windows have a multiple of four values.
/// `scratch` holds `depth * filters` values, a padded image, and [`scatter_scratch`] values.
///
/// # Safety
/// All arguments are within the memory, and written ones overlap no other.
pub unsafe fn scatter(
    window: &Window,
    gradient: &Gradient,
    w: *const f32,
    dx: *mut f32,
    count: usize,
    scratch: *mut f32,
) {
    let (pixels, depth, run, filters) = (window.pixels(), window.depth(), window.run(), gradient.filters);
    unsafe {
        let padded = scratch.add(depth * filters);
        transpose(depth, filters, w, scratch);
        for image in 0..count {
            let lists = Lists::new(pixels, filters, padded.add(padded::size(window)));
            gradient.each(image, |pixel, filter, value| lists.push(pixel, (filter * depth) as u32, value));
            padded.write_bytes(0, padded::size(window));
            window.each_run(|i, to| {
                for (from, vectors) in sparse::blocks(run) {
                    let rows = scratch.add(i * run + from);
                    window.each_start(|pixel, start| {
                        sparse::add_block(vectors, lists.get(pixel), rows, padded.add(start + to + from));
                    });
                }
            });
            crop(window, padded, dx.add(image * window.image()));
        }
    }
}

/// Number of values of the lists of [`gather`]: a start for each pixel of the result, a count for
/// each filter and an entry for each value.
pub fn gather_scratch(window: &Window, filters: usize) -> usize {
    window.pixels() + filters + 2 * window.pixels() * filters
}

/// Adds the gradient of the filters from one image to `turned`, whose row `f` is filter `f`, as
/// long as the depth rounded up to a multiple of four. `rows` has room for the values under each
/// window; `scratch` holds [`gather_scratch`] values.
///
/// # Safety
/// As for [`scatter`].
pub unsafe fn gather(
    window: &Window,
    padded: *const f32,
    gradient: &Gradient,
    image: usize,
    turned: *mut f32,
    rows: *mut f32,
    scratch: *mut f32,
) {
    let (pixels, run, filters) = (window.pixels(), window.run(), gradient.filters);
    let long = window.depth().next_multiple_of(4);
    let short = run % 4 != 0 || run < SHORT;
    unsafe {
        let starts = scratch.cast::<u32>();
        window.each_start(|pixel, start| *starts.add(pixel) = if short { pixel * long } else { start } as u32);
        let lists = Lists::new(filters, pixels, scratch.add(pixels));
        gradient.each(image, |pixel, filter, value| lists.push(filter, *starts.add(pixel), value));
        let each = |from: *const f32, to: usize, length: usize| {
            for (at, vectors) in sparse::blocks(length) {
                for filter in 0..filters {
                    let sum = turned.add(filter * long + to + at);
                    sparse::add_block(vectors, lists.get(filter), from.add(at), sum);
                }
            }
        };
        if short {
            unfold(window, padded, rows, long);
            return each(rows, 0, long);
        }
        window.each_run(|i, from| each(padded.add(from), i * run, run));
    }
}
