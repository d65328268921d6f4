import type { Rank } from "../net/process_group.ts";
import type { ParameterUpdatePayload } from "../wire/messages.ts";
import type { RoundReport } from "./report.ts";

/** What has gone into the version that is being made. */
export class Version {
  /** Whose updates, in the order of coming. */
  readonly cohort: Rank[] = [];
  readonly staleness: number[] = [];
  /** Why, of each client that was dropped or refused. */
  readonly losses: { rank: Rank; reason: string }[] = [];
  dropped = 0;
  /** Whether it is made. */
  isDone = false;
  #loss = 0;
  #samples = 0;

  /** An update went in. */
  add(rank: Rank, staleness: number, { numSamples = 0, loss = 0 }: ParameterUpdatePayload): void {
    this.cohort.push(rank);
    this.staleness.push(staleness);
    this.#loss += loss * numSamples;
    this.#samples += numSamples;
  }

  /** What the report says of its updates. */
  get report(): Pick<RoundReport, "cohort" | "received" | "dropped" | "tries" | "losses"> {
    const { cohort, dropped, losses } = this;
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
