//! Kernels of the training engine: forward pass, backward pass and update of layers, over memory
//! that the caller lays out.
//!
//! Tensors are dense and row-major, the batch first. The letters of their shapes:
//!
//! - N: rows of the batch, or its images, `count`.
//! - H, W, C: height, width and channels of an image.
//! - OH, OW: height and width of the result of a window.
//! - KH, KW: height and width of a window.
//! - F: filters of a convolution.
//!
//! `x` and `y` are the input and the output of a layer, `w` and `b` its weights and bias, and `dx`,
//! `dy`, `dw` and `db` the gradients of the loss by them. Where a parameter `add` is not 0, the
//! gradient of weights is added to the values in its place, else it replaces them.

mod activation;
mod attention;
mod bytes;
mod clip;
mod conv;
mod conv_sparse;
mod curves;
mod dense;
mod dense_bytes;
mod dense_narrow;
mod dense_sparse;
mod depthwise;
mod dropout;
mod embedding;
mod gelu;
mod gemm;
mod gru;
mod layer_norm;
mod linear;
mod lora;
mod loss;
mod lstm;
mod norm;
mod packed;
mod padded;
mod pool;
mod recurrent;
mod simple_rnn;
mod single;
mod softmax;
mod sparse;
mod step;
#[cfg(test)]
mod testing;
mod tokens;
mod window;
mod winograd;
