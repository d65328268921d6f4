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
import { BOX_BYTES } from "../client/boxes.ts";
import { LEAST_MEMBERS } from "../client/policy.ts";
import { Circles } from "./circles.ts";
import { Members } from "./members.ts";
import type { SecureSessionOptions, SecureSum } from "./options.ts";
import { checkCount, malformed, unknownMember, wrongStage } from "./refusals.ts";
import { Reveals } from "./reveals.ts";
import { unmask } from "./unmask.ts";

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
  #reveals: Reveals | undefined;

  /** Creates a session that takes keys. */
  constructor(options: SecureSessionOptions) {
    this.#options = options;
    this.#sums = options.into ?? new Uint32Array(options.vector.length + LANES);
  }

  /** Ranks of which the session waits for a message of its stage. */
  get awaited(): number[] {
    const has = (given: { has(rank: number): boolean } | undefined) => (rank: number) =>
      given?.has(rank) === false;
    switch (this.#stage) {
      case "shares":
        return this.#circles.ranks.filter(has(this.#boxes));
      case "masked":
        return [...this.#boxes.keys()].filter(has(this.#digests));
      case "votes":
        return [...this.#digests.keys()].filter(has(this.#votes));
      case "reveal":
        return [...this.#digests.keys()].filter(has(this.#reveals));
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
    const { ring, graph, order = ringOrder, minMembers } = this.#options;
    const { size } = this.#members;
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
    const others = this.#circles.around(rank).filter((other) => other !== rank);
    const boxes = new Map(shares.map(({ rank, box }) => [rank, box]));
    const isFit = (other: number) => boxes.get(other)?.length === BOX_BYTES;
    if (shares.length !== others.length || !others.every(isFit)) {
      throw malformed(rank, "one box for each neighbour");
    }
    this.#boxes.set(rank, boxes);
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
    return this.#requests();
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
    return this.#requests((rank) => ({
      votes: this.#circles.around(rank).flatMap((voter) => {
        const signature = this.#votes.get(voter);
        return signature === undefined ? [] : [{ rank: voter, signature }];
      }),
    }));
  }

  /** Adds the shares that a survivor reveals. */
  addReveal(rank: number, message: UnmaskShares): void {
    this.#expect("reveal", rank);
    if (!this.#digests.has(rank)) throw unknownMember(rank);
    this.#reveals?.add(rank, message);
  }

  /** True once there are enough shares of each secret. */
  get isRecoverable(): boolean {
    return this.#reveals?.isEnough === true;
  }

  /**
   * Takes the masks away.
   *
   * @throws {SecureError} "secret-lost", if there are too few shares of a secret; "wrong-shares",
   * if those that there are do not fit.
   */
  async finish(): Promise<SecureSum> {
    this.#expect("reveal");
    const unknowns = this.#reveals?.unknowns() ?? [];
    this.#stage = "done";
    const salt = await sessionSalt(this.#options);
    const { degree, threshold } = this.#circles, revealed = this.#reveals?.size ?? 0;
    const wrong = await unmask(this.#sums, unknowns, { threshold, salt });
    const [members, shared, masked] = [this.#members.size, this.#boxes.size, this.#digests.size];
    const stages = { degree, threshold, members, shared, masked, revealed };
    return { sums: this.#sums, survivors: this.survivors, wrong, stages };
  }

  #requests(
    more: (rank: number) => Partial<UnmaskRequest> = () => ({}),
  ): Map<number, UnmaskRequest> {
    this.#stage = "reveal";
    const closed = { members: this.#members, circles: this.#circles };
    this.#reveals = new Reveals({ ...closed, sharers: this.#boxes, digests: this.#digests });
    return this.#toEach(this.#digests.keys(), (rank) => ({
      dropped: this.#circles.among(rank, this.#boxes).filter((it) => !this.#digests.has(it)),
      ...more(rank),
    }));
  }

  #endMasked(): void {
    this.#expect("masked");
    checkCount(this.#digests.size, LEAST_MEMBERS, "too-few-survivors", "masked updates");
    this.#circles.check(this.#boxes, this.#digests, "too-few-survivors");
  }

  /** Ranks whose masked updates have come, in ascending order. */
  get survivors(): number[] {
    return [...this.#digests.keys()].sort((a, b) => a - b);
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
