import { resolveBuild } from "../../src/params/build.ts";
import { checkExports } from "../../src/params/instance.ts";
import { PEAK_EXPORTS, type PeakExports } from "../generated/peak_exports.ts";
import { RELAXED_SIMD, SIMD128 } from "../generated/peak_wasm.ts";

/** Loads the loop that stands for the processor's peak, in the build that the kernels use here. */
export function loadPeak(): PeakExports["peak"] {
  const base64 = resolveBuild("auto") === "relaxed-simd" ? RELAXED_SIMD : SIMD128;
  const module = new WebAssembly.Module(Uint8Array.fromBase64(base64));
  const exports: object = new WebAssembly.Instance(module).exports;
  checkExports<PeakExports>(exports, PEAK_EXPORTS);
  return exports.peak;
}
