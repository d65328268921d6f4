import { kernelsOf, vectorLike } from "../params/kernels.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { Strategy } from "./strategy.ts";

/** The vector that was used before if it still fits the global one, else one of zeros as long, in the same arena. */
export function workingVector(
  before: ParameterVector | undefined,
  global: ParameterVector,
): ParameterVector {
  return before?.length === global.length && kernelsOf(before) === kernelsOf(global)
    ? before
    : vectorLike(global);
}

/** The name of a strategy that works on what another makes. */
export function nameOf(name: string, mean: Strategy): string {
  return mean.name === "fedavg" ? name : `${name} of ${mean.name}`;
}
