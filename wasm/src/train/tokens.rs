//! Tokens of packed sequences: their embedding, and the mean of each sequence.
//!
//! `starts` is that of [`attention`](super::attention). Shapes: `x` and `dx` `[rows, length]`, `y` and
//! `dy` `[sequences, length]`.

use super::activation::{add, map2};
use crate::simd::F32x4;

/// Embedding of tokens and their positions, `y = words[token] + positions[position]`, where `words` is
/// `[vocabulary, length]`, `positions` `[most, length]`, and a token is a whole number below
/// `vocabulary`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn embed_tokens(
    tokens: *const i32,
    starts: *const i32,
    words: *const f32,
    positions: *const f32,
    y: *mut f32,
    sequences: usize,
    vocabulary: usize,
    most: usize,
    length: usize,
) {
    unsafe {
        for s in 0..sequences {
            let (first, next) = (*starts.add(s) as usize, *starts.add(s + 1) as usize);
            for row in first..next {
                let token = (*tokens.add(row) as usize).min(vocabulary - 1);
                let position = (row - first).min(most - 1);
                add(words.add(token * length), positions.add(position * length), y.add(row * length), length);
            }
        }
    }
}

/// Mean of the rows of each sequence; zeros for one without rows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mean_pool_forward(
    x: *const f32,
    starts: *const i32,
    y: *mut f32,
    sequences: usize,
    length: usize,
) {
    unsafe {
        for s in 0..sequences {
            let (first, next) = (*starts.add(s) as usize, *starts.add(s + 1) as usize);
            let y = y.add(s * length);
            y.write_bytes(0, length);
            for row in first..next {
                add(y, x.add(row * length), y, length);
            }
            if next > first {
                let share = F32x4::splat(1.0 / (next - first) as f32);
                map2(y, y, y, length, |value, _| value * share);
            }
        }
    }
}

/// Gradient of `mean_pool_forward`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mean_pool_backward(
    dy: *const f32,
    starts: *const i32,
    dx: *mut f32,
    sequences: usize,
    length: usize,
) {
    unsafe {
        for s in 0..sequences {
            let (first, next) = (*starts.add(s) as usize, *starts.add(s + 1) as usize);
            for row in first..next {
                let share = F32x4::splat(1.0 / (next - first) as f32);
                let dy = dy.add(s * length);
                map2(dy, dy, dx.add(row * length), length, |value, _| value * share);
            }
        }
    }
}

/// Mean over the steps of sequences `x` `[rows, steps, length]` whose place in `words` `[rows, steps]` is
/// not 0; zeros where all are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn masked_mean_forward(
    x: *const f32,
    words: *const f32,
    y: *mut f32,
    rows: usize,
    steps: usize,
    length: usize,
) {
    unsafe {
        for row in 0..rows {
            let (y, share) = (y.add(row * length), share_of(words.add(row * steps), steps));
            y.write_bytes(0, length);
            for step in (row * steps..(row + 1) * steps).filter(|&step| *words.add(step) != 0.0) {
                add(y, x.add(step * length), y, length);
            }
            map2(y, y, y, length, |value, _| value * share);
        }
    }
}

/// Gradient of `masked_mean_forward`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn masked_mean_backward(
    dy: *const f32,
    words: *const f32,
    dx: *mut f32,
    rows: usize,
    steps: usize,
    length: usize,
) {
    unsafe {
        for row in 0..rows {
            let (dy, share) = (dy.add(row * length), share_of(words.add(row * steps), steps));
            for step in row * steps..(row + 1) * steps {
                let dx = dx.add(step * length);
                if *words.add(step) == 0.0 {
                    dx.write_bytes(0, length);
                } else {
                    map2(dy, dy, dx, length, |value, _| value * share);
                }
            }
        }
    }
}

/// Returns the share of a step in the mean, 0 where there is none.
unsafe fn share_of(words: *const f32, steps: usize) -> F32x4 {
    let count = (0..steps).filter(|&step| unsafe { *words.add(step) } != 0.0).count();
    F32x4::splat(if count == 0 { 0.0 } else { 1.0 / count as f32 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::values;

    #[test]
    fn tokens_are_embedded_with_their_positions_and_sequences_have_their_means() {
        let (length, starts, tokens) = (5, [0, 2, 2, 5], [3, 0, 1, 9, 2]);
        let (words, positions) = (values(4 * length, 1), values(2 * length, 2));
        let (mut x, mut y) = (vec![0.0f32; 5 * length], vec![9.0f32; 3 * length]);
        let (from, to) = (starts.as_ptr(), x.as_mut_ptr());
        unsafe {
            embed_tokens(tokens.as_ptr(), from, words.as_ptr(), positions.as_ptr(), to, 3, 4, 2, length);
            mean_pool_forward(x.as_ptr(), from, y.as_mut_ptr(), 3, length);
        }
        // Numbers past the end of a table take its last row.
        for (row, (word, position)) in [(3, 0), (0, 1), (1, 0), (3, 1), (2, 1)].into_iter().enumerate() {
            for i in 0..length {
                assert_eq!(x[row * length + i], words[word * length + i] + positions[position * length + i]);
            }
        }
        let dy = values(3 * length, 3);
        let mut dx = vec![0.0f32; x.len()];
        unsafe { mean_pool_backward(dy.as_ptr(), from, dx.as_mut_ptr(), 3, length) };
        for i in 0..length {
            let mean = |rows: core::ops::Range<usize>| -> f32 {
                rows.clone().map(|row| x[row * length + i]).sum::<f32>() / rows.len() as f32
            };
            assert!((y[i] - mean(0..2)).abs() < 1e-6 && (y[2 * length + i] - mean(2..5)).abs() < 1e-6);
            assert_eq!(y[length + i], 0.0);
            assert!((dx[length + i] - dy[i] / 2.0).abs() < 1e-7);
            assert!((dx[4 * length + i] - dy[2 * length + i] / 3.0).abs() < 1e-7);
        }
    }
}
