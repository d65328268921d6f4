/**
 * A round that a client has nothing to give to.
 *
 * @module
 */

/**
 * A client cannot train for one round, though nothing is wrong with its data: the loss of the
 * server's parameters is not finite, or training from them gives no finite result.
 *
 * A client tells the server so, by the fault `"cannot-train"`, and stays for the next round. Throw
 * it from `train` or `gradient` of a {@linkcode ClientBackendHandler} of your own; after any other
 * error the client leaves.
 *
 * @example A handler whose training may diverge
 * ```ts
 * import { CannotTrainError } from "@fedlab/core";
 * import { assertThrows } from "@std/assert";
 *
 * function checkLoss(loss: number): void {
 *   if (!Number.isFinite(loss)) throw new CannotTrainError(`Training diverged: the loss is ${loss}`);
 * }
 * assertThrows(() => checkLoss(NaN), CannotTrainError, "Training diverged");
 * ```
 */
export class CannotTrainError extends Error {
  /**
   * Makes an error whose message, one line, says what is not finite; the server's log and report
   * show it.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CannotTrainError";
  }
}
