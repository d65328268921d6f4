import type { Rank } from "../net/process_group.ts";
import type { ParameterUpdatePayload } from "../wire/messages.ts";

/**
 * How many times the median of a cohort's changes one change may be, in the L2 norm: far above what unequal data and numbers of steps make of it, and far
 * below what drives a model out of the range of float32.
 */
export const DEFAULT_UPDATE_BOUND = 100;

/** How many times a harmless change one may be that there is nothing to hold against: values in units of their own may begin far from 0. */
const ALONE = 1e6;

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
export function figuresOfUpdate(
  norm: number,
  { numSamples = 0, steps = 0, loss = 0, metrics = {} }: ParameterUpdatePayload,
): UpdateFigures {
  return { norm, claims: { ...metrics, numSamples, steps, loss } };
}

/** The middle value; of an even number the lower of the two in the middle, so that of two the larger one does not move it. */
export function lowerMedian(values: Iterable<number>): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[(sorted.length - 1) >> 1] ?? NaN;
}

/**
 * The most that a change may be where the others are `norms`: `bound` times their median, and never less than `floor`. A single update has nothing to be held against
 * but `floor`, a million times.
 */
export function updateLimit(norms: readonly number[], bound: number, floor: number): number {
  return norms.length < 2 ? ALONE * floor : Math.max(bound * lowerMedian(norms), floor);
}

/** The updates whose change is past the limit, where there are any; `floor` is asked for only where a change could be. */
export function outOfBounds(
  updates: ReadonlyMap<Rank, UpdateFigures>,
  bound: number,
  floor: () => number,
): { ranks: Rank[]; limit: number } | undefined {
  const norms = [...updates.values()].map(({ norm }) => norm);
  const most = norms.length < 2 ? -Infinity : bound * lowerMedian(norms);
  if (norms.every((norm) => norm <= most)) return undefined;
  const limit = updateLimit(norms, bound, floor());
  const ranks = [...updates].filter(([, { norm }]) => norm > limit).map(([rank]) => rank);
  return ranks.length === 0 ? undefined : { ranks, limit };
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
