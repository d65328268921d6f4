//! Kernels of the training engine: forward, backward and update of layers over memory that the caller lays out.
//!
//! Tensors lie row by row with the batch first. Nothing is checked: the caller owns the memory and answers for the ranges.

mod activation;
mod conv;
mod conv_sparse;
mod dense;
mod depthwise;
mod dropout;
mod embedding;
mod gemm;
mod loss;
#[cfg(test)]
mod noise;
mod norm;
mod padded;
mod pool;
mod sparse;
mod step;
mod window;
mod winograd;
