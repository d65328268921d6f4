import type { ParameterVector } from "../../params/manifest.ts";
import { checked } from "../check.ts";

/** The moments that an adaptive optimizer keeps. */
export type Moments = "m" | "v";

/** Settings of an adaptive step, all given. */
export interface AdaptiveSettings {
  readonly learningRate: number;
  readonly beta1: number;
  readonly tau: number;
}

/** Throws a `RangeError` for a setting out of range. */
export function checkedAdaptive(
  strategy: string,
  { learningRate, beta1, tau }: AdaptiveSettings,
): AdaptiveSettings {
  return {
    learningRate: checked(strategy, "learningRate", learningRate, { above: 0 }),
    beta1: checked(strategy, "beta1", beta1, { least: 0, below: 1 }),
    tau: checked(strategy, "tau", tau, { above: 0 }),
  };
}

/** What Algorithm 2 has before its first round: m of zeros, and the least v that it allows. */
export function firstMoments(tau = DEFAULT_TAU): Record<Moments, number> {
  return { m: 0, v: tau * tau };
}

/** τ of the paper's experiments. */
export const DEFAULT_TAU = 1e-3;

/** Algorithm 2, lines 11 to 15, of Reddi et al. 2021; `second` gives the new v by the old one and Δ². */
export function adaptiveStep(
  next: ParameterVector,
  global: ParameterVector,
  { m, v }: Readonly<Record<Moments, ParameterVector>>,
  { learningRate, beta1, tau, second }: AdaptiveSettings & {
    second: (v: number, square: number) => number;
  },
): void {
  for (let i = 0; i < next.length; i++) {
    const before = global[i] ?? NaN;
    const change = (next[i] ?? NaN) - before;
    const first = beta1 * (m[i] ?? NaN) + (1 - beta1) * change;
    const square = second(v[i] ?? NaN, change * change);
    m[i] = first;
    v[i] = square;
    next[i] = before + learningRate * first / (Math.sqrt(square) + tau);
  }
}
