import { hashText } from "../base/hash.ts";
import { STREAM_LAYOUT } from "../generated/engine_exports.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import { valuesOf } from "./structs.ts";

/** Sets the random stream of dropout to its start in a client's round. */
export function seedDropout(
  stream: Uint32Array,
  { seed, round, rank }: Pick<TrainPlan, "seed" | "round" | "rank">,
): void {
  const key = [seed, hashText("dropout")];
  stream.set(valuesOf(STREAM_LAYOUT, { key, stream: [round, rank], block: [0, 0] }));
}
