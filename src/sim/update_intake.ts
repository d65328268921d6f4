import { ProtocolError } from "../base/errors.ts";
import type { Rank } from "../base/rank.ts";
import type { ParameterVector } from "../params/manifest.ts";
import { sendsGradient } from "../plan/rules/rules.ts";
import type { TrainingExchange } from "../round/cohort/training_exchange.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import { SecureError } from "../secure/errors.ts";
import type { ExactSums } from "../strategy/sums/exact_sums.ts";
import type { ParameterUpdatePayload } from "../wire/messages.ts";
import type { SecureRound } from "./secure_round.ts";
import type { Traffic } from "./traffic.ts";
import type { ClientJob, JobOutcome, SumOptions } from "./client_pool.ts";
import { checkUpdate, updatePayload } from "./update_payload.ts";

/** Way of the updates of a round to the server's handler. */
export interface UpdateIntake {
  /**
   * Passes an update on.
   *
   * @param payload The update, whose vector may be overwritten after the call.
   * @returns The update as the server has it.
   * @throws {ProtocolError} If it is refused.
   */
  accept(rank: Rank, payload: ParameterUpdatePayload): ParameterUpdatePayload;
  /** Way of updates that the pool has added up, where it may. */
  readonly summed?: SummedIntake | undefined;
  /** Ends the round, once each rank of the cohort has answered. */
  finish(): Promise<void>;
}

/** Way of updates that a pool has added up to the server's handler. */
export interface SummedIntake {
  /**
   * Checks the figures of an update.
   *
   * @throws {ProtocolError} If it would be refused.
   */
  check(rank: Rank, payload: ParameterUpdatePayload): void;
  /**
   * Takes the figures of an update.
   *
   * @param payload The update without its vector.
   * @param norm L2 norm of its change.
   * @returns The update as the server has it.
   */
  accept(rank: Rank, payload: ParameterUpdatePayload, norm: number): ParameterUpdatePayload;
  /** Takes the sum of updates whose figures were taken. */
  merge(part: ExactSums): void;
}

/** Passes the outcome of a job on, with its update or without the one that is in a sum. */
export function passOn(
  intake: UpdateIntake,
  { round, rank }: { readonly round: number; readonly rank: Rank },
  outcome: JobOutcome & { readonly kind: "trained" | "summed" },
): ParameterUpdatePayload {
  const payload = updatePayload(round, outcome), { summed } = intake;
  return outcome.kind === "summed" && summed
    ? summed.accept(rank, payload, outcome.norm)
    : intake.accept(rank, payload);
}

/** Returns what a pool needs to add the updates of a round up, where an intake takes sums. */
export function sumsOf(
  { summed }: UpdateIntake,
  round: number,
): SumOptions<ClientJob & { readonly kind: "train" }> | undefined {
  return summed && {
    check: ({ rank }, outcome) => summed.check(rank, updatePayload(round, outcome)),
    merge: (part) => summed.merge(part),
  };
}

/** Passes each update on by itself, encoded where the server has codecs. */
export class PlainIntake implements UpdateIntake {
  readonly #handler: SyncServerBackendHandler;
  readonly #training: TrainingExchange;
  readonly #traffic: Traffic;
  readonly #decoded: ParameterVector | undefined;
  readonly #place: ParameterVector | undefined;

  /**
   * Begins a round.
   *
   * @param vectors Vectors that an update is decoded to, or copied to, before it is taken.
   */
  constructor(
    handler: SyncServerBackendHandler,
    training: TrainingExchange,
    traffic: Traffic,
    vectors: {
      readonly decoded: ParameterVector | undefined;
      readonly place: ParameterVector | undefined;
    },
  ) {
    this.#handler = handler;
    this.#training = training;
    this.#traffic = traffic;
    this.#decoded = vectors.decoded;
    this.#place = vectors.place;
  }

  accept(rank: Rank, given: ParameterUpdatePayload): ParameterUpdatePayload {
    const { codecs, parameters, plan, privacy } = this.#handler, into = this.#decoded;
    let payload = this.#placed(checkUpdate(given)), codedBytes: number | undefined;
    if (codecs !== undefined && into !== undefined && !sendsGradient(plan.rule)) {
      const start = { parameters, sent: this.#training.sent.parameters };
      ({ payload, codedBytes } = codecs.transfer(rank, payload, start, into));
    }
    // Whether a value was too large for the codec follows from the client's data.
    this.#traffic.addUp(privacy ? codecs?.uplink?.byteLength : codedBytes);
    this.#training.acceptNext(rank, payload);
    return payload;
  }

  /** Way of updates that the pool has added up, where the handler takes them. */
  get summed(): SummedIntake | undefined {
    const { summed } = this.#handler;
    return summed && {
      check: (rank, given) => summed.check(rank, checkUpdate(given)),
      accept: (rank, given, norm) => {
        const payload = checkUpdate(given);
        // Each client has sent its update, as where updates are not added up.
        this.#traffic.addUp();
        this.#training.takeSummed(rank, payload, norm);
        return payload;
      },
      merge: (part) => summed.merge(part),
    };
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  #placed(payload: ParameterUpdatePayload): ParameterUpdatePayload {
    const place = this.#place;
    if (place === undefined || payload.parameters.length !== place.length) return payload;
    place.set(payload.parameters);
    return { ...payload, parameters: place };
  }
}

/** Adds updates up as clients of secure aggregation would, and passes on the sum alone. */
export class SecureIntake implements UpdateIntake {
  readonly #round: SecureRound;
  readonly #training: TrainingExchange;
  readonly #traffic: Traffic;

  /** Begins a round. */
  constructor(round: SecureRound, training: TrainingExchange, traffic: Traffic) {
    this.#round = round;
    this.#training = training;
    this.#traffic = traffic;
  }

  accept(rank: Rank, given: ParameterUpdatePayload): ParameterUpdatePayload {
    const payload = checkUpdate(given);
    const { parameters, numSamples: samples = 1, steps = 0, loss = NaN } = payload;
    try {
      this.#round.add(rank, parameters, { samples, steps, loss });
    } catch (cause) {
      if (!(cause instanceof SecureError)) throw cause;
      throw new ProtocolError("non-finite", cause.message, { cause });
    }
    this.#traffic.addUp();
    this.#training.collector.settle(rank, "received");
    return payload;
  }

  async finish(): Promise<void> {
    const { collector } = this.#training;
    try {
      const { ring, sums, ranks, stages } = await this.#round.finish();
      this.#training.takeSum(ring, sums, ranks, stages);
    } catch (error) {
      if (!(error instanceof SecureError)) throw error;
      // Without a sum no update counts, and no client is to blame.
      for (const rank of collector.cohort) {
        if (collector.outcome(rank) === "received") collector.revoke(rank, error.message);
      }
    }
  }
}
