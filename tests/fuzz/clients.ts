/**
 * Clients under attack: each joins a server that says what is not sound, and has to leave it in
 * time and with a clear word.
 */
import {
  type ClientBackendHandler,
  ClientSyncTop,
  errorMessage,
  type Logger,
  ProtocolError,
  Random,
} from "../../mod.ts";
import { isClear } from "../adversary/clear.ts";
import { LagWatch } from "../adversary/lag.ts";
import { drawMalice, EvilServer } from "./evil_server.ts";
import { honestHandler, TOKEN, undisturbedDigest } from "./run.ts";
import type { Memory } from "./server.ts";
import { saysExit, trainee } from "./server_messages.ts";

/** How many clients are attacked. */
export interface ClientFuzzOptions {
  /** Number of cases, at least 1. */
  cases: number;
  /** Seed of the cases, 0 to 2^32 - 1. */
  seed: number;
  /** Numbers of the only cases that are carried out. Default: all. */
  only?: readonly number[] | undefined;
  /** Cases at once. Default 32. */
  concurrency?: number;
  /** Told of the number of cases that are done. */
  onProgress?: (done: number) => void;
}

/** What came of it. */
export interface ClientFuzzReport {
  readonly cases: number;
  readonly seed: number;
  /** Cases by kind. */
  readonly kinds: Readonly<Record<string, number>>;
  /** How the clients ended, by fault or kind of error. */
  readonly ends: Readonly<Record<string, number>>;
  /**
   * Memory of this process after the first tenth of the cases and after all of them, in bytes, and
   * the most that was resident at the end of any.
   */
  readonly memory: { readonly warm: Memory; readonly end: Memory; readonly peak: number };
  readonly seconds: number;
  /** What must not happen, and did. */
  readonly violations: readonly string[];
}

const JOIN_SECONDS = 0.3, DRAIN_SECONDS = 0.2;
/** By then a client has left a server that is gone; training is broken off. */
const END_MILLIS = 5000;
/**
 * By how much what is alive may grow, where garbage is collected before it is looked at
 * (`--v8-flags=--expose-gc`), and what is resident.
 */
const MOST_ALIVE_BYTES = 20 * 2 ** 20, MOST_GROWTH_BYTES = 250 * 2 ** 20;
const MOST_PEAK_BYTES = 800 * 2 ** 20;
const LEAST_WARM_UP_CASES = 500;
/** What a client may log in one case. */
const MOST_LOG_BYTES = 20_000;
// deno-lint-ignore no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
/** How the runtime words a fault of ours. */
const OURS =
  /is not a function|is not iterable|Cannot (?:read|set) propert|(?<!got )\bundefined\b|Maximum call stack|Invalid (?:typed )?array|out of bounds|unreachable/;

function memory(): Memory {
  (globalThis as { gc?: () => void }).gc?.();
  const { rss, heapUsed } = Deno.memoryUsage();
  return { rss, heapUsed };
}

/** What a client did with a malicious server. */
async function runCase(seed: number, index: number, lag: LagWatch): Promise<
  { kind: string; end: string; faults: string[] }
> {
  using late = lag.watch();
  const random = new Random(seed, "test", { round: index });
  const malice = drawMalice(random);
  const server = new EvilServer(malice);
  const faults: string[] = [];
  let logged = 0, longest = "";
  const line = (text: string) => {
    logged += text.length;
    if (text.length > longest.length) longest = text;
    if (CONTROL.test(text) || OURS.test(text)) faults.push(`the log says ${JSON.stringify(text)}`);
  };
  const logger: Logger = { debug() {}, info: line, warn: line, error: line };
  const handler: ClientBackendHandler = malice.builds ? await trainee() : honestHandler();
  const stop = new AbortController();
  let end = "", isLate = false;
  const running = new ClientSyncTop(handler, {
    serverAddr: server.address,
    distBackend: malice.transport,
    logger,
    ...(malice.kind === "challenging" && { credential: { kind: "token", token: TOKEN } as const }),
    timeouts: { joinSeconds: JOIN_SECONDS, drainSeconds: DRAIN_SECONDS, heartbeatSeconds: 0.5 },
  }).run({ signal: stop.signal }).then(
    () => {
      end = "well";
      if (!server.said.some(saysExit)) faults.push("it ended well, though no Exit was sent");
    },
    (error) => {
      end = error instanceof ProtocolError ? error.fault : Object(error).name ?? typeof error;
      const text = errorMessage(error);
      if (!isLate && (!isClear(error) || CONTROL.test(text) || OURS.test(text))) {
        faults.push(`it ended by ${Object(error).stack ?? error}`);
      }
    },
  );
  const timer = setTimeout(() => {
    isLate = true;
    faults.push(`it is still there after ${END_MILLIS} ms`);
    stop.abort(new Error("enough"));
  }, END_MILLIS);
  await running;
  clearTimeout(timer);
  if (isLate && late.millis > 500) faults.pop();
  await server.stop();
  await handler[Symbol.asyncDispose]();
  if (logged > MOST_LOG_BYTES) {
    faults.push(`it logged ${logged} characters: ${longest.slice(0, 300)}`);
  }
  const { kind, transport } = malice;
  return { kind: `${kind}, ${transport}`, end, faults };
}

function count(tally: Record<string, number>, name: string): void {
  tally[name] = (tally[name] ?? 0) + 1;
}

/** Attacks so many clients, in this process. Deterministic in what is sent. */
export async function fuzzClients(options: ClientFuzzOptions): Promise<ClientFuzzReport> {
  const { cases, seed, only, concurrency = 32, onProgress } = options;
  const violations: string[] = [];
  const kinds: Record<string, number> = {}, ends: Record<string, number> = {};
  const began = performance.now();
  const expected = await undisturbedDigest(seed, 3);
  const warmUp = Math.min(cases, Math.max(Math.ceil(cases / 10), LEAST_WARM_UP_CASES));
  let started = 0, done = 0, peak = 0;
  let warm = memory();
  const uncaught = (event: PromiseRejectionEvent | ErrorEvent) => {
    event.preventDefault();
    const error = "reason" in event ? event.reason : event.error;
    violations.push(`Nobody caught ${Object(error).stack ?? error}`);
  };
  addEventListener("unhandledrejection", uncaught);
  addEventListener("error", uncaught);
  try {
    using lag = new LagWatch();
    const worker = async () => {
      while (started < cases) {
        const index = started++;
        if (only === undefined || only.includes(index)) {
          const { kind, end, faults } = await runCase(seed, index, lag);
          count(kinds, kind);
          count(ends, end);
          violations.push(...faults.map((text) => `Case ${index} (${kind}): ${text}`));
        }
        peak = Math.max(peak, Deno.memoryUsage().rss);
        if (++done === warmUp) warm = memory();
        onProgress?.(done);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
  } finally {
    removeEventListener("unhandledrejection", uncaught);
    removeEventListener("error", uncaught);
  }
  const end = memory();
  const growth = { alive: end.heapUsed - warm.heapUsed, resident: end.rss - warm.rss };
  if (growth.alive > MOST_ALIVE_BYTES && "gc" in globalThis) {
    violations.push(`What is alive grew by ${Math.round(growth.alive / 2 ** 20)} MiB`);
  }
  if (growth.resident > MOST_GROWTH_BYTES) {
    violations.push(`Memory grew by ${Math.round(growth.resident / 2 ** 20)} MiB`);
  }
  if (peak - warm.rss > MOST_PEAK_BYTES) {
    violations.push(`There were ${Math.round(peak / 2 ** 20)} MiB in the meantime`);
  }
  const digest = await undisturbedDigest(seed, 3);
  if (digest !== expected) violations.push(`The model is ${digest}, before it was ${expected}`);
  const seconds = (performance.now() - began) / 1000;
  return { cases: done, seed, kinds, ends, memory: { warm, end, peak }, seconds, violations };
}
