import { errorMessage, ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import type { RingVector } from "../../secure/quantize.ts";
import type { Ring } from "../../secure/ring.ts";
import type { SecureStages } from "../../secure/server/options.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import type { SentModel } from "../handler/server_codecs.ts";
import type { SyncServerBackendHandler } from "../handler/sync_server_backend_handler.ts";
import { type UpdateFigures, updateFigures } from "../handler/update_bound.ts";
import { type TrainingFields, TrainingResults } from "../report/client_results.ts";
import { sumReport } from "../secure/report.ts";
import { CohortCollector } from "./cohort_collector.ts";
import { unexpectedUpdate } from "./unexpected.ts";

/** A cohort's training in one round, with the updates received so far. */
export class TrainingExchange {
  /** State of each client of the cohort. */
  readonly collector: CohortCollector;
  /** Figures of the accepted updates, in rank order once all are there. */
  readonly updates: Map<Rank, UpdateFigures> = new Map<Rank, UpdateFigures>();
  /** Set when the handler takes updates in any order. */
  readonly isUnordered: boolean;
  /**
   * Set when updates that are whole before their turn are checked at once, because the first ones
   * of a cohort larger than needed win.
   */
  readonly isExamined: boolean;
  readonly #handler: SyncServerBackendHandler;
  readonly #results = new TrainingResults();
  /** Results of updates that were taken in another order than that of ranks. */
  readonly #unsorted: [rank: Rank, result: Omit<ParameterUpdatePayload, "parameters">][] = [];

  /**
   * Ranks that disagree about messages that the server cannot read, with the reasons. Another
   * attempt leaves them out.
   */
  disputed: ReadonlyMap<Rank, string> = new Map<Rank, string>();
  /** Reason for which the training has failed, whatever updates have come. */
  failure: Error | undefined;
  /** Ranks that have revealed shares: they take part in no other attempt at the round. */
  get revealed(): readonly Rank[] {
    return [];
  }

  /** Ranks that were sent the encoded parameters. */
  readonly codedRanks: Set<Rank> = new Set<Rank>();
  #sent: SentModel | undefined;
  #sumReport: TrainingFields | undefined;

  /**
   * Opens the training of a cohort.
   *
   * @param handler Handler that checks and takes the updates.
   * @param enough Number of updates that end the training. Default: the size of the cohort.
   */
  constructor(
    round: number,
    cohort: readonly Rank[],
    handler: SyncServerBackendHandler,
    enough: number = cohort.length,
  ) {
    const { aggregation, secure, staging: { size } } = handler;
    this.isUnordered = aggregation === "exact" || secure !== undefined;
    // One buffer is for the check of updates that are whole before their turn.
    this.isExamined = !this.isUnordered && enough < cohort.length && size > 1;
    const ordered = this.isExamined ? size - 1 : size;
    const window = this.isUnordered ? Infinity : ordered;
    this.collector = new CohortCollector(round, cohort, { window, enough });
    this.#handler = handler;
  }

  /** Parameters as clients with the codec of the downlink are sent them. */
  get sent(): SentModel {
    const { parameters, codecs } = this.#handler;
    return this.#sent ??= codecs?.encodeModel(parameters, this.collector.round) ?? { parameters };
  }

  /** Fields of the round's report about the accepted updates. */
  get report(): TrainingFields {
    return this.#sumReport ?? this.#results.report;
  }

  /**
   * Passes the sum of a round of secure aggregation to the handler, once each rank is settled. The
   * report has figures of the sum alone.
   *
   * @param ranks Ranks whose updates are in the sum.
   */
  takeSum(ring: Ring, sums: RingVector, ranks: readonly Rank[], stages: SecureStages): void {
    this.#handler.takeSum(ring, sums, ranks);
    this.#sumReport = sumReport(ring, sums, stages);
  }

  /** Mean of the clients' training losses, weighted by number of samples. */
  get trainLoss(): number | undefined {
    return this.report.trainLoss;
  }

  /**
   * Checks an update, waits for its rank's turn unless the handler takes updates in any order, and
   * passes it to the handler.
   *
   * @returns `false` when the round has gone on without the update.
   * @throws {ProtocolError} If the update is not expected or not valid.
   */
  accept(sender: Rank, payload: ParameterUpdatePayload): boolean | Promise<boolean> {
    const { collector } = this;
    const norm = this.#checkExpected(sender, payload);
    collector.markComplete(sender);
    const isTurn = this.isUnordered || collector.waitForTurn(sender);
    if (isTurn === true) return this.#take(sender, payload, norm);
    return isTurn && isTurn.then((isTurn) => isTurn && this.#take(sender, payload, norm));
  }

  /** Passes an update to the handler; gives `false` when the round fails with it. */
  #take(sender: Rank, payload: ParameterUpdatePayload, norm: number | undefined): boolean {
    try {
      this.#add(sender, payload, norm);
    } catch (error) {
      // The sender is not to blame for what the algorithm makes of a valid update.
      this.collector.fail(error);
      return false;
    }
    return true;
  }

  /**
   * Checks an update that is whole before its turn: it counts among the first of a cohort, and is
   * accepted when its turn has come.
   *
   * @throws {ProtocolError} If the update is not expected or not valid.
   */
  examine(sender: Rank, payload: ParameterUpdatePayload): void {
    this.#checkExpected(sender, payload);
    this.collector.markComplete(sender);
  }

  /**
   * Checks the update of the rank whose turn it is and passes it to the handler.
   *
   * @throws {ProtocolError} If the update is not valid.
   */
  acceptNext(sender: Rank, payload: ParameterUpdatePayload): void {
    const norm = this.#check(sender, payload);
    this.#add(sender, payload, norm);
  }

  /**
   * Takes the figures of an update that was added up elsewhere, and has been checked there.
   *
   * @param payload The update without its vector.
   * @param norm L2 norm of its change.
   */
  takeSummed(sender: Rank, payload: ParameterUpdatePayload, norm: number): void {
    this.#handler.summed?.take(sender, payload, norm);
    this.#note(sender, payload, norm);
  }

  /** Refuses an update that cannot be decoded. */
  refuse(sender: Rank, error: ProtocolError): void {
    this.collector.settle(sender, "refused", errorMessage(error));
  }

  /** Puts the figures of the accepted updates in rank order, once all are there. */
  sort(): void {
    if (this.#unsorted.length === 0) return;
    this.#unsorted.sort(([a], [b]) => a - b);
    const figures = new Map(this.updates);
    this.updates.clear();
    for (const [rank, result] of this.#unsorted.splice(0)) {
      this.#results.add(rank, result);
      const found = figures.get(rank);
      if (found !== undefined) this.updates.set(rank, found);
    }
  }

  #checkExpected(sender: Rank, payload: ParameterUpdatePayload): number | undefined {
    const { collector } = this;
    if (payload.round !== collector.round) {
      collector.withdraw(sender);
      throw new ProtocolError(
        "wrong-round",
        `Cannot take the update of rank ${sender}: expected one for round ${collector.round}, got one for round ${payload.round}`,
      );
    }
    if (!collector.isPending(sender)) throw unexpectedUpdate(sender, collector);
    return this.#check(sender, payload);
  }

  #check(sender: Rank, payload: ParameterUpdatePayload): number | undefined {
    try {
      return this.#handler.check(sender, payload) ?? undefined;
    } catch (error) {
      this.collector.settle(sender, "refused", errorMessage(error));
      throw error;
    }
  }

  #add(sender: Rank, payload: ParameterUpdatePayload, norm: number | undefined): void {
    this.#handler.onReceive(sender, payload);
    this.#note(sender, payload, norm);
  }

  /** Notes the figures of an update that counts. */
  #note(sender: Rank, payload: ParameterUpdatePayload, norm: number | undefined): void {
    if (this.isUnordered) {
      // The vector lies in a buffer that the next update is read into.
      const { parameters: _, ...result } = payload;
      this.#unsorted.push([sender, result]);
    } else this.#results.add(sender, payload);
    if (norm !== undefined) this.updates.set(sender, updateFigures(norm, payload));
    this.collector.settle(sender, "received");
  }
}
