import { Arrivals } from "../../base/limits/arrivals.ts";
import { Deadlines } from "../../base/time/deadlines.ts";
import { ConnectionClosedError, DeadlineError } from "../../base/errors.ts";
import { SILENT_HEARTBEATS, type Timeouts } from "../../net/timeouts.ts";
import type { Channel } from "../../net/transport.ts";
import { PREFIX_BYTES } from "../../wire/frame.ts";

/**
 * Reader of the first bytes of peers. A peer that has not sent the prefix of a frame costs no more
 * than its channel: it has neither a connection nor a timer of its own.
 */
export class FirstBytes {
  readonly #deadlines: Deadlines;
  readonly #isJoinShorter: boolean;
  readonly #waiting = new Arrivals<Channel>();

  /** Creates a reader that waits as long as for silent clients, or the join time-out if shorter. */
  constructor({ joinSeconds, heartbeatSeconds }: Timeouts) {
    const silentSeconds = heartbeatSeconds * SILENT_HEARTBEATS;
    this.#isJoinShorter = joinSeconds < silentSeconds;
    this.#deadlines = new Deadlines(Math.min(joinSeconds, silentSeconds));
  }

  /**
   * Reads the first bytes of a channel: the prefix of a frame, or less when the peer closes.
   *
   * @throws {ConnectionClosedError} If the peer closes without sending anything.
   * @throws {DeadlineError} If the peer is silent for too long.
   */
  async of(channel: Channel): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(PREFIX_BYTES);
    let isLate = false;
    const deadline = this.#deadlines.begin(() => {
      isLate = true;
      channel.close();
    });
    const waiting = this.#waiting.add(channel);
    try {
      let length = 0;
      for (let got: number | null = 0; got !== null && length < bytes.length; length += got ?? 0) {
        got = await channel.read(length === 0 ? bytes : bytes.subarray(length));
      }
      // The connection refuses a truncated frame.
      if (length > 0) return bytes.subarray(0, length);
    } catch (error) {
      throw isLate ? this.#late(channel) : error;
    } finally {
      this.#deadlines.end(deadline);
      this.#waiting.delete(waiting);
    }
    throw new ConnectionClosedError(
      `Lost the connection to ${channel.remote}: it was closed during registration`,
    );
  }

  /** Closes the channels of the peers that have sent nothing yet. */
  closeAll(): void {
    for (let one = this.#waiting.shift(); one !== undefined; one = this.#waiting.shift()) {
      one.close();
    }
  }

  #late({ remote }: Channel): DeadlineError {
    const { seconds } = this.#deadlines;
    return new DeadlineError(
      this.#isJoinShorter
        ? "it did not finish its registration in time"
        : `Lost the connection to ${remote}: nothing heard for ${seconds} seconds`,
    );
  }
}
