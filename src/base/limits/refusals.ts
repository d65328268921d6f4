/**
 * Refused messages for which a peer need not have been asked for anything: those of races, of
 * joining and of coming back.
 */
const AT_FIRST = 64;
/**
 * Refused messages that one question accounts for: a late answer, and the same again after a lost
 * connection.
 */
const PER_QUESTION = 2;
/** Refused messages that are borne in a row, whatever the peer was asked for before. */
const AT_MOST = 4096;

/**
 * Counts the refused messages of one peer. Whoever keeps to the protocol answers what it was asked,
 * and so has no more answers refused than it was asked for; one that goes on beyond that is of no
 * use, and its refusals would fill logs.
 */
export class Refusals {
  #left = AT_FIRST;

  /** The peer was asked for something, whose answer may come too late. */
  asked(): void {
    this.#left = Math.min(AT_MOST, this.#left + PER_QUESTION);
  }

  /** A message of the peer was refused; true when that was one too many. */
  add(): boolean {
    return --this.#left < 0;
  }
}
