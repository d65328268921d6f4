//! GRU (Cho et al. 2014), of both kinds:
//!
//! ```text
//! z = s(x w_z + h' u_z + b_z)      n = tanh(x w_n + b_n + r (h' u_n + b'_n))    reset after
//! r = s(x w_r + h' u_r + b_r)      n = tanh(x w_n + b_n + (r h') u_n)           reset before
//! h = z h' + (1 - z) n
//! ```
//!
//! where `h'` is the state of the step before and `s` is the sigmoid, or the piecewise linear
//! `min(1, max(0, 0.2 z + 0.5))`. The gates of `w`, `u` and `b` are in Keras's order z, r, n. With
//! `after` not 0 it is the first kind, whose `b` may have a second row, `[2, 3 * units]`, that is added
//! to `h' u`.
//!
//! Shapes: [`recurrent`](super::recurrent), `gates` `[steps, rows, 3 * units]`, and `inner`
//! `[steps, rows, units]`: `h' u_n + b'_n`, or `r h'`.

use super::curves::{sigmoid, tanh};
use super::gemm::{Finish, Left, Start};
use super::packed::{Pair, add_products, multiply_packed, pack, pack_transposed};
use super::recurrent::{
    Gradients, Projection, Sizes, add_sums, hard_sigmoid, hard_slope, in_fours, output_gradient, project_backward,
    read, soft_slope, takes, write,
};
use crate::simd::F32x4;

fn sizes(steps: usize, rows: usize, inputs: usize, units: usize) -> Sizes {
    Sizes { steps, rows, inputs, units, gates: 3 }
}

/// Runs a GRU over sequences. The first states of `h` are given; the others are written, and `gates`
/// and `inner` receive values for the backward pass. Null `b` stands for zeros, as does null
/// `after_bias`, the bias of `h' u`. The gates take the piecewise linear curve where `hard` is not 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gru_forward(
    x: *const f32,
    w: *const f32,
    u: *const f32,
    b: *const f32,
    after_bias: *const f32,
    mask: *const f32,
    gates: *mut f32,
    inner: *mut f32,
    h: *mut f32,
    steps: usize,
    rows: usize,
    inputs: usize,
    units: usize,
    hard: u32,
    after: u32,
    scratch: *mut f32,
) {
    let sizes = sizes(steps, rows, inputs, units);
    let (wide, state) = (sizes.wide(), sizes.state());
    unsafe {
        let projection = Projection::new(sizes, x, w, b, gates, scratch);
        let (packed, sums) = (scratch.add(wide * inputs), scratch.add(sizes.weights()));
        // The columns of z and r come first; those of n are packed by themselves.
        let packed_new = packed.add(2 * units * units);
        pack([units, 2 * units], u, wide, packed);
        pack([units, units], u.add(2 * units), wide, packed_new);
        for t in 0..steps {
            projection.reach(t);
            let before = h.add(t * state);
            let (gates, inner) = (gates.add(t * rows * wide), inner.add(t * state));
            let left = Left { values: before, row: units, step: 1 };
            let start = if after_bias.is_null() { Start::Zero } else { Start::Row(after_bias) };
            let shape = [rows, 2 * units, units];
            multiply_packed::<false>(shape, left, packed, sums, 2 * units, start, Finish::Store);
            if after != 0 {
                let start = if after_bias.is_null() { Start::Zero } else { Start::Row(after_bias.add(2 * units)) };
                let shape = [rows, units, units];
                multiply_packed::<false>(shape, left, packed_new, inner, units, start, Finish::Store);
            }
            for r in 0..rows {
                let (gates, sums) = (gates.add(r * wide), sums.add(r * 2 * units));
                if hard == 0 {
                    curves(units, gates, sums, sigmoid);
                } else {
                    curves(units, gates, sums, hard_sigmoid);
                }
                if after == 0 {
                    let (reset, from, to) = (gates.add(units), before.add(r * units), inner.add(r * units));
                    in_fours(units, |at, count| {
                        write(read(reset.add(at), count) * read(from.add(at), count), to.add(at), count);
                    });
                }
            }
            if after == 0 {
                let left = Left { values: inner, row: units, step: 1 };
                let to = gates.add(2 * units);
                let shape = [rows, units, units];
                multiply_packed::<false>(shape, left, packed_new, to, wide, Start::Result, Finish::Store);
            }
            for r in 0..rows {
                let (before, output) = (before.add(r * units), h.add((t + 1) * state + r * units));
                if !takes(mask, t * rows + r) {
                    output.copy_from_nonoverlapping(before, units);
                    continue;
                }
                let (gates, inner) = (gates.add(r * wide), inner.add(r * units));
                in_fours(units, |at, count| {
                    let mut sum = read(gates.add(2 * units + at), count);
                    if after != 0 {
                        sum = read(gates.add(units + at), count).mul_add(read(inner.add(at), count), sum);
                    }
                    let (new, keep) = (tanh(sum), read(gates.add(at), count));
                    write(new, gates.add(2 * units + at), count);
                    let old = read(before.add(at), count);
                    write(keep.mul_add(old - new, new), output.add(at), count);
                });
            }
        }
    }
}

/// Number of values of the scratch memory of `gru_forward`: the packed weights and the sums of one
/// step.
#[unsafe(no_mangle)]
pub extern "C" fn gru_forward_scratch(steps: usize, rows: usize, inputs: usize, units: usize) -> usize {
    let sizes = sizes(steps, rows, inputs, units);
    sizes.weights() + 2 * sizes.state()
}

/// Has the sums of z and r of a row become the values of these gates.
#[inline(always)]
unsafe fn curves(units: usize, gates: *mut f32, sums: *const f32, curve: impl Fn(F32x4) -> F32x4) {
    unsafe {
        in_fours(2 * units, |at, count| {
            write(curve(read(gates.add(at), count) + read(sums.add(at), count)), gates.add(at), count);
        });
    }
}

/// Gradients of `gru_forward` from those of the states, of which `dy` `[steps, rows, units]` has those
/// of `h` from its second step on; with `last_only` it is `[rows, units]`, of the last step alone.
/// `gates` and `inner` are overwritten. `dx`, `db` and `dafter_bias` may be null; the gradients of the
/// weights may be the weights themselves.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gru_backward(
    x: *const f32,
    w: *const f32,
    u: *const f32,
    mask: *const f32,
    gates: *mut f32,
    inner: *mut f32,
    h: *const f32,
    dy: *const f32,
    dx: *mut f32,
    dw: *mut f32,
    du: *mut f32,
    db: *mut f32,
    dafter_bias: *mut f32,
    steps: usize,
    rows: usize,
    inputs: usize,
    units: usize,
    hard: u32,
    after: u32,
    last_only: u32,
    add: u32,
    scratch: *mut f32,
) {
    let sizes = sizes(steps, rows, inputs, units);
    let (wide, state, all) = (sizes.wide(), sizes.state(), sizes.all());
    let one = F32x4::splat(1.0);
    unsafe {
        let (packed, dh) = (scratch, scratch.add(sizes.scratch()));
        let dinner = dh.add(state);
        let packed_new = packed.add(2 * units * units);
        pack_transposed([2 * units, units], u, wide, packed);
        pack_transposed([units, units], u.add(2 * units), wide, packed_new);
        dh.write_bytes(0, state);
        for t in (0..steps).rev() {
            let before = h.add(t * state);
            let (gates, inner) = (gates.add(t * rows * wide), inner.add(t * state));
            let dy = output_gradient(dy, t, sizes, last_only);
            // The gradient of n's sum, and the share of `dh` that goes to the state before.
            for r in 0..rows {
                let (dh, gates) = (dh.add(r * units), gates.add(r * wide));
                if !dy.is_null() {
                    super::activation::add(dh, dy.add(r * units), dh, units);
                }
                if !takes(mask, t * rows + r) {
                    gates.write_bytes(0, wide);
                    inner.add(r * units).write_bytes(0, units);
                    continue;
                }
                let (before, inner) = (before.add(r * units), inner.add(r * units));
                in_fours(units, |at, count| {
                    let gate = |index: usize| gates.add(index * units + at);
                    let [keep, reset, new] = core::array::from_fn(|index| read(gate(index), count));
                    let dh_now = read(dh.add(at), count);
                    let dnew = dh_now * (one - keep) * (one - new * new);
                    let dkeep = dh_now * (read(before.add(at), count) - new);
                    let slope = if hard == 0 { soft_slope(keep) } else { hard_slope(keep) };
                    write(dkeep * slope, gate(0), count);
                    write(dnew, gate(2), count);
                    write(dh_now * keep, dh.add(at), count);
                    if after != 0 {
                        let slope = if hard == 0 { soft_slope(reset) } else { hard_slope(reset) };
                        write(dnew * read(inner.add(at), count) * slope, gate(1), count);
                        write(dnew * reset, inner.add(at), count);
                    }
                });
            }
            let new = Left { values: gates.add(2 * units), row: wide, step: 1 };
            let shape = [rows, units, units];
            if after != 0 {
                let left = Left { values: inner, row: units, step: 1 };
                multiply_packed::<false>(shape, left, packed_new, dh, units, Start::Result, Finish::Store);
            } else {
                multiply_packed::<false>(shape, new, packed_new, dinner, units, Start::Zero, Finish::Store);
                for r in (0..rows).filter(|&r| takes(mask, t * rows + r)) {
                    let (dh, reset_at) = (dh.add(r * units), gates.add(r * wide + units));
                    let (before, dinner) = (before.add(r * units), dinner.add(r * units));
                    in_fours(units, |at, count| {
                        let (reset, dq) = (read(reset_at.add(at), count), read(dinner.add(at), count));
                        let slope = if hard == 0 { soft_slope(reset) } else { hard_slope(reset) };
                        write(dq * read(before.add(at), count) * slope, reset_at.add(at), count);
                        write(dq.mul_add(reset, read(dh.add(at), count)), dh.add(at), count);
                    });
                }
            }
            let left = Left { values: gates, row: wide, step: 1 };
            let shape = [rows, units, 2 * units];
            multiply_packed::<false>(shape, left, packed, dh, units, Start::Result, Finish::Store);
        }
        let replace = add == 0;
        // Reset after: the sum of n has two gradients, that of x w and, times r, that of h' u.
        let (states, new) = if after != 0 {
            (h, (inner.cast_const(), units))
        } else {
            (inner.cast_const(), (gates.add(2 * units).cast_const(), wide))
        };
        let pair = Pair { rows: units, left: (h, units), result: (du, wide) };
        add_products([2 * units, all], &[pair], (gates, wide), replace, packed);
        let pair = Pair { rows: units, left: (states, units), result: (du.add(2 * units), wide) };
        add_products([units, all], &[pair], new, replace, packed);
        if !dafter_bias.is_null() {
            add_sums([all, 2 * units], (gates, wide), dafter_bias, add);
            add_sums([all, units], new, dafter_bias.add(2 * units), add);
        }
        project_backward(sizes, [x, w, gates], Gradients { dx, dw, db, add }, None, packed);
    }
}

/// Number of values of the scratch memory of `gru_backward`: the packed weights and the gradients of
/// the states of one step.
#[unsafe(no_mangle)]
pub extern "C" fn gru_backward_scratch(steps: usize, rows: usize, inputs: usize, units: usize) -> usize {
    let sizes = sizes(steps, rows, inputs, units);
    sizes.scratch() + 2 * sizes.state()
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
        after: bool,
        masked: bool,
        hard: bool,
    }

    /// Weights, input and first states, in the order w, u, b, the bias after, x, h.
    type Parts = [Vec<f64>; 6];

    impl Layer {
        /// Returns the states `[steps, rows, units]` by the definition.
        fn run(&self, [w, u, b, c, x, h]: &Parts) -> Vec<f64> {
            let Self { steps, rows, inputs, units, hard, after, .. } = *self;
            let (wide, mask) = (3 * units, mask(steps * rows));
            let (mut h, mut all) = (h.clone(), vec![]);
            for t in 0..steps {
                let old = h.clone();
                for r in (0..rows).filter(|r| !self.masked || mask[t * rows + r] != 0.0) {
                    let from_x = |column: usize| dot(x, t * rows + r, inputs, w, wide, column) + b[column];
                    let from_h =
                        |column: usize| dot(&old, r, units, u, wide, column) + if after { c[column] } else { 0.0 };
                    let gate = |column: usize| sigmoid(hard, from_x(column) + from_h(column));
                    let mixed: Vec<f64> = (0..units).map(|k| gate(units + k) * old[r * units + k]).collect();
                    for j in 0..units {
                        let column = 2 * units + j;
                        let sum = if after {
                            gate(units + j) * from_h(column)
                        } else {
                            dot(&mixed, 0, units, u, wide, column)
                        };
                        let new = (from_x(column) + sum).tanh();
                        h[r * units + j] = gate(j) * old[r * units + j] + (1.0 - gate(j)) * new;
                    }
                }
                all.extend(&h);
            }
            all
        }

        fn check(&self) {
            let Self { steps, rows, inputs, units, .. } = *self;
            let (wide, state) = (3 * units, rows * units);
            let parts = parts([inputs * wide, units * wide, wide, wide, steps * rows * inputs, state]);
            let [w, u, b, c, x, mut h] = parts.each_ref().map(|part| narrow(part));
            let mask = mask(steps * rows);
            let mask = if self.masked { mask.as_ptr() } else { core::ptr::null() };
            let (hard, after) = (u32::from(self.hard), u32::from(self.after));
            h.resize((steps + 1) * state, f32::NAN);
            let (mut gates, mut inner) = (vec![f32::NAN; steps * rows * wide], vec![f32::NAN; steps * state]);
            let bias = if self.after { c.as_ptr() } else { core::ptr::null() };
            let mut scratch = Guarded::new(gru_forward_scratch(steps, rows, inputs, units));
            unsafe {
                gru_forward(
                    x.as_ptr(),
                    w.as_ptr(),
                    u.as_ptr(),
                    b.as_ptr(),
                    bias,
                    mask,
                    gates.as_mut_ptr(),
                    inner.as_mut_ptr(),
                    h.as_mut_ptr(),
                    steps,
                    rows,
                    inputs,
                    units,
                    hard,
                    after,
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
                let (mut gates, mut inner) = (gates.clone(), inner.clone());
                let mut dx = vec![0.0f32; x.len()];
                let mut added = [&w, &u, &b, &c].map(|part| vec![0.5f32; part.len()]);
                let [dw, du, db, dc] = added.each_mut().map(|part| part.as_mut_ptr());
                let dc = if self.after { dc } else { core::ptr::null_mut() };
                let mut scratch = Guarded::new(gru_backward_scratch(steps, rows, inputs, units));
                unsafe {
                    gru_backward(
                        x.as_ptr(),
                        w.as_ptr(),
                        u.as_ptr(),
                        mask,
                        gates.as_mut_ptr(),
                        inner.as_mut_ptr(),
                        h.as_ptr(),
                        dy.as_ptr(),
                        dx.as_mut_ptr(),
                        dw,
                        du,
                        db,
                        dc,
                        steps,
                        rows,
                        inputs,
                        units,
                        hard,
                        after,
                        u32::from(last_only),
                        1,
                        scratch.start(),
                    );
                }
                scratch.check();
                for (part, got) in added.iter().enumerate().filter(|(part, _)| *part != 3 || self.after) {
                    check_gradient(&parts, part, got, 0.5, loss);
                }
                check_gradient(&parts, 4, &dx, 0.0, loss);
            }
        }
    }

    #[test]
    fn gru_is_its_definition_and_has_the_gradients_of_central_differences() {
        for (steps, rows, inputs, units) in [(1, 1, 1, 1), (4, 3, 5, 6), (3, 2, 3, 8)] {
            for after in [false, true] {
                for (masked, hard) in [(false, false), (true, false), (true, true)] {
                    Layer { steps, rows, inputs, units, after, masked, hard }.check();
                }
            }
        }
    }
}
