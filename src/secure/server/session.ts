import { ringOrder } from "../graph.ts";
import type {
  AttemptId,
  MaskedUpdate,
  SecureKeys,
  SecureMembers,
  SecureShares,
  SurvivorList,
  SurvivorVote,
  UnmaskRequest,
  UnmaskShares,
} from "../messages.ts";
import { type Bytes, KEY_BYTES } from "../primitives.ts";
import { addRing, LANES, type RingVector } from "../quantize.ts";
import { checkMembers } from "../ring.ts";
import { sessionSalt } from "../salt.ts";
import { LEAST_MEMBERS } from "../client/policy.ts";
import { Circles } from "./circles.ts";
import { Members } from "./members.ts";
import type { SecureSessionOptions, SecureSum } from "./options.ts";
import { boxesFor, checkCount, malformed, unknownMember, wrongStage } from "./refusals.ts";
import type { SavedSession } from "./saved_session.ts";
import { Unmasking } from "./unmasking.ts";

type Stage = "keys" | "shares" | "masked" | "votes" | "reveal" | "done";

/**
 * Server's side of one attempt at a round of secure aggregation.
 *
 * Stages follow one another: keys, shares, masked updates, votes where the clients have keys, and
 * shares of secrets. Each `close…()` ends a stage and returns the messages of the next one, by
 * rank. An error of an `add…()` concerns that client alone; an error of a `close…()`, or of
 * {@linkcode SecureSession.finish}, ends the attempt.
 */
export class SecureSession {
  readonly #options: SecureSessionOptions;
  readonly #members = new Members();
  readonly #sums: RingVector;
  #stage: Stage = "keys";
  #circles = Circles.empty;
  readonly #boxes = new Map<number, ReadonlyMap<number, Bytes>>();
  readonly #digests = new Map<number, Bytes>();
  readonly #votes = new Map<number, Bytes>();
  #unmasking: Unmasking | undefined;

  /** Creates a session that takes keys. */
  constructor(options: SecureSessionOptions) {
    this.#options = options;
    this.#sums = options.into ?? new Uint32Array(options.vector.length + LANES);
  }

  /**
   * Opens a session again at its last stage: it was saved before shares were asked for.
   *
   * @param sums Sum of its masked updates.
   */
  static reopen(
    options: SecureSessionOptions,
    saved: SavedSession,
    sums: RingVector,
  ): SecureSession {
    const session = new SecureSession(options);
    session.#sums.set(sums);
    session.#unmasking = Unmasking.restore(saved, session.#sums);
    session.#stage = "reveal";
    return session;
  }

  /** Ranks of which the session waits for a message of its stage. */
  get awaited(): number[] {
    switch (this.#stage) {
      case "shares":
        return this.#circles.ranks.filter((rank) => !this.#boxes.has(rank));
      case "masked":
        return [...this.#boxes.keys()].filter((rank) => !this.#digests.has(rank));
      case "votes":
        return [...this.#digests.keys()].filter((rank) => !this.#votes.has(rank));
      case "reveal":
        return this.#unmasking?.awaited ?? [];
      default:
        return [];
    }
  }

  /** Adds the keys of a client, with its Ed25519 key where the clients have keys. */
  addKeys(rank: number, keys: SecureKeys, publicKey?: Bytes): void {
    this.#expect("keys", rank);
    this.#members.add(rank, keys, publicKey);
  }

  /**
   * Lays out the graph of the members.
   *
   * @throws {SecureError} "too-few-members".
   */
  closeKeys(): Map<number, SecureMembers> {
    this.#expect("keys");
    const { ring, graph, order = ringOrder, minMembers } = this.#options, { size } = this.#members;
    checkCount(size, minMembers, "too-few-members", "members");
    checkMembers(ring, size);
    const circles = new Circles(order(this.#members.ranks), graph(size));
    this.#circles = circles;
    this.#stage = "shares";
    return this.#toEach(circles.ranks, (rank) => ({
      threshold: circles.threshold,
      members: circles.around(rank).map((other) => this.#members.get(other)),
    }));
  }

  /** Adds the boxes of a client for its neighbours. */
  addShares(rank: number, { shares }: SecureShares): void {
    this.#expect("shares", rank);
    this.#boxes.set(rank, boxesFor(rank, this.#circles.around(rank), shares));
  }

  /**
   * Passes the boxes on. Who has sent none is out of the attempt.
   *
   * @throws {SecureError} If the sharers are too few, or too few around one of them.
   */
  closeShares(): Map<number, SecureShares> {
    this.#expect("shares");
    checkCount(this.#boxes.size, LEAST_MEMBERS, "too-few-shares", "members that share");
    this.#circles.check(this.#boxes, this.#boxes, "too-few-shares");
    this.#stage = "masked";
    return this.#toEach(this.#boxes.keys(), (rank) => ({
      shares: this.#circles.around(rank).flatMap((from) => {
        const box = this.#boxes.get(from)?.get(rank);
        return box === undefined ? [] : [{ rank: from, box }];
      }),
    }));
  }

  /**
   * Adds a masked update to the sum.
   *
   * @returns False if the member's update was there already: it came again, and is not added.
   */
  addMasked(rank: number, { masked, seedDigest }: MaskedUpdate): boolean {
    this.#expect("masked", rank);
    if (!this.#boxes.has(rank)) throw unknownMember(rank);
    if (this.#digests.has(rank)) return false;
    if (masked.length !== this.#sums.length || seedDigest.length !== KEY_BYTES) {
      throw malformed(rank, `${this.#sums.length} masked integers`);
    }
    addRing(this.#sums, masked);
    this.#digests.set(rank, seedDigest);
    return true;
  }

  /**
   * Ends the stage of updates: later ones are refused, since their masks are taken away.
   *
   * @throws {SecureError} If the survivors are too few, or too few around a member.
   */
  closeMasked(): Map<number, UnmaskRequest> {
    this.#endMasked();
    return this.#openReveal();
  }

  /** Does the same where the clients have keys: they sign the list of survivors first. */
  closeMaskedForVotes(): Map<number, SurvivorList> {
    this.#endMasked();
    this.#stage = "votes";
    const survivors = this.survivors;
    return this.#toEach(this.#digests.keys(), () => ({ survivors }));
  }

  /** Adds the vote of a survivor. Each client checks those of its neighbours itself. */
  addVote(rank: number, { signature }: SurvivorVote): void {
    this.#expect("votes", rank);
    if (!this.#digests.has(rank)) throw unknownMember(rank);
    this.#votes.set(rank, signature);
  }

  /**
   * Ends the votes.
   *
   * @throws {SecureError} "too-few-votes", around a survivor.
   */
  closeVotes(): Map<number, UnmaskRequest> {
    this.#expect("votes");
    this.#circles.check(this.#digests, this.#votes, "too-few-votes");
    return this.#openReveal();
  }

  /** Adds the shares that a survivor reveals. */
  addReveal(rank: number, message: UnmaskShares): void {
    this.#expect("reveal", rank);
    this.unmasking.add(rank, message);
  }

  /** True once there are enough shares of each secret. */
  get isRecoverable(): boolean {
    return this.#unmasking?.isRecoverable === true;
  }

  /** Last stage, in which shares are revealed. It can be saved. */
  get unmasking(): Unmasking {
    if (this.#unmasking !== undefined && this.#stage === "reveal") return this.#unmasking;
    throw wrongStage(this.#options, "reveal", this.#stage, undefined);
  }

  /**
   * Takes the masks away.
   *
   * @throws {SecureError} "secret-lost", if there are too few shares of a secret; "wrong-shares",
   * if those that there are do not fit.
   */
  async finish(): Promise<SecureSum> {
    const { unmasking } = this;
    this.#stage = "done";
    return await unmasking.finish();
  }

  #openReveal(): Map<number, UnmaskRequest> {
    this.#stage = "reveal";
    const { round, attempt } = this.#options;
    this.#unmasking = new Unmasking({
      ...{ round, attempt, members: this.#members, circles: this.#circles, sums: this.#sums },
      ...{ sharers: this.#boxes, digests: this.#digests, votes: this.#votes },
      salt: () => sessionSalt(this.#options),
    });
    return this.#unmasking.requests;
  }

  #endMasked(): void {
    this.#expect("masked");
    checkCount(this.#digests.size, LEAST_MEMBERS, "too-few-survivors", "masked updates");
    this.#circles.check(this.#boxes, this.#digests, "too-few-survivors");
  }

  /** Ranks whose masked updates have come, in ascending order. */
  get survivors(): number[] {
    return [...(this.#unmasking?.digests ?? this.#digests).keys()].sort((a, b) => a - b);
  }

  #toEach<T extends object>(
    ranks: Iterable<number>,
    message: (rank: number) => T,
  ): Map<number, T & AttemptId> {
    const { round, attempt } = this.#options;
    return new Map([...ranks].map((rank) => [rank, { round, attempt, ...message(rank) }]));
  }

  #expect(stage: Stage, rank?: number): void {
    if (this.#stage !== stage) throw wrongStage(this.#options, stage, this.#stage, rank);
  }
}
