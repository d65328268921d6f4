import { DeadlineError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { withDeadline } from "../../base/time/with_deadline.ts";
import type { Timeouts } from "../../net/timeouts.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { unexpectedUpdate } from "../../round/cohort/unexpected.ts";
import type { SyncServerBackendHandler } from "../../round/handler/sync_server_backend_handler.ts";
import type { AttemptOptions } from "../../round/round_host.ts";
import { type MemberMessage, wrongAttempt } from "../../round/secure/member_message.ts";
import type { OpenSum } from "../../round/secure/open_sum.ts";
import { SecureTraining } from "../../round/secure/secure_training.ts";
import { SumMemory } from "../../round/secure/sum_memory.ts";
import type { SecureTerms } from "../../round/secure/terms.ts";
import { travellingPart } from "../../train/models/travelling_part.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { ActiveRun } from "../run/active_run.ts";

/** Share of a round's time for each stage in which members only exchange keys and shares. */
const STAGE_SHARE = 1 / 4;

/** Server on which rounds of secure aggregation run. */
export interface SecureHost {
  readonly handler: SyncServerBackendHandler;
  readonly timeouts: Timeouts;
  readonly parametersToSend: ParameterVector;
  /** Operations of the run in progress. */
  readonly run: ActiveRun;
}

/** Parts of an exchange that are the same without secure aggregation. */
export interface ExchangeParts {
  /** Sends the parameters to the cohort. */
  activate(): void;
  /** Waits for the updates of the cohort. */
  listen(): Promise<void>;
}

/** Rounds of a run under secure aggregation: sends the messages of each stage and waits. */
export class SecureRounds {
  readonly #host: SecureHost;
  readonly #terms: SecureTerms;
  readonly #memory: SumMemory;
  #training: SecureTraining | undefined;

  /** Creates the rounds of a run. */
  constructor(host: SecureHost, terms: SecureTerms) {
    this.#host = host;
    this.#terms = terms;
    this.#memory = new SumMemory();
  }

  /** Reports whether an exchange is the training of a cohort under secure aggregation. */
  isIts(exchange: unknown): exchange is SecureTraining {
    return exchange instanceof SecureTraining;
  }

  /** Opens an attempt at a round. */
  open(
    round: number,
    cohort: readonly Rank[],
    options: AttemptOptions & { readonly reopened?: OpenSum },
  ): SecureTraining {
    const { handler, parametersToSend: whole, run } = this.#host, terms = this.#terms;
    const { manifest, model, plan: { rule } } = handler;
    const part = travellingPart(manifest, model, rule), vector = part?.take(whole) ?? whole;
    const members = Math.min(Math.max(cohort.length, 3), terms.ring.maxMembers);
    const { enough } = options, { threshold, degree } = terms.graph(members);
    // Of more than these around a member, the rest may be late.
    const least = Math.ceil(cohort.length * threshold / (degree + 1));
    return new SecureTraining(round, cohort, handler, {
      ...{ ...options, terms, vector, run: run.name },
      told: run.told.bytes(handler.planFor(round), part?.takeOthers(whole)),
      enough: Math.min(cohort.length, Math.max(enough, least)),
      into: this.#memory.zeros(handler.parameters, vector.length),
      publicKeyOf: (rank) => run.publicKeyOf(rank),
    });
  }

  /**
   * Opens the attempt of a sum that was saved: its members are asked once more for their shares.
   *
   * @returns `undefined` if the account of a private run does not admit the members: a model of the
   * sum was told, and is lost. The round is then made by clients whose turn it is.
   * @throws {RangeError} If the run has other settings of secure aggregation now.
   */
  reopen(reopened: OpenSum): SecureTraining | undefined {
    const { session: { round, attempt, digests }, ring, cohort } = reopened.saved;
    const isSame = Object.entries(ring).every(([name, value]) =>
      this.#terms.ring[name as keyof typeof ring] === value
    );
    if (!isSame) {
      throw new RangeError(
        `Cannot go on with round ${round}: its sum was masked with other settings of secure aggregation; expected those`,
      );
    }
    const { handler: { privacy }, run } = this.#host, available = digests.map(([rank]) => rank);
    const count = available.length;
    const admitted = privacy?.select({ available, count, lastRound: () => 0 }) ?? available;
    if (admitted.length < count) {
      run.warn(`The masked sum of round ${round} is given up: a model of it was told already`);
      return undefined;
    }
    return this.open(round, cohort, { attempt, enough: cohort.length, quorum: 1, reopened });
  }

  /** Runs an attempt to its end: the sum is the handler's, or the attempt has failed. */
  async perform(training: SecureTraining, { activate, listen }: ExchangeParts): Promise<void> {
    const { run } = this.#host;
    this.#training = training;
    try {
      if (training.stage !== "reveal" && !await this.#gather(training, { activate, listen })) {
        return;
      }
      this.#send(training);
      await this.#reveal(training);
      const sum = await training.finish();
      if (sum === undefined) return;
      for (const rank of sum.wrong) run.warn(`Rank ${rank} has revealed wrong shares`);
      training.takeSum(this.#terms.ring, sum.sums, sum.survivors, sum.stages);
    } finally {
      this.#training = undefined;
    }
  }

  /** Gathers the masked updates, up to the requests for the shares of their sum. */
  async #gather(training: SecureTraining, { activate, listen }: ExchangeParts): Promise<boolean> {
    const { run, timeouts: { roundSeconds } } = this.#host, { collector } = training;
    // Keys first: a client that has trained for the round already waits for the new attempt.
    this.#send(training);
    activate();
    if (!await this.#stage(training, "keys")) return false;
    this.#send(training);
    if (!await this.#stage(training, "shares")) return false;
    this.#send(training);
    // What the other stages have taken is given back.
    for (const rank of training.awaited) if (!collector.isUnsent(rank)) collector.markSent(rank);
    await listen();
    if (!training.close(`no masked update within ${roundSeconds} seconds`)) return false;
    if (training.stage === "votes") {
      this.#send(training);
      if (!await this.#stage(training, "votes")) return false;
    }
    // Before any shares are asked for: members that have revealed some join no other attempt.
    await run.openSums.save(() => training.save());
    return true;
  }

  /** Sends a client that has come back the message that it has not answered. */
  joined(rank: Rank): void {
    const message = this.#training?.openMessages.get(rank);
    if (message !== undefined) this.#host.run.send(rank, message);
  }

  /** Notes that a client gives no update, and the ranks of boxes that hold no share for it. */
  complained(rank: Rank, accused: readonly Rank[] = []): void {
    const training = this.#training;
    training?.disputes?.add(rank, accused);
    if (training?.disputes) training.disputed = training.disputes.out;
    training?.wake();
  }

  /** Notes that a client has left. */
  left(rank: Rank): void {
    this.#training?.leave(rank);
  }

  /**
   * Takes a client's notice that it reveals nothing, or gives no vote.
   *
   * @returns `false` if the notice is not about that.
   */
  refused(rank: Rank, round: number | undefined): boolean {
    const training = this.#training;
    const isLate = training?.stage === "votes" || training?.stage === "reveal";
    if (!isLate || training.collector.round !== round) return false;
    if (!training.awaited.includes(rank)) throw unexpectedUpdate(rank, training.collector);
    training.leave(rank);
    return true;
  }

  /**
   * Takes a message of a member.
   *
   * @throws {ProtocolError} If it is refused.
   */
  async take(sender: Rank, message: MemberMessage): Promise<void> {
    const training = this.#training;
    if (training === undefined) throw wrongAttempt(sender, message.payload);
    await training.take(sender, message);
    if (message.code !== MessageCode.MaskedUpdate) return;
    const { round, cohort } = training.collector, received = training.collector.count("received");
    const expected = cohort.length;
    this.#host.run.emit({ type: "update-received", round, rank: sender, received, expected });
  }

  /** Waits for the answers of a stage, and opens the next one; `false` if the attempt fails. */
  async #stage(training: SecureTraining, name: string): Promise<boolean> {
    const seconds = this.#host.timeouts.roundSeconds * STAGE_SHARE;
    await this.#until(training, seconds);
    return training.close(`no ${name} within ${seconds} seconds`);
  }

  /** Waits for the shares: for those that are needed, and a little longer for the others. */
  async #reveal(training: SecureTraining): Promise<void> {
    const { roundSeconds, heartbeatSeconds } = this.#host.timeouts;
    let since: number | undefined;
    await this.#until(training, roundSeconds * STAGE_SHARE, () => {
      if (since === undefined && training.isRecoverable) since = runtime.clock.now();
      return since === undefined
        ? Infinity
        : heartbeatSeconds - (runtime.clock.now() - since) / 1000;
    });
  }

  /** Waits until nobody is awaited, or for a time that may become shorter. */
  async #until(
    training: SecureTraining,
    seconds: number,
    left: () => number = () => Infinity,
  ): Promise<void> {
    const { run: { signal }, timeouts: { heartbeatSeconds } } = this.#host;
    const began = runtime.clock.now();
    for (let missing; (missing = training.awaited.length) > 0;) {
      const rest = Math.min(seconds - (runtime.clock.now() - began) / 1000, left());
      if (rest <= 0) return;
      const wait = { seconds: Math.min(rest, heartbeatSeconds), signal, late };
      await withDeadline(training.changedBy(missing), wait).catch((error) => {
        if (!(error instanceof DeadlineError)) throw error;
      });
    }
  }

  #send(training: SecureTraining): void {
    const { run } = this.#host;
    for (const [rank, message] of training.openMessages) run.send(rank, message);
  }
}

function late(): DeadlineError {
  return new DeadlineError("late");
}
