import { parsePartition } from "../../data/partition/partition.ts";
import { Simulation } from "../../sim/simulation.ts";
import { parseStrategy } from "../../strategy/registry.ts";
import { type Flags, libraryOptions } from "../options/table.ts";
import { Table } from "../output/table_deps.ts";
import { printError } from "../output/terminal.ts";
import type { CommandData } from "./data.ts";
import { withPrivacy } from "./privacy.ts";
import type { Outcome } from "./run_case.ts";
import { buildServer } from "./server_job.ts";

/** Group and rounds of all experiments. */
const CLIENTS = 1000, ROUNDS = 100, FRACTION = 0.1, DELTA = 1e-5;
/** Number of seeds of each experiment. */
const SEEDS = 3;

/** Experiment with differential privacy of clients. */
interface PrivateExperiment {
  readonly name: string;
  readonly model: string;
  /** Largest norm of an update. */
  readonly clip: number;
  /** Mechanism with its ε, and the least accuracy that is expected; `undefined` for no privacy. */
  readonly variants: readonly (readonly [privacy: string | undefined, least: number])[];
}

const EXPERIMENTS: readonly PrivateExperiment[] = [
  {
    ...{ name: "lr-private", model: "lr", clip: 0.3 },
    variants: [
      [undefined, 0.9],
      ["ftrl:epsilon=8", 0.895],
      ["ftrl:epsilon=2", 0.88],
      ["fedavg:epsilon=8", 0.895],
      ["fedavg:epsilon=2", 0.89],
    ],
  },
  {
    ...{ name: "2nn-private", model: "2nn", clip: 0.6 },
    variants: [
      [undefined, 0.935],
      ["ftrl:epsilon=8", 0.92],
      ["ftrl:epsilon=2", 0.8],
      ["fedavg:epsilon=8", 0.925],
      ["fedavg:epsilon=2", 0.88],
    ],
  },
];

/** Result of a run with differential privacy, or without. */
export interface PrivateOutcome extends Outcome {
  /** Mechanism with its options; absent without privacy. */
  readonly privacy?: string;
  /** ε of the whole run. */
  readonly epsilon?: number;
}

/**
 * Runs logistic regression and the 2NN on MNIST with 1,000 clients, without privacy and with it.
 * The noise is of the system, so accuracies differ a little from run to run.
 */
export async function runPrivate(
  data: CommandData,
  flags: Flags<"reproduce">,
  signal: AbortSignal,
): Promise<PrivateOutcome[]> {
  const outcomes: PrivateOutcome[] = [];
  for (const experiment of EXPERIMENTS.slice(0, flags.short ? 1 : undefined)) {
    for (const [privacy, least] of experiment.variants) {
      for (let i = 0; i < (flags.short ? 1 : SEEDS); i++) {
        const choice = privacy && `${privacy},delta=${DELTA},clip=${experiment.clip}`;
        const seed = flags.seed + i;
        const outcome = await runOne(experiment, { choice, least, seed }, data, flags, signal);
        printError(line(outcome));
        outcomes.push(outcome);
      }
    }
  }
  return outcomes;
}

async function runOne(
  { name, model }: PrivateExperiment,
  { choice, least, seed }: { choice: string | undefined; least: number; seed: number },
  { train, test }: CommandData,
  flags: Flags<"reproduce">,
  signal: AbortSignal,
): Promise<PrivateOutcome> {
  const engine = libraryOptions("engine", flags);
  const plan = { epochs: 1, batchSize: 10, learningRate: 0.1 };
  const group = { rounds: ROUNDS, clients: CLIENTS, fraction: FRACTION };
  await using server = await buildServer({
    ...{ model, data: train, seed, engine, cohort: { fraction: FRACTION } },
    plan: { ...plan, momentum: 0, weightDecay: 0, keepMomentum: false },
    strategy: await withPrivacy(parseStrategy("fedavg"), choice, group, printError),
  });
  const report = await new Simulation(server.handler, {
    ...libraryOptions("simulation", flags),
    ...engine,
    ...{ train, ...(test && { test }), rounds: ROUNDS, evaluateEvery: ROUNDS },
    parts: parsePartition("iid").deal(train, { parts: CLIENTS, seed }),
  }).run({ signal });
  const accuracy = report.final?.accuracy ?? NaN, epsilon = report.privacy?.epsilon;
  const sum = (of: "bytesUp" | "bytesDown") =>
    report.rounds.reduce((total, round) => total + round[of], 0);
  return {
    ...{ name, seed, accuracy, rounds: report.rounds.length, seconds: report.seconds },
    ...{ bytesUp: sum("bytesUp"), bytesDown: sum("bytesDown"), modelDigest: report.modelDigest },
    ...(choice !== undefined && { privacy: choice }),
    ...(epsilon !== undefined && { epsilon }),
    isInside: accuracy >= least,
  };
}

function line({ name, seed, accuracy, seconds, privacy = "none" }: PrivateOutcome): string {
  const percent = (accuracy * 100).toFixed(2);
  return `${name}, privacy ${privacy}, seed ${seed}: ${percent}%, ${seconds.toFixed(1)} s`;
}

/** Formats the outcomes as a table. */
export function privateTable(outcomes: readonly PrivateOutcome[]): string {
  const table = new Table({
    head: ["case", "privacy", "seed", "epsilon", "accuracy", "seconds", ""],
    colAligns: ["left", "left", "right", "right", "right", "right", "left"],
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  for (const { name, privacy = "none", seed, epsilon, accuracy, seconds, isInside } of outcomes) {
    table.push([
      ...[name, privacy, seed, epsilon?.toFixed(3) ?? ""],
      ...[`${(accuracy * 100).toFixed(2)}%`, seconds.toFixed(1), isInside ? "inside" : "outside"],
    ]);
  }
  return table.toString();
}
