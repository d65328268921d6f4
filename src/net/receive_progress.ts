/** Least rate at which a frame has to arrive on average, in bytes per second. */
export const LEAST_BYTES_PER_SECOND = 16 * 1024;

/**
 * Progress of the frame that a connection is receiving.
 *
 * Counts only the time that is spent waiting for the peer. Time in which nothing is read, because
 * this side is busy, does not count. All times are in milliseconds of `runtime.clock.now()`.
 */
export class ReceiveProgress {
  #waitingSince: number | undefined;
  #isInFrame = false;
  #bodyBytes = 0;
  #waitedMillis = 0;

  /** Bytes of the frame's body so far. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** The first byte of a frame has arrived; does nothing inside a frame. */
  beginFrame(): void {
    this.#isInFrame = true;
  }

  /** Bytes of the frame's body have arrived. */
  addBody(bytes: number): void {
    this.#bodyBytes += bytes;
  }

  /** The frame is complete. */
  endFrame(): void {
    this.#isInFrame = false;
    this.#bodyBytes = this.#waitedMillis = 0;
  }

  /** A read from the channel begins. */
  beginWait(now: number): void {
    this.#waitingSince = now;
  }

  /** The read from the channel has ended. */
  endWait(now: number): void {
    if (this.#isInFrame) this.#waitedMillis += this.silentMillis(now);
    this.#waitingSince = undefined;
  }

  /** Takes time in which this side could not read off the times that were spent waiting. */
  excuse(millis: number, now: number): void {
    const current = Math.min(millis, this.silentMillis(now));
    if (this.#waitingSince !== undefined) this.#waitingSince += current;
    this.#waitedMillis = Math.max(0, this.#waitedMillis - (millis - current));
  }

  /** Time for which nothing has arrived; 0 if nothing is being read. */
  silentMillis(now: number): number {
    return this.#waitingSince === undefined ? 0 : now - this.#waitingSince;
  }

  /** Time that was spent waiting for the frame. */
  waitedMillis(now: number): number {
    return this.#waitedMillis + this.silentMillis(now);
  }

  /** Time by which the frame is later than its bytes allow; 0 if no frame is being read. */
  overdueMillis(now: number): number {
    if (!this.#isInFrame || this.#waitingSince === undefined) return 0;
    return this.waitedMillis(now) - this.#bodyBytes / LEAST_BYTES_PER_SECOND * 1000;
  }
}
