import type { TrainPlan } from "../plan/train_plan.ts";
import { createClientPrivacy } from "../privacy/client/create.ts";
import type { ClientPrivacyChoice } from "../privacy/client/parse.ts";
import type {
  ClientPrivacy,
  ClientPrivacyReport,
  RecordPrivacy,
  UpdatePrivacy,
} from "../train/client_privacy.ts";

/** Numbers that spread the seeds of jobs. */
const BY_ROUND = 0x9E3779B1, BY_RANK = 0x85EBCA6B;

/**
 * Privacy of the clients that a handler serves in turn. Each job has the noise of a client of its
 * own; the program keeps the ledgers.
 */
export class JobPrivacy implements ClientPrivacy {
  readonly #choice: ClientPrivacyChoice;
  #current: ClientPrivacy;

  constructor(choice: ClientPrivacyChoice) {
    this.#choice = choice;
    this.#current = createClientPrivacy(choice);
  }

  get report(): ClientPrivacyReport {
    return this.#current.report;
  }

  get records(): RecordPrivacy | undefined {
    return this.#current.records;
  }

  get updates(): UpdatePrivacy | undefined {
    return this.#current.updates;
  }

  fullReport(): ClientPrivacyReport {
    return this.#current.fullReport();
  }

  expect(): void {}

  /** Begins the job of a client. */
  begin({ round, rank }: Pick<TrainPlan, "round" | "rank">): void {
    const { noiseSeed, ...choice } = this.#choice;
    const spread = Math.imul(round, BY_ROUND) ^ Math.imul(rank, BY_RANK);
    this.#current = createClientPrivacy({
      ...choice,
      ...(noiseSeed !== undefined && { noiseSeed: (noiseSeed ^ spread) >>> 0 }),
    });
  }
}
