/**
 * Simulations beside those of other programs on the same task, in the same run: a loop of NumPy,
 * batched products of PyTorch, compiled JAX, and Flower on Ray.
 *
 * @module
 */

import { type BenchOptions, type BenchResult, median } from "../result.ts";
import { ownRun, type PeerRun, peerRun, type PeerTask } from "../helpers/peers.ts";

const REPETITIONS = 5;
/** Flower takes most of a minute for each run. */
const SLOW_REPETITIONS = 1;

interface Comparison extends PeerTask {
  readonly name: string;
  readonly peers: readonly string[];
}

const COMPARISONS: readonly Comparison[] = [
  {
    name: "lr, 1,000 clients",
    ...{ model: "lr", clients: 1000, cohort: 10, learningRate: 0.03, rounds: 100, every: 10 },
    peers: ["numpy_loop", "pytorch_bmm", "jax_vmap", "flower_ray"],
  },
  {
    name: "lr, 10,000 clients of 6 rows",
    ...{ model: "lr", clients: 10_000, cohort: 100, learningRate: 0.03, rounds: 10, every: 10 },
    peers: ["numpy_loop", "pytorch_bmm", "jax_vmap"],
  },
  {
    name: "2nn, 100 clients",
    ...{ model: "2nn", clients: 100, cohort: 10, learningRate: 0.1, rounds: 20, every: 1 },
    peers: ["pytorch_bmm", "jax_vmap", "flower_ray"],
  },
];

/**
 * Measures simulations on MNIST by the command `simulate` and by the programs in `bench/peers` that
 * the Python of FEDLAB_PYTHON, `python3` by default, has the packages for. Runs are interleaved.
 * Rates are those of the rounds after the first one, in which JAX compiles; times are those of whole
 * commands.
 */
export async function* peersBench({ seed, signal }: BenchOptions): AsyncGenerator<BenchResult> {
  for (const comparison of COMPARISONS) {
    const own: PeerRun[] = [];
    const others = new Map<string, PeerRun[]>(comparison.peers.map((peer) => [peer, []]));
    for (let i = 0; i < REPETITIONS; i++) {
      signal.throwIfAborted();
      own.push(await ownRun(comparison, seed, signal));
      for (const [peer, runs] of others) {
        if (peer === "flower_ray" && i >= SLOW_REPETITIONS) continue;
        const run = await peerRun(peer, comparison, signal);
        if (run === undefined) others.delete(peer);
        else runs.push(run);
      }
    }
    for (const runs of others.values()) yield* compared(comparison, own, runs);
  }
}

/** Makes the rows of one peer: the rate of the rounds, and the time of the whole command. */
function compared(
  { name, rounds }: Comparison,
  own: readonly PeerRun[],
  peer: readonly PeerRun[],
): BenchResult[] {
  const least = (runs: readonly PeerRun[], key: "wholeMillis" | "steadyMillis") =>
    Math.min(...runs.map((run) => run[key]));
  const rate = (runs: readonly PeerRun[]) => rounds * 1000 / least(runs, "steadyMillis");
  const whole = { value: least(own, "wholeMillis"), ceiling: least(peer, "wholeMillis") };
  const of = peer[0]?.name;
  return [
    {
      name: `${name}, of ${of}`,
      unit: "rounds/s",
      value: rate(own),
      ceiling: rate(peer),
      ratio: rate(own) / rate(peer),
      min: least(own, "steadyMillis"),
      median: median(own.map(({ steadyMillis }) => steadyMillis)),
      target: 1,
    },
    {
      name: `${name}, whole command, of ${of}`,
      unit: "ms",
      ...whole,
      ratio: whole.ceiling / whole.value,
      min: whole.value,
      median: median(own.map(({ wholeMillis }) => wholeMillis)),
      target: 1,
    },
  ];
}
