import type { Rank } from "../../base/rank.ts";
import { SecureError } from "../../secure/errors.ts";
import type { AttemptId, SecureKeys, SurvivorVote } from "../../secure/messages.ts";
import { verify } from "../../secure/primitives.ts";
import { signedKeys, signedSurvivors } from "../../secure/salt.ts";

/**
 * Signatures of the members of an attempt, checked by the server: one that does not fit would make
 * the others give the attempt up.
 */
export class Signatures {
  readonly #run: string;
  readonly #id: AttemptId;
  readonly #keyOf: (rank: Rank) => Uint8Array<ArrayBuffer> | undefined;

  /**
   * Creates the check of an attempt.
   *
   * @param keyOf Returns the Ed25519 key that a client has proved.
   */
  constructor(
    run: string,
    id: AttemptId,
    keyOf: (rank: Rank) => Uint8Array<ArrayBuffer> | undefined = () => undefined,
  ) {
    this.#run = run;
    this.#id = id;
    this.#keyOf = keyOf;
  }

  /**
   * Checks the signature of a client's keys, and returns its Ed25519 key.
   *
   * @throws {SecureError} "bad-signature", or "unlisted-key" if the client has proved none.
   */
  async checkKeys(rank: Rank, keys: SecureKeys): Promise<Uint8Array<ArrayBuffer>> {
    const { signature = new Uint8Array() } = keys;
    return await this.#check(rank, signature, signedKeys(this.#run, rank, keys));
  }

  /**
   * Checks the vote of a client.
   *
   * @throws {SecureError} "bad-signature", or "unlisted-key".
   */
  async checkVote(
    rank: Rank,
    survivors: readonly Rank[],
    { signature }: SurvivorVote,
  ): Promise<void> {
    await this.#check(rank, signature, await signedSurvivors(this.#run, this.#id, survivors));
  }

  async #check(
    rank: Rank,
    signature: Uint8Array<ArrayBuffer>,
    text: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const key = this.#keyOf(rank), ranks = [rank];
    if (key === undefined) {
      throw new SecureError("unlisted-key", `Rank ${rank} has joined without a key`, { ranks });
    }
    if (await verify(key, signature, text)) return key;
    throw new SecureError("bad-signature", `Rank ${rank} has not signed its message`, { ranks });
  }
}
