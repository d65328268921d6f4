/**
 * Services of Deno and of browsers: time, files, randomness, workers.
 *
 * All code takes them from {@linkcode runtime}, so that a test or a simulation can put its own in
 * their place. Sockets are not among them: transports open their own.
 *
 * @module
 */

import { type Files, systemFiles } from "./files.ts";
import { type Process, systemProcess } from "./process.ts";
import { type Storage, systemStorage } from "./storage.ts";
import { type Clock, systemClock, systemTimers, type Timers } from "./time.ts";
import {
  type Compression,
  type SecureRandom,
  systemCompression,
  systemCrypto,
  systemRandom,
  systemWorkers,
  type WebCrypto,
  type Workers,
} from "./web.ts";

export type {
  Clock,
  Compression,
  Files,
  Process,
  SecureRandom,
  Storage,
  Timers,
  WebCrypto,
  Workers,
};
export type { Timer } from "./time.ts";

/** Services of Deno or of a browser. Their functions may be called without a `this`. */
export interface Runtime {
  /** Monotonic time and the time of day. */
  readonly clock: Clock;
  /** Timers. */
  readonly timers: Timers;
  /** Files and folders. */
  readonly files: Files;
  /** Classes of errors that files, sockets and processes fail with. */
  readonly errors: typeof Deno.errors;
  /** Random values that cannot be predicted; reproducible ones are in `base/random.ts`. */
  readonly random: SecureRandom;
  /** Cryptography. */
  readonly crypto: WebCrypto;
  /** Compression. */
  readonly compression: Compression;
  /** Files that a browser keeps. */
  readonly storage: Storage;
  /** Workers. */
  readonly workers: Workers;
  /** This process, its streams and permissions, and processes that it starts. */
  readonly process: Process;
}

/** Runtime in use; what {@linkcode replaceRuntime} writes to. */
const current: { -readonly [Part in keyof Runtime]: Runtime[Part] } = {
  clock: systemClock,
  timers: systemTimers,
  files: systemFiles,
  errors: errorClasses(),
  random: systemRandom,
  crypto: systemCrypto,
  compression: systemCompression,
  storage: systemStorage,
  workers: systemWorkers,
  process: systemProcess,
};

/**
 * Runtime of this thread: Deno or the browser, save for the parts that
 * {@linkcode replaceRuntime} has replaced.
 */
export const runtime: Runtime = current;

/**
 * Replaces parts of the runtime of this thread until the result is disposed of.
 *
 * @example A clock that stands still
 * ```ts ignore
 * using _ = replaceRuntime({ clock: { ...runtime.clock, now: () => 0 } });
 * ```
 *
 * @param parts Whole parts. Spread a part to change some of its functions.
 */
export function replaceRuntime(parts: Partial<Runtime>): Disposable {
  const before: Record<string, unknown> = {};
  for (const part of Object.keys(parts) as (keyof Runtime)[]) before[part] = current[part];
  Object.assign(current, parts);
  return { [Symbol.dispose]: () => void Object.assign(current, before) };
}

/** Returns true on Deno, and false in a browser, which has no files and no listening sockets. */
export function isDeno(): boolean {
  return typeof Deno !== "undefined";
}

/**
 * Deno's classes of errors. In a browser, which throws none of them, each is a class of its own.
 */
function errorClasses(): typeof Deno.errors {
  return globalThis.Deno?.errors ?? new Proxy({}, {
    get: (classes: Record<PropertyKey, unknown>, name) => classes[name] ??= class extends Error {},
  });
}
