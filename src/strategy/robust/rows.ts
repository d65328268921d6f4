import type { ParameterVector } from "../../params/manifest.ts";
import { workingVector } from "../working.ts";
import type { StrategyRound } from "../strategy.ts";

/** A round's updates together, in rank order. */
export interface RoundRows {
  /** The clients' parameters, one vector each. */
  readonly rows: readonly ParameterVector[];
  /** Their numbers of samples. */
  readonly samples: readonly number[];
  /** The vector that the round began with. */
  readonly global: ParameterVector;
}

/**
 * What a strategy needs that has to see all of a round's updates at once: copies of them, outside the arena, whose memory is used again in the
 * next round, and a vector for the result in the arena.
 */
export class Rows {
  readonly #copies: ParameterVector[] = [];
  #result: ParameterVector | undefined;

  /** A round that writes what `aggregate` makes of the rows into the vector it is given. */
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
        // What the largest round took stays for the next one; the rest of an earlier, larger one goes.
        copies.length = samples.length;
        aggregate({ rows: copies, samples, global }, into);
        return into;
      },
    };
  }
}
