import { hashText } from "../base/hash.ts";
import { STREAM_LAYOUT } from "../generated/engine_exports.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import { setValues } from "./structs.ts";

const PURPOSE = hashText("dropout");

/** Sets the random stream of dropout to its start in a client's round. */
export function seedDropout(
  stream: Uint32Array,
  { seed, round, rank }: Pick<TrainPlan, "seed" | "round" | "rank">,
): void {
  const fields = { key: [seed, PURPOSE], stream: [round, rank], block: [0, 0] };
  setValues(stream, STREAM_LAYOUT, fields);
}
