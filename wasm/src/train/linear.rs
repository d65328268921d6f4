//! Steps of softmax regression: a dense layer alone, with softmax cross-entropy and plain SGD.

use super::bytes::{ByteTable, gather_bytes};
use super::dense::{dense_backward, dense_forward};
use super::loss::{Loss, softmax_cross_entropy};
use super::step::gather;

/// Memory of the steps, which that of a layer's passes is a part of.
#[repr(C)]
pub struct Regression {
    /// Addresses of the rows of the data, as bytes or, where that is 0, as float32 values, with the
    /// values that bytes stand for, and of the labels.
    pub bytes: usize,
    pub features: usize,
    pub table: usize,
    pub labels: usize,
    /// Addresses of the rows and the classes of a batch, of its logits, and of their gradient.
    pub x: usize,
    pub classes: usize,
    pub z: usize,
    pub dz: usize,
    /// Addresses of the weights and the bias, 0 for none.
    pub w: usize,
    pub b: usize,
    pub scratch: usize,
    pub inputs: usize,
    pub outputs: usize,
    /// Address of the `Loss` of a batch.
    pub total: usize,
}

/// Sums over steps.
#[repr(C)]
pub struct StepSums {
    pub loss: f64,
    pub correct: f64,
    pub counted: f64,
}

/// Takes steps on `rows` rows of the order, `batch` at a time, as `gather`, `dense_forward`,
/// `softmax_cross_entropy` and `dense_backward` do one after the other, with gradients that go
/// straight into the parameters. It ends after a batch whose loss is not finite. Adds the
/// figures of each batch to `sums`.
///
/// Returns the number of batches.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regression_steps(
    of: &Regression,
    order: *const u32,
    rows: usize,
    batch: usize,
    sums: &mut StepSums,
) -> usize {
    let (x, classes) = (of.x as *mut f32, of.classes as *mut i32);
    let (w, b) = (of.w as *mut f32, of.b as *mut f32);
    let (z, dz, scratch) = (of.z as *mut f32, of.dz as *mut f32, of.scratch as *mut f32);
    let (labels, inputs, outputs) = (of.labels as *const i32, of.inputs, of.outputs);
    let mut steps = 0;
    unsafe {
        let total = &mut *(of.total as *mut Loss);
        for start in (0..rows).step_by(batch) {
            let (order, count) = (order.add(start), batch.min(rows - start));
            if of.bytes == 0 {
                gather(of.features as *const f32, labels, order, count, inputs, x, classes);
            } else {
                let table = &*(of.table as *const ByteTable);
                gather_bytes(of.bytes as *const u8, table, labels, order, count, inputs, x, classes);
            }
            dense_forward(x, w, b, z, count, inputs, outputs, 0, scratch);
            softmax_cross_entropy(z, classes, dz, count, outputs, total);
            steps += 1;
            sums.loss += total.loss;
            sums.correct += total.correct;
            sums.counted += total.counted;
            if !total.loss.is_finite() {
                break;
            }
            dense_backward(x, dz, w, core::ptr::null_mut(), w, b, count, inputs, outputs, 1, scratch);
        }
    }
    steps
}
