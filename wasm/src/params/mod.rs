//! Kernels over parameter vectors: arithmetic, statistics, half precision and robust aggregation.

mod elementwise;
mod half;
mod robust;
mod stats;
