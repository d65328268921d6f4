import type { ParameterVector } from "../../mod.ts";
import type { TakenUpdate } from "./recorder.ts";
import type { Settings } from "./settings.ts";

/** Room for rounding. */
const ROUNDING = 1e-3;

/**
 * What is wrong with a robust strategy's result beside what the honest updates imply; nothing where
 * the strategy is not robust, or all is well.
 */
export function checkRobust(
  { strategy }: Settings,
  honest: readonly TakenUpdate[],
  received: number,
  result: ParameterVector,
): string | undefined {
  if (honest.length * 2 <= received) return undefined;
  switch (strategy) {
    case "median":
    case "trimmed-mean":
      return outside(honest, result, 0);
    case "bulyan":
      // A value is no further from the median of the selected than the honest ones are from each
      // other.
      return outside(honest, result, 1);
    case "krum":
    case "multi-krum":
      // The chosen have a score no worse than that of an honest one, so that one of their
      // neighbours is honest and near.
      return far(honest, result, Math.sqrt(received) + 1);
    case "geometric-median": {
      const share = (received - honest.length) / received;
      return far(honest, result, 2 * (1 - share) / (1 - 2 * share));
    }
    default:
      return undefined;
  }
}

/** A coordinate that lies outside the honest values by more than `spreads` times their spread. */
function outside(
  honest: readonly TakenUpdate[],
  result: ParameterVector,
  spreads: number,
): string | undefined {
  for (const [i, value] of result.entries()) {
    const values = honest.map(({ parameters }) => parameters[i] ?? NaN);
    const least = Math.min(...values), most = Math.max(...values);
    const room = spreads * (most - least) + ROUNDING;
    if (!(value >= least - room && value <= most + room)) {
      return `value ${i} of the model is ${value}, the honest ones are from ${least} to ${most}`;
    }
  }
  return undefined;
}

function distance(a: ParameterVector, b: ParameterVector): number {
  let sum = 0;
  for (const [i, x] of a.entries()) sum += (x - (b[i] ?? NaN)) ** 2;
  return Math.sqrt(sum);
}

/** The result lies further from the honest updates' mean than so many of their diameters. */
function far(
  honest: readonly TakenUpdate[],
  result: ParameterVector,
  diameters: number,
): string | undefined {
  const mean = result.map((_, i) =>
    honest.reduce((sum, { parameters }) => sum + (parameters[i] ?? NaN), 0) / honest.length
  );
  const radius = Math.max(...honest.map(({ parameters }) => distance(parameters, mean)));
  const way = distance(result, mean);
  if (way <= diameters * 2 * radius + ROUNDING) return undefined;
  return `the model is ${way} from the honest mean, the honest updates at most ${radius}`;
}
