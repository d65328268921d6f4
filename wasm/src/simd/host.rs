//! Lanes as plain arrays, for the tests, which run on the host.

use super::binary16::{narrow, widen};

pub type Single = [f32; 4];
pub type Double = [f64; 4];
pub type Integers = [u32; 4];

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
pub unsafe fn load_bytes(from: *const u8) -> [Single; 4] {
    core::array::from_fn(|k| core::array::from_fn(|i| f32::from(unsafe { *from.add(4 * k + i) })))
}
pub unsafe fn store_bytes(values: [Single; 4], to: *mut u8) {
    for (i, value) in values.into_iter().flatten().enumerate() {
        unsafe { *to.add(i) = value.round_ties_even() as i8 as u8 };
    }
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
pub fn where_less(a: Single, b: Single, yes: Single, no: Single) -> Single {
    core::array::from_fn(|i| if a[i] < b[i] { yes[i] } else { no[i] })
}
pub fn join(a: Single, b: Single) -> Single {
    zip(a, b, |a, b| f32::from_bits(a.to_bits() | b.to_bits()))
}
pub fn is_any(value: Single) -> bool {
    value.iter().any(|&lane| lane.to_bits() << 1 != 0)
}
pub unsafe fn store_pairs(value: Single, start: u32, step: u32, to: *mut [u32; 2]) -> usize {
    let mut found = 0;
    for (lane, value) in value.into_iter().enumerate() {
        unsafe { to.add(found).write([start + lane as u32 * step, value.to_bits()]) };
        found += usize::from(value != 0.0);
    }
    found
}
pub unsafe fn store_places(value: Integers, start: u32, step: u32, to: *mut u32) -> usize {
    let mut found = 0;
    for (lane, value) in value.into_iter().enumerate() {
        unsafe { *to.add(found) = start + lane as u32 * step };
        found += usize::from(value != 0);
    }
    found
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
pub fn doubled_bits(value: Single) -> Single {
    value.map(|x| f32::from_bits(x.to_bits() << 1))
}
pub fn larger_bits(a: Single, b: Single) -> Single {
    zip(a, b, |a, b| f32::from_bits(a.to_bits().max(b.to_bits())))
}
pub fn abs(value: Single) -> Single {
    value.map(f32::abs)
}
pub fn negative(value: Single) -> u32 {
    (0..4).map(|i| u32::from(value[i].is_sign_negative()) << i).sum()
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

pub fn wide_truncate(values: Double) -> Double {
    values.map(f64::trunc)
}
pub fn wide_power_of_two(values: Double) -> Double {
    values.map(|n| f64::from_bits(((1023 + i64::from(n as i32)) as u64) << 52))
}
pub fn wide_split(values: Double) -> (Double, Double) {
    let exponent = |x: f64| (x * core::f64::consts::SQRT_2).log2().floor();
    (values.map(exponent), values.map(|x| x * (-exponent(x)).exp2()))
}
pub fn wide_floor(values: Double) -> Double {
    values.map(f64::floor)
}
pub fn wide_sqrt(values: Double) -> Double {
    values.map(f64::sqrt)
}
pub fn wide_abs(values: Double) -> Double {
    values.map(f64::abs)
}
pub fn wide_with_signs(values: Double, signs: Double) -> Double {
    core::array::from_fn(|i| values[i].copysign(signs[i]))
}
pub fn wide_where_less(a: Double, b: Double, yes: Double, no: Double) -> Double {
    core::array::from_fn(|i| if a[i] < b[i] { yes[i] } else { no[i] })
}
pub fn wide_where_equal(a: Double, b: Double, yes: Double, no: Double) -> Double {
    core::array::from_fn(|i| if a[i] == b[i] { yes[i] } else { no[i] })
}
pub fn wide_less_of(a: Double, b: Double) -> Double {
    core::array::from_fn(|i| if b[i] < a[i] { b[i] } else { a[i] })
}
pub fn wide_any_less(a: Double, b: Double) -> bool {
    (0..4).any(|i| a[i] < b[i])
}
pub unsafe fn wide_store_whole(to: *mut u32, value: Double) {
    unsafe { to.cast::<Integers>().write_unaligned(value.map(|whole| whole as u32)) }
}
pub fn narrowed(values: Double) -> Single {
    values.map(|value| value as f32)
}
pub fn over(a: Double, b: Double) -> Double {
    core::array::from_fn(|i| a[i] / b[i])
}
pub fn zero() -> Double {
    [0.0; 4]
}
pub fn wide_constant(value: &'static [f64; 2]) -> Double {
    [value[0]; 4]
}
pub fn wide_splat(value: f64) -> Double {
    [value; 4]
}
pub unsafe fn wide_load(from: *const f64) -> Double {
    unsafe { from.cast::<Double>().read_unaligned() }
}
pub unsafe fn wide_store(to: *mut f64, value: Double) {
    unsafe { to.cast::<Double>().write_unaligned(value) }
}
pub fn plus(a: Double, b: Double) -> Double {
    core::array::from_fn(|i| a[i] + b[i])
}
pub fn minus(a: Double, b: Double) -> Double {
    core::array::from_fn(|i| a[i] - b[i])
}
pub fn times(a: Double, b: Double) -> Double {
    core::array::from_fn(|i| a[i] * b[i])
}
pub fn promote(values: Single) -> Double {
    values.map(f64::from)
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

fn zip_integers(a: Integers, b: Integers, op: impl Fn(u32, u32) -> u32) -> Integers {
    core::array::from_fn(|i| op(a[i], b[i]))
}
pub fn integers(values: [u32; 4]) -> Integers {
    values
}
pub unsafe fn load_integers(from: *const u32) -> Integers {
    unsafe { from.cast::<Integers>().read_unaligned() }
}
pub unsafe fn store_integers(to: *mut u32, value: Integers) {
    unsafe { to.cast::<Integers>().write_unaligned(value) }
}
pub fn add_integers(a: Integers, b: Integers) -> Integers {
    zip_integers(a, b, u32::wrapping_add)
}
pub fn subtract_integers(a: Integers, b: Integers) -> Integers {
    zip_integers(a, b, u32::wrapping_sub)
}
pub fn or_integers(a: Integers, b: Integers) -> Integers {
    zip_integers(a, b, |a, b| a | b)
}
pub fn xor_integers(a: Integers, b: Integers) -> Integers {
    zip_integers(a, b, |a, b| a ^ b)
}
pub fn rotate_left<const BITS: u32>(value: Integers) -> Integers {
    value.map(|x| x.rotate_left(BITS))
}
pub fn transposed(rows: [Integers; 4]) -> [Integers; 4] {
    core::array::from_fn(|column| rows.map(|row| row[column]))
}
