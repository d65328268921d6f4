import {
  BadMessageError,
  FIRST_CREDIT,
  LEAST_COST,
  MESSAGE_BYTES,
  MOST_CREDIT,
} from "./message.ts";

/** What a message of so many bytes of data costs. */
export function costOf(dataBytes: number): number {
  return Math.max(dataBytes, LEAST_COST);
}

/**
 * The credit of both sides of a WebSocket: what this side may send, and what it has let the peer
 * send.
 */
export class Credit {
  /** Credit that this side has left. */
  #own = FIRST_CREDIT;
  /** Credit that the peer has left. */
  #peers = FIRST_CREDIT;
  /** What came and is not read yet. */
  #queued = 0;
  /** What was read so far. */
  #consumed = 0;

  /** Whether this side may send a message with so many bytes of data. */
  allows(dataBytes: number): boolean {
    return costOf(dataBytes) <= this.#own;
  }

  /**
   * Most bytes of data that a message may have now; at least as many as the least that a message
   * costs.
   */
  get mostData(): number {
    return Math.min(MESSAGE_BYTES, Math.max(this.#own, LEAST_COST));
  }

  /** This side sends a message with so many bytes of data. */
  spend(dataBytes: number): void {
    this.#own -= costOf(dataBytes);
  }

  /** The peer grants more. Throws a `ProtocolError` "bad-message" when it grants too much. */
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
   * The peer sends a message with at least so many bytes of data, for which it has paid `paid`
   * already; returns what it has paid now. Throws a `ProtocolError` "bad-message" when that is more
   * than it was granted.
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

  /** What had cost so much was read. */
  consume(cost: number): void {
    this.#queued -= cost;
    this.#consumed += cost;
  }

  /** Whether anything was read so far. */
  get hasRead(): boolean {
    return this.#consumed > 0;
  }

  /**
   * Most that may wait here, grants that are not used yet included: it grows with what was read so
   * far.
   */
  get #window(): number {
    return Math.min(MOST_CREDIT, FIRST_CREDIT + this.#consumed);
  }

  /** What can be granted. */
  get #due(): number {
    return Math.max(0, this.#window - this.#peers - this.#queued);
  }

  /**
   * Whether the peer is to be granted more by a message of its own: before it has to wait, or where
   * a prompt answer is of use. Otherwise the grant goes along with this side's next data.
   */
  owes(isPrompt: boolean): boolean {
    const due = this.#due;
    return this.#peers < this.#window / 2 && due >= this.#window / 4 || isPrompt && due > 0;
  }

  /** Grants the peer what can be granted, and returns how much that is: it must be sent. */
  grant(): number {
    const due = this.#due;
    this.#peers += due;
    return due;
  }
}
