/** Receipts of a client, which tell how many bytes of its connection it has received. */
export class Receipts {
  #received = 0;
  #next: { readonly bytes: number; readonly onEnd: (isReceived: boolean) => void } | undefined;

  /** Notes that the client has received so many bytes since the connection began. */
  heard(bytes: number): void {
    this.#received = bytes;
    if (this.#next !== undefined && this.#next.bytes <= bytes) this.#end(true);
  }

  /**
   * Waits for the receipt of so many bytes, in place of the one that was waited for before.
   *
   * @param onEnd Called once: with `true` at the receipt, with `false` when the session ends.
   */
  wait(bytes: number, onEnd: (isReceived: boolean) => void): void {
    this.#end(true);
    this.#next = { bytes, onEnd };
    this.heard(this.#received);
  }

  /** Ends the wait: the connection is lost. */
  close(): void {
    this.#end(false);
  }

  #end(isReceived: boolean): void {
    const next = this.#next;
    this.#next = undefined;
    next?.onEnd(isReceived);
  }
}
