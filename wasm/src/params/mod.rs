//! Kernels over parameter vectors: arithmetic, statistics, half precision, codecs, exact sums and
//! robust aggregation.

mod codec;
mod elementwise;
mod exact;
mod half;
mod robust;
mod stats;
