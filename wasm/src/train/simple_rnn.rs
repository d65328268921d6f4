//! Plain recurrent layer, `h = tanh(x w + h' u + b)`, where `h'` is the state of the step before.
//!
//! Shapes: [`recurrent`](super::recurrent), with one gate. The states themselves are all that the
//! backward pass needs; `dz` `[steps, rows, units]` receives the gradients of the sums.

use super::curves::tanh;
use super::gemm::{Finish, Left, Start};
use super::packed::{Pair, multiply_packed, pack, pack_transposed};
use super::recurrent::{Gradients, Projection, Sizes, in_fours, output_gradient, project_backward, read, takes, write};
use crate::simd::F32x4;

fn sizes(steps: usize, rows: usize, inputs: usize, units: usize) -> Sizes {
    Sizes { steps, rows, inputs, units, gates: 1 }
}

/// Runs a plain recurrent layer over sequences. The first states of `h` are given; the others are
/// written. Null `b` stands for zeros.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn simple_rnn_forward(
    x: *const f32,
    w: *const f32,
    u: *const f32,
    b: *const f32,
    mask: *const f32,
    h: *mut f32,
    steps: usize,
    rows: usize,
    inputs: usize,
    units: usize,
    scratch: *mut f32,
) {
    let sizes = sizes(steps, rows, inputs, units);
    let state = sizes.state();
    unsafe {
        let projection = Projection::new(sizes, x, w, b, h.add(state), scratch);
        let packed = scratch.add(units * inputs);
        pack([units, units], u, units, packed);
        for t in 0..steps {
            projection.reach(t);
            let (before, now) = (h.add(t * state), h.add((t + 1) * state));
            let left = Left { values: before, row: units, step: 1 };
            let shape = [rows, units, units];
            multiply_packed::<false>(shape, left, packed, now, units, Start::Result, Finish::Store);
            for r in 0..rows {
                let (before, now) = (before.add(r * units), now.add(r * units));
                if takes(mask, t * rows + r) {
                    in_fours(units, |at, count| write(tanh(read(now.add(at), count)), now.add(at), count));
                } else {
                    now.copy_from_nonoverlapping(before, units);
                }
            }
        }
    }
}

/// Number of values of the scratch memory of `simple_rnn_forward`: the packed weights.
#[unsafe(no_mangle)]
pub extern "C" fn simple_rnn_forward_scratch(steps: usize, rows: usize, inputs: usize, units: usize) -> usize {
    sizes(steps, rows, inputs, units).weights()
}

/// Gradients of `simple_rnn_forward` from those of the states, of which `dy` `[steps, rows, units]`
/// has those of `h` from its second step on; with `last_only` it is `[rows, units]`, of the last step
/// alone. `dx` and `db` may be null; the gradients of the weights may be the weights themselves.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn simple_rnn_backward(
    x: *const f32,
    w: *const f32,
    u: *const f32,
    mask: *const f32,
    h: *const f32,
    dz: *mut f32,
    dy: *const f32,
    dx: *mut f32,
    dw: *mut f32,
    du: *mut f32,
    db: *mut f32,
    steps: usize,
    rows: usize,
    inputs: usize,
    units: usize,
    last_only: u32,
    add: u32,
    scratch: *mut f32,
) {
    let sizes = sizes(steps, rows, inputs, units);
    let (state, all) = (sizes.state(), sizes.all());
    let one = F32x4::splat(1.0);
    unsafe {
        let (packed, dh) = (scratch, scratch.add(sizes.scratch()));
        pack_transposed([units, units], u, units, packed);
        dh.write_bytes(0, state);
        for t in (0..steps).rev() {
            let (now, dz) = (h.add((t + 1) * state), dz.add(t * state));
            let dy = output_gradient(dy, t, sizes, last_only);
            for r in 0..rows {
                let (dh, dz, now) = (dh.add(r * units), dz.add(r * units), now.add(r * units));
                if !dy.is_null() {
                    super::activation::add(dh, dy.add(r * units), dh, units);
                }
                if !takes(mask, t * rows + r) {
                    dz.write_bytes(0, units);
                    continue;
                }
                in_fours(units, |at, count| {
                    let value = read(now.add(at), count);
                    write(read(dh.add(at), count) * (one - value * value), dz.add(at), count);
                    write(F32x4::splat(0.0), dh.add(at), count);
                });
            }
            let left = Left { values: dz, row: units, step: 1 };
            let shape = [rows, units, units];
            multiply_packed::<false>(shape, left, packed, dh, units, Start::Result, Finish::Store);
        }
        let states = Pair { rows: units, left: (h, units), result: (du, units) };
        project_backward(sizes, [x, w, dz], Gradients { dx, dw, db, add }, Some(states), packed);
    }
}

/// Number of values of the scratch memory of `simple_rnn_backward`: the packed weights and the
/// gradients of the states of one step.
#[unsafe(no_mangle)]
pub extern "C" fn simple_rnn_backward_scratch(steps: usize, rows: usize, inputs: usize, units: usize) -> usize {
    let sizes = sizes(steps, rows, inputs, units);
    sizes.scratch() + sizes.state()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::{Guarded, check_gradient, dot, mask, narrow, parts, values};

    #[test]
    fn simple_rnn_is_its_definition_and_has_the_gradients_of_central_differences() {
        let (steps, rows, inputs, units) = (4, 3, 5, 6);
        let state = rows * units;
        for masked in [false, true] {
            let mask = mask(steps * rows);
            let run = |[w, u, b, x, h]: &[Vec<f64>; 5]| -> Vec<f64> {
                let (mut h, mut all) = (h.clone(), vec![]);
                for t in 0..steps {
                    let old = h.clone();
                    for r in (0..rows).filter(|r| !masked || mask[t * rows + r] != 0.0) {
                        for j in 0..units {
                            let sum = dot(x, t * rows + r, inputs, w, units, j) + dot(&old, r, units, u, units, j);
                            h[r * units + j] = (sum + b[j]).tanh();
                        }
                    }
                    all.extend(&h);
                }
                all
            };
            let parts = parts([inputs * units, units * units, units, steps * rows * inputs, state]);
            let [w, u, b, x, mut h] = parts.each_ref().map(|part| narrow(part));
            h.resize((steps + 1) * state, f32::NAN);
            let mask = if masked { mask.as_ptr() } else { core::ptr::null() };
            let mut scratch = Guarded::new(simple_rnn_forward_scratch(steps, rows, inputs, units));
            let (x_at, w_at, u_at, to) = (x.as_ptr(), w.as_ptr(), u.as_ptr(), h.as_mut_ptr());
            unsafe {
                let scratch = scratch.start();
                simple_rnn_forward(x_at, w_at, u_at, b.as_ptr(), mask, to, steps, rows, inputs, units, scratch);
            }
            scratch.check();
            for (got, want) in h[state..].iter().zip(run(&parts)) {
                assert!((f64::from(*got) - want).abs() < 1e-5, "{got}, not {want}");
            }
            for last_only in [false, true] {
                let dy = values(if last_only { state } else { steps * state }, 17);
                let loss = |parts: &[Vec<f64>; 5]| -> f64 {
                    let states = run(parts);
                    let from = states.len() - dy.len();
                    states[from..].iter().zip(&dy).map(|(y, dy)| y * f64::from(*dy)).sum()
                };
                let (mut dz, mut dx) = (vec![f32::NAN; steps * state], vec![0.0f32; x.len()]);
                let mut added = [&w, &u, &b].map(|part| vec![0.5f32; part.len()]);
                let [dw, du, db] = added.each_mut().map(|part| part.as_mut_ptr());
                let mut scratch = Guarded::new(simple_rnn_backward_scratch(steps, rows, inputs, units));
                unsafe {
                    simple_rnn_backward(
                        x_at,
                        w_at,
                        u_at,
                        mask,
                        h.as_ptr(),
                        dz.as_mut_ptr(),
                        dy.as_ptr(),
                        dx.as_mut_ptr(),
                        dw,
                        du,
                        db,
                        steps,
                        rows,
                        inputs,
                        units,
                        u32::from(last_only),
                        1,
                        scratch.start(),
                    );
                }
                scratch.check();
                added.iter().enumerate().for_each(|(part, got)| check_gradient(&parts, part, got, 0.5, loss));
                check_gradient(&parts, 3, &dx, 0.0, loss);
            }
        }
    }
}
