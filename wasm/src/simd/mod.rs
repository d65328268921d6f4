//! Vectors of four float32 lanes: WebAssembly's instructions, or plain arrays on the host, where
//! the tests run.

use core::ops::{Add, BitOr, BitXor, Div, Mul, Sub};

mod binary16;
#[cfg(not(target_arch = "wasm32"))]
mod host;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(any(feature = "params", test))]
pub use binary16::{narrow, widen};
#[cfg(not(target_arch = "wasm32"))]
use host as lanes;
#[cfg(target_arch = "wasm32")]
use wasm as lanes;

/// Four float32 values.
#[derive(Clone, Copy)]
pub struct F32x4(lanes::Single);

impl F32x4 {
    /// Creates a vector of four equal values.
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

    /// Writes eight values in half precision, each converted as by [`narrow`].
    ///
    /// # Safety
    /// `to` points to eight writable halves.
    pub unsafe fn store_halves([low, high]: [Self; 2], to: *mut u16) {
        unsafe { lanes::store_halves(low.0, high.0, to) }
    }

    /// Reads eight half precision values, each converted as by [`widen`].
    ///
    /// # Safety
    /// `from` points to eight readable halves.
    pub unsafe fn load_halves(from: *const u16) -> [Self; 2] {
        unsafe { lanes::load_halves(from) }.map(Self)
    }

    /// Reads sixteen bytes.
    ///
    /// # Safety
    /// `from` points to sixteen readable bytes.
    #[inline(always)]
    pub unsafe fn load_bytes(from: *const u8) -> [Self; 4] {
        unsafe { lanes::load_bytes(from) }.map(Self)
    }

    /// Writes sixteen bytes: each lane, of at most 2^22, rounded to the nearest integer, ties to even,
    /// and cut at -128 and 127.
    ///
    /// # Safety
    /// `to` points to sixteen writable bytes.
    #[inline(always)]
    pub unsafe fn store_bytes(values: [Self; 4], to: *mut u8) {
        unsafe { lanes::store_bytes(values.map(|four| four.0), to) }
    }

    /// Computes `self * factor + addend`, rounded once where the build has the fused instruction,
    /// else twice.
    pub fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(lanes::mul_add(self.0, factor.0, addend.0))
    }

    /// Replaces negative lanes and NaN by 0.
    pub fn relu(self) -> Self {
        Self::where_positive(self, self, Self::splat(0.0))
    }

    /// Selects lane by lane `yes` where `condition` is above 0, else `no`.
    pub fn where_positive(condition: Self, yes: Self, no: Self) -> Self {
        Self(lanes::where_positive(condition.0, yes.0, no.0))
    }

    /// Selects lane by lane `yes` where `a` and `b` are equal, else `no`.
    pub fn where_equal(a: Self, b: Self, yes: Self, no: Self) -> Self {
        Self(lanes::where_equal(a.0, b.0, yes.0, no.0))
    }

    /// Selects lane by lane `yes` where `a` is less than `b`, else `no`.
    pub fn where_less(a: Self, b: Self, yes: Self, no: Self) -> Self {
        Self(lanes::where_less(a.0, b.0, yes.0, no.0))
    }

    /// Joins the bits of two vectors: a lane is 0 where it is in both.
    #[inline(always)]
    pub fn join(self, other: Self) -> Self {
        Self(lanes::join(self.0, other.0))
    }

    /// Returns true if a lane is not 0.
    #[inline(always)]
    pub fn is_any(self) -> bool {
        lanes::is_any(self.0)
    }

    /// Writes the lanes that are not 0 as pairs of a number, which is `start` for the first lane and
    /// `step` more for each further one, and the value. Returns the number of pairs.
    ///
    /// # Safety
    /// `to` points to four writable pairs, all of which may be overwritten.
    #[inline(always)]
    pub unsafe fn store_pairs(self, start: u32, step: u32, to: *mut [u32; 2]) -> usize {
        unsafe { lanes::store_pairs(self.0, start, step, to) }
    }

    /// Rounds each lane to the nearest integer, ties to even.
    pub fn round(self) -> Self {
        Self(lanes::round(self.0))
    }

    /// Returns 2 to the power of each lane, an integer from -126 to 127.
    pub fn power_of_two(self) -> Self {
        Self(lanes::power_of_two(self.0))
    }

    /// The square root of each lane.
    pub fn sqrt(self) -> Self {
        Self(lanes::sqrt(self.0))
    }

    /// Returns lane by lane the lesser and the greater of two values, which are not NaN.
    #[inline(always)]
    pub fn order(a: Self, b: Self) -> (Self, Self) {
        let (less, more) = lanes::order(a.0, b.0);
        (Self(less), Self(more))
    }

    /// The magnitude of each lane.
    #[inline(always)]
    pub fn abs(self) -> Self {
        Self(lanes::abs(self.0))
    }

    /// Returns a bit for each lane, the first one lowest: 1 where its sign is negative.
    #[inline(always)]
    pub fn negative(self) -> u32 {
        lanes::negative(self.0)
    }

    /// Returns the first lane.
    pub fn first(self) -> f32 {
        lanes::first(self.0)
    }

    /// Transposes a matrix of four rows.
    pub fn transpose(rows: [Self; 4]) -> [Self; 4] {
        lanes::transpose(rows.map(|row| row.0)).map(Self)
    }

    /// Returns the sum of the lanes of each vector.
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

/// Number of a series that is read from memory where it is used. V8 takes three instructions to make
/// a vector of a number in the code, and has too few registers to keep a series.
#[repr(C, align(16))]
pub struct Constant([f64; 2]);

impl Constant {
    /// Creates a constant.
    pub const fn new(value: f64) -> Self {
        Self([value; 2])
    }

    /// Creates the constants of a series.
    pub const fn series<const N: usize>(values: [f64; N]) -> [Self; N] {
        let mut series = [const { Self::new(0.0) }; N];
        let mut i = 0;
        while i < N {
            series[i] = Self::new(values[i]);
            i += 1;
        }
        series
    }

    /// Returns a vector of the number.
    #[inline(always)]
    pub fn splat(&'static self) -> F64x4 {
        F64x4(lanes::wide_constant(&self.0))
    }
}

/// Four float64 values. Products and sums are rounded one by one in every build.
#[derive(Clone, Copy)]
pub struct F64x4(lanes::Double);

impl F64x4 {
    /// Creates a vector of four equal values.
    pub fn splat(value: f64) -> Self {
        Self(lanes::wide_splat(value))
    }

    /// Reads four values; the address need not be a multiple of 16.
    ///
    /// # Safety
    /// `from` points to four readable values.
    pub unsafe fn load(from: *const f64) -> Self {
        Self(unsafe { lanes::wide_load(from) })
    }

    /// Writes four values; the address need not be a multiple of 16.
    ///
    /// # Safety
    /// `to` points to four writable values.
    pub unsafe fn store(self, to: *mut f64) {
        unsafe { lanes::wide_store(to, self.0) }
    }

    /// Divides each value by a number and rounds it to float32.
    pub fn divided_by(self, divisor: f64) -> F32x4 {
        F32x4(lanes::divided_by(self.0, divisor))
    }

    /// Rounds each value to float32.
    pub fn narrow(self) -> F32x4 {
        F32x4(lanes::narrowed(self.0))
    }

    /// Rounds each value to the next integer toward 0.
    pub fn truncate(self) -> Self {
        Self(lanes::wide_truncate(self.0))
    }

    /// Returns 2 to the power of each value, an integer from -1022 to 1023.
    pub fn power_of_two(self) -> Self {
        Self(lanes::wide_power_of_two(self.0))
    }

    /// Rounds each value to the next integer below.
    pub fn floor(self) -> Self {
        Self(lanes::wide_floor(self.0))
    }

    /// Returns the square root of each value.
    pub fn sqrt(self) -> Self {
        Self(lanes::wide_sqrt(self.0))
    }

    /// Returns the size of each value.
    pub fn abs(self) -> Self {
        Self(lanes::wide_abs(self.0))
    }

    /// Returns values, which are not negative, with the signs of others.
    pub fn with_signs_of(self, signs: Self) -> Self {
        Self(lanes::wide_with_signs(self.0, signs.0))
    }

    /// Selects value by value `yes` where `a` is less than `b`, else `no`.
    pub fn where_less(a: Self, b: Self, yes: Self, no: Self) -> Self {
        Self(lanes::wide_where_less(a.0, b.0, yes.0, no.0))
    }

    /// Selects value by value `yes` where `a` and `b` are equal, else `no`.
    pub fn where_equal(a: Self, b: Self, yes: Self, no: Self) -> Self {
        Self(lanes::wide_where_equal(a.0, b.0, yes.0, no.0))
    }

    /// Returns value by value that of `b` where it is less than that of `a`, else that of `a`.
    pub fn less_of(a: Self, b: Self) -> Self {
        Self(lanes::wide_less_of(a.0, b.0))
    }

    /// Returns true if a value of `a` is less than that of `b`.
    pub fn any_less(a: Self, b: Self) -> bool {
        lanes::wide_any_less(a.0, b.0)
    }

    /// Writes the values, whole numbers from 0 to 2^32 - 1; NaN writes any number.
    ///
    /// # Safety
    /// `to` points to four writable integers.
    #[inline(always)]
    pub unsafe fn store_whole(self, to: *mut u32) {
        unsafe { lanes::wide_store_whole(to, self.0) }
    }

    /// Splits each value, a normal number above 0, into the exponent of a power of two and a factor
    /// from the square root of a half to that of two.
    pub fn split(self) -> (Self, Self) {
        let (exponents, factors) = lanes::wide_split(self.0);
        (Self(exponents), Self(factors))
    }

    /// Returns the values.
    pub fn to_array(self) -> [f64; 4] {
        let mut values = [0.0; 4];
        unsafe { self.store(values.as_mut_ptr()) };
        values
    }
}

impl From<F32x4> for F64x4 {
    fn from(values: F32x4) -> Self {
        Self(lanes::promote(values.0))
    }
}

impl Add for F64x4 {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(lanes::plus(self.0, other.0))
    }
}

impl Sub for F64x4 {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(lanes::minus(self.0, other.0))
    }
}

impl Div for F64x4 {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        Self(lanes::over(self.0, other.0))
    }
}

impl Mul for F64x4 {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self(lanes::times(self.0, other.0))
    }
}

/// Largest magnitudes of four lanes; one that is not finite is the larger, and NaN the largest.
#[derive(Clone, Copy)]
pub struct Largest(lanes::Single);

impl Largest {
    /// Creates four magnitudes of 0.
    pub fn zero() -> Self {
        Self(lanes::splat(0.0))
    }

    /// Takes in the magnitude of each lane.
    #[inline(always)]
    pub fn add(&mut self, values: F32x4) {
        self.0 = lanes::larger_bits(self.0, lanes::doubled_bits(values.0));
    }

    /// Returns the larger magnitudes of two.
    pub fn max(self, other: Self) -> Self {
        Self(lanes::larger_bits(self.0, other.0))
    }

    /// Returns the largest of the four magnitudes.
    pub fn value(self) -> f32 {
        let mut bits = [0.0; 4];
        unsafe { lanes::store(bits.as_mut_ptr(), self.0) };
        f32::from_bits(bits.iter().fold(0, |most: u32, x| most.max(x.to_bits())) >> 1)
    }
}

/// Four running sums in float64.
#[derive(Clone, Copy)]
pub struct Sums(lanes::Double);

impl Sums {
    /// Creates four sums of 0.
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

    /// Divides each sum by a number and rounds it.
    pub fn divided_by(self, divisor: f64) -> F32x4 {
        F32x4(lanes::divided_by(self.0, divisor))
    }

    /// Returns the sum of the four sums.
    pub fn total(self) -> f64 {
        lanes::total(self.0)
    }
}

/// Four integers of 32 bits, modulo 2^32.
#[derive(Clone, Copy)]
pub struct U32x4(lanes::Integers);

impl U32x4 {
    /// Reads four integers; the address need not be a multiple of 16.
    ///
    /// # Safety
    /// `from` points to four readable integers.
    #[inline(always)]
    pub unsafe fn load(from: *const u32) -> Self {
        Self(unsafe { lanes::load_integers(from) })
    }

    /// Writes four integers; the address need not be a multiple of 16.
    ///
    /// # Safety
    /// `to` points to four writable integers.
    #[inline(always)]
    pub unsafe fn store(self, to: *mut u32) {
        unsafe { lanes::store_integers(to, self.0) }
    }

    /// Writes a number for each lane that is not 0, `start` for the first lane and `step` more for
    /// each further one, and returns how many there are.
    ///
    /// # Safety
    /// `to` points to four writable integers, all of which may be overwritten.
    #[inline(always)]
    pub unsafe fn store_places(self, start: u32, step: u32, to: *mut u32) -> usize {
        unsafe { lanes::store_places(self.0, start, step, to) }
    }

    /// Rotates the bits of each lane to the left.
    #[inline(always)]
    pub fn rotate_left<const BITS: u32>(self) -> Self {
        Self(lanes::rotate_left::<BITS>(self.0))
    }

    /// Four times the same integer.
    #[inline(always)]
    pub fn splat(value: u32) -> Self {
        Self(lanes::integers([value; 4]))
    }

    /// Returns the columns of a matrix that is given by its rows.
    #[inline(always)]
    pub fn transposed(rows: [Self; 4]) -> [Self; 4] {
        lanes::transposed(rows.map(|row| row.0)).map(Self)
    }
}

impl From<[u32; 4]> for U32x4 {
    #[inline(always)]
    fn from(values: [u32; 4]) -> Self {
        Self(lanes::integers(values))
    }
}

impl Add for U32x4 {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(lanes::add_integers(self.0, other.0))
    }
}

impl Sub for U32x4 {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(lanes::subtract_integers(self.0, other.0))
    }
}

impl BitOr for U32x4 {
    type Output = Self;
    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self(lanes::or_integers(self.0, other.0))
    }
}

impl BitXor for U32x4 {
    type Output = Self;
    #[inline(always)]
    fn bitxor(self, other: Self) -> Self {
        Self(lanes::xor_integers(self.0, other.0))
    }
}
