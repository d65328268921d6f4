/**
 * The error of a client that has no update for a round.
 *
 * @module
 */

/**
 * An error of a client that cannot train for one round although its data are sound: the loss of the
 * server's parameters is not finite, or training from them gives no finite result.
 *
 * The client reports it to the server by the fault `"cannot-train"`, and stays for the next round.
 * Throw it from `train` or `gradient` of a {@linkcode ClientBackendHandler} of your own; after any
 * other error the client leaves.
 *
 * @example A handler whose training may diverge
 * ```ts
 * import { CannotTrainError } from "@fedlab/core";
 * import { assertThrows } from "@std/assert";
 *
 * function checkLoss(loss: number): void {
 *   if (Number.isFinite(loss)) return;
 *   throw new CannotTrainError(`Training diverged: the loss is ${loss}`);
 * }
 * assertThrows(() => checkLoss(NaN), CannotTrainError, "Training diverged");
 * ```
 */
export class CannotTrainError extends Error {
  /**
   * Makes an error.
   *
   * @param message One line that names the value that is not finite; the server's log and report
   * show it.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CannotTrainError";
  }
}

/** Text in place of a reason, which may have figures of the client's data. */
export const UNTOLD_REASON = "Cannot train: the reason is not told with secure aggregation";
