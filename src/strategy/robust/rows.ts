import type { ParameterVector } from "../../params/manifest.ts";
import type { StrategyRound } from "../strategy.ts";
import { workingVector } from "../working.ts";

/** All updates of a round, in rank order. */
export interface RoundRows {
  /** Parameters of each client. */
  readonly rows: readonly ParameterVector[];
  /** Number of samples of each client. */
  readonly samples: readonly number[];
  /** The vector that the round began with. */
  readonly global: ParameterVector;
}

/**
 * Memory of a strategy that needs all updates of a round at once: copies of them, outside the
 * arena, whose memory the next round uses again, and a vector for the result in the arena.
 */
export class Rows {
  readonly #copies: ParameterVector[] = [];
  #result: ParameterVector | undefined;

  /** Opens a round; `aggregate` writes its result into the vector that it is given. */
  begin(
    global: ParameterVector,
    aggregate: (round: RoundRows, into: ParameterVector) => void,
  ): StrategyRound {
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
      finish() {
        if (samples.length === 0) return global;
        // Copies that an earlier, larger round needed are freed.
        copies.length = samples.length;
        aggregate({ rows: copies, samples, global }, into);
        return into;
      },
    };
  }
}
