//! Norms of the gradients of single rows, and factors that clip them (DP-SGD).
//!
//! Shapes: `squares` `[rows]`, sums of squared values in float64 to which a kernel adds; `x` and
//! `dy` as in the kernel of the layer.

use crate::simd::F32x4;

/// Number of squares that are added up in float32 before they go into a sum in float64.
const RUN: usize = 256;

/// Returns the sum of the squares of `n` values.
unsafe fn sum_of_squares(values: *const f32, n: usize) -> f64 {
    let mut total = 0.0;
    for start in (0..n).step_by(RUN) {
        let end = (start + RUN).min(n);
        let whole = end - (end - start) % 4;
        let mut sum = F32x4::splat(0.0);
        unsafe {
            for i in (start..whole).step_by(4) {
                let value = F32x4::load(values.add(i));
                sum = value.mul_add(value, sum);
            }
            let mut lanes = [0.0; 4];
            sum.store(lanes.as_mut_ptr());
            total += lanes.into_iter().map(f64::from).sum::<f64>();
            for i in whole..end {
                let value = f64::from(*values.add(i));
                total += value * value;
            }
        }
    }
    total
}

/// Adds the sum of the squares of `n` values to `square`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn add_squares(values: *const f32, n: usize, square: *mut f64) {
    unsafe { *square += sum_of_squares(values, n) }
}

/// Adds the squared norm of each row's gradient of the weights of a dense layer, and of its bias
/// where `bias` is not 0: `squares[r] += (|x_r|^2 + bias) * |dy_r|^2`, as the gradient of one row
/// is the product `x_r^T * dy_r` (Goodfellow 2015, "Efficient Per-Example Gradient Computations").
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dense_squares(
    x: *const f32,
    dy: *const f32,
    rows: usize,
    inputs: usize,
    outputs: usize,
    bias: u32,
    squares: *mut f64,
) {
    for row in 0..rows {
        unsafe {
            let of_x = sum_of_squares(x.add(row * inputs), inputs) + f64::from(bias.min(1));
            *squares.add(row) += of_x * sum_of_squares(dy.add(row * outputs), outputs);
        }
    }
}

/// Adds the squared norm of each row's gradient of the table of an embedding of `count` integers a
/// row, each of `length` values: the sum over pairs of equal integers of the products of their
/// gradients.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn embedding_squares(
    x: *const f32,
    dy: *const f32,
    rows: usize,
    count: usize,
    length: usize,
    squares: *mut f64,
) {
    for row in 0..rows {
        let mut sum = 0.0;
        unsafe {
            let (x, dy) = (x.add(row * count), dy.add(row * count * length));
            for i in 0..count {
                sum += sum_of_squares(dy.add(i * length), length);
                for j in (0..i).filter(|&j| *x.add(i) == *x.add(j)) {
                    let product = |k: usize| f64::from(*dy.add(i * length + k)) * f64::from(*dy.add(j * length + k));
                    sum += 2.0 * (0..length).map(product).sum::<f64>();
                }
            }
            *squares.add(row) += sum;
        }
    }
}

/// Multiplies each row of `length` values by its factor. A factor of 0 makes any value 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scale_rows(values: *mut f32, factors: *const f32, rows: usize, length: usize) {
    for row in 0..rows {
        unsafe {
            let factor = *factors.add(row);
            let values = values.add(row * length);
            if factor == 0.0 {
                values.write_bytes(0, length);
                continue;
            }
            let whole = length - length % 4;
            for i in (0..whole).step_by(4) {
                (F32x4::load(values.add(i)) * F32x4::splat(factor)).store(values.add(i));
            }
            for i in whole..length {
                *values.add(i) *= factor;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::values;

    fn square(values: &[f32]) -> f64 {
        values.iter().map(|&value| f64::from(value).powi(2)).sum()
    }

    fn assert_near(got: f64, want: f64, what: &str) {
        assert!((got / want - 1.0).abs() < 1e-6, "{what}: {got} instead of {want}");
    }

    #[test]
    fn dense_squares_are_those_of_the_products_of_each_row() {
        for (inputs, outputs, bias) in [(1, 1, 0), (7, 10, 1), (300, 33, 1), (784, 200, 0)] {
            let (x, dy) = (values(3 * inputs, 1), values(3 * outputs, 2));
            let mut squares = [0.5; 3];
            unsafe { dense_squares(x.as_ptr(), dy.as_ptr(), 3, inputs, outputs, bias, squares.as_mut_ptr()) };
            for (row, got) in squares.into_iter().enumerate() {
                let (x, dy) = (&x[row * inputs..][..inputs], &dy[row * outputs..][..outputs]);
                let mut gradient: Vec<f32> = x.iter().flat_map(|x| dy.iter().map(move |dy| x * dy)).collect();
                gradient.extend(dy.iter().filter(|_| bias > 0));
                assert_near(got, 0.5 + square(&gradient), &format!("{inputs} to {outputs}"));
            }
        }
    }

    #[test]
    fn embedding_squares_join_the_gradients_of_equal_integers() {
        let (count, length, table) = (6, 5, 4);
        let x: Vec<f32> = [0, 3, 3, 1, 0, 3, 2, 2, 2, 2, 2, 2].map(|word| word as f32).to_vec();
        let dy = values(2 * count * length, 3);
        let mut squares = [0.0; 2];
        unsafe { embedding_squares(x.as_ptr(), dy.as_ptr(), 2, count, length, squares.as_mut_ptr()) };
        for (row, got) in squares.into_iter().enumerate() {
            let mut gradient = vec![0.0; table * length];
            for i in row * count..(row + 1) * count {
                for k in 0..length {
                    gradient[x[i] as usize * length + k] += dy[i * length + k];
                }
            }
            assert_near(got, square(&gradient), "embedding");
        }
    }

    #[test]
    fn scale_rows_scales_each_row_and_forgets_one_with_the_factor_0() {
        let mut rows = values(3 * 7, 4);
        rows[9] = f32::NAN;
        let before = rows.clone();
        unsafe { scale_rows(rows.as_mut_ptr(), [0.5, 0.0, 2.0].as_ptr(), 3, 7) };
        for i in 0..7 {
            assert_eq!([rows[i], rows[7 + i], rows[14 + i]], [before[i] * 0.5, 0.0, before[14 + i] * 2.0]);
        }
        let mut total = 1.0;
        unsafe { add_squares(before[14..].as_ptr(), 7, &mut total) };
        assert_near(total, 1.0 + square(&before[14..]), "squares");
    }
}
