//! Four float32 lanes: WebAssembly's instructions, or plain arrays on the host, where the tests run.

use core::ops::{Add, Mul, Sub};

#[cfg(not(target_arch = "wasm32"))]
use host as lanes;
#[cfg(target_arch = "wasm32")]
use wasm as lanes;

/// Four float32 values.
#[derive(Clone, Copy)]
pub struct F32x4(lanes::Single);

impl F32x4 {
    /// The same value four times.
    pub fn splat(value: f32) -> Self {
        Self(lanes::splat(value))
    }

    /// Reads four values; the address need not be a multiple of 16.
    ///
    /// # Safety
    /// `from` points to four readable values.
    pub unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { lanes::load(from) })
    }

    /// Writes four values; the address need not be a multiple of 16.
    ///
    /// # Safety
    /// `to` points to four writable values.
    pub unsafe fn store(self, to: *mut f32) {
        unsafe { lanes::store(to, self.0) }
    }

    /// `self * factor + addend`, rounded once where the build has the fused instruction, else twice.
    pub fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(lanes::mul_add(self.0, factor.0, addend.0))
    }
}

impl Add for F32x4 {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(lanes::add(self.0, other.0))
    }
}

impl Sub for F32x4 {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(lanes::sub(self.0, other.0))
    }
}

impl Mul for F32x4 {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self(lanes::mul(self.0, other.0))
    }
}

/// Four running sums in float64.
#[derive(Clone, Copy)]
pub struct Sums(lanes::Double);

impl Sums {
    /// Sums of nothing.
    pub fn zero() -> Self {
        Self(lanes::zero())
    }

    /// Adds each lane to its sum.
    pub fn add(&mut self, values: F32x4) {
        self.0 = lanes::add_wide(self.0, values.0);
    }

    /// Adds the square of each lane, taken in float64, to its sum.
    pub fn add_squares(&mut self, values: F32x4) {
        self.0 = lanes::add_wide_squares(self.0, values.0);
    }

    /// The sum of the four.
    pub fn total(self) -> f64 {
        lanes::total(self.0)
    }
}

#[cfg(target_arch = "wasm32")]
mod wasm {
    use core::arch::wasm32::*;

    pub type Single = v128;
    pub type Double = (v128, v128);

    pub fn splat(value: f32) -> v128 {
        f32x4_splat(value)
    }
    pub unsafe fn load(from: *const f32) -> v128 {
        unsafe { v128_load(from.cast()) }
    }
    pub unsafe fn store(to: *mut f32, value: v128) {
        unsafe { v128_store(to.cast(), value) }
    }
    pub fn add(a: v128, b: v128) -> v128 {
        f32x4_add(a, b)
    }
    pub fn sub(a: v128, b: v128) -> v128 {
        f32x4_sub(a, b)
    }
    pub fn mul(a: v128, b: v128) -> v128 {
        f32x4_mul(a, b)
    }
    #[cfg(target_feature = "relaxed-simd")]
    pub fn mul_add(a: v128, b: v128, c: v128) -> v128 {
        f32x4_relaxed_madd(a, b, c)
    }
    #[cfg(not(target_feature = "relaxed-simd"))]
    pub fn mul_add(a: v128, b: v128, c: v128) -> v128 {
        f32x4_add(f32x4_mul(a, b), c)
    }

    pub fn zero() -> Double {
        (f64x2_splat(0.0), f64x2_splat(0.0))
    }
    fn widen(values: v128) -> Double {
        let high = i64x2_shuffle::<1, 1>(values, values);
        (f64x2_promote_low_f32x4(values), f64x2_promote_low_f32x4(high))
    }
    pub fn add_wide(sums: Double, values: v128) -> Double {
        let (low, high) = widen(values);
        (f64x2_add(sums.0, low), f64x2_add(sums.1, high))
    }
    pub fn add_wide_squares(sums: Double, values: v128) -> Double {
        let (low, high) = widen(values);
        (f64x2_add(sums.0, f64x2_mul(low, low)), f64x2_add(sums.1, f64x2_mul(high, high)))
    }
    pub fn total(sums: Double) -> f64 {
        let pair = f64x2_add(sums.0, sums.1);
        f64x2_extract_lane::<0>(pair) + f64x2_extract_lane::<1>(pair)
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod host {
    pub type Single = [f32; 4];
    pub type Double = [f64; 4];

    fn zip(a: Single, b: Single, op: impl Fn(f32, f32) -> f32) -> Single {
        core::array::from_fn(|i| op(a[i], b[i]))
    }
    pub fn splat(value: f32) -> Single {
        [value; 4]
    }
    pub unsafe fn load(from: *const f32) -> Single {
        unsafe { from.cast::<Single>().read_unaligned() }
    }
    pub unsafe fn store(to: *mut f32, value: Single) {
        unsafe { to.cast::<Single>().write_unaligned(value) }
    }
    pub fn add(a: Single, b: Single) -> Single {
        zip(a, b, |a, b| a + b)
    }
    pub fn sub(a: Single, b: Single) -> Single {
        zip(a, b, |a, b| a - b)
    }
    pub fn mul(a: Single, b: Single) -> Single {
        zip(a, b, |a, b| a * b)
    }
    pub fn mul_add(a: Single, b: Single, c: Single) -> Single {
        add(mul(a, b), c)
    }

    pub fn zero() -> Double {
        [0.0; 4]
    }
    pub fn add_wide(sums: Double, values: Single) -> Double {
        core::array::from_fn(|i| sums[i] + f64::from(values[i]))
    }
    pub fn add_wide_squares(sums: Double, values: Single) -> Double {
        core::array::from_fn(|i| sums[i] + f64::from(values[i]) * f64::from(values[i]))
    }
    pub fn total(sums: Double) -> f64 {
        (sums[0] + sums[2]) + (sums[1] + sums[3])
    }
}
