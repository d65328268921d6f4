import type { WorldEvent } from "./event_queue.ts";

/** State of an actor: its events are run, kept until it goes on, or dropped. */
export type ActorState = "running" | "paused" | "gone";

/** Process, as the scheduler sees it: each of its events is one turn of it. */
export interface Actor {
  /** Name in the log of the world. */
  readonly name: string;
  /** State. */
  readonly state: ActorState;
  /** Makes its runtime that of this thread; called before each of its turns. */
  enter(): void;
  /** Keeps an event that is due while the actor is paused. */
  hold(event: WorldEvent): void;
  /** Ends it because of an error that nothing has caught. */
  crash(error: unknown): void;
}
