import { Arrivals } from "../../base/limits/arrivals.ts";
import { Deadlines } from "../../base/time/deadlines.ts";
import { ConnectionClosedError, DeadlineError } from "../../base/errors.ts";
import { SILENT_HEARTBEATS, type Timeouts } from "../../net/timeouts.ts";
import type { Channel } from "../../net/transport.ts";
import { PREFIX_BYTES } from "../../wire/frame.ts";

/** Waits for what peers say first. One that has not said as much as a frame's prefix costs no more than its channel: it has no connection, and no timers of its own. */
export class FirstBytes {
  readonly #deadlines: Deadlines;
  readonly #isJoinShorter: boolean;
  readonly #waiting = new Arrivals<Channel>();

  /** Waits for as long as silence is borne, but not for longer than for a registration. */
  constructor({ joinSeconds, heartbeatSeconds }: Timeouts) {
    const silentSeconds = heartbeatSeconds * SILENT_HEARTBEATS;
    this.#isJoinShorter = joinSeconds < silentSeconds;
    this.#deadlines = new Deadlines(Math.min(joinSeconds, silentSeconds));
  }

  /**
   * The first bytes that come over a channel, as many as a frame's prefix has, or fewer when no more come. Rejects as the channel does, with a `ConnectionClosedError` when the peer closes without a
   * word, and with a `DeadlineError` when it is silent for too long.
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
      // What is broken off there is the connection's to refuse.
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

  /** Closes the channels of those who have said nothing yet. */
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
