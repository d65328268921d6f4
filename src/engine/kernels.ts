import { ENGINE_EXPORTS, type EngineExports } from "../generated/engine_exports.ts";
import * as engine from "../generated/engine_wasm.ts";
import { checkExports, instanceOf, type KernelsExports } from "../params/instance.ts";
import { Kernels } from "../params/kernels.ts";

export type { EngineExports };

/** Creates an arena whose module has the kernels of the engine. */
export function createEngineArena(capacity: number): { arena: Kernels; exports: EngineExports } {
  const arena = Kernels.create(capacity, { module: engine });
  const view = arena.allocBytes(0);
  const exports: KernelsExports | undefined = instanceOf(view)?.exports;
  arena.free(view);
  if (exports === undefined) throw new Error("Cannot find the kernels of an arena just made");
  checkExports<EngineExports>(exports, ENGINE_EXPORTS);
  return { arena, exports };
}
