import type { Rank } from "../../base/rank.ts";
import { SecureError } from "../../secure/errors.ts";
import type { AttemptId, SecureShares, UnmaskRequest } from "../../secure/messages.ts";
import { Disputes } from "../../secure/server/disputes.ts";
import type { SecureSum } from "../../secure/server/options.ts";
import type { Unmasking } from "../../secure/server/unmasking.ts";
import { SecureSession } from "../../secure/server/session.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { Message } from "../../wire/messages.ts";
import { TrainingExchange } from "../cohort/training_exchange.ts";
import { unexpectedUpdate } from "../cohort/unexpected.ts";
import type { SyncServerBackendHandler } from "../handler/sync_server_backend_handler.ts";
import { type OpenSum, saveSum, settleSaved } from "./open_sum.ts";
import { type MemberMessage, refusedMessage, wrongAttempt } from "./member_message.ts";
import { Signatures } from "./signatures.ts";
import { checkQuorum, checkSum } from "./sum_check.ts";
import { takeMessage } from "./take_message.ts";
import type { SecureStage, SecureTrainingOptions } from "./training_options.ts";

/**
 * Training of a cohort under secure aggregation: one attempt at a round. It has the messages of the
 * open stage and takes those of the members; its host sends and waits.
 */
export class SecureTraining extends TrainingExchange {
  readonly #options: SecureTrainingOptions;
  readonly #session: SecureSession;
  readonly #signatures: Signatures;
  readonly #id: AttemptId;
  #stage: SecureStage = "keys";
  /** Messages of the open stage, by rank. */
  #messages: ReadonlyMap<Rank, Message> = new Map();
  readonly #keyed = new Set<Rank>();
  /** Ranks that take no part any more, after their updates have come. */
  readonly #gone = new Set<Rank>();
  #changed = Promise.withResolvers<void>();
  #missing = 0;
  #unmasking: Unmasking | undefined;
  /** Complaints about boxes, once they were passed on. */
  disputes: Disputes | undefined;

  /** Opens the attempt: the cohort is asked for keys, or again for the shares of its sum. */
  constructor(
    round: number,
    cohort: readonly Rank[],
    handler: SyncServerBackendHandler,
    options: SecureTrainingOptions,
  ) {
    super(round, cohort, handler, options.enough);
    const { run, attempt, vector, into, terms, told, reopened } = options;
    const { ring, minMembers } = terms, id = this.#id = { round, attempt };
    this.#options = options;
    this.#signatures = new Signatures(run, id, options.publicKeyOf);
    const about = {
      ...{ run, ...id, vector, ring, minMembers, told },
      graph: (members: number) => terms.graph(members),
      ...(into && { into }),
    };
    if (reopened !== undefined) {
      const { saved, sums } = reopened;
      this.#session = SecureSession.reopen(about, saved.session, sums);
      settleSaved(this.collector, saved);
      this.#openReveal(this.#session.unmasking.requests);
      return;
    }
    this.#session = new SecureSession(about);
    const request: Message = { code: MessageCode.SecureKeys, payload: id };
    this.#messages = new Map(this.collector.cohort.map((rank) => [rank, request]));
  }

  /** Returns the sum of the attempt, to be saved before shares are asked for. */
  async save(): Promise<OpenSum> {
    return await saveSum(this.#session.unmasking, this.#options.terms.ring, this.collector);
  }

  /** Open stage. */
  get stage(): SecureStage {
    return this.#stage;
  }

  /** Ranks whose messages of the open stage are missing. */
  get awaited(): readonly Rank[] {
    const { collector } = this;
    switch (this.#stage) {
      case "keys":
        return collector.pending.filter((rank) => !this.#keyed.has(rank));
      case "shares":
      case "masked":
        return this.#session.awaited.filter((rank) => collector.isPending(rank));
    }
    return this.#session.awaited.filter((rank) => !this.#gone.has(rank));
  }

  /** Messages of the open stage to all ranks that have not answered them. */
  get openMessages(): ReadonlyMap<Rank, Message> {
    return new Map(this.awaited.flatMap((rank): [Rank, Message][] => {
      const message = this.#messages.get(rank);
      return message ? [[rank, message]] : [];
    }));
  }

  /** Ranks that have revealed shares. */
  override get revealed(): readonly Rank[] {
    return this.#unmasking?.revealed ?? [];
  }

  /** True once the shares that were revealed are enough. */
  get isRecoverable(): boolean {
    return this.#stage === "reveal" && this.#session.isRecoverable;
  }

  /**
   * Resolves after a number of messages that are taken and members that are gone: fewer do not end
   * a stage for which as many are awaited.
   */
  changedBy(count: number): Promise<void> {
    this.#missing = count;
    this.#changed = Promise.withResolvers();
    return this.#changed.promise;
  }

  /** Notes that a member takes no part any more. */
  leave(rank: Rank): void {
    this.#gone.add(rank);
    this.wake();
  }

  /** Notes that one more rank may not be awaited any more. */
  wake(): void {
    if (--this.#missing <= 0) this.#changed.resolve();
  }

  /**
   * Takes a message of a member.
   *
   * @throws {ProtocolError} If it belongs to another attempt or stage, or is refused.
   */
  async take(sender: Rank, message: MemberMessage): Promise<void> {
    const { round, attempt } = message.payload, { collector } = this;
    const isUpdate = message.code === MessageCode.MaskedUpdate;
    if (round !== this.#id.round || attempt !== this.#id.attempt) {
      if (isUpdate) collector.withdraw(sender);
      throw wrongAttempt(sender, message.payload, this.#id);
    }
    const isPast = isUpdate || this.#stage === "keys" || this.#stage === "shares";
    if (isPast && !collector.isPending(sender)) throw unexpectedUpdate(sender, collector);
    try {
      const { terms: { isSigned } } = this.#options;
      const parts = { collector, session: this.#session, signatures: this.#signatures, isSigned };
      await takeMessage(sender, message, parts);
    } catch (error) {
      if (!(error instanceof SecureError)) throw error;
      const refused = refusedMessage(error);
      if (refused.fault !== "wrong-round") {
        collector.settle(sender, "refused", refused.message);
        this.leave(sender);
      }
      throw refused;
    }
    if (message.code === MessageCode.SecureKeys) this.#keyed.add(sender);
    this.wake();
  }

  /**
   * Ends the open stage and opens the next one. Who has not answered is out of the attempt.
   *
   * @param reason Reason, for the ranks that are out.
   * @returns `false` if the attempt has failed.
   */
  close(reason: string): boolean {
    const session = this.#session;
    try {
      switch (this.#stage) {
        case "keys":
          this.#dropAwaited(reason);
          this.#open("shares", MessageCode.SecureMembers, session.closeKeys());
          break;
        case "shares":
          this.#dropAwaited(reason);
          this.#openMasked(session.closeShares());
          break;
        case "masked":
          checkQuorum(this.collector.count("received"), this.#options.quorum);
          if (this.#options.terms.isSigned) {
            this.#open("votes", MessageCode.SurvivorList, session.closeMaskedForVotes());
          } else this.#openReveal(session.closeMasked());
          break;
        case "votes":
          this.#openReveal(session.closeVotes());
          break;
      }
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /**
   * Takes the masks away.
   *
   * @returns The sum; `undefined` if the attempt has failed.
   */
  async finish(): Promise<SecureSum | undefined> {
    try {
      const sum = await this.#session.finish();
      checkSum(this.#options.terms, sum);
      this.#stage = "done";
      return sum;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #open<Code extends Message["code"]>(
    stage: SecureStage,
    code: Code,
    payloads: ReadonlyMap<Rank, Extract<Message, { readonly code: Code }>["payload"]>,
  ): void {
    this.#stage = stage;
    this.#messages = new Map(
      [...payloads].map(([rank, payload]) => [rank, { code, payload } as Message]),
    );
  }

  #openMasked(boxes: ReadonlyMap<Rank, SecureShares>): void {
    this.disputes = new Disputes(boxes);
    this.#open("masked", MessageCode.SecureShares, boxes);
  }

  #openReveal(requests: ReadonlyMap<Rank, UnmaskRequest>): void {
    this.#unmasking = this.#session.unmasking;
    this.#open("reveal", MessageCode.UnmaskRequest, requests);
  }

  #dropAwaited(reason: string): void {
    for (const rank of this.awaited) this.collector.settle(rank, "dropped", reason);
  }

  /** Ends the attempt; ranks that are not settled yet are not to blame. */
  #fail(error: unknown): void {
    if (!(error instanceof SecureError || error instanceof RangeError)) throw error;
    const { message } = error;
    this.failure = error;
    this.#stage = "done";
    for (const rank of this.collector.pending) {
      this.collector.settle(rank, "dropped", `the attempt was given up: ${message}`, true);
    }
  }
}
