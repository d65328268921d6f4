import { checkInRange } from "../../base/check.ts";
import type { Rank } from "../../base/rank.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";

/**
 * Default limit of a change, as a multiple of the median of its cohort's changes, in the L2 norm:
 * far above the differences that come from unequal data and numbers of steps, and far below a
 * change that drives a model out of the range of float32.
 */
export const DEFAULT_UPDATE_BOUND = 100;

/**
 * Limit of a change that cannot be compared with others, as a multiple of a harmless one: values in
 * arbitrary units may begin far from 0.
 */
const SINGLE_UPDATE_FACTOR = 1e6;

/** Maximum factor by which the limit grows for a client that claims more work than the others. */
const MAX_WORK_FACTOR = 100;

/**
 * Returns a valid bound.
 *
 * @throws {RangeError} If the bound is not above 1. `Infinity` means no bound.
 */
export function checkedUpdateBound(bound: number): number {
  if (bound === Infinity) return bound;
  return checkInRange(bound, { above: 1 }, "Cannot make a server", "an update bound above 1");
}

/** Figures of an update, for comparison with those of others. */
export interface UpdateFigures {
  /** L2 norm of the change. */
  readonly norm: number;
  /** The client's claims by name: number of samples and steps, loss and further figures. */
  readonly claims: Readonly<Record<string, number>>;
}

/** Returns the figures of an update whose change has that norm. */
export function updateFigures(
  norm: number,
  { numSamples = 0, steps = 0, loss = 0, metrics = {} }: ParameterUpdatePayload,
): UpdateFigures {
  return { norm, claims: { ...metrics, numSamples, steps, loss } };
}

/**
 * Computes the median: for an even count, the lower of the two middle values, so that the larger of
 * two values does not move it.
 */
export function lowerMedian(values: Iterable<number>): number {
  const sorted = new Float64Array(values).sort();
  return sorted[(sorted.length - 1) >> 1] ?? NaN;
}

/**
 * Makes the function that computes the limit of an update's change: `bound` times the median of
 * `others`, which may include it, and at least `floor`. With nothing to compare, the limit is a
 * million times `floor`.
 *
 * A client that claims more steps than the median may have moved as much further, up to a factor of
 * {@linkcode MAX_WORK_FACTOR}: a site with a hundred times the data of the others is no attacker,
 * but claims are trusted only within a limit.
 */
export function changeLimit(
  others: readonly UpdateFigures[],
  { bound, floor }: { bound: number; floor: number },
): (update: UpdateFigures) => number {
  if (others.length < 2) return () => SINGLE_UPDATE_FACTOR * floor;
  const most = bound * lowerMedian(others.map(({ norm }) => norm));
  const work = Math.max(1, lowerMedian(others.map(({ claims }) => claimedWork(claims))));
  return (update) => {
    const more = Math.min(Math.max(1, claimedWork(update.claims) / work), MAX_WORK_FACTOR);
    return Math.max(most * more, floor);
  };
}

/** Returns the updates whose change exceeds its limit, compared with the round's and `others`. */
export function outOfBounds(
  updates: ReadonlyMap<Rank, UpdateFigures>,
  limits: { readonly bound: number; readonly floor: number },
  others: readonly UpdateFigures[] = [],
): { rank: Rank; limit: number }[] {
  const all = [...updates.values()];
  // Limits are never below the floor.
  if (all.every(({ norm }) => !(norm > limits.floor))) return [];
  const limitFor = changeLimit([...all, ...others], limits);
  return [...updates].flatMap(([rank, update]) => {
    const limit = limitFor(update);
    return update.norm > limit ? [{ rank, limit }] : [];
  });
}

/** Returns the number of steps that a client claims, or of samples when it claims no steps. */
export function claimedWork(
  { steps = 0, numSamples = 0 }: { readonly steps?: number; readonly numSamples?: number },
): number {
  return steps > 0 ? steps : numSamples;
}

/** Returns the figures of an update that the server remembers of its client. */
export function knownFigures(
  payload: ParameterUpdatePayload,
  norm: number | undefined,
): {
  readonly numSamples: number | undefined;
  readonly loss: number | undefined;
  readonly norm: number | undefined;
  readonly work: number | undefined;
} {
  const { numSamples, loss } = payload;
  return { numSamples, loss, norm, work: norm === undefined ? undefined : claimedWork(payload) };
}

/** Describes a change that exceeds its limit. */
export function boundText(norm: number, limit: number): string {
  return `expected a change of a norm of at most ${limit.toPrecision(3)}, got ${
    norm.toPrecision(3)
  }`;
}

/**
 * Finds the rank whose figures exceed the median of all by the largest factor, and so have most
 * likely spoiled the result. Claims with a median below 1 are compared with 1, because most clients
 * may claim 0 and a little more does no harm.
 */
export function mostExtreme(updates: ReadonlyMap<Rank, UpdateFigures>): Rank | undefined {
  const all = [...updates.values()];
  const medianOf = (value: (one: UpdateFigures) => number) => lowerMedian(all.map(value));
  // Not among the claims, where a client may have a figure of the same name.
  const usual = Math.max(medianOf(({ norm }) => norm), Number.MIN_VALUE);
  const names = new Set(all.flatMap(({ claims }) => Object.keys(claims)));
  const usualClaims = [...names].map((name) =>
    [name, Math.max(medianOf((one) => claimed(one, name)), 1)] as const
  );
  let worst: { rank: Rank; ratio: number } | undefined;
  for (const [rank, update] of updates) {
    const ratio = usualClaims.reduce(
      (most, [name, median]) => Math.max(most, excess(claimed(update, name), median)),
      excess(update.norm, usual),
    );
    if (worst === undefined || ratio > worst.ratio) worst = { rank, ratio };
  }
  return worst?.rank;
}

/** Returns a value as a multiple of the usual one; `Infinity` for NaN. */
function excess(value: number, usual: number): number {
  const ratio = value / usual;
  return Number.isNaN(ratio) ? Infinity : ratio;
}

function claimed({ claims }: UpdateFigures, name: string): number {
  return Object.hasOwn(claims, name) ? Math.abs(claims[name] ?? 0) : 0;
}
