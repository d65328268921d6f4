import { DeadlineError, errorMessage, ProtocolError } from "../base/errors.ts";
import type { Rank } from "../base/rank.ts";
import { runtime } from "../base/runtime/runtime.ts";
import { traced } from "../base/tracer.ts";
import { AbsentRanks } from "./cohort/absent_ranks.ts";
import { TrainingExchange } from "./cohort/training_exchange.ts";
import { boundText, mostExtreme } from "./handler/update_bound.ts";
import { DEFAULT_ROUND_TRIES, requiredUpdates } from "./limits.ts";
import { toldLosses } from "./report/private_events.ts";
import { type Absence, MAX_REPORTED_ABSENCES } from "./report/absence.ts";
import type { RoundReport } from "./report/report.ts";
import type { RoundHost } from "./round_host.ts";
import { membership, without } from "./selection/ranks.ts";

/** Training of a round that has enough valid updates. */
export type TrainedRound =
  & { readonly training: TrainingExchange }
  & Pick<RoundReport, "tries" | "dropped" | "losses" | "lossesOmitted" | "outliers" | "paused">;

/** The attempts of one round to gather enough valid updates. */
export class RoundAttempts {
  readonly #round: number;
  readonly #host: RoundHost;
  readonly #absent = new AbsentRanks();
  /** Ranks whose updates have spoiled an attempt. Later attempts leave them out. */
  readonly #excluded = new Set<Rank>();
  /** Ranks that were present and paused in the last attempt. */
  #paused: readonly Rank[] = [];
  /** Ranks from which the last cohort was chosen. */
  #candidates: readonly Rank[] = [];
  /** Number of updates that completes the round. */
  #quorum = 0;
  /** Number of the last attempt, which grows over restarts of the server too. */
  #attempt = 0;
  /** Number of attempts, and of those with too few updates. */
  #tries = 0;
  #short = 0;
  /** Reason why the last attempt has no sum. */
  #failure: Error | undefined;
  /** Number of ranks left out because they disagree with others. */
  #disputes = 0;

  constructor(round: number, host: RoundHost) {
    this.#round = round;
    this.#host = host;
  }

  /**
   * Has cohorts train until there are enough updates, none of which is out of bounds.
   *
   * @throws {DeadlineError} If an attempt has too few updates too often, or no clients are left.
   */
  async train(): Promise<TrainedRound> {
    const { handler, numClients, limits } = this.#host;
    const wanted = handler.updatesWanted(numClients);
    const { fewestUpdates } = handler;
    const quorum = this.#quorum = requiredUpdates(wanted, { ...limits, fewestUpdates });
    const least = Math.max(quorum, handler.secure?.minMembers ?? 0);
    for (;;) {
      const round = this.#round, tries = ++this.#tries;
      const { tracer } = this.#host;
      const reopened = tries === 1 ? this.#host.reopenTraining?.() : undefined;
      const select = async () => {
        const present = await this.#present(least);
        const candidates = this.#candidates = this.#selectCandidates(present, least);
        return handler.selectClients(round, candidates, numClients, tries - 1);
      };
      const cohort = reopened?.collector.cohort ??
        await traced(tracer, { name: "select", round }, select);
      // The size of a secret cohort is secret too, so it must not decide on the round's success.
      const isSecret = handler.privacy?.isCohortSecret ?? false;
      const shown = isSecret ? [] : cohort;
      this.#host.emit({ type: "round-started", round, rounds: limits.rounds, cohort: shown });
      handler.beginRound(round, numClients);
      const enough = isSecret ? cohort.length : Math.min(cohort.length, wanted);
      const attempt = this.#attempt = Math.max(this.#attempt + 1, seconds());
      const training = reopened ??
        this.#host.openTraining?.(round, cohort, { attempt, enough, quorum }) ??
        new TrainingExchange(round, cohort, handler, enough);
      await traced(tracer, { name: "train", round }, () => this.#host.train(training));
      training.sort();
      const { collector } = training;
      for (const { rank, isExcused } of collector.absences) {
        if (!isExcused) handler.onDrop(rank, round, collector.outcome(rank) === "refused");
      }
      for (const [rank, reason] of training.disputed) {
        this.#host.warn(`Round ${round} has a dispute that nobody can decide: ${reason}`);
        handler.onDrop(rank, round, true);
      }
      const received = collector.count("received");
      const { failure } = training;
      if (failure !== undefined || (received < quorum && !isSecret)) {
        this.#failure = failure;
        this.#absent.add(collector);
        // They do so once in a round. Others may have lost what they were asked for.
        for (const rank of training.revealed) this.#excluded.add(rank);
        for (const rank of training.disputed.keys()) this.#excluded.add(rank);
        this.#disputes += training.disputed.size;
        this.#retry(training, { received, enough, quorum });
        continue;
      }
      const { updates = [], isBorne = false } = handler.outOfBounds(training.updates) ?? {};
      const outliers = updates.map(({ rank, limit }) => {
        const { norm = NaN } = training.updates.get(rank) ?? {};
        return { rank, reason: boundText(norm, limit) };
      });
      if (isBorne || outliers.length === 0) {
        this.#absent.add(collector);
        return this.#trained(training, outliers);
      }
      this.revoke(training, outliers);
    }
  }

  /**
   * Finds the update that has most likely spoiled the round.
   *
   * @returns `undefined` when there are no other updates and no other clients to ask.
   */
  suspect({ updates }: TrainingExchange, problem: string): Absence | undefined {
    const rank = mostExtreme(updates);
    if (rank === undefined || (updates.size < 2 && this.#candidates.length < 2)) return undefined;
    const found = updates.size < 2 ? "the only one" : "the most extreme";
    return { rank, reason: `${problem}, and the update of rank ${rank} is ${found} in it` };
  }

  /** Refuses accepted updates after all. The round is tried again without them. */
  revoke({ collector, updates }: TrainingExchange, revoked: readonly Absence[]): void {
    const { handler } = this.#host;
    const round = this.#round, quorum = this.#quorum;
    for (const { rank, reason } of revoked) {
      const text = `Cannot take the update of rank ${rank}: ${reason}`;
      collector.revoke(rank, text);
      this.#excluded.add(rank);
      handler.onDrop(rank, round, true);
      const { norm } = updates.get(rank) ?? {};
      this.#host.onRevoked(new ProtocolError("out-of-bounds", text), { rank, round, norm });
    }
    this.#absent.add(collector);
    const received = collector.count("received");
    this.#host.emit({ type: "round-retried", round, received, quorum });
  }

  #trained(training: TrainingExchange, outliers: readonly Absence[]): TrainedRound {
    return {
      training,
      tries: this.#tries,
      ...this.#absent.report,
      ...(outliers.length > 0 && { outliers: outliers.slice(0, MAX_REPORTED_ABSENCES) }),
      ...(this.#paused.length > 0 && { paused: this.#paused.slice(0, MAX_REPORTED_ABSENCES) }),
    };
  }

  /** Waits for a quorum of clients that are not excluded, as far as the group has that many. */
  async #present(quorum: number): Promise<readonly Rank[]> {
    const { available, numClients } = this.#host;
    this.#checkUnrevealed(quorum);
    const wanted = this.#fewest(quorum);
    const present = await available(wanted);
    if (this.#excluded.size === 0) return present;
    const isPresent = membership(present);
    const least = wanted + [...this.#excluded].filter(isPresent).length;
    return present.length >= least ? present : await available(Math.min(least, numClients));
  }

  /**
   * Returns the present ranks that a cohort may be chosen from: without those excluded, and without
   * those paused as long as there are enough others.
   */
  #selectCandidates(present: readonly Rank[], quorum: number): readonly Rank[] {
    const { handler } = this.#host;
    const candidates = without(present, this.#excluded);
    const asked = handler.paused(this.#round);
    const paused = asked.length === 0 ? [] : asked.filter(membership(candidates));
    const fewest = this.#fewest(quorum), most = Math.max(0, candidates.length - fewest);
    const left = new Set(most === 0 ? [] : paused.slice(-most));
    this.#paused = [...left].sort((a, b) => a - b);
    const rest = without(candidates, left);
    if (rest.length > 0) return rest;
    throw new DeadlineError(
      `Round ${this.#round} has no clients left: the updates of all were refused`,
    );
  }

  /**
   * Checks that enough clients can be members of another attempt: those that have revealed shares
   * do so once in a round.
   */
  #checkUnrevealed(quorum: number): void {
    const { numClients, handler: { secure } } = this.#host, least = this.#fewest(quorum);
    const left = numClients - this.#excluded.size;
    if (secure === undefined || this.#excluded.size === 0 || left >= least) return;
    throw new DeadlineError(
      `Round ${this.#round} cannot be tried again: ${this.#excluded.size} of ${numClients} clients have revealed shares in it${
        this.#disputes > 0 ? " or disagree about boxes" : ""
      }, and with the others there are no ${least} for secure aggregation${
        this.#failure === undefined ? "" : `: ${errorMessage(this.#failure)}`
      }`,
      { cause: this.#failure },
    );
  }

  /** Smallest number of clients with which an attempt makes sense. */
  #fewest(quorum: number): number {
    return Math.max(1, quorum, this.#host.handler.secure?.minMembers ?? 1);
  }

  /**
   * Announces another attempt after one with too few updates, or throws after too many of those.
   */
  #retry(
    { collector, failure }: TrainingExchange,
    { received, enough, quorum }: { received: number; enough: number; quorum: number },
  ): void {
    const { roundTries = DEFAULT_ROUND_TRIES } = this.#host.limits;
    const round = this.#round;
    const trouble = failure === undefined
      ? `Round ${round} has ${received} of ${enough} updates, below the quorum of ${quorum}`
      : `Round ${round} has no sum of updates: ${errorMessage(failure)}`;
    if (++this.#short === roundTries) {
      const [absence] = toldLosses(collector.absences, this.#host.handler.privacy);
      throw new DeadlineError(
        `${trouble}, after ${this.#tries} tries${
          absence ? `: rank ${absence.rank}: ${absence.reason}` : ""
        }`,
      );
    }
    this.#host.warn(`${trouble}: trying again`);
    this.#host.emit({ type: "round-retried", round, received, quorum });
  }
}

/** Seconds since 1970, as a number of 32 bits: it grows from one process to the next. */
function seconds(): number {
  return Math.max(1, Math.floor(runtime.clock.unixMillis() / 1000) >>> 0);
}
