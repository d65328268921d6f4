//! Kernels over parameter vectors that lie in this module's own memory, whose room past `__heap_base` is the caller's.
//!
//! Every pointer is a multiple of 4 (2 for halves, 8 for [`Stats`]) and need not be more. Counts are of values, not bytes.
//! Nothing is checked here: the caller owns the memory and answers for the ranges.

#![cfg_attr(target_arch = "wasm32", no_std)]
#![allow(clippy::missing_safety_doc)]
#![cfg_attr(not(feature = "train"), allow(dead_code))]

mod elementwise;
mod half;
mod robust;
mod simd;
mod stats;
#[cfg(any(feature = "train", test))]
mod train;

use robust::Matrix;
use stats::Stats;

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

/// Vectors cut at multiples of so many values give the same statistics, bit for bit, as whole ones.
#[unsafe(no_mangle)]
pub extern "C" fn run() -> usize {
    stats::RUN
}

/// Adds the statistics of `n` values.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stats(values: *const f32, n: usize, into: *mut Stats) {
    unsafe { stats::stats(values, n, &mut *into) }
}

/// Copies `n` values, adding their statistics.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn copy(to: *mut f32, from: *const f32, n: usize, into: *mut Stats) {
    unsafe { stats::copy(to, from, n, &mut *into) }
}

/// `to = a - b`, adding the statistics of the result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn difference(to: *mut f32, a: *const f32, b: *const f32, n: usize, into: *mut Stats) {
    unsafe { stats::difference(to, a, b, n, &mut *into) }
}

/// `acc += weight * x`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fold(acc: *mut f32, x: *const f32, weight: f32, n: usize) {
    unsafe { elementwise::fold(acc, x, weight, n) }
}

/// `acc += t * (x - acc)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blend(acc: *mut f32, x: *const f32, t: f32, n: usize) {
    unsafe { elementwise::blend(acc, x, t, n) }
}

/// `values *= factor`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scale(values: *mut f32, factor: f32, n: usize) {
    unsafe { elementwise::scale(values, factor, n) }
}

/// float32 to half precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn to_half(halves: *mut u16, values: *const f32, n: usize) {
    unsafe { half::to_half(halves, values, n) }
}

/// Half precision to float32.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn from_half(values: *mut f32, halves: *const u16, n: usize) {
    unsafe { half::from_half(values, halves, n) }
}

/// Columns that the kernels below take at once: their number of columns is a multiple of it, their tile holds so many of all rows.
#[unsafe(no_mangle)]
pub extern "C" fn tile() -> usize {
    robust::TILE
}

/// The median of each column.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn median(out: *mut f32, values: *const f32, rows: usize, columns: usize, tile: *mut f32) {
    unsafe { robust::median(out, Matrix { values, rows, columns }, tile) }
}

/// The mean of each column without its `trim` lowest and highest values.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn trimmed_mean(
    out: *mut f32,
    values: *const f32,
    rows: usize,
    columns: usize,
    trim: usize,
    tile: *mut f32,
) {
    unsafe { robust::trimmed_mean(out, Matrix { values, rows, columns }, trim, tile) }
}

/// The mean of the `keep` values of each column that are closest to its median.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mean_around_median(
    out: *mut f32,
    values: *const f32,
    rows: usize,
    columns: usize,
    keep: usize,
    tile: *mut f32,
) {
    unsafe { robust::mean_around_median(out, Matrix { values, rows, columns }, keep, tile) }
}

/// The squared distance of a vector of `columns` values from each row.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn squared_distances(
    into: *mut f64,
    one: *const f32,
    values: *const f32,
    rows: usize,
    columns: usize,
) {
    unsafe { robust::squared_distances(into, one, Matrix { values, rows, columns }) }
}

/// Adds the squared distance of two vectors to the sum of squares.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn squared_distance(a: *const f32, b: *const f32, n: usize, into: *mut Stats) {
    unsafe { robust::squared_distance(a, b, n, &mut *into) }
}
