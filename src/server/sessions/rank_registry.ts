import type { Rank } from "../../base/rank.ts";
import { ProcessGroup } from "../../net/process_group.ts";
import type { SavedRanks } from "../../round/record/saved_state.ts";
import { AwayRanks } from "./away_ranks.ts";
import type { RevokedRank } from "./key_changes.ts";
import { type Assignment, chooseRank, type Claim } from "./rank_choice.ts";
import { RankOwners } from "./rank_owners.ts";
import { newToken } from "./session_token.ts";
import { SpareRanks } from "./spare_ranks.ts";

/**
 * Registry of the ranks of a run. A rank whose connection is lost is kept for a while, and the
 * client that shows its session token gets it back. A client that leaves gives its rank up at once.
 *
 * A rank that a key has had belongs to that key for the run, even without a connection, until
 * {@linkcode RankRegistry.revoke} frees it. No other key gets it by rank or by token, and the key
 * itself gets it without a token.
 */
export class RankRegistry<Session> implements Assignment<Session> {
  /** Clients that are connected and ready. */
  readonly group: ProcessGroup<Session>;
  readonly #tokens: RankOwners;
  /** Identities of the keys that ranks belong to. */
  readonly #holders: RankOwners;
  /** Identities of the keys that are registering for ranks. */
  readonly #registering = new RankOwners();
  /** Ranks whose connection is lost. */
  readonly #away = new AwayRanks((rank) => this.#spare.update(rank));
  readonly #spare: SpareRanks;

  /**
   * Creates a registry.
   *
   * @param worldSize Size of the group.
   * @param saved Ranks of a run that is resumed.
   * @param kept Ranks of an earlier run, whose clients may ask for them.
   */
  constructor(
    worldSize: number,
    { tokens, identities = [] }: SavedRanks = { tokens: [] },
    kept: readonly Rank[] = [],
  ) {
    this.group = new ProcessGroup(worldSize);
    this.#tokens = new RankOwners(tokens);
    this.#holders = new RankOwners(identities);
    this.#spare = new SpareRanks(this.group, this.#away, kept);
    for (const [rank] of tokens) this.#away.add(rank);
  }

  /** State to save for a resumed run. */
  get saved(): SavedRanks & { readonly identities: readonly (readonly [Rank, string])[] } {
    return { tokens: this.#tokens.sorted, identities: this.#holders.sorted };
  }

  /** Number of ranks that are connected or expected back. */
  get size(): number {
    return this.group.size + this.#away.size;
  }

  /** Ranks that are connected or expected back, in order. */
  get ranks(): Rank[] {
    const { ranks } = this.group;
    return this.#away.size === 0 ? ranks : [...ranks, ...this.#away.ranks].sort((a, b) => a - b);
  }

  /** Number of ranks that are expected back. */
  get awayCount(): number {
    return this.#away.size;
  }

  /** Ranks that are expected back, in order. */
  get away(): Rank[] {
    return this.#away.ranks;
  }

  /** Reports whether a rank is expected back. */
  isAway(rank: Rank): boolean {
    return this.#away.has(rank);
  }

  /** Rank of a session token. */
  rankOf(token: string): Rank | undefined {
    return this.#tokens.ranksOf(token)[0];
  }

  /** Identity of the key that a rank belongs to. */
  holderOf(rank: Rank): string | undefined {
    return this.#holders.get(rank) ?? this.#registering.get(rank);
  }

  /** Ranks that belong to a key, in order. */
  ranksOf(identity: string): Rank[] {
    const ranks = [...this.#holders.ranksOf(identity), ...this.#registering.ranksOf(identity)];
    return [...new Set(ranks)].sort((a, b) => a - b);
  }

  /**
   * Finds a rank without a client. Ranks of an earlier run come late, and those that are expected
   * back last.
   */
  freeRank(isFit: (rank: Rank) => boolean): Rank | undefined {
    return this.#spare.find(isFit);
  }

  /**
   * Session that the client would replace by its key alone, without its session token. It may be
   * another process with the same key: the caller makes sure that it is silent.
   *
   * @throws {ProtocolError} As {@linkcode RankRegistry.claim} does.
   */
  predecessor(claim: Claim): Session | undefined {
    const { rank, isOwn, token } = chooseRank(claim, this);
    return isOwn && token === undefined && rank !== undefined
      ? this.group.claimant(rank)
      : undefined;
  }

  /**
   * Gives a client its rank, and its session token, which is valid from
   * {@linkcode RankRegistry.assign} on. A client that shows its token, or proves the key that the
   * rank belongs to, replaces its own earlier connection.
   *
   * @param replace Called with the session that is replaced.
   * @throws {ProtocolError} As `chooseRank()` and `ProcessGroup.claim` do.
   */
  claim(
    session: Session,
    claim: Claim,
    replace: (former: Session) => void,
  ): { rank: Rank; token: string } {
    const { rank: wanted, isOwn, token = newToken() } = chooseRank(claim, this);
    if (isOwn && wanted !== undefined) {
      const former = this.group.claimant(wanted);
      if (former !== undefined) {
        this.group.leave(wanted, former);
        this.#away.add(wanted);
        replace(former);
      }
      // The rank is not given up while its client registers.
      if (this.#away.has(wanted)) this.#away.add(wanted);
    }
    const rank = this.group.claim(session, wanted);
    this.#spare.update(rank);
    if (claim.key === undefined) this.#registering.delete(rank);
    else this.#registering.set(rank, claim.identity);
    return { rank, token };
  }

  /** Assigns a rank to its client, which is ready and counts as joined. */
  assign(rank: Rank, token: string): void {
    this.#tokens.set(rank, token);
    const identity = this.#registering.get(rank);
    if (identity !== undefined) this.#holders.set(rank, identity);
    this.#registering.delete(rank);
    this.#away.delete(rank);
    this.group.ready(rank);
  }

  /**
   * Ends the registration of a client whose connection was lost before it was ready.
   *
   * @returns Whether it had replaced an earlier connection, whose rank is kept as by
   * {@linkcode RankRegistry.disconnect}.
   */
  cancel(rank: Rank, session: Session, seconds: number, onForget: () => void): boolean {
    if (!this.#free(rank, session)) return false;
    this.#registering.delete(rank);
    if (!this.#away.has(rank) || this.#away.isTimed(rank)) return false;
    this.#keep(rank, seconds, onForget);
    return true;
  }

  /**
   * Keeps the rank of a client whose connection was lost.
   *
   * @param seconds Time after which the rank is forgotten.
   * @param onForget Called when it is.
   * @returns Whether the rank was that session's.
   */
  disconnect(rank: Rank, session: Session, seconds: number, onForget: () => void): boolean {
    if (!this.#free(rank, session)) return false;
    this.#keep(rank, seconds, onForget);
    return true;
  }

  #keep(rank: Rank, seconds: number, onForget: () => void): void {
    this.#away.addFor(rank, seconds, () => {
      this.forget(rank);
      onForget();
    });
  }

  /** Takes a rank from a session. Returns `false` if it was not that session's. */
  #free(rank: Rank, session: Session): boolean {
    if (this.group.claimant(rank) !== session) return false;
    this.group.leave(rank, session);
    this.#spare.update(rank);
    return true;
  }

  /**
   * Frees the rank of a client that has left.
   *
   * @returns Whether the rank was that session's.
   */
  leave(rank: Rank, session: Session): boolean {
    if (!this.#free(rank, session)) return false;
    this.forget(rank);
    return true;
  }

  /** Expects a rank back no longer. It still belongs to its key. */
  forget(rank: Rank): void {
    this.#away.delete(rank);
    this.#tokens.delete(rank);
    this.group.changed();
  }

  /**
   * Frees the ranks of keys that may not have them.
   *
   * @param whyNot Gives the reason for which an identity may not have a rank.
   * @returns The freed ranks, in order.
   */
  revoke(whyNot: (identity: string, rank: Rank) => string | undefined): RevokedRank[] {
    const revoked: RevokedRank[] = [];
    for (const [rank, identity] of this.#holders.sorted) {
      const reason = whyNot(identity, rank);
      if (reason === undefined) continue;
      const session = this.group.claimant(rank);
      revoked.push({ rank, reason, wasTaken: session !== undefined || this.#away.has(rank) });
      this.#holders.delete(rank);
      this.#registering.delete(rank);
      this.forget(rank);
      if (session !== undefined) this.#free(rank, session);
    }
    return revoked;
  }

  /** Ends all waits for ranks that are away. */
  close(): void {
    this.#away.close();
  }
}
