import { Random } from "../../../src/base/random.ts";
import { Scheduler } from "../../../src/world/scheduler.ts";
import { Machine } from "../../../src/world/machine.ts";
import { VirtualDisk } from "../../../src/world/disk/virtual_disk.ts";
import { type ProcessEnd, VirtualProcess } from "../../../src/world/virtual_process.ts";
import { virtualRuntime } from "../../../src/world/runtime/virtual_runtime.ts";
import { replaceRuntime, runtime } from "../../../src/base/runtime/runtime.ts";

/** Machine with a disk, on which processes are started by themselves, without a network. */
export class DiskMachine {
  readonly scheduler = new Scheduler();
  readonly disk: VirtualDisk;
  /** Faults that have had an effect, and crashes. */
  readonly events: string[] = [];
  /** Lines that the processes have printed. */
  readonly lines: string[] = [];
  readonly #machine: Machine;
  readonly #seed: number;
  #pid = 1;

  constructor(seed = 1) {
    this.#seed = seed;
    this.disk = new VirtualDisk({
      name: "machine",
      scheduler: this.scheduler,
      random: new Random(seed, "world"),
      onEvent: (line) => void this.events.push(line),
    });
    this.#machine = new Machine("machine", this.disk);
  }

  /** Starts a process, which begins to run by the next call of {@linkcode DiskMachine.run}. */
  start(main: () => Promise<void>): VirtualProcess {
    const pid = this.#pid++;
    return new VirtualProcess({
      ...{ name: `process ${pid}`, machine: this.#machine, pid, main, scheduler: this.scheduler },
      runtimeOf: (process) =>
        virtualRuntime(process, {
          scheduler: this.scheduler,
          random: new Random(this.#seed, "world", { rank: pid }),
          onLine: (line) => void this.lines.push(line),
        }),
      onEscape: (stack) => {
        throw new Error(`The process went on outside of its turns: ${stack}`);
      },
      onEnd: () => {},
    });
  }

  /** Runs all events, or those until a time of the world or until a condition holds. */
  async run(until?: number, isOver: () => boolean = () => false): Promise<void> {
    using _runtime = replaceRuntime({ ...runtime });
    await this.scheduler.run(isOver, until);
  }

  /** Starts a process, kills it after some events, and returns its end if it was over before. */
  async killAfter(main: () => Promise<void>, events: number): Promise<ProcessEnd | undefined> {
    const process = this.start(main), end = this.scheduler.events + events;
    await this.run(undefined, () => this.scheduler.events >= end || process.end !== undefined);
    const before = process.end;
    process.kill();
    return before;
  }

  /**
   * Runs a process to its end, and returns the result.
   *
   * @throws {Error} If it fails.
   */
  async get<Result>(main: () => Promise<Result>): Promise<Result> {
    let result: Result | undefined, failure: { error: unknown } | undefined;
    const process = this.start(async () => {
      try {
        result = await main();
      } catch (error) {
        failure = { error };
      }
    });
    await this.run(undefined, () => process.end !== undefined);
    if (failure !== undefined) throw failure.error;
    return result as Result;
  }
}
