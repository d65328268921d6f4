//! Lanes as WebAssembly's SIMD instructions.

use core::arch::wasm32::*;

pub type Single = v128;
pub type Double = (v128, v128);
pub type Integers = v128;

pub fn splat(value: f32) -> v128 {
    f32x4_splat(value)
}
pub unsafe fn load(from: *const f32) -> v128 {
    unsafe { v128_load(from.cast()) }
}
pub unsafe fn store(to: *mut f32, value: v128) {
    unsafe { v128_store(to.cast(), value) }
}
#[inline(always)]
pub unsafe fn load_bytes(from: *const u8) -> [v128; 4] {
    let bytes = unsafe { v128_load(from.cast()) };
    let (low, high) = (u16x8_extend_low_u8x16(bytes), u16x8_extend_high_u8x16(bytes));
    [
        u32x4_extend_low_u16x8(low),
        u32x4_extend_high_u16x8(low),
        u32x4_extend_low_u16x8(high),
        u32x4_extend_high_u16x8(high),
    ]
    .map(|lanes| f32x4_convert_i32x4(lanes))
}
#[inline(always)]
pub unsafe fn store_bytes(values: [v128; 4], to: *mut u8) {
    // The sum with 1.5 * 2^23 has the integer in its lower bits.
    let magic = f32x4_splat(12_582_912.0);
    let [a, b, c, d] = values.map(|four| i32x4_sub(f32x4_add(four, magic), magic));
    unsafe { v128_store(to.cast(), i8x16_narrow_i16x8(i16x8_narrow_i32x4(a, b), i16x8_narrow_i32x4(c, d))) }
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
pub fn where_less(a: v128, b: v128, yes: v128, no: v128) -> v128 {
    v128_bitselect(yes, no, f32x4_lt(a, b))
}
#[inline(always)]
pub fn join(a: v128, b: v128) -> v128 {
    v128_or(a, b)
}
#[inline(always)]
pub fn is_any(value: v128) -> bool {
    v128_any_true(i32x4_shl(value, 1))
}
/// Places of the bytes of the lanes in a mask of four bits, the chosen ones first.
static CHOSEN: [[u8; 16]; 16] = chosen();

const fn chosen() -> [[u8; 16]; 16] {
    let mut all = [[0; 16]; 16];
    let mut mask = 0;
    while mask < 16 {
        let (mut lane, mut to) = (0, 0);
        while lane < 4 {
            if mask >> lane & 1 == 1 {
                let mut byte = 0;
                while byte < 4 {
                    all[mask][to * 4 + byte] = (lane * 4 + byte) as u8;
                    byte += 1;
                }
                to += 1;
            }
            lane += 1;
        }
        mask += 1;
    }
    all
}

#[inline(always)]
pub unsafe fn store_pairs(value: v128, start: u32, step: u32, to: *mut [u32; 2]) -> usize {
    let mask = i32x4_bitmask(f32x4_ne(value, f32x4_splat(0.0))) as usize;
    let numbers = u32x4_add(u32x4_splat(start), u32x4(0, step, 2 * step, 3 * step));
    unsafe {
        let order = v128_load(CHOSEN.as_ptr().add(mask).cast());
        let (numbers, values) = (u8x16_swizzle(numbers, order), u8x16_swizzle(value, order));
        v128_store(to.cast(), i32x4_shuffle::<0, 4, 1, 5>(numbers, values));
        v128_store(to.add(2).cast(), i32x4_shuffle::<2, 6, 3, 7>(numbers, values));
    }
    mask.count_ones() as usize
}
#[inline(always)]
pub unsafe fn store_places(value: v128, start: u32, step: u32, to: *mut u32) -> usize {
    let mask = i32x4_bitmask(i32x4_ne(value, i32x4_splat(0))) as usize;
    let numbers = u32x4_add(u32x4_splat(start), u32x4(0, step, 2 * step, 3 * step));
    unsafe {
        let order = v128_load(CHOSEN.as_ptr().add(mask).cast());
        v128_store(to.cast(), u8x16_swizzle(numbers, order));
    }
    mask.count_ones() as usize
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
/// The bits of magnitudes, one place higher: no sign is left.
#[inline(always)]
pub fn doubled_bits(value: v128) -> v128 {
    i32x4_shl(value, 1)
}
#[inline(always)]
pub fn larger_bits(a: v128, b: v128) -> v128 {
    u32x4_max(a, b)
}
pub fn abs(value: v128) -> v128 {
    f32x4_abs(value)
}
pub fn negative(value: v128) -> u32 {
    u32::from(i32x4_bitmask(value))
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

/// Bits of 1 and of the square root of a half.
const ONE_BITS: i64 = 0x3FF0_0000_0000_0000;
const ROOT_BITS: i64 = 0x3FE6_A09E_667F_3BCD;

pub fn wide_truncate(values: Double) -> Double {
    (f64x2_trunc(values.0), f64x2_trunc(values.1))
}
pub fn wide_power_of_two(values: Double) -> Double {
    // The sum with 1.5 * 2^52 has the integer in its lower bits.
    let magic = f64x2_splat(6_755_399_441_055_744.0 + 1023.0);
    let power = |value| i64x2_shl(f64x2_add(value, magic), 52);
    (power(values.0), power(values.1))
}
pub fn wide_split(values: Double) -> (Double, Double) {
    let split = |value| {
        // Exponents change at the square root of a half.
        let moved = i64x2_add(value, i64x2_splat(ONE_BITS - ROOT_BITS));
        // The exponent is read as the lowest bits of 2^52 + exponent.
        let exponent = v128_or(u64x2_shr(moved, 52), i64x2_splat(0x4330_0000_0000_0000));
        let factor = i64x2_add(v128_and(moved, i64x2_splat(0x000F_FFFF_FFFF_FFFF)), i64x2_splat(ROOT_BITS));
        (f64x2_sub(exponent, f64x2_splat(4_503_599_627_370_496.0 + 1023.0)), factor)
    };
    let (low, high) = (split(values.0), split(values.1));
    ((low.0, high.0), (low.1, high.1))
}
pub fn wide_floor(values: Double) -> Double {
    (f64x2_floor(values.0), f64x2_floor(values.1))
}
pub fn wide_sqrt(values: Double) -> Double {
    (f64x2_sqrt(values.0), f64x2_sqrt(values.1))
}
pub fn wide_abs(values: Double) -> Double {
    (f64x2_abs(values.0), f64x2_abs(values.1))
}
pub fn wide_with_signs(values: Double, signs: Double) -> Double {
    let join = |value, sign| v128_or(value, v128_and(sign, f64x2_splat(-0.0)));
    (join(values.0, signs.0), join(values.1, signs.1))
}
pub fn wide_where_less(a: Double, b: Double, yes: Double, no: Double) -> Double {
    let select = |a, b, yes, no| v128_bitselect(yes, no, f64x2_lt(a, b));
    (select(a.0, b.0, yes.0, no.0), select(a.1, b.1, yes.1, no.1))
}
pub fn wide_where_equal(a: Double, b: Double, yes: Double, no: Double) -> Double {
    let select = |a, b, yes, no| v128_bitselect(yes, no, f64x2_eq(a, b));
    (select(a.0, b.0, yes.0, no.0), select(a.1, b.1, yes.1, no.1))
}
pub fn wide_less_of(a: Double, b: Double) -> Double {
    (f64x2_pmin(a.0, b.0), f64x2_pmin(a.1, b.1))
}
pub fn wide_any_less(a: Double, b: Double) -> bool {
    v128_any_true(v128_or(f64x2_lt(a.0, b.0), f64x2_lt(a.1, b.1)))
}
#[inline(always)]
pub unsafe fn wide_store_whole(to: *mut u32, value: Double) {
    // The sum with 2^52 has the integer in its lower bits.
    let magic = f64x2_splat(4_503_599_627_370_496.0);
    let (low, high) = (f64x2_add(value.0, magic), f64x2_add(value.1, magic));
    unsafe { v128_store(to.cast(), i32x4_shuffle::<0, 2, 4, 6>(low, high)) }
}
pub fn narrowed(values: Double) -> v128 {
    i64x2_shuffle::<0, 2>(f32x4_demote_f64x2_zero(values.0), f32x4_demote_f64x2_zero(values.1))
}
pub fn over(a: Double, b: Double) -> Double {
    (f64x2_div(a.0, b.0), f64x2_div(a.1, b.1))
}
pub fn zero() -> Double {
    (f64x2_splat(0.0), f64x2_splat(0.0))
}
#[inline(always)]
pub fn wide_constant(value: &'static [f64; 2]) -> Double {
    // Volatile, so that it stays in memory.
    let read = || unsafe { core::ptr::read_volatile(value.as_ptr().cast::<v128>()) };
    (read(), read())
}
pub fn wide_splat(value: f64) -> Double {
    (f64x2_splat(value), f64x2_splat(value))
}
pub unsafe fn wide_load(from: *const f64) -> Double {
    unsafe { (v128_load(from.cast()), v128_load(from.add(2).cast())) }
}
pub unsafe fn wide_store(to: *mut f64, value: Double) {
    unsafe {
        v128_store(to.cast(), value.0);
        v128_store(to.add(2).cast(), value.1);
    }
}
pub fn plus(a: Double, b: Double) -> Double {
    (f64x2_add(a.0, b.0), f64x2_add(a.1, b.1))
}
pub fn minus(a: Double, b: Double) -> Double {
    (f64x2_sub(a.0, b.0), f64x2_sub(a.1, b.1))
}
pub fn times(a: Double, b: Double) -> Double {
    (f64x2_mul(a.0, b.0), f64x2_mul(a.1, b.1))
}
pub fn promote(values: v128) -> Double {
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

pub fn integers([a, b, c, d]: [u32; 4]) -> v128 {
    u32x4(a, b, c, d)
}
#[inline(always)]
pub unsafe fn load_integers(from: *const u32) -> v128 {
    unsafe { v128_load(from.cast()) }
}
#[inline(always)]
pub unsafe fn store_integers(to: *mut u32, value: v128) {
    unsafe { v128_store(to.cast(), value) }
}
#[inline(always)]
pub fn add_integers(a: v128, b: v128) -> v128 {
    i32x4_add(a, b)
}
#[inline(always)]
pub fn subtract_integers(a: v128, b: v128) -> v128 {
    i32x4_sub(a, b)
}
#[inline(always)]
pub fn or_integers(a: v128, b: v128) -> v128 {
    v128_or(a, b)
}
#[inline(always)]
pub fn xor_integers(a: v128, b: v128) -> v128 {
    v128_xor(a, b)
}
/// Whole bytes are moved, which takes one instruction; other bits are shifted.
#[inline(always)]
pub fn rotate_left<const BITS: u32>(x: v128) -> v128 {
    match BITS {
        16 => i8x16_shuffle::<2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13>(x, x),
        _ => v128_or(i32x4_shl(x, BITS), u32x4_shr(x, 32 - BITS)),
    }
}
#[inline(always)]
pub fn transposed([a, b, c, d]: [v128; 4]) -> [v128; 4] {
    let low = [i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<0, 4, 1, 5>(c, d)];
    let high = [i32x4_shuffle::<2, 6, 3, 7>(a, b), i32x4_shuffle::<2, 6, 3, 7>(c, d)];
    [
        i64x2_shuffle::<0, 2>(low[0], low[1]),
        i64x2_shuffle::<1, 3>(low[0], low[1]),
        i64x2_shuffle::<0, 2>(high[0], high[1]),
        i64x2_shuffle::<1, 3>(high[0], high[1]),
    ]
}
