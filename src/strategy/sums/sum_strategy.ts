/**
 * The base of strategies whose step is a function of weighted sums.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";
import { kernelsOf } from "../../params/kernels.ts";
import type { RoundInfo, Strategy, StrategyRound } from "../strategy.ts";
import { workingVector } from "../working.ts";
import { ExactSums } from "./exact_sums.ts";
import { RunningSums } from "./running_sums.ts";
import type { SumRound, SumShape } from "./sums.ts";

/**
 * A strategy whose step is a function of weighted sums over a round's updates. A subclass names the
 * sums, says what an update adds to them, and makes the new vector of them; the sums themselves are
 * running or exact, as the round asks.
 */
export abstract class SumStrategy implements Strategy {
  /** Name in reports. */
  abstract readonly name: string;
  /** Number of working vectors: one for the result of each sum, and those of the subclass. */
  abstract readonly workingVectors: number;
  /** The sums. */
  abstract readonly sums: SumShape;
  readonly #results: Record<string, ParameterVector> = {};
  #exact: ExactSums | undefined;
  #global: ParameterVector | undefined;

  /** Opens a round by its contributions and their end. */
  abstract sumRound(global: ParameterVector, info?: RoundInfo): SumRound;

  /** Opens a round, which adds updates up as `info.aggregation` says. */
  begin(global: ParameterVector, info?: RoundInfo): StrategyRound {
    const round = this.sumRound(global, info);
    for (const name of Object.keys(this.sums.vectors)) {
      this.#results[name] = workingVector(this.#results[name], global);
    }
    return info?.aggregation === "exact"
      ? this.#exactRound(global, round)
      : this.#runningRound(global, round);
  }

  #runningRound(global: ParameterVector, round: SumRound): StrategyRound {
    const sums = new RunningSums(this.sums, this.#results);
    return {
      accept: (update) => sums.add(round.contribution(update)),
      finish: () => sums.count === 0 ? global : round.finish(sums),
    };
  }

  #exactRound(global: ParameterVector, round: SumRound): StrategyRound {
    const sums = this.#exactSums(global), results = this.#results;
    return {
      check: (update) => sums.check(round.contribution(update)),
      accept: (update) => sums.add(round.contribution(update)),
      merge: (part) => sums.merge(part),
      finish: () => {
        if (sums.count === 0) return global;
        return round.finish({
          count: sums.count,
          weight: (name) => sums.weight(name),
          figure: (name) => sums.figure(name),
          vector: (name) => {
            const result = results[name] ?? global.slice();
            sums.write(name, result);
            return result;
          },
        });
      },
    };
  }

  /** Returns sums without updates, in the memory of the round before if it fits. */
  #exactSums(global: ParameterVector): ExactSums {
    const before = this.#global;
    const fits = before?.length === global.length && kernelsOf(before) === kernelsOf(global);
    if (!fits || this.#exact === undefined) {
      this.#exact = new ExactSums(this.sums, global.length, global);
    } else this.#exact.clear();
    this.#global = global;
    return this.#exact;
  }
}
