//! Four float32 lanes: WebAssembly's instructions, or plain arrays on the host, where the tests run.

use core::ops::{Add, Div, Mul, Sub};

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

    /// Writes eight values in half precision, each as [`narrow`](crate::half::narrow) makes it.
    ///
    /// # Safety
    /// `to` points to eight writable halves.
    pub unsafe fn store_halves([low, high]: [Self; 2], to: *mut u16) {
        unsafe { lanes::store_halves(low.0, high.0, to) }
    }

    /// Reads eight half precision values, each as [`widen`](crate::half::widen) makes it.
    ///
    /// # Safety
    /// `from` points to eight readable halves.
    pub unsafe fn load_halves(from: *const u16) -> [Self; 2] {
        unsafe { lanes::load_halves(from) }.map(Self)
    }

    /// `self * factor + addend`, rounded once where the build has the fused instruction, else twice.
    pub fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(lanes::mul_add(self.0, factor.0, addend.0))
    }

    /// Negative lanes, and those that are not a number, become 0.
    pub fn relu(self) -> Self {
        Self::where_positive(self, self, Self::splat(0.0))
    }

    /// Lane by lane `yes` where `condition` is above 0, else `no`.
    pub fn where_positive(condition: Self, yes: Self, no: Self) -> Self {
        Self(lanes::where_positive(condition.0, yes.0, no.0))
    }

    /// Lane by lane `yes` where the two are equal, else `no`.
    pub fn where_equal(a: Self, b: Self, yes: Self, no: Self) -> Self {
        Self(lanes::where_equal(a.0, b.0, yes.0, no.0))
    }

    /// Each lane becomes the whole number next to it.
    pub fn round(self) -> Self {
        Self(lanes::round(self.0))
    }

    /// 2 to the power of each lane, a whole number from -126 to 127.
    pub fn power_of_two(self) -> Self {
        Self(lanes::power_of_two(self.0))
    }

    /// The square root of each lane.
    pub fn sqrt(self) -> Self {
        Self(lanes::sqrt(self.0))
    }

    /// Lane by lane the lesser of two and the other one; none is NaN.
    #[inline(always)]
    pub fn order(a: Self, b: Self) -> (Self, Self) {
        let (less, more) = lanes::order(a.0, b.0);
        (Self(less), Self(more))
    }

    /// The first lane.
    pub fn first(self) -> f32 {
        lanes::first(self.0)
    }

    /// Rows become columns.
    pub fn transpose(rows: [Self; 4]) -> [Self; 4] {
        lanes::transpose(rows.map(|row| row.0)).map(Self)
    }

    /// The sum of the lanes of each.
    pub fn totals(vectors: [Self; 4]) -> Self {
        let [a, b, c, d] = Self::transpose(vectors);
        (a + c) + (b + d)
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

impl Div for F32x4 {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        Self(lanes::div(self.0, other.0))
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

    /// Each sum divided by a number and rounded.
    pub fn divided_by(self, divisor: f64) -> F32x4 {
        F32x4(lanes::divided_by(self.0, divisor))
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
    pub fn div(a: v128, b: v128) -> v128 {
        f32x4_div(a, b)
    }
    pub fn sqrt(value: v128) -> v128 {
        f32x4_sqrt(value)
    }
    #[cfg(target_feature = "relaxed-simd")]
    pub fn mul_add(a: v128, b: v128, c: v128) -> v128 {
        f32x4_relaxed_madd(a, b, c)
    }
    #[cfg(not(target_feature = "relaxed-simd"))]
    pub fn mul_add(a: v128, b: v128, c: v128) -> v128 {
        f32x4_add(f32x4_mul(a, b), c)
    }
    pub fn where_positive(condition: v128, yes: v128, no: v128) -> v128 {
        v128_bitselect(yes, no, f32x4_gt(condition, f32x4_splat(0.0)))
    }
    pub fn where_equal(a: v128, b: v128, yes: v128, no: v128) -> v128 {
        v128_bitselect(yes, no, f32x4_eq(a, b))
    }
    pub fn round(value: v128) -> v128 {
        f32x4_nearest(value)
    }
    pub fn power_of_two(value: v128) -> v128 {
        i32x4_shl(i32x4_add(i32x4_trunc_sat_f32x4(value), i32x4_splat(127)), 23)
    }
    pub fn order(a: v128, b: v128) -> (v128, v128) {
        (f32x4_pmin(a, b), f32x4_pmax(b, a))
    }
    pub fn first(value: v128) -> f32 {
        f32x4_extract_lane::<0>(value)
    }
    pub fn transpose([a, b, c, d]: [v128; 4]) -> [v128; 4] {
        let (ab, cd) = (i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<0, 4, 1, 5>(c, d));
        let (ef, gh) = (i32x4_shuffle::<2, 6, 3, 7>(a, b), i32x4_shuffle::<2, 6, 3, 7>(c, d));
        [
            i64x2_shuffle::<0, 2>(ab, cd),
            i64x2_shuffle::<1, 3>(ab, cd),
            i64x2_shuffle::<0, 2>(ef, gh),
            i64x2_shuffle::<1, 3>(ef, gh),
        ]
    }

    pub unsafe fn store_halves(low: v128, high: v128, to: *mut u16) {
        unsafe { v128_store(to.cast(), u16x8_narrow_i32x4(narrow(low), narrow(high))) }
    }
    fn narrow(value: v128) -> v128 {
        let absolute = f32x4_abs(value);
        let magnitude = f32x4_pmin(absolute, f32x4_splat(65536.0));
        let minus_odd = i32x4_shr(i32x4_shl(magnitude, 18), 31);
        let rounded = i32x4_sub(i32x4_add(magnitude, i32x4_splat(0xFFF - (112 << 23))), minus_odd);
        let subnormal = i32x4_sub(f32x4_add(magnitude, f32x4_splat(0.5)), f32x4_splat(0.5));
        let is_subnormal = i32x4_lt(magnitude, i32x4_splat(113 << 23));
        let finite = v128_bitselect(subnormal, u32x4_shr(rounded, 13), is_subnormal);
        let half = v128_bitselect(i32x4_splat(0x7E00), finite, f32x4_ne(value, value));
        v128_or(half, u32x4_shr(v128_xor(value, absolute), 16))
    }
    pub unsafe fn load_halves(from: *const u16) -> [v128; 2] {
        let halves = unsafe { v128_load(from.cast()) };
        [widen(u32x4_extend_low_u16x8(halves)), widen(u32x4_extend_high_u16x8(halves))]
    }
    fn widen(half: v128) -> v128 {
        let magnitude = v128_and(half, i32x4_splat(0x7FFF));
        let finite = f32x4_mul(i32x4_shl(magnitude, 13), i32x4_splat((127 + 112) << 23));
        let special = v128_and(i32x4_gt(magnitude, i32x4_splat(0x7BFF)), i32x4_splat(0x7F80_0000));
        v128_or(v128_or(finite, special), i32x4_shl(v128_xor(half, magnitude), 16))
    }

    pub fn zero() -> Double {
        (f64x2_splat(0.0), f64x2_splat(0.0))
    }
    fn promote(values: v128) -> Double {
        let high = i64x2_shuffle::<1, 1>(values, values);
        (f64x2_promote_low_f32x4(values), f64x2_promote_low_f32x4(high))
    }
    pub fn add_wide(sums: Double, values: v128) -> Double {
        let (low, high) = promote(values);
        (f64x2_add(sums.0, low), f64x2_add(sums.1, high))
    }
    pub fn add_wide_squares(sums: Double, values: v128) -> Double {
        let (low, high) = promote(values);
        (f64x2_add(sums.0, f64x2_mul(low, low)), f64x2_add(sums.1, f64x2_mul(high, high)))
    }
    pub fn divided_by(sums: Double, divisor: f64) -> v128 {
        let divisor = f64x2_splat(divisor);
        let (low, high) = (f64x2_div(sums.0, divisor), f64x2_div(sums.1, divisor));
        i64x2_shuffle::<0, 2>(f32x4_demote_f64x2_zero(low), f32x4_demote_f64x2_zero(high))
    }
    pub fn total(sums: Double) -> f64 {
        let pair = f64x2_add(sums.0, sums.1);
        f64x2_extract_lane::<0>(pair) + f64x2_extract_lane::<1>(pair)
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod host {
    use crate::half::{narrow, widen};

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
    pub fn div(a: Single, b: Single) -> Single {
        zip(a, b, |a, b| a / b)
    }
    pub fn sqrt(value: Single) -> Single {
        value.map(f32::sqrt)
    }
    pub fn mul_add(a: Single, b: Single, c: Single) -> Single {
        add(mul(a, b), c)
    }
    pub fn where_positive(condition: Single, yes: Single, no: Single) -> Single {
        core::array::from_fn(|i| if condition[i] > 0.0 { yes[i] } else { no[i] })
    }
    pub fn where_equal(a: Single, b: Single, yes: Single, no: Single) -> Single {
        core::array::from_fn(|i| if a[i] == b[i] { yes[i] } else { no[i] })
    }
    pub fn round(value: Single) -> Single {
        value.map(f32::round_ties_even)
    }
    pub fn power_of_two(value: Single) -> Single {
        value.map(|n| f32::from_bits(((n as i32 + 127) << 23) as u32))
    }
    pub fn order(a: Single, b: Single) -> (Single, Single) {
        (zip(a, b, |a, b| if b < a { b } else { a }), zip(a, b, |a, b| if b < a { a } else { b }))
    }
    pub fn first(value: Single) -> f32 {
        value[0]
    }
    pub fn transpose(rows: [Single; 4]) -> [Single; 4] {
        core::array::from_fn(|i| core::array::from_fn(|j| rows[j][i]))
    }

    pub unsafe fn store_halves(low: Single, high: Single, to: *mut u16) {
        let halves: [u16; 8] = core::array::from_fn(|i| narrow(if i < 4 { low[i] } else { high[i - 4] }));
        unsafe { to.cast::<[u16; 8]>().write_unaligned(halves) }
    }
    pub unsafe fn load_halves(from: *const u16) -> [Single; 2] {
        let halves = unsafe { from.cast::<[u16; 8]>().read_unaligned() };
        [0, 4].map(|start| core::array::from_fn(|i| widen(halves[start + i])))
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
    pub fn divided_by(sums: Double, divisor: f64) -> Single {
        sums.map(|sum| (sum / divisor) as f32)
    }
    pub fn total(sums: Double) -> f64 {
        (sums[0] + sums[2]) + (sums[1] + sums[3])
    }
}
