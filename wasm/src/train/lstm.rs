//! LSTM (Hochreiter and Schmidhuber 1997), with peepholes where wanted (Gers et al. 2002):
//!
//! ```text
//! i = s(x w_i + h' u_i + b_i + p_i c')      g = tanh(x w_g + h' u_g + b_g)
//! f = s(x w_f + h' u_f + b_f + p_f c')      c = f c' + i g
//! o = s(x w_o + h' u_o + b_o + p_o c)       h = o tanh c
//! ```
//!
//! where `h'` and `c'` are the states of the step before and `s` is the sigmoid, or the piecewise
//! linear `min(1, max(0, 0.2 z + 0.5))`. The gates of `w`, `u` and `b` are in Keras's order i, f, g, o;
//! `peepholes` is `[3, units]`, in the order i, f, o, or null.
//!
//! Shapes: [`recurrent`](super::recurrent), and `gates` `[steps, rows, 4 * units]`, `cells` as `h`.

use super::curves::{sigmoid, tanh};
use super::gemm::{Finish, Left, Start};
use super::packed::{Pair, multiply_packed, pack, pack_transposed};
use super::recurrent::{
    Gradients, Projection, Sizes, hard_sigmoid, hard_slope, in_fours, output_gradient, project_backward, read,
    soft_slope, takes, write,
};
use crate::simd::F32x4;

fn sizes(steps: usize, rows: usize, inputs: usize, units: usize) -> Sizes {
    Sizes { steps, rows, inputs, units, gates: 4 }
}

/// Runs an LSTM over sequences. The first states of `h` and `cells` are given; the others are
/// written, and `gates` receives the values of the gates for the backward pass. Null `b` stands for
/// zeros. The gates take the piecewise linear curve where `hard` is not 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lstm_forward(
    x: *const f32,
    w: *const f32,
    u: *const f32,
    b: *const f32,
    peepholes: *const f32,
    mask: *const f32,
    gates: *mut f32,
    cells: *mut f32,
    h: *mut f32,
    steps: usize,
    rows: usize,
    inputs: usize,
    units: usize,
    hard: u32,
    scratch: *mut f32,
) {
    let sizes = sizes(steps, rows, inputs, units);
    let (wide, state) = (sizes.wide(), sizes.state());
    unsafe {
        let projection = Projection::new(sizes, x, w, b, gates, scratch);
        let packed = scratch.add(wide * inputs);
        pack([units, wide], u, wide, packed);
        for t in 0..steps {
            projection.reach(t);
            let (before, cells) = (h.add(t * state), cells.add(t * state));
            let gates = gates.add(t * rows * wide);
            let left = Left { values: before, row: units, step: 1 };
            let shape = [rows, wide, units];
            multiply_packed::<false>(shape, left, packed, gates, wide, Start::Result, Finish::Store);
            for r in 0..rows {
                let at = r * units;
                let places = [cells.add(at), cells.add(state + at), h.add((t + 1) * state + at)];
                if takes(mask, t * rows + r) {
                    let gates = gates.add(r * wide);
                    step_of_row(units, hard, gates, peepholes, places);
                } else {
                    let [cell, next, output] = places;
                    next.copy_from_nonoverlapping(cell, units);
                    output.copy_from_nonoverlapping(before.add(at), units);
                }
            }
        }
    }
}

/// Number of values of the scratch memory of `lstm_forward`: the packed weights.
#[unsafe(no_mangle)]
pub extern "C" fn lstm_forward_scratch(steps: usize, rows: usize, inputs: usize, units: usize) -> usize {
    sizes(steps, rows, inputs, units).weights()
}

/// Takes a step of one row by the curve that is wanted; the other arguments are those of [`cell`].
///
/// # Safety
/// `gates` has `4 * units` values, and each place has `units`.
pub unsafe fn step_of_row(units: usize, hard: u32, gates: *mut f32, peepholes: *const f32, places: [*mut f32; 3]) {
    unsafe {
        if hard == 0 {
            cell(units, gates, peepholes, places, sigmoid);
        } else {
            cell(units, gates, peepholes, places, hard_sigmoid);
        }
    }
}

/// Takes a step of one row: the sums in `gates` become the values of the gates.
#[inline(always)]
unsafe fn cell(
    units: usize,
    gates: *mut f32,
    peepholes: *const f32,
    [before, after, output]: [*mut f32; 3],
    curve: impl Fn(F32x4) -> F32x4,
) {
    let gate = |index: usize, at: usize| unsafe { gates.add(index * units + at) };
    let peep = |index: usize, at: usize, count: usize, cell: F32x4| {
        if peepholes.is_null() {
            F32x4::splat(0.0)
        } else {
            unsafe { read(peepholes.add(index * units + at), count) * cell }
        }
    };
    unsafe {
        in_fours(units, |at, count| {
            let old = read(before.add(at), count);
            let input = curve(read(gate(0, at), count) + peep(0, at, count, old));
            let forget = curve(read(gate(1, at), count) + peep(1, at, count, old));
            let new = tanh(read(gate(2, at), count));
            let cell = input.mul_add(new, forget * old);
            let out = curve(read(gate(3, at), count) + peep(2, at, count, cell));
            for (index, value) in [input, forget, new, out].into_iter().enumerate() {
                write(value, gate(index, at), count);
            }
            write(cell, after.add(at), count);
            write(out * tanh(cell), output.add(at), count);
        });
    }
}

/// Gradients of `lstm_forward` from those of the states, of which `dy` `[steps, rows, units]` has
/// those of `h` from its second step on; with `last_only` it is `[rows, units]`, of the last step
/// alone. `gates` is overwritten by the gradients of its sums. `dx`, `db` and `dpeepholes` may be
/// null; `dw`, `du`, `db` and `dpeepholes` may be the weights themselves.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lstm_backward(
    x: *const f32,
    w: *const f32,
    u: *const f32,
    peepholes: *const f32,
    mask: *const f32,
    gates: *mut f32,
    cells: *const f32,
    h: *const f32,
    dy: *const f32,
    dx: *mut f32,
    dw: *mut f32,
    du: *mut f32,
    db: *mut f32,
    dpeepholes: *mut f32,
    steps: usize,
    rows: usize,
    inputs: usize,
    units: usize,
    hard: u32,
    last_only: u32,
    add: u32,
    scratch: *mut f32,
) {
    let sizes = sizes(steps, rows, inputs, units);
    let (wide, state, all) = (sizes.wide(), sizes.state(), sizes.all());
    unsafe {
        let (packed, dh) = (scratch, scratch.add(sizes.scratch()));
        let dc = dh.add(state);
        pack_transposed([wide, units], u, wide, packed);
        dh.write_bytes(0, 2 * state);
        for t in (0..steps).rev() {
            let dgates = gates.add(t * rows * wide);
            let dy = output_gradient(dy, t, sizes, last_only);
            for r in 0..rows {
                let at = r * units;
                if !dy.is_null() {
                    super::activation::add(dh.add(at), dy.add(at), dh.add(at), units);
                }
                let gates = dgates.add(r * wide);
                if !takes(mask, t * rows + r) {
                    gates.write_bytes(0, wide);
                    continue;
                }
                let states = [cells.add(t * state + at), cells.add((t + 1) * state + at)];
                let gradients = [dh.add(at), dc.add(at)];
                if hard == 0 {
                    cell_backward(units, gates, peepholes, states, gradients, soft_slope);
                } else {
                    cell_backward(units, gates, peepholes, states, gradients, hard_slope);
                }
            }
            let left = Left { values: dgates, row: wide, step: 1 };
            let shape = [rows, units, wide];
            multiply_packed::<false>(shape, left, packed, dh, units, Start::Result, Finish::Store);
        }
        let replace = add == 0;
        let states = Pair { rows: units, left: (h, units), result: (du, wide) };
        project_backward(sizes, [x, w, gates], Gradients { dx, dw, db, add }, Some(states), packed);
        if !dpeepholes.is_null() {
            for (index, gate, from) in [(0, 0, 0), (1, 1, 0), (2, 3, state)] {
                let to = dpeepholes.add(index * units);
                if replace {
                    to.write_bytes(0, units);
                }
                for row in 0..all {
                    let (dz, cells) = (gates.add(row * wide + gate * units), cells.add(from + row * units));
                    in_fours(units, |at, count| {
                        let sum = read(dz.add(at), count).mul_add(read(cells.add(at), count), read(to.add(at), count));
                        write(sum, to.add(at), count);
                    });
                }
            }
        }
    }
}

/// Number of values of the scratch memory of `lstm_backward`: the packed weights and the gradients of
/// the states of one step.
#[unsafe(no_mangle)]
pub extern "C" fn lstm_backward_scratch(steps: usize, rows: usize, inputs: usize, units: usize) -> usize {
    let sizes = sizes(steps, rows, inputs, units);
    sizes.scratch() + 2 * sizes.state()
}

/// Takes a step of one row back: the gates become the gradients of their sums, `dh` becomes 0, and
/// `dc` the gradient of the cell before.
#[inline(always)]
unsafe fn cell_backward(
    units: usize,
    gates: *mut f32,
    peepholes: *const f32,
    [before, after]: [*const f32; 2],
    [dh, dc]: [*mut f32; 2],
    slope: impl Fn(F32x4) -> F32x4,
) {
    let gate = |index: usize, at: usize| unsafe { gates.add(index * units + at) };
    let peep = |index: usize, at: usize, count: usize| {
        if peepholes.is_null() { F32x4::splat(0.0) } else { unsafe { read(peepholes.add(index * units + at), count) } }
    };
    let one = F32x4::splat(1.0);
    unsafe {
        in_fours(units, |at, count| {
            let [input, forget, new, out] = core::array::from_fn(|index| read(gate(index, at), count));
            let curved = tanh(read(after.add(at), count));
            let dh_now = read(dh.add(at), count);
            let dout = dh_now * curved * slope(out);
            let dcell = read(dc.add(at), count) + dh_now * out * (one - curved * curved) + dout * peep(2, at, count);
            let dinput = dcell * new * slope(input);
            let dforget = dcell * read(before.add(at), count) * slope(forget);
            let dnew = dcell * input * (one - new * new);
            for (index, value) in [dinput, dforget, dnew, dout].into_iter().enumerate() {
                write(value, gate(index, at), count);
            }
            let dbefore = dcell * forget + dinput * peep(0, at, count) + dforget * peep(1, at, count);
            write(dbefore, dc.add(at), count);
            write(F32x4::splat(0.0), dh.add(at), count);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::{Guarded, check_gradient, dot, mask, narrow, parts, sigmoid, values};

    struct Layer {
        steps: usize,
        rows: usize,
        inputs: usize,
        units: usize,
        peepholes: bool,
        masked: bool,
        hard: bool,
    }

    /// Weights, input and first states, in the order w, u, b, peepholes, x, h, c.
    type Parts = [Vec<f64>; 7];

    impl Layer {
        /// Returns the states `[steps, rows, units]` by the definition.
        fn run(&self, [w, u, b, p, x, h, c]: &Parts) -> Vec<f64> {
            let Self { steps, rows, inputs, units, hard, .. } = *self;
            let (wide, mask) = (4 * units, mask(steps * rows));
            let (mut h, mut c, mut all) = (h.clone(), c.clone(), vec![]);
            for t in 0..steps {
                let (old, cells) = (h.clone(), c.clone());
                for r in (0..rows).filter(|r| !self.masked || mask[t * rows + r] != 0.0) {
                    for j in 0..units {
                        let sum = |gate: usize| {
                            let column = gate * units + j;
                            dot(x, t * rows + r, inputs, w, wide, column)
                                + dot(&old, r, units, u, wide, column)
                                + b[column]
                        };
                        let peep = |i: usize, c: f64| if self.peepholes { p[i * units + j] * c } else { 0.0 };
                        let before = cells[r * units + j];
                        let input = sigmoid(hard, sum(0) + peep(0, before));
                        let forget = sigmoid(hard, sum(1) + peep(1, before));
                        let cell = forget * before + input * sum(2).tanh();
                        c[r * units + j] = cell;
                        h[r * units + j] = sigmoid(hard, sum(3) + peep(2, cell)) * cell.tanh();
                    }
                }
                all.extend(&h);
            }
            all
        }

        fn check(&self) {
            let Self { steps, rows, inputs, units, .. } = *self;
            let (wide, state) = (4 * units, rows * units);
            let parts = parts([inputs * wide, units * wide, wide, 3 * units, steps * rows * inputs, state, state]);
            let [w, u, b, p, x, h0, c0] = parts.each_ref().map(|part| narrow(part));
            let mask = mask(steps * rows);
            let mask = if self.masked { mask.as_ptr() } else { core::ptr::null() };
            let peep = if self.peepholes { p.as_ptr() } else { core::ptr::null() };
            let [mut h, mut c] = [h0, c0].map(|mut first| {
                first.resize((steps + 1) * state, f32::NAN);
                first
            });
            let mut gates = vec![f32::NAN; steps * rows * wide];
            let hard = u32::from(self.hard);
            let mut scratch = Guarded::new(lstm_forward_scratch(steps, rows, inputs, units));
            unsafe {
                lstm_forward(
                    x.as_ptr(),
                    w.as_ptr(),
                    u.as_ptr(),
                    b.as_ptr(),
                    peep,
                    mask,
                    gates.as_mut_ptr(),
                    c.as_mut_ptr(),
                    h.as_mut_ptr(),
                    steps,
                    rows,
                    inputs,
                    units,
                    hard,
                    scratch.start(),
                );
            }
            scratch.check();
            for (got, want) in h[state..].iter().zip(self.run(&parts)) {
                assert!((f64::from(*got) - want).abs() < 1e-5, "{got}, not {want}");
            }
            for last_only in [false, true] {
                let dy = values(if last_only { state } else { steps * state }, 17);
                let loss = |parts: &Parts| -> f64 {
                    let states = self.run(parts);
                    let from = states.len() - dy.len();
                    states[from..].iter().zip(&dy).map(|(y, dy)| y * f64::from(*dy)).sum()
                };
                let mut gates = gates.clone();
                let mut dx = vec![0.0f32; x.len()];
                let mut added = [&w, &u, &b, &p].map(|part| vec![0.5f32; part.len()]);
                let [dw, du, db, dp] = added.each_mut().map(|part| part.as_mut_ptr());
                let dp = if self.peepholes { dp } else { core::ptr::null_mut() };
                let mut scratch = Guarded::new(lstm_backward_scratch(steps, rows, inputs, units));
                unsafe {
                    lstm_backward(
                        x.as_ptr(),
                        w.as_ptr(),
                        u.as_ptr(),
                        peep,
                        mask,
                        gates.as_mut_ptr(),
                        c.as_ptr(),
                        h.as_ptr(),
                        dy.as_ptr(),
                        dx.as_mut_ptr(),
                        dw,
                        du,
                        db,
                        dp,
                        steps,
                        rows,
                        inputs,
                        units,
                        hard,
                        u32::from(last_only),
                        1,
                        scratch.start(),
                    );
                }
                scratch.check();
                for (part, got) in added.iter().enumerate().filter(|(part, _)| *part != 3 || self.peepholes) {
                    check_gradient(&parts, part, got, 0.5, loss);
                }
                check_gradient(&parts, 4, &dx, 0.0, loss);
            }
        }
    }

    #[test]
    fn lstm_is_its_definition_and_has_the_gradients_of_central_differences() {
        for (steps, rows, inputs, units) in [(1, 1, 1, 1), (4, 3, 5, 6), (3, 2, 3, 8)] {
            for (peepholes, masked, hard) in
                [(false, false, false), (true, false, false), (true, true, false), (false, true, true)]
            {
                Layer { steps, rows, inputs, units, peepholes, masked, hard }.check();
            }
        }
    }
}
