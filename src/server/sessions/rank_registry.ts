import { runtime } from "../../base/runtime/runtime.ts";
import type { Rank } from "../../base/rank.ts";
import { ProcessGroup } from "../../net/process_group.ts";
import type { SavedRanks } from "../../round/record/saved_run.ts";
import { type Assignment, chooseRank, type Claim } from "./rank_choice.ts";

/** Rank that was freed because its key may not have it. */
export interface RevokedRank {
  readonly rank: Rank;
  readonly reason: string;
  /** Set if a client had the rank, or was expected back. */
  readonly wasTaken: boolean;
}

/** Creates a session token: 128 random bits, in hexadecimal. */
function newToken(): string {
  return runtime.random.getRandomValues(new Uint8Array(16)).toHex();
}

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
  readonly #tokens: Map<Rank, string>;
  /** Identities of the keys that ranks belong to. */
  readonly #holders: Map<Rank, string>;
  /** Identities of the keys that are registering for ranks. */
  readonly #registering = new Map<Rank, string>();
  /** Ranks whose connection is lost, and the timer of each wait for one. */
  readonly #away = new Map<Rank, ReturnType<typeof setTimeout> | undefined>();

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
    readonly kept: readonly Rank[] = [],
  ) {
    this.group = new ProcessGroup(worldSize);
    this.#tokens = new Map(tokens);
    this.#holders = new Map(identities);
    for (const rank of this.#tokens.keys()) this.#away.set(rank, undefined);
  }

  /** State to save for a resumed run. */
  get saved(): SavedRanks & { readonly identities: readonly (readonly [Rank, string])[] } {
    const sorted = (map: Map<Rank, string>) => [...map].sort(([a], [b]) => a - b);
    return { tokens: sorted(this.#tokens), identities: sorted(this.#holders) };
  }

  /** Ranks that are connected or expected back, in order. */
  get ranks(): Rank[] {
    return [...new Set([...this.group.ranks, ...this.#away.keys()])].sort((a, b) => a - b);
  }

  /** Ranks that are expected back, in order. */
  get away(): Rank[] {
    return [...this.#away.keys()].sort((a, b) => a - b);
  }

  /** Rank of a session token. */
  rankOf(token: string): Rank | undefined {
    return [...this.#tokens].find(([, one]) => one === token)?.[0];
  }

  /** Identity of the key that a rank belongs to. */
  holderOf(rank: Rank): string | undefined {
    return this.#holders.get(rank) ?? this.#registering.get(rank);
  }

  /** Ranks that belong to a key, in order. */
  ranksOf(identity: string): Rank[] {
    const ranks = [...this.#holders, ...this.#registering]
      .filter(([, one]) => one === identity).map(([rank]) => rank);
    return [...new Set(ranks)].sort((a, b) => a - b);
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
        this.#away.set(wanted, undefined);
        replace(former);
      }
      // The rank is not given up while its client registers.
      if (this.#away.has(wanted)) {
        runtime.timers.clearTimeout(this.#away.get(wanted));
        this.#away.set(wanted, undefined);
      }
    }
    const rank = this.group.claim(session, wanted);
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
    runtime.timers.clearTimeout(this.#away.get(rank));
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
    if (this.group.claimant(rank) !== session) return false;
    this.group.leave(rank, session);
    this.#registering.delete(rank);
    if (!this.#away.has(rank) || this.#away.get(rank) !== undefined) return false;
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
    if (this.group.claimant(rank) !== session) return false;
    this.group.leave(rank, session);
    this.#keep(rank, seconds, onForget);
    return true;
  }

  #keep(rank: Rank, seconds: number, onForget: () => void): void {
    runtime.timers.clearTimeout(this.#away.get(rank));
    const timer = runtime.timers.setTimeout(() => {
      this.forget(rank);
      onForget();
    }, seconds * 1000);
    this.#away.set(rank, timer);
  }

  /**
   * Frees the rank of a client that has left.
   *
   * @returns Whether the rank was that session's.
   */
  leave(rank: Rank, session: Session): boolean {
    if (this.group.claimant(rank) !== session) return false;
    this.group.leave(rank, session);
    this.forget(rank);
    return true;
  }

  /** Expects a rank back no longer. It still belongs to its key. */
  forget(rank: Rank): void {
    runtime.timers.clearTimeout(this.#away.get(rank));
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
    for (const [rank, identity] of [...this.#holders].sort(([a], [b]) => a - b)) {
      const reason = whyNot(identity, rank);
      if (reason === undefined) continue;
      const session = this.group.claimant(rank);
      revoked.push({ rank, reason, wasTaken: session !== undefined || this.#away.has(rank) });
      this.#holders.delete(rank);
      this.#registering.delete(rank);
      this.forget(rank);
      if (session !== undefined) this.group.leave(rank, session);
    }
    return revoked;
  }

  /** Ends all waits for ranks that are away. */
  close(): void {
    for (const timer of this.#away.values()) runtime.timers.clearTimeout(timer);
  }
}
