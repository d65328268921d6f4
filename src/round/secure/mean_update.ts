import type { ParameterVector } from "../../params/manifest.ts";
import { VectorPart } from "../../params/vector_part.ts";
import { addMeanUpdate, readLanes, type RingVector } from "../../secure/quantize.ts";
import type { Ring } from "../../secure/ring.ts";
import { type LocalRule, sendsGradient } from "../../plan/rules/rules.ts";
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
  /** Vector that the mean gradient is added to, where members send gradients. */
  readonly #zeros: ParameterVector | undefined;
  #mean: ParameterVector | undefined;

  /**
   * Creates a reader of sums of whole vectors without some places.
   *
   * @param fixed Places of values that do not travel.
   * @param rule Rule of the plan, by which members may send gradients.
   */
  constructor(length: number, fixed: Spans, rule: LocalRule | undefined) {
    this.#part = fixed.length === 0 ? undefined : new VectorPart(length, fixed);
    this.#zeros = sendsGradient(rule) ? new Float32Array(length) : undefined;
  }

  /**
   * Reads a sum.
   *
   * @param global The global vector that the members have trained from.
   * @throws {RangeError} If the sum has another length, or no samples.
   */
  read(ring: Ring, sums: RingVector, global: ParameterVector): MeanUpdate {
    const part = this.#part, base = this.#zeros ?? global;
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
