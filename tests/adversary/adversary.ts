/**
 * Many runs with hostile members, several at a time.
 */
import { LagWatch } from "./lag.ts";
import type { Violation } from "./violation.ts";
import type { Script, Trace } from "./choices.ts";
import { run } from "./run.ts";
import { type Settings, settingsLine } from "./settings.ts";
import { runVictim, type VictimSettings } from "./victim.ts";

/** One run to make: of a server with hostile members, or of a client with a malicious server. */
export type Job =
  | {
    readonly kind: "server";
    readonly settings: Settings;
    readonly script?: Script | undefined;
    readonly trace?: Trace | undefined;
  }
  | {
    readonly kind: "client";
    readonly settings: VictimSettings;
    readonly script?: Script | undefined;
    readonly trace?: Trace | undefined;
  };

/** What came of one. */
export interface Result {
  readonly job: Job;
  /** What the run was like, in a line. */
  readonly line: string;
  readonly violations: readonly Violation[];
  /** What has to be written to a file to make the same choices again. */
  readonly replay: Replay;
  readonly seconds: number;
  readonly lagMillis: number;
}

/** A run that was made, to be made again. */
export type Replay = Pick<Job, "kind" | "settings"> & { readonly trace: Trace };

/** How jobs are done. */
export interface BatchOptions {
  /** How many at a time. Default 16. */
  readonly concurrency?: number;
  /** Told of each as it ends. */
  readonly onResult?: (result: Result) => void;
  /** Told of each line of the servers' logs. */
  readonly onLog?: (line: string) => void;
}

/** What came of all. */
export interface Summary {
  readonly runs: number;
  readonly violations: number;
  readonly seconds: number;
  /**
   * Resident memory in bytes: when a tenth of the runs was done, and at the end; and the most of
   * it.
   */
  readonly memory: { readonly warm: number; readonly end: number; readonly most: number };
}

const DEFAULT_CONCURRENCY = 16;
/**
 * A machine that was held up for so long makes honest clients late: such a run is made again before
 * it counts.
 */
const HELD_UP_MILLIS = 150;
/**
 * What this process may need, and grow by from a tenth of the runs (at least so many) to the end.
 */
const MOST_BYTES = 1.5 * 2 ** 30;
const MOST_GROWTH_BYTES = 200 * 2 ** 20;
const LEAST_WARM_UP_RUNS = 64;

async function attempt(job: Job, lag: LagWatch, onLog?: (line: string) => void): Promise<Result> {
  const { trace, script } = job;
  if (job.kind === "server") {
    const { settings } = job;
    const outcome = await run(settings, { lag, trace, script, ...(onLog && { onLog }) });
    const { violations, seconds, lagMillis, rounds } = outcome;
    return {
      job,
      line: `${settingsLine(settings)}: ${rounds} rounds`,
      violations,
      replay: { kind: job.kind, settings, trace: outcome.trace },
      seconds,
      lagMillis,
    };
  }
  const { settings } = job;
  const outcome = await runVictim(settings, { lag, trace, script });
  const { violations, seconds, lagMillis, end } = outcome;
  return {
    job,
    line: `a client of a malicious server over ${settings.transport}: ended ${
      end.replace(/[^\u0020-\u007e]/g, "?").slice(0, 100)
    }`,
    violations,
    replay: { kind: job.kind, settings, trace: outcome.trace },
    seconds,
    lagMillis,
  };
}

/** Does all jobs. */
export async function doJobs(
  jobs: Iterable<Job>,
  { concurrency = DEFAULT_CONCURRENCY, onResult, onLog }: BatchOptions = {},
): Promise<Summary & { readonly results: readonly Result[] }> {
  const began = performance.now();
  const results: Result[] = [];
  const running = new Set<number>();
  const strays: string[] = [];
  const onStray = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    strays.push(`${event.reason?.stack ?? event.reason} (while the seeds ${[...running]} ran)`);
  };
  globalThis.addEventListener("unhandledrejection", onStray);
  using lag = new LagWatch();
  const queue = jobs[Symbol.iterator]();
  let done = 0, violations = 0, most = 0, warm = 0;
  const worker = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      const job = next.value, { seed } = job.settings;
      running.add(seed);
      let result = await attempt(job, lag, onLog);
      if (result.violations.length > 0 && result.lagMillis > HELD_UP_MILLIS) {
        result = await attempt(job, lag, onLog);
      }
      running.delete(seed);
      for (const text of strays.splice(0)) {
        const stray: Violation = { invariant: "c", text: `an error that nobody handled: ${text}` };
        result = { ...result, violations: [...result.violations, stray] };
      }
      violations += result.violations.length;
      results.push(result);
      const { rss } = Deno.memoryUsage();
      most = Math.max(most, rss);
      if (++done <= LEAST_WARM_UP_RUNS) warm = most;
      onResult?.(result);
    }
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, worker));
  } finally {
    globalThis.removeEventListener("unhandledrejection", onStray);
  }
  const end = Deno.memoryUsage().rss;
  if (most > MOST_BYTES || end - warm > MOST_GROWTH_BYTES) violations++;
  const seconds = (performance.now() - began) / 1000;
  return { runs: done, violations, seconds, memory: { warm, end, most }, results };
}
