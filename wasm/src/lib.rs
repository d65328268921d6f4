//! Kernels over float32 vectors that lie in this module's own memory. The memory past `__heap_base`
//! belongs to the caller.
//!
//! Counts are of values, not bytes. A pointer is a multiple of the size of its values (8 for
//! `Stats`) and need not be more. Nothing is checked here: the caller owns the memory and answers
//! for the ranges.
//!
//! `build.ts` reads the signatures and documentation of the exported functions and generates the
//! TypeScript declarations from them. A kernel with a parameter `scratch` has a function
//! `<kernel>_scratch` beside it, which returns the number of values that `scratch` must hold; the
//! content of `scratch` is undefined before and after a call.

#![cfg_attr(target_arch = "wasm32", no_std)]
#![allow(clippy::missing_safety_doc, clippy::too_many_arguments)]
#![cfg_attr(not(feature = "train"), allow(dead_code))]

#[cfg(any(feature = "params", test))]
mod params;
#[cfg(any(feature = "peak", test))]
mod peak;
mod simd;
#[cfg(any(feature = "train", test))]
mod train;

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
