import type { ParameterVector } from "../../params/manifest.ts";
import { SecureError } from "../../secure/errors.ts";
import type { AttemptId } from "../../secure/messages.ts";
import { type Bytes, equalBytes } from "../../secure/primitives.ts";

/** Training that a client was sent for a round. */
export interface RoundTraining {
  readonly round: number;
  /** Values that travel of the parameters. */
  readonly vector: ParameterVector;
  /** Encoding of what the client was told of it. */
  readonly told: Bytes;
}

/**
 * Training that a client was sent last, and the attempt whose masks depend on it. An update of
 * another training is not sent under them: a server could have each client train on parameters of
 * its own, and read a client out of the sum.
 */
export class ReceivedTraining {
  #last: RoundTraining | undefined;
  #bound: { readonly id: AttemptId; readonly to: RoundTraining } | undefined;

  /** Reports whether these are the parameters that came last, and are of this round. */
  has(round: number, vector: ParameterVector): boolean {
    const last = this.of(round);
    return last?.vector.length === vector.length &&
      last.vector.every((value, i) => Object.is(value, vector[i]));
  }

  /** Returns the training of a round; `undefined` if it is not the one that came last. */
  of(round: number): RoundTraining | undefined {
    return this.#last?.round === round ? this.#last : undefined;
  }

  /** Keeps a training, with a copy of the vector in the memory of the one before. */
  keep({ round, vector, told }: RoundTraining): void {
    const last = this.#last;
    if (last !== undefined && this.has(round, vector) && equalBytes(last.told, told)) return;
    const kept = last?.vector.length === vector.length
      ? last.vector
      : new Float32Array(vector.length);
    kept.set(vector);
    this.#last = { round, vector: kept, told };
  }

  /**
   * Binds an attempt to the training of its round, once: members that come again get the same
   * shares.
   *
   * @returns The training; `undefined` if it has not come.
   */
  bind({ round, attempt }: AttemptId): RoundTraining | undefined {
    const to = this.of(round), id = { round, attempt };
    if (to !== undefined && !isSameAttempt(this.#bound?.id, id)) this.#bound = { id, to };
    return to;
  }

  /**
   * Returns the training that an attempt is bound to.
   *
   * @throws {SecureError} "model-changed", if it is not the one that came last.
   */
  boundTo(id: AttemptId): RoundTraining {
    const { id: bound, to } = this.#bound ?? {};
    if (to !== undefined && to === this.#last && isSameAttempt(bound, id)) return to;
    throw new SecureError(
      "model-changed",
      `Cannot mask the update: other parameters of round ${id.round} have come since the secrets were shared`,
    );
  }
}

/** Reports whether two attempts are the same one. */
export function isSameAttempt(a: AttemptId | undefined, b: AttemptId): boolean {
  return a?.round === b.round && a.attempt === b.attempt;
}
