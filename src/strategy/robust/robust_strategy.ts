/**
 * The base of robust strategies.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";
import type { Strategy, StrategyRound } from "../strategy.ts";
import { workingVector } from "../working.ts";

/**
 * All updates of a round, in rank order.
 *
 * @internal
 */
export interface RoundRows {
  /** Parameters of each client. */
  readonly rows: readonly ParameterVector[];
  /** Number of samples of each client. */
  readonly samples: readonly number[];
}

/**
 * A strategy that withstands hostile clients, as long as they are few, by comparing all updates of
 * a round. It keeps copies of them, outside the arena, whose memory the next round uses again.
 *
 * @internal
 */
export abstract class RobustStrategy implements Strategy {
  /** Name in reports. */
  abstract readonly name: string;
  /** Number of working vectors: the result. */
  readonly workingVectors = 1;
  /** `true`: the strategy withstands any single update. */
  readonly isRobust = true;
  /** `true`: hostile clients have to be few among the updates of a round. */
  readonly needsHonestMajority = true;
  readonly #copies: ParameterVector[] = [];
  #result: ParameterVector | undefined;

  /** Writes the result of a round with at least one update into the vector that it is given. */
  protected abstract aggregate(round: RoundRows, into: ParameterVector): void;

  /** Opens a round. */
  begin(global: ParameterVector): StrategyRound {
    const into = this.#result = workingVector(this.#result, global);
    const copies = this.#copies;
    const samples: number[] = [];
    return {
      accept({ parameters, numSamples }) {
        const place = copies[samples.length];
        if (place?.length === parameters.length) place.set(parameters);
        else copies[samples.length] = parameters.slice();
        samples.push(numSamples);
      },
      finish: () => {
        if (samples.length === 0) return global;
        // Copies that an earlier, larger round needed are freed.
        copies.length = samples.length;
        this.aggregate({ rows: copies, samples }, into);
        return into;
      },
    };
  }
}
