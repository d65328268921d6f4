//! Kernels over parameter vectors: arithmetic, statistics, half precision, exact sums and robust
//! aggregation.

mod elementwise;
mod exact;
mod half;
mod robust;
mod stats;
