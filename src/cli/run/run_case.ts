import { parseCodec } from "../../codec/registry.ts";
import { parsePartition } from "../../data/partition/partition.ts";
import { arraySource } from "../../data/sources/array_source.ts";
import { Simulation } from "../../sim/simulation.ts";
import { parseStrategy } from "../../strategy/registry.ts";
import { dataFrom } from "../options/data.ts";
import { withAbsolutePaths } from "../options/resume.ts";
import { type Flags, libraryOptions } from "../options/table.ts";
import { printError } from "../output/terminal.ts";
import type { CommandData } from "./data.ts";
import { openKept } from "./kept_run.ts";
import { type Case, CLIENTS, FRACTION } from "./published_cases.ts";
import { buildServer } from "./server_job.ts";

/** Result of a case with one seed. */
export interface Outcome {
  readonly name: string;
  readonly seed: number;
  /** Absent when the target was not reached. */
  readonly rounds?: number;
  readonly accuracy: number;
  readonly seconds: number;
  /** Bytes from the clients to the server in all rounds. */
  readonly bytesUp: number;
  /** Bytes from the server to the clients in all rounds. */
  readonly bytesDown: number;
  readonly isInside: boolean;
  readonly modelDigest: string;
}

/** Prepares the data of a case. */
export async function dataFor(
  { standardize = false }: Case,
  { name, train, test }: CommandData,
): Promise<CommandData> {
  const source = arraySource({ name, train, ...(test && { test }), standardize });
  const arranged = await source.arrange(undefined);
  return {
    name,
    train: arranged.train.share(),
    ...(arranged.test && { test: arranged.test.share() }),
    notes: [],
  };
}

/** Collects the settings that determine the rounds of a case. */
function settingsOf(
  { model, partition, strategy, epochs, batchSize, lr, standardize = false, ...codecs }: Case,
  flags: Flags<"reproduce">,
): Record<string, unknown> {
  const { dataDir: _, ...data } = dataFrom(flags);
  const { strictDeterminism } = flags, { uplink, downlink } = codecs;
  return withAbsolutePaths("reproduce", {
    ...{ model, partition, strategy, epochs, batchSize, lr, standardizedCase: standardize },
    ...{ ...data, strictDeterminism },
    ...(uplink !== undefined && { uplink }),
    ...(downlink !== undefined && { downlink }),
  });
}

/** Runs a case with one seed, or goes on with it. */
export async function runCase(
  one: Case,
  seed: number,
  { train, test }: CommandData,
  flags: Flags<"reproduce">,
  signal: AbortSignal,
): Promise<Outcome> {
  const { name, model, partition, strategy, target, least, most, epochs, batchSize, lr } = one;
  const { uplink, downlink } = one;
  const plan = {
    ...{ epochs, batchSize, learningRate: lr },
    ...{ momentum: 0, weightDecay: 0, keepMomentum: false },
  };
  const engine = libraryOptions("engine", flags);
  await using server = await buildServer({
    model,
    data: train,
    plan,
    strategy: parseStrategy(strategy),
    cohort: { fraction: FRACTION },
    seed,
    engine,
    handler: {
      ...(uplink !== undefined && { uplink: parseCodec(uplink) }),
      ...(downlink !== undefined && { downlink: parseCodec(downlink) }),
    },
  });
  const { runsDir } = flags;
  const settings = settingsOf(one, flags);
  using kept = runsDir === undefined
    ? undefined
    : await openKept(`${runsDir}/${folderName(one)}-${seed}`, settings);
  const simulation = new Simulation(server.handler, {
    ...libraryOptions("simulation", flags),
    ...engine,
    train,
    parts: parsePartition(partition).deal(train, { parts: CLIENTS, seed }),
    rounds: most,
    targetAccuracy: target,
    ...(test && { test }),
    ...(kept && { checkpoints: kept.checkpoints, notes: { settings } }),
    ...(kept?.resume && { resume: kept.resume }),
    onEvent: (event) => {
      if (event.type !== "round-ended") return;
      const { round, accuracy = NaN, seconds } = event.report;
      const percent = (accuracy * 100).toFixed(2);
      if (round % 10 === 0 || seconds > 5) {
        printError(`${name}, seed ${seed}: round ${round}, accuracy ${percent}%`);
      }
    },
  });
  const { rounds, final, seconds, modelDigest } = await simulation.run({ signal });
  const accuracy = final?.accuracy ?? NaN;
  const reached = accuracy >= target;
  return {
    name,
    seed,
    ...(reached && { rounds: rounds.length }),
    accuracy,
    seconds,
    bytesUp: rounds.reduce((sum, { bytesUp }) => sum + bytesUp, 0),
    bytesDown: rounds.reduce((sum, { bytesDown }) => sum + bytesDown, 0),
    isInside: reached && rounds.length >= least && rounds.length <= most,
    modelDigest,
  };
}

/** Returns the name of the folder of a case. */
function folderName({ name, uplink, downlink }: Case): string {
  return [name, uplink && `up-${uplink}`, downlink && `down-${downlink}`]
    .filter((part) => part !== undefined)
    .join("-").replaceAll(/[^a-z0-9.=-]/g, "_");
}
