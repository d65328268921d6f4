//! Low-rank adapter of a dense layer (LoRA, Hu et al. 2022), `y += scale * (x a^T) b^T`.
//!
//! Shapes: `x` and `dx` `[rows, inputs]`, `a` and `da` `[rank, inputs]`, `b` and `db`
//! `[outputs, rank]`, `u` and `du` `[rows, rank]`, `y` and `dy` `[rows, outputs]`, whose rows are
//! `y_row` values apart: the layer may be a part of a wider one.

use super::activation::map2;
use super::gemm::{Finish, Left, Sides, Start, multiply, transpose};
use crate::simd::F32x4;

/// Adds the adapter's output to `y`. `u` receives `scale * x a^T`, for the backward pass.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lora_forward(
    x: *const f32,
    a: *const f32,
    b: *const f32,
    u: *mut f32,
    y: *mut f32,
    rows: usize,
    inputs: usize,
    outputs: usize,
    rank: usize,
    y_row: usize,
    scale: f32,
    scratch: *mut f32,
) {
    let factor = F32x4::splat(scale);
    unsafe {
        transpose(rank, inputs, a, scratch);
        let left = Left { values: x, row: inputs, step: 1 };
        let sides = Sides { right: scratch, right_row: rank, result: u, result_row: rank };
        multiply::<false>([rows, rank, inputs], left, sides, Start::Zero, Finish::Store);
        map2(u, u, u, rows * rank, |value, _| value * factor);
        transpose(outputs, rank, b, scratch);
        let left = Left { values: u, row: rank, step: 1 };
        let sides = Sides { right: scratch, right_row: outputs, result: y, result_row: y_row };
        multiply::<false>([rows, outputs, rank], left, sides, Start::Zero, Finish::Add);
    }
}

/// Number of values of the scratch memory of `lora_forward`: one of the two matrices, transposed.
#[unsafe(no_mangle)]
pub extern "C" fn lora_forward_scratch(inputs: usize, outputs: usize, rank: usize) -> usize {
    rank * inputs.max(outputs)
}

/// Gradients of `lora_forward`. That of the input is added to `dx`. `dx`, `da` and `db` may be null;
/// where `add` is not 0, those of the matrices are added to the values in their places. `du` is
/// overwritten.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lora_backward(
    x: *const f32,
    a: *const f32,
    b: *const f32,
    u: *const f32,
    dy: *const f32,
    du: *mut f32,
    dx: *mut f32,
    da: *mut f32,
    db: *mut f32,
    rows: usize,
    inputs: usize,
    outputs: usize,
    rank: usize,
    y_row: usize,
    scale: f32,
    add: u32,
) {
    let finish = if add == 0 { Finish::Store } else { Finish::Add };
    let factor = F32x4::splat(scale);
    unsafe {
        if !db.is_null() {
            let left = Left { values: dy, row: 1, step: y_row };
            let sides = Sides { right: u, right_row: rank, result: db, result_row: rank };
            multiply::<true>([outputs, rank, rows], left, sides, Start::Zero, finish);
        }
        if dx.is_null() && da.is_null() {
            return;
        }
        let left = Left { values: dy, row: y_row, step: 1 };
        let sides = Sides { right: b, right_row: rank, result: du, result_row: rank };
        multiply::<false>([rows, rank, outputs], left, sides, Start::Zero, Finish::Store);
        map2(du, du, du, rows * rank, |value, _| value * factor);
        if !da.is_null() {
            let left = Left { values: du, row: 1, step: rank };
            let sides = Sides { right: x, right_row: inputs, result: da, result_row: inputs };
            multiply::<true>([rank, inputs, rows], left, sides, Start::Zero, finish);
        }
        if !dx.is_null() {
            let left = Left { values: du, row: rank, step: 1 };
            let sides = Sides { right: a, right_row: inputs, result: dx, result_row: inputs };
            multiply::<false>([rows, inputs, rank], left, sides, Start::Zero, Finish::Add);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::{Guarded, check_gradient, dot, narrow, parts, values};

    #[test]
    fn an_adapter_is_its_definition_and_has_the_gradients_of_central_differences() {
        for [rows, inputs, outputs, rank, wide] in [[1, 1, 1, 1, 1], [7, 9, 6, 3, 20], [5, 12, 16, 8, 16]] {
            let scale = 1.5;
            let run = |[x, a, b]: &[Vec<f64>; 3]| -> Vec<f64> {
                let mut y = vec![0.0; rows * outputs];
                for row in 0..rows {
                    let u: Vec<f64> = (0..rank)
                        .map(|r| (0..inputs).map(|k| x[row * inputs + k] * a[r * inputs + k]).sum::<f64>() * scale)
                        .collect();
                    for to in 0..outputs {
                        y[row * outputs + to] = dot(b, to, rank, &u, 1, 0);
                    }
                }
                y
            };
            let given = parts([rows * inputs, rank * inputs, outputs * rank]);
            let [x, a, b] = given.each_ref().map(|part| narrow(part));
            let before = values(rows * wide, 4);
            let (mut u, mut y) = (vec![f32::NAN; rows * rank], before.clone());
            let mut scratch = Guarded::new(lora_forward_scratch(inputs, outputs, rank));
            let sizes = (rows, inputs, outputs, rank, wide);
            unsafe {
                lora_forward(
                    x.as_ptr(),
                    a.as_ptr(),
                    b.as_ptr(),
                    u.as_mut_ptr(),
                    y.as_mut_ptr(),
                    sizes.0,
                    sizes.1,
                    sizes.2,
                    sizes.3,
                    sizes.4,
                    scale as f32,
                    scratch.start(),
                );
            }
            scratch.check();
            let want = run(&given);
            for row in 0..rows {
                for to in 0..wide {
                    let at = row * wide + to;
                    let added = if to < outputs { want[row * outputs + to] } else { 0.0 };
                    assert!((f64::from(y[at]) - f64::from(before[at]) - added).abs() < 1e-5);
                }
            }
            let dy = values(rows * wide, 5);
            let mut du = vec![f32::NAN; rows * rank];
            let (mut dx, mut da, mut db) = (vec![1.0; x.len()], vec![2.0; a.len()], vec![3.0; b.len()]);
            for add in [0, 1] {
                let to = if add == 0 { core::ptr::null_mut() } else { dx.as_mut_ptr() };
                unsafe {
                    lora_backward(
                        x.as_ptr(),
                        a.as_ptr(),
                        b.as_ptr(),
                        u.as_ptr(),
                        dy.as_ptr(),
                        du.as_mut_ptr(),
                        to,
                        da.as_mut_ptr(),
                        db.as_mut_ptr(),
                        sizes.0,
                        sizes.1,
                        sizes.2,
                        sizes.3,
                        sizes.4,
                        scale as f32,
                        add,
                    );
                }
            }
            let loss = |parts: &[Vec<f64>; 3]| -> f64 {
                let y = run(parts);
                (0..rows * outputs).map(|i| y[i] * f64::from(dy[i / outputs * wide + i % outputs])).sum()
            };
            // Those of the matrices were added to themselves.
            let halves = |sum: &[f32]| -> Vec<f32> { sum.iter().map(|value| value / 2.0).collect() };
            check_gradient(&given, 0, &dx, 1.0, loss);
            check_gradient(&given, 1, &halves(&da), 0.0, loss);
            check_gradient(&given, 2, &halves(&db), 0.0, loss);
        }
    }
}
