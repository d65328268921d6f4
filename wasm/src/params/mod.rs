//! Kernels over parameter vectors: arithmetic, statistics, half precision, codecs, exact sums, rings of
//! integers, robust
//! aggregation, and scores of classifiers.

mod codec;
mod draws;
mod elementwise;
mod exact;
mod half;
mod ring;
mod robust;
mod score_bins;
mod score_sums;
mod scores;
mod stats;
