/**
 * Growth of costs with the number of clients: exponents, which are 1 for a straight line, and the
 * figures of the largest size. Each run has a process of its own.
 *
 * @module
 */

import { withProcess } from "../helpers/process.ts";
import { type LiveRounds, liveRounds } from "../helpers/live_rounds.ts";
import { restart } from "../helpers/restart.ts";
import { exponentOf } from "../helpers/slope.ts";
import type { ScaleRun } from "../processes/scale_run.ts";
import { type BenchOptions, type BenchResult, median, mostResult } from "../result.ts";

/** Largest exponent of a cost that grows in a straight line. */
const LINEAR = 1.1;
/** Largest exponent of a cost that does not grow, measured with noise. */
const CONSTANT = 0.2;

/** Numbers of clients, the largest one last. */
const REGISTERED = [1000, 10_000, 100_000, 1_000_000];
const COHORTS = [1000, 3000, 10_000, 20_000], LONG_COHORTS = [...COHORTS, 50_000, 100_000];
/** Updates that are measured for each size of a cohort. */
const COHORT_UPDATES = 60_000;
/** Clients that evaluate. */
const EVALUATING = 100_000, LONG_EVALUATING = 300_000;
const SMALL_COHORTS = [50, 100, 200, 400], SMALL_UPDATES = 20_000;
const LIVE = [30, 100, 300, 1000], LONG_LIVE = [...LIVE, 3000, 10_000];
const WARM_UP = 2;
/** Parameters of connected clients, about how many updates are measured, and goals of rounds. */
const LIVE_VALUES = 2000, LIVE_UPDATES = 10_000;
const LIVE_GOALS: ReadonlyMap<number, number> = new Map([[1000, 60], [10_000, 1000]]);
/** Clients of a round where their number is not what is measured, and number of small clients. */
const COHORT = 100, SMALL_CLIENTS = 10_000;

/**
 * Measures simulations of logistic regression: registered clients of which 100 are in a round,
 * cohorts of all clients, and an evaluation by all clients, of 2 rows of 8 synthetic features each,
 * and cohorts of clients with 6 rows of MNIST. Measures rounds over TCP of clients with 2,000
 * parameters that do not train, too. Values: exponents of the processor time of a round by the
 * number of clients, and the shortest round of the largest number. `--long` measures cohorts up to
 * 100,000 clients and 10,000 connected ones.
 */
export async function* scaleBench(options: BenchOptions): AsyncGenerator<BenchResult> {
  yield* await registered(options);
  yield* await cohorts(options);
  yield* await evaluatingClients(options);
  yield* await smallClients(options);
  yield* await liveClients(options);
  yield* await comebacks(options);
}

/** Clients that are known, of which few are in a round. */
async function registered(options: BenchOptions): Promise<BenchResult[]> {
  const runs = await each(REGISTERED, (size) => run(options, { clients: size, rounds: 50 }));
  const [most, last] = lastOf(runs);
  return [
    exponent(`registered clients, ${range(runs)}, 100 a round`, runs, CONSTANT),
    shortest(`${figure(most)} clients, 100 a round`, last.roundMillis, { unit: "ms", most: 10 }),
    mostResult(`${figure(most)} clients, peak memory`, [last.peakMegabytes], {
      unit: "MB",
      most: 500,
    }),
    mostResult(`${figure(most)} clients, set-up`, [last.setUpSeconds * 1000], {
      unit: "ms",
      most: 5000,
    }),
  ];
}

/** Cohorts of all clients. */
async function cohorts(options: BenchOptions): Promise<BenchResult[]> {
  const sizes = options.long ? LONG_COHORTS : COHORTS;
  const runs = await each(
    sizes,
    (size) => {
      // As many updates of each size, so that all have run the code as often.
      const rounds = Math.max(6, Math.round(COHORT_UPDATES / size));
      return run(options, { clients: size, cohort: size, rounds });
    },
  );
  const [most, last] = lastOf(runs);
  return [
    exponent(`cohort, ${range(runs)} clients`, runs, LINEAR),
    shortest(`cohort of ${figure(most)}, a client`, last.roundMillis.map((ms) => ms / most), {
      unit: "ms",
      most: 0.1,
    }),
  ];
}

/** Clients that all evaluate the model, of whose results sums and distributions are kept. */
async function evaluatingClients(options: BenchOptions): Promise<BenchResult[]> {
  const clients = options.long ? LONG_EVALUATING : EVALUATING;
  const { peakMegabytes } = await run(options, { clients, rounds: 3, evaluates: "clients" });
  const name = `${figure(clients)} clients that evaluate, peak memory`;
  return [mostResult(name, [peakMegabytes], { unit: "MB", most: 500 })];
}

/** Clients of few rows, whose training takes less time than what is around it. */
async function smallClients(options: BenchOptions): Promise<BenchResult[]> {
  const runs = await each(
    SMALL_COHORTS,
    (cohort) =>
      run(options, {
        data: "mnist",
        clients: SMALL_CLIENTS,
        cohort,
        rounds: SMALL_UPDATES / cohort,
      }),
  );
  const common = runs.find(([size]) => size === COHORT);
  const micros = common?.[1].roundMillis.map((ms) => ms * 1000 / COHORT) ?? [];
  return [
    exponent(`small clients, ${range(runs)} a round`, runs, LINEAR),
    shortest("small clients, 100 a round, a client", micros, { unit: "µs", most: 20 }),
  ];
}

/** Connected clients that do not train. */
async function liveClients({ seed, long, signal }: BenchOptions): Promise<BenchResult[]> {
  const runs = await each(long ? LONG_LIVE : LIVE, (clients) => {
    const rounds = Math.round(Math.max(3, Math.min(100, LIVE_UPDATES / clients)));
    const sizes = { clients, values: LIVE_VALUES, warmUp: WARM_UP, rounds };
    return liveRounds({ ...sizes, seed, signal });
  });
  return [
    exponent(`clients on TCP, ${range(runs)}`, runs, LINEAR),
    ...runs.flatMap(([clients, { roundMillis }]) => {
      const most = LIVE_GOALS.get(clients);
      if (most === undefined) return [];
      return [shortest(`${figure(clients)} clients on TCP`, roundMillis, { unit: "ms", most })];
    }),
  ];
}

/** Clients that all come back to a server that was killed, and the memory of that server. */
async function comebacks({ long, signal }: BenchOptions): Promise<BenchResult[]> {
  const clients = long ? 10_000 : 1000;
  const { millis, figures: { received, lost, memory } } = await restart({
    clients,
    values: LIVE_VALUES,
    signal,
  });
  if (received < clients || lost > 0) {
    throw new Error("Cannot measure the restart: clients were lost");
  }
  const count = `${figure(clients)} clients`;
  return [
    mostResult(`${count} after a restart`, [millis / 1000], { unit: "s", most: 10 }),
    mostResult(`${count}, server's memory`, [memory / 1e6], { unit: "MB", most: 400 }),
  ];
}

/** Runs by the size that is measured. */
type Runs<Run extends LiveRounds> = readonly (readonly [size: number, run: Run])[];

async function each<Run extends LiveRounds>(
  sizes: readonly number[],
  measure: (size: number) => Promise<Run>,
): Promise<Runs<Run>> {
  const runs: [number, Run][] = [];
  for (const size of sizes) runs.push([size, await measure(size)]);
  return runs;
}

async function run(
  { seed, signal }: BenchOptions,
  { data, clients, cohort = COHORT, rounds, evaluates = "test" }: {
    data?: string;
    clients: number;
    cohort?: number;
    rounds: number;
    /** Who evaluates after the last round: test data, or all clients. */
    evaluates?: "test" | "clients";
  },
): Promise<ScaleRun> {
  const module = new URL("../processes/scale_run.ts", import.meta.url);
  const name = data ?? `synthetic:rows=${2 * clients},features=8,classes=2`;
  const args = [name, clients, cohort, rounds, seed, evaluates];
  const output = await withProcess(module, args, { signal }, ({ output }) => output);
  return JSON.parse(output) as ScaleRun;
}

/** Makes the result of the exponent of the processor time, which should be at most `most`. */
function exponent(name: string, runs: Runs<LiveRounds>, most: number): BenchResult {
  const fitted = exponentOf(runs.map(([size, { processorMillis }]) => ({
    size,
    cost: processorMillis,
  })));
  // A ratio to an exponent of 0 or less says nothing.
  return mostResult(name, [Math.max(fitted, 0.01)], { unit: "exponent", most });
}

/** Makes the result of times of which the shortest should be at most `most`. */
function shortest(
  name: string,
  times: readonly number[],
  { unit, most }: { unit: string; most: number },
): BenchResult {
  const value = Math.min(...times);
  const ratio = most / value;
  return { name, unit, value, ceiling: most, ratio, min: value, median: median(times), target: 1 };
}

function lastOf<Run>(runs: readonly (readonly [number, Run])[]): readonly [number, Run] {
  const last = runs.at(-1);
  if (last === undefined) throw new Error("Cannot measure: there are no sizes");
  return last;
}

function range(runs: readonly (readonly [size: number, run: unknown])[]): string {
  return `${figure(runs[0]?.[0] ?? 0)} to ${figure(runs.at(-1)?.[0] ?? 0)}`;
}

function figure(count: number): string {
  return count.toLocaleString("en-US");
}
