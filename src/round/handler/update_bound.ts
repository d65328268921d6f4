import type { Rank } from "../../base/rank.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";

/**
 * How many times the median of a cohort's changes one change may be, in the L2 norm: far above what
 * unequal data and numbers of steps make of it, and far below what drives a model out of the range
 * of float32.
 */
export const DEFAULT_UPDATE_BOUND = 100;

/**
 * How many times a harmless change one may be that there is nothing to hold against: values in
 * units of their own may begin far from 0.
 */
const ALONE = 1e6;

/** How many times further a client may go that says it has done so many times the work of the others. */
const MOST_WORK = 100;

/** Throws a `RangeError` for a bound that is not above 1; `Infinity` is none. */
export function checkedUpdateBound(bound: number): number {
  if (bound > 1) return bound;
  throw new RangeError(`Cannot make a server: expected an update bound above 1, got ${bound}`);
}

/** What an update says of itself, as numbers that those of others can be held against. */
export interface UpdateFigures {
  /** L2 norm of the change. */
  readonly norm: number;
  /** Number of samples and steps, loss and further figures, by name. */
  readonly claims: Readonly<Record<string, number>>;
}

/** The figures of an update whose change has that norm. */
export function updateFigures(
  norm: number,
  { numSamples = 0, steps = 0, loss = 0, metrics = {} }: ParameterUpdatePayload,
): UpdateFigures {
  return { norm, claims: { ...metrics, numSamples, steps, loss } };
}

/**
 * The middle value; of an even number the lower of the two in the middle, so that of two the larger
 * one does not move it.
 */
export function lowerMedian(values: Iterable<number>): number {
  const sorted = new Float64Array(values).sort();
  return sorted[(sorted.length - 1) >> 1] ?? NaN;
}

/**
 * Gives the most that the change of an update may be beside `others`, of which it may be one: `bound` times their median, and never less than `floor`. Where there is
 * nothing to hold it against it is a million times `floor`.
 *
 * Who says that it has taken more steps than the median may have gone as much further, up to {@linkcode MOST_WORK} times: a site with a hundred times the data of
 * the others is no attacker, and what a client says of itself is not believed without end.
 */
export function changeLimit(
  others: readonly UpdateFigures[],
  { bound, floor }: { bound: number; floor: number },
): (update: UpdateFigures) => number {
  if (others.length < 2) return () => ALONE * floor;
  const most = bound * lowerMedian(others.map(({ norm }) => norm));
  const work = Math.max(1, lowerMedian(others.map(({ claims }) => claimedWork(claims))));
  return (update) => {
    const more = Math.min(Math.max(1, claimedWork(update.claims) / work), MOST_WORK);
    return Math.max(most * more, floor);
  };
}

/** The updates whose change is past its limit, beside those of the round and `others`. */
export function outOfBounds(
  updates: ReadonlyMap<Rank, UpdateFigures>,
  limits: { readonly bound: number; readonly floor: number },
  others: readonly UpdateFigures[] = [],
): { rank: Rank; limit: number }[] {
  const all = [...updates.values()];
  // No limit is below the floor.
  if (all.every(({ norm }) => !(norm > limits.floor))) return [];
  const limitFor = changeLimit([...all, ...others], limits);
  return [...updates].flatMap(([rank, update]) => {
    const limit = limitFor(update);
    return update.norm > limit ? [{ rank, limit }] : [];
  });
}

/** Number of steps that a client says it has taken, or of samples where it does not say. */
export function claimedWork(
  { steps = 0, numSamples = 0 }: { readonly steps?: number; readonly numSamples?: number },
): number {
  return steps > 0 ? steps : numSamples;
}

/** What is wrong with a change of that norm. */
export function boundText(norm: number, limit: number): string {
  return `expected a change of a norm of at most ${limit.toPrecision(3)}, got ${
    norm.toPrecision(3)
  }`;
}

/**
 * The rank whose figures are farthest above the median of all, in proportion: what has most likely
 * spoiled what was made of them. Of claims those below 1 count as 1: most clients may say 0, and no
 * harm comes of a little more.
 */
export function mostExtreme(updates: ReadonlyMap<Rank, UpdateFigures>): Rank | undefined {
  const all = [...updates.values()];
  const medianOf = (value: (one: UpdateFigures) => number) => lowerMedian(all.map(value));
  // Apart from the claims, among which a client may have one of the same name.
  const usual = Math.max(medianOf(({ norm }) => norm), Number.MIN_VALUE);
  const names = new Set(all.flatMap(({ claims }) => Object.keys(claims)));
  const usualClaims = [...names].map((name) =>
    [name, Math.max(medianOf((one) => claimed(one, name)), 1)] as const
  );
  let worst: { rank: Rank; ratio: number } | undefined;
  for (const [rank, update] of updates) {
    const ratio = usualClaims.reduce(
      (most, [name, median]) => Math.max(most, farness(claimed(update, name), median)),
      farness(update.norm, usual),
    );
    if (worst === undefined || ratio > worst.ratio) worst = { rank, ratio };
  }
  return worst?.rank;
}

/** How many times what is usual a value is; what is no number is farther than any. */
function farness(value: number, usual: number): number {
  const ratio = value / usual;
  return Number.isNaN(ratio) ? Infinity : ratio;
}

function claimed({ claims }: UpdateFigures, name: string): number {
  return Object.hasOwn(claims, name) ? Math.abs(claims[name] ?? 0) : 0;
}
