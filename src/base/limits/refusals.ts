/**
 * Refused messages that a peer may send unasked: those of races, of joining and of reconnecting.
 */
const AT_FIRST = 64;
/**
 * Refused messages that one request accounts for: a late answer, and the same again after a lost
 * connection.
 */
const PER_QUESTION = 2;
/** Most refused messages in a row, after any number of requests. */
const AT_MOST = 4096;

/**
 * Counter of the refused messages of one peer.
 *
 * A peer that keeps to the protocol answers requests, so it has no more answers refused than it got
 * requests. One that exceeds that is of no use, and its refusals would fill logs.
 */
export class Refusals {
  #left = AT_FIRST;

  /** Counts a request, whose answer may come too late. */
  asked(): void {
    this.#left = Math.min(AT_MOST, this.#left + PER_QUESTION);
  }

  /** Counts a refused message; returns true if that was one too many. */
  add(): boolean {
    return --this.#left < 0;
  }
}
