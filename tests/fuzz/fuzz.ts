/**
 * A federation under attack: a server in a process of its own and two honest clients, while hostile
 * peers throw at it whatever they can.
 */
import { ClientSyncTop, Random, silentLogger } from "../../mod.ts";
import { attack, CASE_MILLIS } from "./attacks.ts";
import {
  HONEST,
  honestHandler,
  type RunSettings,
  TOKEN,
  transportNamed,
  undisturbedDigest,
} from "./run.ts";
import type { Memory } from "./server.ts";
import { ServerProcess } from "./server_process.ts";
import { holdOpen } from "./sockets.ts";

/** How hard the server is attacked. */
export interface FuzzOptions {
  /** Number of cases, at least 1. */
  cases: number;
  /** Seed of the cases and of the run, 0 to 2^32 - 1. */
  seed: number;
  /** What the server listens on. Default `tcp`. */
  transport?: RunSettings["transport"];
  /** Whether clients have to prove that they know a token. Default: no. */
  isClosed?: boolean;
  /** Numbers of the only cases that are carried out. Default: all. */
  only?: readonly number[];
  /** Cases at once. Default 32. */
  concurrency?: number;
  /** Connections that are opened, held and dropped at the end. Default 2000. */
  halfOpen?: number;
  /** Told of the number of cases that are done. */
  onProgress?: (done: number) => void;
}

/** What came of it. */
export interface FuzzReport {
  readonly cases: number;
  readonly seed: number;
  readonly rounds: number;
  /** Cases by kind. */
  readonly kinds: Readonly<Record<string, number>>;
  /** The server's answers, by message code or fault. */
  readonly answers: Readonly<Record<string, number>>;
  /** Cases that were broken off after their time. */
  readonly brokenOff: number;
  /**
   * Memory of the server's process, after the first tenth of the cases (at least 5000, if there are
   * so many), after all of them, and after the half-open connections.
   */
  readonly memory: {
    readonly warm: Memory;
    readonly afterCases: Memory;
    readonly end: Memory;
    /** The most that was resident, in bytes; 0 where the system does not tell. */
    readonly peak: number;
  };
  readonly modelDigest: string;
  readonly seconds: number;
  /** What must not happen, and did; empty when the server stood firm. */
  readonly violations: readonly string[];
}

/** By then the server's heap has its size. */
const LEAST_WARM_UP_CASES = 5000;
/** The server's memory may grow by so much from the first tenth of the cases to the end. */
const MOST_GROWTH_BYTES = 50 * 2 ** 20;
/** And there may be so much more in the meantime. */
const MOST_PEAK_BYTES = 400 * 2 ** 20;
const CASES_PER_ROUND = 20;
const LEAST_ROUNDS = 3;
const HOLD_MILLIS = 1000;
/** The honest run's end is waited for so long, from the last case on. */
const END_MILLIS = 120_000;

/** The case's promise, or an error when it hangs beyond its own breaking off. */
async function inTime<T>(promise: Promise<T>, millis: number, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what}: not over in time`)), millis);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function count(tally: Record<string, number>, name: string): void {
  tally[name] = (tally[name] ?? 0) + 1;
}

/** Attacks a server with so many cases. Deterministic in what is sent, not in when. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { cases, seed, concurrency = 32, halfOpen = 2000, only, onProgress } = options;
  const { transport = "tcp", isClosed = false } = options;
  const rounds = Math.max(LEAST_ROUNDS, Math.ceil(cases / CASES_PER_ROUND));
  const warmUp = Math.max(Math.ceil(cases / 10), Math.min(cases, LEAST_WARM_UP_CASES));
  const violations: string[] = [];
  const kinds: Record<string, number> = {}, answers: Record<string, number> = {};
  let done = 0, started = 0, brokenOff = 0;
  let warm: Memory = { rss: 0, heapUsed: 0 };
  const watchers = new Set<() => void>();
  const distBackend = await transportNamed(transport);
  const expected = await undisturbedDigest(seed, rounds);
  await using server = await ServerProcess.start({ seed, rounds, transport, isClosed });

  /**
   * Holds a round of an honest client back until its share of the cases is done, so that they fall
   * in all of the rounds.
   */
  const pace = async (round: number) => {
    while (!server.hasEnded && done < cases * (round - 1) / rounds) {
      const { promise, resolve } = Promise.withResolvers<void>();
      watchers.add(resolve);
      await promise;
      watchers.delete(resolve);
    }
  };
  const joined = HONEST.map(() => Promise.withResolvers<void>());
  let trained = 0;
  const stop = new AbortController();
  const clients = HONEST.map((rank, i) =>
    new ClientSyncTop(honestHandler(pace), {
      serverAddr: server.address,
      distBackend,
      ...(isClosed && { credential: { kind: "token", token: TOKEN } }),
      rank,
      logger: silentLogger,
      timeouts: { joinSeconds: 20 },
      onEvent: ({ type }) => {
        if (type === "joined") joined[i]?.resolve();
        if (type === "trained") trained++;
      },
    }).run({ signal: stop.signal })
  );
  for (const client of clients) {
    client.catch((error) => {
      if (!stop.signal.aborted) violations.push(`An honest client failed: ${error}`);
    });
  }
  await inTime(Promise.all(joined.map(({ promise }) => promise)), END_MILLIS, "Joining");

  const began = performance.now();
  const worker = async () => {
    while (started < cases && !server.hasEnded) {
      const index = started++;
      if (only !== undefined && !only.includes(index)) {
        done++;
        continue;
      }
      const random = new Random(seed, "test", { round: index });
      const signal = AbortSignal.timeout(CASE_MILLIS);
      try {
        const { kind, answer } = await inTime(
          attack({ address: server.address, transport: distBackend, random, index, signal }),
          2 * CASE_MILLIS,
          `Case ${index}`,
        );
        count(kinds, kind);
        for (const name of answer) count(answers, name);
        if (answer.length === 0) count(answers, "none");
      } catch (error) {
        if (!signal.aborted && !server.hasEnded) violations.push(`Case ${index}: ${error}`);
      }
      if (signal.aborted) brokenOff++;
      done++;
      for (const wake of watchers) wake();
      onProgress?.(done);
      if (done === warmUp) warm = await server.memory();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const seconds = (performance.now() - began) / 1000;
  if (server.hasEnded) violations.push(`The server ended before the cases did, after ${done}`);
  const afterCases = await server.memory();
  await holdOpen(server.address, halfOpen, HOLD_MILLIS);
  const end = await server.memory(), peak = await server.peak();
  for (const wake of watchers) wake();

  let modelDigest = "";
  try {
    const run = await inTime(server.finished, END_MILLIS, "The honest run");
    modelDigest = run.modelDigest;
    await inTime(Promise.all(clients), END_MILLIS, "The honest clients");
    if (run.rounds.length !== rounds) violations.push(`${run.rounds.length} of ${rounds} rounds`);
    for (const [i, { losses }] of run.rounds.entries()) {
      for (const { rank, reason } of losses) {
        if (rank <= HONEST.length) violations.push(`Round ${i + 1} lost rank ${rank}: ${reason}`);
      }
    }
    if (trained !== rounds * HONEST.length) {
      violations.push(`${trained} trainings, expected ${rounds * HONEST.length}`);
    }
    if (modelDigest !== expected) {
      violations.push(`The model is ${modelDigest}, at peace it is ${expected}`);
    }
  } catch (error) {
    violations.push(String(error));
    // They would look for the server for a while.
    stop.abort(error);
  }
  if (end.rss - warm.rss > MOST_GROWTH_BYTES) {
    violations.push(`The server grew by ${Math.round((end.rss - warm.rss) / 2 ** 20)} MiB`);
  }
  if (peak - warm.rss > MOST_PEAK_BYTES) {
    violations.push(`The server had ${Math.round(peak / 2 ** 20)} MiB in the meantime`);
  }
  violations.unshift(...server.strange.map((line) => `The server said: ${line}`));
  return {
    cases: done,
    seed,
    rounds,
    kinds,
    answers,
    brokenOff,
    memory: { warm, afterCases, end, peak },
    modelDigest,
    seconds,
    violations,
  };
}
