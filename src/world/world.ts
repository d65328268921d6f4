/**
 * World of machines in simulated time: clock, network, disks and processes from one seed.
 *
 * @module
 */

import { hashText } from "../base/hash.ts";
import { Random } from "../base/random.ts";
import { replaceRuntime, runtime } from "../base/runtime/runtime.ts";
import type { Transport } from "../net/transport.ts";
import { VirtualDisk } from "./disk/virtual_disk.ts";
import { Machine } from "./machine.ts";
import { VirtualNetwork } from "./network/virtual_network.ts";
import { virtualRuntime } from "./runtime/virtual_runtime.ts";
import { preload } from "./preload.ts";
import { Scheduler } from "./scheduler.ts";
import { Trace } from "./trace.ts";
import { type ProcessEnd, VirtualProcess } from "./virtual_process.ts";

/** Options of a world. */
export interface WorldOptions {
  /** Seed from which everything follows that is left to chance. */
  readonly seed: number;
  /** Called with each line of the log. */
  readonly onLine?: (line: string) => void;
}

/** Surroundings of a process: sockets, random values and the log. */
export interface ProcessContext {
  /** The process. */
  readonly process: VirtualProcess;
  /** Sockets of its machine. */
  readonly transport: Transport;
  /** Random values of the process, by a stream of its own. */
  readonly random: Random;
  /** Writes a line to the log of the world. */
  log(line: string): void;
}

/**
 * World of machines in simulated time. The same seed, the same programs and the same faults give
 * the same log, byte for byte.
 *
 * While a world runs it holds the runtime of this thread: one world runs at a time.
 */
export class World {
  static #isRunning = false;
  readonly seed: number;
  readonly scheduler = new Scheduler();
  readonly network: VirtualNetwork;
  readonly trace: Trace;
  readonly #machines = new Map<string, Machine>();
  readonly #processes: VirtualProcess[] = [];
  readonly #starts = new Map<string, number>();
  /**
   * Stacks of uses of a runtime outside of the turns of its process: something has waited for real
   * time, such as a module that was not loaded before. A world with any cannot be replayed.
   */
  readonly escapes: string[] = [];
  /** Resources that processes have left open though their main function has returned. */
  readonly leaks: string[] = [];
  /** Called when a process has ended. */
  onEnd: (process: VirtualProcess, end: ProcessEnd) => void = () => {};

  /** Creates a world without machines. */
  constructor({ seed, onLine }: WorldOptions) {
    this.seed = seed;
    this.trace = new Trace(onLine);
    this.network = new VirtualNetwork({
      scheduler: this.scheduler,
      random: this.random("network"),
      isOn: (name) => this.#machines.get(name)?.isOn ?? false,
      onEvent: (name, text) => this.log(name, text),
    });
  }

  /** Time in milliseconds since the world began. */
  get now(): number {
    return this.scheduler.now;
  }

  /** Processes that run. */
  get processes(): readonly VirtualProcess[] {
    return this.#processes;
  }

  /** Opens a stream of random numbers that depends on the seed and the name alone. */
  random(name: string, number = 0): Random {
    return new Random(this.seed, "world", { round: hashText(name), rank: number });
  }

  /** Writes a line to the log. */
  log(name: string, text: string): void {
    this.trace.add(this.now, name, text);
  }

  /** Returns the machine of a name, which is created at the first call. */
  machine(name: string): Machine {
    let machine = this.#machines.get(name);
    if (machine === undefined) {
      const disk = new VirtualDisk({
        name,
        scheduler: this.scheduler,
        random: this.random(`disk of ${name}`),
        onEvent: (text) => this.log(name, text),
      });
      this.#machines.set(name, machine = new Machine(name, disk));
    }
    return machine;
  }

  /** Starts a process on a machine. Its name is that of the machine if none is given. */
  start(
    machine: Machine,
    main: (context: ProcessContext) => Promise<void>,
    name: string = machine.name,
  ): VirtualProcess {
    const starts = (this.#starts.get(name) ?? 0) + 1;
    this.#starts.set(name, starts);
    const random = this.random(`values of ${name}`, starts);
    const log = (line: string) => this.log(name, line);
    const process: VirtualProcess = new VirtualProcess({
      name,
      machine,
      pid: 1000 + [...this.#starts.values()].reduce((sum, count) => sum + count, 0),
      main: () =>
        main({
          process,
          transport: this.network.transportOf(process),
          random: this.random(`choices of ${name}`, starts),
          log,
        }),
      scheduler: this.scheduler,
      runtimeOf: (process) =>
        virtualRuntime(process, { scheduler: this.scheduler, random, onLine: log }),
      onEscape: (stack) => void this.escapes.push(stack),
      onEnd: (process, end) => {
        if (end.by === "return" && end.open !== undefined) {
          this.leaks.push(`${name} has left open: ${end.open}`);
        }
        this.#processes.splice(this.#processes.indexOf(process), 1);
        log(`ends by ${end.by}${end.error === undefined ? "" : `: ${end.error}`}`);
        this.onEnd(process, end);
      },
    });
    this.#processes.push(process);
    log("starts");
    return process;
  }

  /**
   * Takes the power from a machine: its processes end, and its disk keeps what it has to keep. It
   * has power again when `powerOn` was called as often.
   */
  powerOff(machine: Machine): void {
    if (machine.outages++ > 0) return;
    this.log(machine.name, "loses power");
    for (const process of this.#on(machine)) process.kill();
    this.network.powerChanged(machine);
    machine.disk.crash();
  }

  /** Gives a machine its power back. Its programs are started by whoever runs it. */
  powerOn(machine: Machine): void {
    if (machine.isOn || --machine.outages > 0) return;
    this.log(machine.name, "has power again");
    this.network.powerChanged(machine);
  }

  /**
   * Runs the world until a condition holds, a time has come, or nothing is left to do.
   *
   * @param until Time in milliseconds of the world.
   * @throws {Error} If another world runs in this thread.
   */
  async run(isOver: () => boolean, until?: number): Promise<"over" | "late" | "idle"> {
    if (World.#isRunning) throw new Error("Cannot run a world: another one runs in this thread");
    World.#isRunning = true;
    try {
      return await this.#run(isOver, until);
    } finally {
      World.#isRunning = false;
    }
  }

  async #run(isOver: () => boolean, until?: number): Promise<"over" | "late" | "idle"> {
    const onRejection = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      const { current } = this.scheduler;
      if (current === undefined) throw event.reason;
      current.crash(event.reason);
    };
    await preload();
    using _runtime = replaceRuntime({ ...runtime });
    addEventListener("unhandledrejection", onRejection);
    try {
      return await this.scheduler.run(isOver, until);
    } finally {
      removeEventListener("unhandledrejection", onRejection);
    }
  }

  #on(machine: Machine): VirtualProcess[] {
    return this.#processes.filter((process) => process.machine === machine);
  }
}
