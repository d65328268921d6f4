import { type Process, type Runtime, runtime } from "../../base/runtime/runtime.ts";
import type { Random } from "../../base/random.ts";
import type { Scheduler } from "../scheduler.ts";
import type { VirtualProcess } from "../virtual_process.ts";
import { virtualCrypto } from "./virtual_crypto.ts";
import { virtualRandom } from "./virtual_random.ts";
import { virtualClock, virtualTimers } from "./virtual_time.ts";

/** Parts of the runtime of a process. */
export interface VirtualRuntimeParts {
  readonly scheduler: Scheduler;
  /** Stream of the process's random values. */
  readonly random: Random;
  /** Called with each line that the process writes to its standard output or error. */
  readonly onLine: (line: string) => void;
}

/**
 * Returns the runtime of a process: time, files, randomness and cryptography of its own. It has no
 * workers, and may start no other processes.
 */
export function virtualRuntime(
  process: VirtualProcess,
  { scheduler, random, onLine }: VirtualRuntimeParts,
): Partial<Runtime> {
  const values = virtualRandom(random);
  return {
    clock: virtualClock(process, scheduler),
    timers: virtualTimers(process),
    files: process.machine.disk.filesOf(process),
    random: values,
    crypto: virtualCrypto(process, values),
    workers: {
      areThere: false,
      hardwareConcurrency: 1,
      start: () => {
        throw new Error("Cannot start a worker: a process of a world has none");
      },
    },
    process: virtualProcess(process, onLine),
  };
}

/** Permissions of a process, which may do all. */
const GRANTED: Awaited<ReturnType<Process["permissions"]["query"]>> = Object.assign(
  new EventTarget(),
  {
    state: "granted" as const,
    partial: false,
    onchange: null,
  },
);

function virtualProcess(process: VirtualProcess, onLine: (line: string) => void): Process {
  const stream = lineStream(onLine);
  return Object.create(
    runtime.process,
    Object.getOwnPropertyDescriptors({
      pid: process.pid,
      os: "linux",
      args: [],
      env: { get: () => undefined },
      permissions: {
        query: () => Promise.resolve(GRANTED),
        querySync: () => GRANTED,
        request: () => Promise.resolve(GRANTED),
      },
      stdout: stream,
      stderr: stream,
      noColor: true,
      exit: () => {
        process.kill();
        throw new Error("The process has ended");
      },
      addSignalListener: () => {},
      removeSignalListener: () => {},
      command: () => {
        throw new Error("Cannot start a program: a process of a world starts none");
      },
    }),
  );
}

/** Returns a standard stream whose lines are told to a function. */
function lineStream(onLine: (line: string) => void): Process["stdout"] {
  const decoder = new TextDecoder();
  let rest = "";
  return Object.assign(Object.create(null), {
    writeSync(bytes: Uint8Array): number {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(onLine);
      return bytes.length;
    },
    isTerminal: () => false,
  });
}
