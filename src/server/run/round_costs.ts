import { runtime } from "../../base/runtime/runtime.ts";
import type { RoundReport } from "../../round/report/report.ts";

/** Costs of a round in its report. */
export type RoundCosts = Pick<
  RoundReport,
  "refused" | "bytesUp" | "bytesDown" | "bytesSpilled" | "seconds"
>;

/** Bytes received from and sent to clients. */
interface Traffic {
  readonly up: number;
  readonly down: number;
}

/** Counter of the costs of each round, with the traffic since the round before. */
export class RoundCostCounter {
  readonly #takeSpilled: () => number;
  #refused = 0;
  #traffic: Traffic = { up: 0, down: 0 };
  #began = 0;

  /**
   * Starts counting.
   *
   * @param takeSpilled Returns the bytes written to the file of early updates since its last call.
   */
  constructor(takeSpilled: () => number = () => 0) {
    this.#takeSpilled = takeSpilled;
  }

  /** Starts anew: what has happened before is no round's. */
  reset(traffic: Traffic): void {
    this.#refused = 0;
    this.#traffic = traffic;
  }

  /** Starts the clock of a round. */
  startRound(): void {
    this.#began = runtime.clock.now();
  }

  /** Counts a message that was refused. */
  countRefused(): void {
    this.#refused++;
  }

  /** Gives the costs of a round that ends now. */
  endRound(traffic: Traffic): RoundCosts {
    const { up, down } = this.#traffic, refused = this.#refused;
    const bytesSpilled = this.#takeSpilled();
    this.reset(traffic);
    return {
      refused,
      bytesUp: traffic.up - up,
      bytesDown: traffic.down - down,
      ...(bytesSpilled > 0 && { bytesSpilled }),
      seconds: (runtime.clock.now() - this.#began) / 1000,
    };
  }
}
