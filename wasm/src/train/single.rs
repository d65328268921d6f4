//! A step of one sequence, which reads weights once and in their order: the copies that pay for
//! batches of sequences take longer than such a step.

use super::lstm::step_of_row;
use crate::simd::F32x4;

/// Number of rows of a matrix that are added at once.
const AT_ONCE: usize = 4;

/// Takes a step of an LSTM over one row. `cells` and `h` are `[2, units]`, the states before and
/// after, and `gates` is `[4 * units]`; the other places are those of `lstm_forward`, and so is the
/// result, bit for bit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lstm_step(
    x: *const f32,
    w: *const f32,
    u: *const f32,
    b: *const f32,
    peepholes: *const f32,
    gates: *mut f32,
    cells: *mut f32,
    h: *mut f32,
    inputs: usize,
    units: usize,
    hard: u32,
) {
    let wide = 4 * units;
    unsafe {
        if b.is_null() {
            gates.write_bytes(0, wide);
        } else {
            gates.copy_from_nonoverlapping(b, wide);
        }
        add_rows([inputs, wide], x, w, gates);
        add_rows([units, wide], h, u, gates);
        step_of_row(units, hard, gates, peepholes, [cells, cells.add(units), h.add(units)]);
    }
}

/// Adds the product of a row of `depth` values and a matrix `[depth, columns]`, whose columns are a
/// multiple of four.
///
/// # Safety
/// All values are within the memory, and `y` overlaps neither `x` nor `w`.
unsafe fn add_rows([depth, columns]: [usize; 2], x: *const f32, w: *const f32, y: *mut f32) {
    let mut k = 0;
    while k < depth {
        let count = (depth - k).min(AT_ONCE);
        unsafe {
            let values = core::array::from_fn::<f32, AT_ONCE, _>(|i| if i < count { *x.add(k + i) } else { 0.0 });
            let rows = w.add(k * columns);
            if count == AT_ONCE {
                let lanes = values.map(F32x4::splat);
                for j in (0..columns).step_by(4) {
                    let mut sum = F32x4::load(y.add(j));
                    for (i, lane) in lanes.into_iter().enumerate() {
                        sum = lane.mul_add(F32x4::load(rows.add(i * columns + j)), sum);
                    }
                    sum.store(y.add(j));
                }
            } else {
                for (i, &value) in values[..count].iter().enumerate() {
                    for j in (0..columns).step_by(4) {
                        let row = F32x4::load(rows.add(i * columns + j));
                        F32x4::splat(value).mul_add(row, F32x4::load(y.add(j))).store(y.add(j));
                    }
                }
            }
        }
        k += count;
    }
}

#[cfg(test)]
mod tests {
    use super::super::lstm::{lstm_forward, lstm_forward_scratch};
    use super::super::testing::values;
    use super::lstm_step;

    #[test]
    fn lstm_step_is_a_step_of_a_sequence() {
        for (inputs, units, peepholes, biased, hard) in
            [(8, 12, true, true, 0), (5, 4, false, true, 1), (3, 7, true, false, 0)]
        {
            let wide = 4 * units;
            let (x, w, u) = (values(inputs, 1), values(inputs * wide, 2), values(units * wide, 3));
            let (b, p) = (values(wide, 4), values(3 * units, 5));
            let b = if biased { b.as_ptr() } else { core::ptr::null() };
            let p = if peepholes { p.as_ptr() } else { core::ptr::null() };
            let start = [values(2 * units, 6), values(2 * units, 7)];
            let mut whole = start.clone();
            let mut scratch = vec![0.0f32; lstm_forward_scratch(1, 1, inputs, units)];
            let mut gates = vec![0.0f32; wide];
            let [cells, h] = whole.each_mut().map(|part| part.as_mut_ptr());
            unsafe {
                let (x, w, u) = (x.as_ptr(), w.as_ptr(), u.as_ptr());
                let none = core::ptr::null();
                lstm_forward(
                    x,
                    w,
                    u,
                    b,
                    p,
                    none,
                    gates.as_mut_ptr(),
                    cells,
                    h,
                    1,
                    1,
                    inputs,
                    units,
                    hard,
                    scratch.as_mut_ptr(),
                );
                let mut single = start.clone();
                let [cells, h] = single.each_mut().map(|part| part.as_mut_ptr());
                lstm_step(x, w, u, b, p, gates.as_mut_ptr(), cells, h, inputs, units, hard);
                for (got, want) in single.iter().flatten().zip(whole.iter().flatten()) {
                    assert!((got - want).abs() < 1e-6, "{got}, not {want}");
                }
            }
        }
    }
}
