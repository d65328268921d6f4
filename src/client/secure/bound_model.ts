import { SecureError } from "../../secure/errors.ts";
import type { AttemptId } from "../../secure/messages.ts";

/**
 * Parameters that the masks of an attempt depend on. The update of others is not sent: a server
 * could have each client train on its own ones, and read a client out of the sum.
 */
export class BoundModel {
  /** Number of the parameters that have come: others of the same round count anew. */
  #model = 0;
  #bound: { readonly id: AttemptId; readonly model: number } | undefined;

  /** Notes that other parameters have come. */
  change(): void {
    this.#model++;
  }

  /** Binds an attempt to the parameters, once: members that come again get the same shares. */
  bind({ round, attempt }: AttemptId): void {
    const id = { round, attempt };
    if (!isSame(this.#bound?.id, id)) this.#bound = { id, model: this.#model };
  }

  /**
   * Checks that an attempt depends on the parameters that came last.
   *
   * @throws {SecureError} "model-changed".
   */
  check(id: AttemptId): void {
    if (isSame(this.#bound?.id, id) && this.#bound?.model === this.#model) return;
    throw new SecureError(
      "model-changed",
      `Cannot mask the update: other parameters of round ${id.round} have come since the secrets were shared`,
    );
  }

  /** Forgets the attempt. */
  reset(): void {
    this.#bound = undefined;
  }
}

/** Reports whether two attempts are the same one. */
export function isSame(a: AttemptId | undefined, b: AttemptId): boolean {
  return a?.round === b.round && a.attempt === b.attempt;
}
