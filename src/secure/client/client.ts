import { SecureError } from "../errors.ts";
import { applyMasks } from "../masks.ts";
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
import type { RingVector } from "../quantize.ts";
import type { SaltedSession } from "../salt.ts";
import { ClientAttempt } from "./attempt.ts";
import { KeyPairs, type Signer } from "./key_pairs.ts";
import { type ClientPolicy, minMembersOf } from "./policy.ts";

/** Options of a {@linkcode SecureClient}. */
export interface SecureClientOptions {
  /** Name of the run. */
  readonly run: string;
  /** Rank of the client. */
  readonly rank: number;
  /** Conditions under which the client takes part. */
  readonly policy?: ClientPolicy;
  /** Identity by which it signs, where the clients have keys. */
  readonly signer?: Signer;
}

/**
 * Client's side of secure aggregation, one round after another.
 *
 * Each method takes a message of the server and returns the answer. A message that comes again,
 * after a lost connection, gets the same answer; a different one of its kind is refused. A client
 * that has revealed shares for a round answers no other attempt of that round, so that no two sums
 * with the same update can be told apart.
 *
 * Bell et al. 2020, "Secure Single-Server Aggregation with (Poly)Logarithmic Overhead", algorithm
 * 2, and Bonawitz et al. 2017, "Practical Secure Aggregation for Privacy-Preserving Machine
 * Learning".
 */
export class SecureClient {
  readonly #options: SecureClientOptions;
  readonly #pairs: KeyPairs;
  readonly #revealed = new Set<number>();
  #attempt: ClientAttempt | undefined;

  /**
   * Creates a client.
   *
   * @throws {RangeError} If the policy's least number of members is below 3.
   * @throws {TypeError} If it wants members to sign, and has no key itself.
   */
  constructor(options: SecureClientOptions) {
    minMembersOf(options.policy ?? {});
    if (options.policy?.isListed !== undefined && options.signer === undefined) {
      throw new TypeError("Cannot take part where keys are signed: expected a signer, got none");
    }
    this.#options = options;
    this.#pairs = new KeyPairs(options);
  }

  /** Makes the keys of the next attempt. They may be sent before its round is known. */
  async keys(): Promise<SecureKeys> {
    return await this.#pairs.make();
  }

  /**
   * Checks the members of a session and shares this client's secrets with its neighbours.
   *
   * @param vector Global vector as it was received.
   * @param ring Ring of the client's own plan.
   * @param told Encoding of what the client was told of its training.
   * @throws {SecureError} If the client does not take part.
   */
  async share(
    session: SecureMembers,
    { vector, ring, told }: Pick<SaltedSession, "vector" | "ring" | "told">,
  ): Promise<SecureShares> {
    const { round, attempt } = session;
    const current = this.#attempt;
    if (current?.round === round && current.attempt === attempt) return current.sharesFor(session);
    if (this.#revealed.has(round)) {
      throw new SecureError(
        "revealed-already",
        `Cannot join attempt ${attempt} of round ${round}: this client has revealed shares for an earlier one`,
      );
    }
    if (current?.round === round && attempt < current.attempt) throw outOfTurn(session);
    const pairs = this.#pairs.take(session.members);
    if (pairs === undefined) {
      throw new SecureError(
        "own-keys-altered",
        "Cannot join the session: expected unused keys of this client among those of the members",
      );
    }
    const next = new ClientAttempt(this.#options, pairs, session);
    this.#attempt = next;
    return await next.share({ vector, ring, told });
  }

  /**
   * Opens the boxes of the neighbours. Those without a box are out of the attempt for good.
   *
   * @throws {SecureError} If a box is not what it should be, or there are too few.
   */
  async receive(shares: SecureShares): Promise<void> {
    await this.#at(shares).receive(shares);
  }

  /**
   * Masks a quantized update, in place.
   *
   * @throws {SecureError} If it is not the time for it.
   */
  async mask(id: AttemptId, quantized: RingVector): Promise<MaskedUpdate> {
    return await this.#at(id).mask(quantized, applyMasks);
  }

  /**
   * Signs the list of survivors, once in an attempt.
   *
   * @throws {SecureError} If another list was signed already, or the list cannot be true.
   */
  async vote(list: SurvivorList): Promise<SurvivorVote> {
    return await this.#at(list).vote(list);
  }

  /**
   * Reveals a share of one secret of each neighbour that shared.
   *
   * @throws {SecureError} If the request asks for what a server must not have.
   */
  async reveal(request: UnmaskRequest): Promise<UnmaskShares> {
    const attempt = this.#at(request);
    const isFirst = !this.#revealed.has(request.round);
    // Before the answer is made: no other attempt of the round may begin meanwhile.
    this.#revealed.add(request.round);
    try {
      return await attempt.reveal(request);
    } catch (error) {
      if (isFirst) this.#revealed.delete(request.round);
      throw error;
    }
  }

  #at(id: AttemptId): ClientAttempt {
    const current = this.#attempt;
    if (current?.round === id.round && current.attempt === id.attempt) return current;
    throw outOfTurn(id);
  }
}

function outOfTurn({ round, attempt }: AttemptId): SecureError {
  return new SecureError(
    "wrong-stage",
    `Cannot take the message: this client is not in attempt ${attempt} of round ${round}`,
  );
}
