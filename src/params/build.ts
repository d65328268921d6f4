/** Build of the kernels: baseline SIMD, or relaxed SIMD, whose multiply-add rounds once. */
export type KernelBuild = "simd128" | "relaxed-simd";

// (module (func (param v128)
//   (drop (f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0)))))
const RELAXED_PROBE = Uint8Array.fromHex(
  "0061736d01000000" + "01050160017b00" + "03020100" + "0a0e010c00" + "200020002000fd85021a0b",
);

let preferred: KernelBuild | undefined;
let relaxed: boolean | undefined;

/** Returns true if relaxed SIMD runs here. The engine is asked once, which takes microseconds. */
function runsRelaxed(): boolean {
  return relaxed ??= WebAssembly.validate(RELAXED_PROBE);
}

/**
 * Resolves a build.
 *
 * @throws {TypeError} If the build is unknown, or does not run here.
 */
export function resolveBuild(build: KernelBuild | "auto"): KernelBuild {
  if (build === "auto") return preferred ?? (runsRelaxed() ? "relaxed-simd" : "simd128");
  if (build !== "simd128" && build !== "relaxed-simd") {
    throw new TypeError(
      `Cannot use the kernels: expected build simd128, relaxed-simd or auto, got ${build}`,
    );
  }
  if (build === "relaxed-simd" && !runsRelaxed()) {
    throw new TypeError("Cannot use the kernels: this engine does not run build relaxed-simd");
  }
  return build;
}

/**
 * Sets the build that "auto" stands for in this isolate. Without a call it is "relaxed-simd" where
 * the engine runs it.
 *
 * Relaxed SIMD rounds {@linkcode fold} and {@linkcode blend} as the processor does, "simd128" in
 * the same way on every machine. Existing arenas keep their build, so call this before any is
 * created.
 *
 * @throws {TypeError} If the build is unknown, or does not run here.
 */
export function useKernelBuild(build: KernelBuild | "auto"): void {
  preferred = build === "auto" ? undefined : resolveBuild(build);
}
