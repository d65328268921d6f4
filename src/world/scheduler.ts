import { setImmediate } from "node:timers";
import type { Actor } from "./actor.ts";
import { EventQueue, type WorldEvent } from "./event_queue.ts";

/** Options of an event. */
export interface EventOptions {
  /** Process whose turn the action is. Default: none; then the action must wake no process. */
  readonly actor?: Actor | undefined;
  /** Called in place of the action if the process has ended by then. It must wake no process. */
  readonly onGone?: () => void;
  /**
   * Called in place of the action, at its time, if the process is paused by then; the action is
   * dropped. Default: the action is kept until the process goes on. It must wake no process.
   */
  readonly onPaused?: () => void;
  /** Real work that has to end before the action. It must not reject unheard. */
  readonly ready?: Promise<unknown>;
}

/**
 * Virtual clock and the events on it, run one at a time in this thread.
 *
 * Between two events all promises settle that can settle: an event of a process is one turn of its
 * event loop. Real time plays no part: real work, such as a digest, is waited for before the event
 * that gives its result, so that results come in a fixed order.
 */
export class Scheduler {
  readonly #queue = new EventQueue();
  #now = 0;
  #order = 0;
  #turn: WorldEvent | undefined;
  /** Number of events that have been run. */
  events = 0;

  /** Time in milliseconds since the world began. */
  get now(): number {
    return this.#now;
  }

  /** Process whose turn it is; `undefined` between the turns and in events of none. */
  get current(): Actor | undefined {
    return this.#turn?.actor;
  }

  /** Schedules an action after a time in milliseconds. */
  after(millis: number, action: () => void, options: EventOptions = {}): WorldEvent {
    const event: WorldEvent = {
      at: this.#now + Math.max(0, millis),
      order: this.#order++,
      actor: options.actor,
      action,
      ready: options.ready,
      onGone: options.onGone,
      onPaused: options.onPaused,
      isOver: false,
    };
    this.#queue.add(event);
    return event;
  }

  /** Schedules an event, which a paused process has held, again for now. */
  again(event: WorldEvent): void {
    event.at = this.#now;
    event.order = this.#order++;
    event.isOver = false;
    this.#queue.add(event);
  }

  /** Cancels an event. Does nothing if it was run or cancelled before. */
  cancel(event: WorldEvent): void {
    this.#queue.cancel(event);
  }

  /**
   * Runs events until a condition holds after one of them, a time has come, or nothing is left.
   *
   * @param isOver Condition.
   * @param until Time in milliseconds of the world's clock; events after it are left.
   * @returns The reason for the end.
   */
  async run(isOver: () => boolean, until = Infinity): Promise<"over" | "late" | "idle"> {
    while (!isOver()) {
      const next = this.#queue.nextTime;
      if (next === undefined) return "idle";
      if (next > until) {
        this.#now = Math.max(this.#now, until);
        return "late";
      }
      const event = this.#queue.take();
      if (event !== undefined) await this.#perform(event);
    }
    return "over";
  }

  async #perform(event: WorldEvent): Promise<void> {
    const { actor } = event;
    this.#now = Math.max(this.#now, event.at);
    if (actor?.state === "gone") return event.onGone?.();
    if (actor?.state === "paused") {
      return event.onPaused === undefined ? actor.hold(event) : event.onPaused();
    }
    if (event.ready !== undefined) await event.ready;
    this.events++;
    this.#turn = event;
    actor?.enter();
    try {
      event.action();
    } catch (error) {
      if (actor === undefined) throw error;
      actor.crash(error);
    }
    if (actor !== undefined) await settled();
    this.#turn = undefined;
  }
}

/** Resolves once all promises have settled that need nothing but others. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
