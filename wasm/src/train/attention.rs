//! Attention of several heads within sequences (Vaswani et al. 2017): for each head,
//! `P = softmax(Q K^T / sqrt(d))` and `y = P V`.
//!
//! The sequences of a batch are packed, without padding: all their tokens are rows of one matrix, and
//! `starts` `[sequences + 1]` holds the row of the first token of each, then the number of rows.
//!
//! Shapes: `qkv` and its gradient `[rows, 3, heads, d]`, `y` and `dy` `[rows, heads, d]`, `shares` the
//! matrices `P` one after the other, `heads` for each sequence.

use super::activation::softmax_forward;
use super::gemm::{Finish, Left, Sides, Start, multiply, transpose_part};
use crate::simd::F32x4;

/// Sizes and places of one head of one sequence.
struct Head {
    length: usize,
    depth: usize,
    /// Values of a row of `qkv` and of `y`.
    wide: usize,
    width: usize,
    /// Offset of the head's values in `qkv` and in `y`, and of its shares.
    from: usize,
    to: usize,
    share: usize,
}

/// Calls `visit` for each head of each sequence.
unsafe fn each_head(starts: *const i32, [sequences, heads, depth]: [usize; 3], mut visit: impl FnMut(Head)) {
    let (width, mut share) = (heads * depth, 0);
    for s in 0..sequences {
        let (first, next) = unsafe { (*starts.add(s) as usize, *starts.add(s + 1) as usize) };
        let length = next - first;
        for head in 0..heads {
            let wide = 3 * width;
            visit(Head {
                length,
                depth,
                wide,
                width,
                from: first * wide + head * depth,
                to: first * width + head * depth,
                share,
            });
            share += length * length;
        }
    }
}

/// Computes attention. Where `causal` is not 0, a token sees none that follow it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attention_forward(
    qkv: *const f32,
    starts: *const i32,
    shares: *mut f32,
    y: *mut f32,
    sequences: usize,
    heads: usize,
    depth: usize,
    longest: usize,
    causal: u32,
    scratch: *mut f32,
) {
    let _ = longest;
    let scale = F32x4::splat(1.0 / F32x4::splat(depth as f32).sqrt().first());
    unsafe {
        each_head(starts, [sequences, heads, depth], |head| {
            let Head { length, depth, wide, width, from, to, share } = head;
            let q = Left { values: qkv.add(from), row: wide, step: 1 };
            let shares = shares.add(share);
            transpose_part([length, depth], qkv.add(from + width), wide, scratch);
            let sides = Sides { right: scratch, right_row: length, result: shares, result_row: length };
            multiply::<false>([length, length, depth], q, sides, Start::Zero, Finish::Store);
            super::activation::map2(shares, shares, shares, length * length, |value, _| value * scale);
            for row in 0..length {
                let seen = if causal == 0 { length } else { row + 1 };
                let shares = shares.add(row * length);
                softmax_forward(shares, shares, 1, seen);
                shares.add(seen).write_bytes(0, length - seen);
            }
            let p = Left { values: shares, row: length, step: 1 };
            let v = qkv.add(from + 2 * width);
            let sides = Sides { right: v, right_row: wide, result: y.add(to), result_row: width };
            multiply::<false>([length, depth, length], p, sides, Start::Zero, Finish::Store);
        });
    }
}

/// Number of values of the scratch memory of `attention_forward`: keys or values of a head, turned.
#[unsafe(no_mangle)]
pub extern "C" fn attention_forward_scratch(depth: usize, longest: usize) -> usize {
    depth * longest
}

/// Writes the gradient of `qkv` from that of `y`. `shares` is overwritten.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attention_backward(
    qkv: *const f32,
    starts: *const i32,
    shares: *mut f32,
    dy: *const f32,
    dqkv: *mut f32,
    sequences: usize,
    heads: usize,
    depth: usize,
    longest: usize,
    scratch: *mut f32,
) {
    let scale = 1.0 / F32x4::splat(depth as f32).sqrt().first();
    unsafe {
        let sums = scratch.add(depth * longest);
        each_head(starts, [sequences, heads, depth], |head| {
            let Head { length, depth, wide, width, from, to, share } = head;
            let shares = shares.add(share);
            let dy = dy.add(to);
            let place = |part: usize| dqkv.add(from + part * width);
            // dV = P^T dy.
            let turned = Left { values: shares, row: 1, step: length };
            let sides = Sides { right: dy, right_row: width, result: place(2), result_row: wide };
            multiply::<true>([length, depth, length], turned, sides, Start::Zero, Finish::Store);
            // dP = dy V^T, then dS = P (dP - sum P dP) / sqrt(d) in the place of P.
            transpose_part([length, depth], qkv.add(from + 2 * width), wide, scratch);
            let left = Left { values: dy, row: width, step: 1 };
            let sides = Sides { right: scratch, right_row: length, result: sums, result_row: length };
            multiply::<false>([length, length, depth], left, sides, Start::Zero, Finish::Store);
            super::activation::softmax_backward(shares, sums, sums, length, length);
            super::activation::map2(sums, sums, shares, length * length, |value, _| value * F32x4::splat(scale));
            // dQ = dS K, dK = dS^T Q.
            let left = Left { values: shares, row: length, step: 1 };
            let sides = Sides { right: qkv.add(from + width), right_row: wide, result: place(0), result_row: wide };
            multiply::<false>([length, depth, length], left, sides, Start::Zero, Finish::Store);
            let sides = Sides { right: qkv.add(from), right_row: wide, result: place(1), result_row: wide };
            multiply::<true>([length, depth, length], turned, sides, Start::Zero, Finish::Store);
        });
    }
}

/// Number of values of the scratch memory of `attention_backward`: values of a head, turned, and the
/// gradient of its shares.
#[unsafe(no_mangle)]
pub extern "C" fn attention_backward_scratch(depth: usize, longest: usize) -> usize {
    longest * (depth + longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::{Guarded, check_gradient, narrow, parts, values};

    #[test]
    fn attention_is_its_definition_and_has_the_gradients_of_central_differences() {
        for (lengths, heads, depth) in [(vec![1], 1, 1), (vec![3, 1, 5], 2, 6), (vec![9, 4], 3, 8)] {
            for causal in [false, true] {
                let rows: usize = lengths.iter().sum();
                let (width, longest) = (heads * depth, *lengths.iter().max().unwrap_or(&0));
                let run = |[qkv]: &[Vec<f64>; 1]| {
                    let mut y = vec![0.0; rows * width];
                    let mut first = 0;
                    for &length in &lengths {
                        for column in (0..width).step_by(depth) {
                            let at = |part: usize, row: usize, k: usize| {
                                qkv[(first + row) * 3 * width + part * width + column + k]
                            };
                            for i in 0..length {
                                let seen = if causal { i + 1 } else { length };
                                let powers: Vec<f64> = (0..seen)
                                    .map(|j| {
                                        let sum: f64 = (0..depth).map(|k| at(0, i, k) * at(1, j, k)).sum();
                                        (sum / (depth as f64).sqrt()).exp()
                                    })
                                    .collect();
                                let total: f64 = powers.iter().sum();
                                for k in 0..depth {
                                    let sum: f64 = (0..seen).map(|j| powers[j] * at(2, j, k)).sum();
                                    y[(first + i) * width + column + k] = sum / total;
                                }
                            }
                        }
                        first += length;
                    }
                    y
                };
                let parts = parts([rows * 3 * width]);
                let [qkv] = parts.each_ref().map(|part| narrow(part));
                let mut starts = vec![0i32];
                for &length in &lengths {
                    starts.push(starts[starts.len() - 1] + length as i32);
                }
                let squares: usize = lengths.iter().map(|length| length * length).sum();
                let (mut shares, mut y) = (vec![f32::NAN; heads * squares], vec![0.0f32; rows * width]);
                let (from, first, count) = (qkv.as_ptr(), starts.as_ptr(), lengths.len());
                let mut scratch = Guarded::new(attention_forward_scratch(depth, longest));
                let (kept, to) = (shares.as_mut_ptr(), y.as_mut_ptr());
                let flag = u32::from(causal);
                unsafe {
                    attention_forward(from, first, kept, to, count, heads, depth, longest, flag, scratch.start());
                }
                scratch.check();
                for (got, want) in y.iter().zip(run(&parts)) {
                    assert!((f64::from(*got) - want).abs() < 1e-5, "{got}, not {want}");
                }
                let dy = values(y.len(), 5);
                let mut gradient = vec![f32::NAN; qkv.len()];
                let mut scratch = Guarded::new(attention_backward_scratch(depth, longest));
                let (dy_at, to) = (dy.as_ptr(), gradient.as_mut_ptr());
                unsafe {
                    attention_backward(from, first, kept, dy_at, to, count, heads, depth, longest, scratch.start());
                }
                scratch.check();
                let loss = |parts: &[Vec<f64>; 1]| -> f64 {
                    run(parts).iter().zip(&dy).map(|(y, dy)| y * f64::from(*dy)).sum()
                };
                check_gradient(&parts, 0, &gradient, 0.0, loss);
            }
        }
    }
}
