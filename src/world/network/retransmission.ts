import type { WorldEvent } from "../event_queue.ts";
import type { VirtualNetwork } from "./virtual_network.ts";

/** Time until a packet is sent again for the first time, in milliseconds. It doubles each time. */
const FIRST_MILLIS = 200;
/** Longest time between two attempts, in milliseconds. */
const LONGEST_MILLIS = 120_000;
/** Shortest and longest time until a sender gives up, in milliseconds. */
const GIVE_UP_MILLIS = [30_000, 900_000] as const;
/** Longest time for which a machine sends again for a process that has closed its end. */
const ORPHAN_MILLIS = 102_200;

/** Actions of a sender whose packets are not acknowledged. */
export interface RetransmissionParts {
  readonly network: VirtualNetwork;
  /** Sends again. */
  readonly retry: () => void;
  /** Ends the connection. */
  readonly giveUp: () => void;
}

/**
 * Attempts of a sender to reach a receiver that does not answer. Attempts that cannot succeed are
 * no events: the next one is computed when something has changed on the way to the receiver.
 */
export class Retransmission {
  readonly #parts: RetransmissionParts;
  readonly #since: number;
  #end: WorldEvent;
  #next: WorldEvent | undefined;

  /** Begins now. */
  constructor(parts: RetransmissionParts, isOrphan: boolean) {
    const { network, giveUp } = parts;
    this.#parts = parts;
    this.#since = network.now;
    // Most systems give up sooner than the longest time.
    const [least, most] = GIVE_UP_MILLIS;
    const millis = least + (most - least) * network.random.uniform() ** 3;
    this.#end = network.scheduler.after(
      isOrphan ? Math.min(millis, ORPHAN_MILLIS) : millis,
      giveUp,
    );
  }

  /** True once the first attempt was made: nothing new is sent before an answer. */
  get hasBegun(): boolean {
    return this.#parts.network.now >= this.#since + FIRST_MILLIS;
  }

  /** Lets the next attempt be made. */
  resume(): void {
    if (this.#next !== undefined) return;
    const { network, retry } = this.#parts;
    const elapsed = network.now - this.#since;
    let at = 0;
    for (let step = FIRST_MILLIS; at <= elapsed; step = Math.min(2 * step, LONGEST_MILLIS)) {
      at += step;
    }
    this.#next = network.scheduler.after(at - elapsed, () => {
      this.#next = undefined;
      retry();
    });
  }

  /** Shortens the time until it gives up, as a machine does once the process has gone. */
  orphan(): void {
    const { network: { now, scheduler }, giveUp } = this.#parts;
    if (this.#end.at <= now + ORPHAN_MILLIS) return;
    scheduler.cancel(this.#end);
    this.#end = scheduler.after(ORPHAN_MILLIS, giveUp);
  }

  /** Ends it: an answer has come, or the connection is over. */
  stop(): void {
    const { scheduler } = this.#parts.network;
    scheduler.cancel(this.#end);
    if (this.#next !== undefined) scheduler.cancel(this.#next);
  }
}
