import type { Manifest } from "../../params/manifest.ts";
import { VectorPart } from "../../params/vector_part.ts";
import { type LocalRule, ruleOf } from "../../plan/rules/rules.ts";
import type { ModelDescription } from "../handler.ts";
import { frozenSpans } from "./frozen_layers.ts";

/**
 * Finds the part of the parameters that travels between server and clients: all but frozen layers
 * and tensors that the rule keeps on the clients. `undefined` where that is all of them.
 */
export function travellingPart(
  manifest: Manifest,
  model: ModelDescription | undefined,
  rule: LocalRule | undefined,
): VectorPart | undefined {
  const local = rule === undefined ? [] : ruleOf(rule).stays?.(rule, manifest) ?? [];
  const starts = new Set([...frozenSpans(manifest, model), ...local].map(([from]) => from));
  const others = manifest.tensors
    .filter(({ offset, length }) => length > 0 && starts.has(offset))
    .map(({ offset, length }) => [offset, offset + length] as const);
  return others.length === 0 ? undefined : new VectorPart(manifest.length, others);
}
