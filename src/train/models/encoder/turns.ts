import { isRecord } from "../../../base/json.ts";
import type { ModelDescription } from "../../handler.ts";

/** Returns true for a model whose adapters' matrices are trained in turns, by round. */
export function takesTurns(model: ModelDescription | undefined): boolean {
  if (model?.format !== "text-encoder") return false;
  const { adapters } = model.topology;
  return isRecord(adapters) && adapters.train === "alternate";
}
