import {
  BadMessageError,
  FIRST_CREDIT,
  LEAST_COST,
  MESSAGE_BYTES,
  MOST_CREDIT,
} from "./message.ts";

/** Returns the credit that a message with data costs. */
export function costOf(dataBytes: number): number {
  return Math.max(dataBytes, LEAST_COST);
}

/** Credit (flow control) of both sides of a WebSocket: the bytes that each side may still send. */
export class Credit {
  /** Credit that this side has left. */
  #own = FIRST_CREDIT;
  /** Credit that the peer has left. */
  #peers = FIRST_CREDIT;
  /** Credit of data that have arrived and were not read yet. */
  #queued = 0;
  /** Credit of all data that were read. */
  #consumed = 0;

  /** Returns true if this side may send a message with that number of bytes of data. */
  allows(dataBytes: number): boolean {
    return costOf(dataBytes) <= this.#own;
  }

  /** Most bytes of data that a message may have now; at least the least cost of a message. */
  get mostData(): number {
    return Math.min(MESSAGE_BYTES, Math.max(this.#own, LEAST_COST));
  }

  /** Pays for a message of this side. */
  spend(dataBytes: number): void {
    this.#own -= costOf(dataBytes);
  }

  /**
   * Adds credit that the peer grants.
   *
   * @throws {ProtocolError} "bad-message" If that is too much.
   */
  addGrant(grant: number): void {
    if (this.#own + grant > MOST_CREDIT) {
      throw new BadMessageError(
        `a credit of at most ${MOST_CREDIT}`,
        `${grant} more than ${this.#own}`,
      );
    }
    this.#own += grant;
  }

  /**
   * Charges the peer for a message with at least that number of bytes of data.
   *
   * @param paid Credit that it has paid for the message before.
   * @returns Credit that it has paid in all.
   * @throws {ProtocolError} "bad-message" If it was not granted as much.
   */
  charge(dataBytes: number, paid = 0): number {
    const cost = costOf(dataBytes);
    if (cost - paid > this.#peers) {
      throw new BadMessageError(`at most the ${this.#peers + paid} bytes granted`, String(cost));
    }
    this.#peers -= cost - paid;
    this.#queued += cost - paid;
    return cost;
  }

  /** Counts credit of data that were read. */
  consume(cost: number): void {
    this.#queued -= cost;
    this.#consumed += cost;
  }

  /** True if any data were read. */
  get hasRead(): boolean {
    return this.#consumed > 0;
  }

  /**
   * Most credit of data that wait here and of unused grants: it grows with the data that were read.
   */
  get #window(): number {
    return Math.min(MOST_CREDIT, FIRST_CREDIT + this.#consumed);
  }

  /** Credit that can be granted. */
  get #due(): number {
    return Math.max(0, this.#window - this.#peers - this.#queued);
  }

  /**
   * Returns true if a grant should be sent in a message of its own: before the peer has to wait, or
   * if it needs a prompt answer. Otherwise the grant is sent with this side's next data.
   */
  owes(isPrompt: boolean): boolean {
    const due = this.#due;
    return this.#peers < this.#window / 2 && due >= this.#window / 4 || isPrompt && due > 0;
  }

  /** Grants the credit that can be granted, and returns it: it must be sent. */
  grant(): number {
    const due = this.#due;
    this.#peers += due;
    return due;
  }
}
