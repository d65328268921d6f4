//! Codecs of vectors: fewer bits for each value, at the price of an error.
//!
//! The bytes of a vector are the same in every build: sums and products are rounded one by one, in a
//! fixed order.

mod bfloat;
mod blocks;
mod eden;
mod hadamard;
pub(in crate::params) mod philox;
