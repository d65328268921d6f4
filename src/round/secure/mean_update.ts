import type { ParameterVector } from "../../params/manifest.ts";
import { VectorPart } from "../../params/vector_part.ts";
import { addMeanUpdate, readLanes, type RingVector } from "../../secure/quantize.ts";
import type { Ring } from "../../secure/ring.ts";
import type { Spans } from "../../strategy/strategy.ts";

/** Rank of the update that stands for all members. */
const SUM_RANK = 1;

/** Update that stands for all members of a sum. */
export interface MeanUpdate {
  readonly rank: number;
  /** The global vector, moved by the mean of the members' updates. */
  readonly parameters: ParameterVector;
  /** Number of samples of all members. */
  readonly numSamples: number;
  /** Mean loss. */
  readonly loss: number;
  /** Steps of all members. */
  readonly steps: number;
}

/** Makes of a sum the update that an algorithm takes in place of those of all members. */
export class SumReader {
  readonly #part: VectorPart | undefined;
  #mean: ParameterVector | undefined;

  /**
   * Creates a reader of sums of whole vectors without some places.
   *
   * @param fixed Places of values that do not travel.
   */
  constructor(length: number, fixed: Spans) {
    this.#part = fixed.length === 0 ? undefined : new VectorPart(length, fixed);
  }

  /**
   * Reads a sum.
   *
   * @param base The global vector that the members have trained from.
   * @throws {RangeError} If the sum has another length, or no samples.
   */
  read(ring: Ring, sums: RingVector, base: ParameterVector): MeanUpdate {
    const part = this.#part;
    const mean = this.#mean ??= new Float32Array(base.length);
    if (part === undefined) addMeanUpdate(ring, sums, base, mean);
    else {
      const values = part.take(base);
      addMeanUpdate(ring, sums, values, values);
      mean.set(base);
      part.put(values, mean);
    }
    const { samples: numSamples, loss, steps } = readLanes(ring, sums);
    return { rank: SUM_RANK, parameters: mean, numSamples, loss, steps };
  }
}
