import type { ParameterVector } from "../params/manifest.ts";
import { pick, sweep } from "../params/sweep.ts";
import { SecureError } from "./errors.ts";
import type { Ring } from "./ring.ts";

/** Vector of integers modulo 2^32. */
export type RingVector = Uint32Array<ArrayBuffer>;

/** Figures of a client's training, which are summed beside its update. */
export interface LaneFigures {
  /** Number of samples: the client's weight. */
  readonly samples: number;
  /** Mean loss. */
  readonly loss: number;
  /** Number of steps of the optimizer. */
  readonly steps: number;
}

/** Sums of the lanes of all members. */
export interface LaneSums extends LaneFigures {
  /** Number of values that were clamped, over all members. */
  readonly clamped: number;
}

/** Number of integers beside the vector: samples, clamped values, loss, steps. */
export const LANES = 4;

/** Values of the random stream that one call of the kernel skips: those of a block. */
const DRAWS = 4;

/** Names the stream of random numbers by which values are rounded. It need not be secret. */
export interface RoundingStream {
  /** Seed of the run. */
  readonly seed: number;
  /** Round. */
  readonly round: number;
  /** Rank of the client. */
  readonly rank: number;
}

/**
 * Quantizes an update into the ring: value `i` becomes `w · clamp(x_i, -c, c) · A / c` in two's
 * complement, where `w` is the client's weight, from 0 to 1, `c` the clip and `A` the levels of the
 * ring. The lanes follow.
 *
 * @param update Difference of the trained parameters from those that were received.
 * @returns Vector of the length of the update and {@linkcode LANES}.
 * @throws {SecureError} "non-finite", if a value or the loss is not finite.
 * @throws {RangeError} If samples or steps are no whole numbers from 0.
 */
export function quantizeUpdate(
  ring: Ring,
  update: ParameterVector,
  { samples, loss, steps }: LaneFigures,
  { seed, round, rank }: RoundingStream,
  into: RingVector = new Uint32Array(update.length + LANES),
): RingVector {
  for (const [name, value] of Object.entries({ samples, steps })) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`Cannot quantize the update: expected whole ${name}, got ${value}`);
    }
  }
  if (!Number.isFinite(loss) || !isFiniteVector(update)) {
    throw new SecureError(
      "non-finite",
      "Cannot quantize the update: expected finite values and a finite loss",
    );
  }
  const weight = Math.min(samples, ring.maxSamples);
  const factor = ring.levels * (weight / ring.maxSamples) / ring.clip;
  const instance = pick([into, update]);
  const { exports } = instance;
  let clamped = 0, start = 0;
  const values = into.subarray(0, update.length);
  sweep(instance, [{ view: values, use: "out" }, { view: update, use: "in" }], (n, out, x) => {
    clamped += ring.rounding === "toward-zero"
      ? exports.quantize_toward_zero(out, x, ring.clip, factor, ring.levels, n)
      : exports.quantize(
        ...[out, x, ring.clip, factor, ring.levels] as const,
        ...[seed, round, rank, start / DRAWS, n] as const,
      );
    start += n;
  });
  const lossLane = weight * Math.min(Math.max(loss, 0), ring.maxLoss) * ring.lossFactor;
  const lanes = [weight, clamped, Math.round(lossLane), steps];
  into.set(lanes.map((lane) => Math.min(lane, ring.laneLevels)), update.length);
  return into;
}

/** Reads the lanes of a sum. The loss is the mean over all samples, 0 where there are none. */
export function readLanes(ring: Ring, sums: RingVector): LaneSums {
  const [samples = 0, clamped = 0, loss = 0, steps = 0] = sums.subarray(-LANES);
  return {
    ...{ samples, clamped, steps },
    loss: samples === 0 ? 0 : loss / ring.lossFactor / samples,
  };
}

/**
 * Adds the mean of the members' updates, by their weights, to a vector: `base + mean`, computed in
 * float64.
 *
 * @throws {RangeError} If lengths differ, or all weights are 0.
 */
export function addMeanUpdate(
  ring: Ring,
  sums: RingVector,
  base: ParameterVector,
  into: ParameterVector,
): void {
  const { samples } = readLanes(ring, sums);
  if (base.length + LANES !== sums.length || into.length !== base.length || samples === 0) {
    throw new RangeError(
      `Cannot add the mean update: expected sums of ${base.length} values with a weight above 0, got ${
        sums.length - LANES
      } with ${samples}`,
    );
  }
  const factor = ring.clip * ring.maxSamples / (ring.levels * samples);
  const instance = pick([into, base, sums]);
  const steps = sums.subarray(0, base.length);
  sweep(
    instance,
    [{ view: into, use: "out" }, { view: base, use: "in" }, { view: steps, use: "in" }],
    (n, out, base, steps) => instance.exports.add_steps(out, base, steps, factor, n),
  );
}

/** Adds a vector of the ring to another one, `acc += x`. */
export function addRing(acc: RingVector, x: RingVector): void {
  const instance = pick([acc, x]);
  sweep(
    instance,
    [{ view: acc, use: "in-out" }, { view: x, use: "in" }],
    (n, acc, x) => instance.exports.ring_add(acc, x, n),
  );
}

function isFiniteVector(vector: ParameterVector): boolean {
  const instance = pick([vector]);
  let most = 0;
  sweep(instance, [{ view: vector, use: "in" }], (n, values) => {
    const largest = instance.exports.largest(values, n);
    if (!(largest <= most)) most = largest;
    if (Number.isNaN(largest)) most = Infinity;
  });
  return most < Infinity;
}
