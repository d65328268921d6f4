import { errorMessage } from "../base/errors.ts";
import { replaceRuntime, type Runtime } from "../base/runtime/runtime.ts";
import type { Actor, ActorState } from "./actor.ts";
import type { WorldEvent } from "./event_queue.ts";
import type { Machine } from "./machine.ts";
import type { Scheduler } from "./scheduler.ts";

/** End of a process. */
export interface ProcessEnd {
  /**
   * Cause: its main function returned, it rejected, an error was caught nowhere, or the process
   * was killed.
   */
  readonly by: "return" | "error" | "crash" | "kill";
  /** One line about an error; absent without one. */
  readonly error?: string;
  /** Resources that it had not released; absent if there were none. */
  readonly open?: string;
}

/** Parts of a process. */
export interface ProcessOptions {
  /** Name in the log of the world, unique among those that run. */
  readonly name: string;
  /** Machine that it runs on. */
  readonly machine: Machine;
  /** Number of the process, which no other process of the world has. */
  readonly pid: number;
  /** Main function. */
  readonly main: () => Promise<void>;
  readonly scheduler: Scheduler;
  /** Makes the runtime of the process. */
  readonly runtimeOf: (process: VirtualProcess) => Partial<Runtime>;
  /** Called with the stack when it uses its runtime outside of its turns. */
  readonly onEscape: (stack: string) => void;
  /** Called once when the process has ended. */
  readonly onEnd: (process: VirtualProcess, end: ProcessEnd) => void;
}

/**
 * Process of a world: a main function with a runtime of its own, in which time, files, randomness
 * and sockets are those of its machine.
 *
 * All processes share this thread. Each event of a process is one turn, before which its runtime
 * becomes that of the thread. A killed process gets no further turn, so that its promises stay
 * as they are, and nothing of it is cleaned up but what an operating system cleans up.
 */
export class VirtualProcess implements Actor {
  readonly name: string;
  readonly machine: Machine;
  readonly pid: number;
  readonly #scheduler: Scheduler;
  readonly #runtime: Partial<Runtime>;
  readonly #onEnd: ProcessOptions["onEnd"];
  readonly #onEscape: ProcessOptions["onEscape"];
  readonly #held: WorldEvent[] = [];
  /** Resources that the operating system releases when the process ends. */
  readonly #resources = new Set<Disposable>();
  #pauses = 0;
  #end: ProcessEnd | undefined;

  /** Starts a process. Its main function begins in a turn of its own. */
  constructor(options: ProcessOptions) {
    this.name = options.name;
    this.machine = options.machine;
    this.pid = options.pid;
    this.#scheduler = options.scheduler;
    this.#onEnd = options.onEnd;
    this.#onEscape = options.onEscape;
    this.#runtime = options.runtimeOf(this);
    options.scheduler.after(0, () => {
      options.main().then(
        () => this.#finish({ by: "return" }),
        (error) => this.#finish({ by: "error", error: errorMessage(error) }),
      );
    }, { actor: this });
  }

  get state(): ActorState {
    return this.#end !== undefined ? "gone" : this.#pauses > 0 ? "paused" : "running";
  }

  /** End of the process; `undefined` while it runs. */
  get end(): ProcessEnd | undefined {
    return this.#end;
  }

  enter(): void {
    replaceRuntime(this.#runtime);
  }

  hold(event: WorldEvent): void {
    this.#held.push(event);
  }

  crash(error: unknown): void {
    this.#finish({ by: "crash", error: errorMessage(error) });
  }

  /** Ends it at once, as the signal SIGKILL does. */
  kill(): void {
    this.#finish({ by: "kill" });
  }

  /** Stops it for a while, as SIGSTOP does: its machine goes on to receive for it. */
  pause(): void {
    this.#pauses++;
  }

  /**
   * Ends a pause. After the last one it goes on; what was due meanwhile comes at once, in order.
   */
  resume(): void {
    if (this.#pauses === 0 || --this.#pauses > 0) return;
    for (const event of this.#held.splice(0)) this.#scheduler.again(event);
  }

  /** Schedules a turn of the process after a time in milliseconds, in one of its turns. */
  after(millis: number, action: () => void, ready?: Promise<unknown>): WorldEvent {
    if (this.#scheduler.current !== this) {
      this.#onEscape(new Error("outside of a turn").stack ?? "");
    }
    return this.#scheduler.after(millis, action, {
      actor: this,
      ...(ready !== undefined && { ready }),
    });
  }

  /** Cancels a turn that has not come yet. */
  cancel(event: WorldEvent): void {
    const held = this.#held.indexOf(event);
    if (held >= 0) this.#held.splice(held, 1);
    else this.#scheduler.cancel(event);
  }

  /** Takes care of a resource until it is released: it is disposed of at the process's end. */
  own(resource: Disposable): void {
    this.#resources.add(resource);
  }

  /** Forgets a resource that the process has released itself. */
  disown(resource: Disposable): void {
    this.#resources.delete(resource);
  }

  #finish(end: ProcessEnd): void {
    if (this.#end !== undefined) return;
    const open = [...this.#resources].map(String).join(", ");
    this.#end = open === "" ? end : { ...end, open };
    this.#held.length = 0;
    for (const resource of this.#resources) resource[Symbol.dispose]();
    this.#resources.clear();
    this.#onEnd(this, this.#end);
  }
}
