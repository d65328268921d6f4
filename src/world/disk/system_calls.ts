import { WORLD_BEGINS } from "../runtime/virtual_time.ts";
import type { Scheduler } from "../scheduler.ts";
import type { VirtualProcess } from "../virtual_process.ts";
import type { DiskState } from "./disk_state.ts";
import { DiskFailure, osError } from "./os_error.ts";

/** Calls that take place one after another, such as those on an open file. */
export interface CallQueue {
  /** Number of calls that have not returned. */
  pending: number;
  /** Time at which the last one returns. */
  until: number;
}

/** Description of a call. */
export interface CallOptions {
  /** Call for the log, such as `open 'x'`. */
  readonly name: string;
  /** Part of the message of its errors; that of an open file's call does not name it. */
  readonly named?: string | undefined;
  /** Calls before which it does not take place. */
  readonly queue?: CallQueue;
  /** Set for a sync, which takes longer. */
  readonly isSync?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Told whether the call has taken place, when it is made and when it has. */
  readonly onPlace?: (hasTakenPlace: boolean) => void;
}

/** Calls of a process to the files of its machine. */
export class SystemCalls {
  readonly process: VirtualProcess;
  readonly disk: DiskState;
  readonly #scheduler: Scheduler;

  /** Makes the calls of a process. */
  constructor(process: VirtualProcess, disk: DiskState, scheduler: Scheduler) {
    this.process = process;
    this.disk = disk;
    this.#scheduler = scheduler;
  }

  /** Does something at once. */
  now<Result>({ name, named }: CallOptions, act: () => Result): Result {
    const { disk, process } = this;
    // What goes on in the turn in which a process ends has no effect any more.
    if (process.state === "gone") throw new Error("The process has ended");
    disk.time = WORLD_BEGINS + Math.round(this.#scheduler.now) + process.machine.wallClockOffset;
    try {
      return act();
    } catch (error) {
      if (!(error instanceof DiskFailure)) throw error;
      if (error.isFault) disk.tell(`${error.code}: ${name}`);
      throw osError(error.code, named);
    }
  }

  /**
   * Does something within the time that it takes, at the begin or at the end, so that a process
   * may be killed both before it takes place and before the process knows that it has.
   */
  later<Result>(options: CallOptions, act: () => Result): Promise<Result> {
    const { queue, isSync = false, signal, onPlace } = options;
    if (this.process.state === "gone") return new Promise(() => {});
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { now } = this.#scheduler, { random } = this.disk;
    const end = Math.max(now + this.disk.latencyMillis(isSync), queue?.until ?? 0);
    return new Promise((resolve, reject) => {
      const attempt = (): () => void => {
        try {
          const result = this.now(options, act);
          return () => resolve(result);
        } catch (error) {
          return () => reject(error);
        }
      };
      const isEarly = (queue?.pending ?? 0) === 0 && random.below(2) === 0;
      const settle = isEarly ? attempt() : undefined;
      if (!isEarly) onPlace?.(false);
      if (queue !== undefined) {
        queue.pending++;
        queue.until = end;
      }
      this.process.after(end - now, () => {
        if (queue !== undefined) queue.pending--;
        if (!isEarly) onPlace?.(true);
        if (signal?.aborted) return reject(signal.reason);
        (settle ?? attempt())();
      });
    });
  }

  /** Schedules a turn of the process for what another one has brought about. */
  wake(action: () => void): void {
    this.#scheduler.after(0, action, { actor: this.process });
  }
}
