import type { Rank } from "../net/process_group.ts";
import type { ParameterUpdatePayload } from "../wire/messages.ts";
import type { RoundReport } from "./report.ts";

/** What has gone into the version that is being made. */
export class Version {
  /** Whose updates, in the order of coming. */
  readonly cohort: Rank[] = [];
  readonly staleness: number[] = [];
  /** Number of tasks that were lost. */
  dropped = 0;
  /** Whether it is made. */
  isDone = false;
  readonly #reasons = new Map<Rank, string>();
  #loss = 0;
  #samples = 0;

  /** An update went in. */
  add(rank: Rank, staleness: number, { numSamples = 0, loss = 0 }: ParameterUpdatePayload): void {
    this.cohort.push(rank);
    this.staleness.push(staleness);
    this.#loss += loss * numSamples;
    this.#samples += numSamples;
  }

  /** A client was dropped, or its update refused: the last reason is kept. */
  miss(rank: Rank, reason: string): void {
    this.#reasons.set(rank, reason);
  }

  /** What the report says of its updates. */
  get report(): Pick<RoundReport, "cohort" | "received" | "dropped" | "tries" | "losses"> {
    const { cohort, dropped } = this;
    const losses = [...this.#reasons].map(([rank, reason]) => ({ rank, reason }));
    return { cohort, received: cohort.length, dropped, tries: 1, losses };
  }

  /** What the report says of what they tell. */
  get figures(): Pick<RoundReport, "trainLoss" | "staleness"> {
    return {
      ...(this.#samples > 0 && { trainLoss: this.#loss / this.#samples }),
      staleness: this.staleness,
    };
  }
}
