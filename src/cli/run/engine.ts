import { useKernelBuild } from "../../params/kernels.ts";
import type { EngineOptions } from "../options/option.ts";

/** Chooses the kernels of this isolate. Call it before the isolate makes its first vector. */
export function chooseKernels({ strictDeterminism = false }: Partial<EngineOptions>): void {
  if (strictDeterminism) useKernelBuild("simd128");
}
