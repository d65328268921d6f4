import type { Dataset } from "../../data/dataset.ts";
import { readNamedTexts } from "../../data/catalog/open_sequences.ts";
import { parsePartition } from "../../data/partition/partition.ts";
import { trainTestSplit } from "../../data/split.ts";
import type { AuthoredLines } from "../../data/text/roles.ts";
import { textSource } from "../../data/text/text_source.ts";
import { modelEvaluator } from "../../engine/model_evaluator.ts";
import type { SyncParameterServerHandler } from "../../round/handler/sync_handler.ts";
import { Simulation } from "../../sim/simulation.ts";
import { parseStrategy } from "../../strategy/registry.ts";
import { type Flags, libraryOptions } from "../options/table.ts";
import { Table } from "../output/table_deps.ts";
import { printError } from "../output/terminal.ts";
import { openKept } from "./kept_run.ts";
import { FRACTION } from "./published_cases.ts";
import { type Band, crossingOf, isInBands } from "./learning_curve.ts";
import { buildServer } from "./server_job.ts";
import { TEXT_CASES, type TextCase } from "./text_cases.ts";

const NAME = "shakespeare";

/** Result of a case with one seed. */
export interface TextOutcome {
  readonly name: string;
  readonly seed: number;
  readonly clients: number;
  /** Round at which the best accuracy so far crosses the target, interpolated; else absent. */
  readonly rounds?: number;
  /** Accuracy after each round. */
  readonly curve: readonly number[];
  /** Accuracy after the last round, over the rows that the curve is over. */
  readonly accuracy: number;
  /** Accuracy after the last round over all test rows. */
  readonly wholeAccuracy: number;
  readonly seconds: number;
  readonly isInside: boolean;
  readonly modelDigest: string;
}

/** Runs cases, one after the other. */
export async function runTexts(
  names: readonly string[],
  flags: Flags<"reproduce">,
  signal: AbortSignal,
): Promise<TextOutcome[]> {
  const authors = await readNamedTexts(NAME, flags.dataDir);
  const outcomes: TextOutcome[] = [];
  for (const one of TEXT_CASES.filter(({ name }) => names.includes(name))) {
    for (let seed = flags.seed; seed <= flags.seed + (one.moreSeeds ?? 0); seed++) {
      const outcome = await runText(one, seed, authors, flags, signal);
      outcomes.push(outcome);
      printError(`${one.name}, seed ${seed}: ${resultOf(one, outcome)}`);
    }
  }
  return outcomes;
}

/** Makes the sequences of the roles of a case, of the symbols of all roles. */
export async function sequencesOf(
  { form, roles }: Pick<TextCase, "form" | "roles">,
  authors: readonly AuthoredLines[],
): Promise<{ train: Dataset; test: Dataset; ids: readonly string[] }> {
  const { mode, symbols } = form;
  const all = textSource({ name: NAME, authors, form });
  const arranged = await all.arrange(undefined);
  const { schema } = arranged.train;
  const own = roles === undefined ? arranged : await textSource({
    name: NAME,
    authors: roles.map((line) => authors[line] ?? { name: "", lines: [] }),
    form: { ...(mode && { mode }), ...(symbols && { symbols }) },
  }).arrange(schema);
  const { train, test = train, ids = [] } = own;
  return { train, test, ids };
}

async function runText(
  one: TextCase,
  seed: number,
  authors: readonly AuthoredLines[],
  flags: Flags<"reproduce">,
  signal: AbortSignal,
): Promise<TextOutcome> {
  const { name, model, partition, strategy, epochs, batchSize, lr, testShare, target, most } = one;
  const { train, test, ids } = await sequencesOf(one, authors);
  // The same rows whatever the seed of the run.
  const judged = testShare === undefined
    ? test
    : trainTestSplit(test, { seed: 0, testFraction: testShare }).test;
  const clients = new Set(ids).size;
  const engine = libraryOptions("engine", flags);
  await using server = await buildServer({
    model,
    data: train,
    plan: {
      ...{ epochs, batchSize, learningRate: lr },
      ...{ momentum: 0, weightDecay: 0, keepMomentum: false },
    },
    strategy: parseStrategy(strategy),
    cohort: { fraction: FRACTION },
    seed,
    engine,
  });
  const settings = settingsOf(one, flags), { runsDir } = flags;
  using kept = runsDir === undefined
    ? undefined
    : await openKept(`${runsDir}/${name}-${seed}`, settings);
  const simulation = new Simulation(server.handler, {
    ...libraryOptions("simulation", flags),
    ...engine,
    train: train.share(),
    parts: parsePartition(partition).deal(train, { parts: clients, seed, ids }),
    rounds: most,
    ...(target !== undefined && { targetAccuracy: target }),
    test: judged.share(),
    ...(kept && { checkpoints: kept.checkpoints, notes: { settings } }),
    ...(kept?.resume && { resume: kept.resume }),
    onEvent: (event) => {
      if (event.type !== "round-ended") return;
      const { round, accuracy = NaN, seconds } = event.report;
      if (round % 10 === 0 || seconds > 5) {
        printError(
          `${name}, seed ${seed}: round ${round}, accuracy ${(accuracy * 100).toFixed(2)}%`,
        );
      }
    },
  });
  const { rounds, final, seconds, modelDigest } = await simulation.run({ signal });
  const curve = rounds.map(({ accuracy = NaN }) => accuracy);
  const crossing = target === undefined ? undefined : crossingOf(curve, target);
  const accuracy = final?.accuracy ?? NaN;
  return {
    ...{ name, seed, clients, curve, accuracy, seconds, modelDigest },
    ...(crossing !== undefined && { rounds: crossing }),
    wholeAccuracy: judged === test ? accuracy : await wholeAccuracy(server.handler, test, flags),
    isInside: isInBands(curve, one.bands) && (target === undefined || crossing !== undefined),
  };
}

/** Collects the settings that determine the rounds of a case. */
function settingsOf(
  { form, roles, testShare = 1, model, partition, strategy, epochs, batchSize, lr, target }:
    TextCase,
  { strictDeterminism }: Flags<"reproduce">,
): Record<string, unknown> {
  return {
    ...{ form, roles, testShare, model, partition, strategy, epochs, batchSize, lr, target },
    strictDeterminism,
  };
}

/** Evaluates the model of a run on all test rows. */
async function wholeAccuracy(
  { model, parameters }: SyncParameterServerHandler,
  test: Dataset,
  flags: Flags<"reproduce">,
): Promise<number> {
  if (model === undefined) return NaN;
  const { strictDeterminism: _, ...engine } = libraryOptions("engine", flags);
  await using evaluator = await modelEvaluator(model, test, engine);
  return (await evaluator.evaluate(parameters)).accuracy ?? NaN;
}

const percent = (accuracy: number) => (accuracy * 100).toFixed(1);

/** Words for what a case came to. */
function resultOf({ bands, target, most }: TextCase, outcome: TextOutcome): string {
  const { rounds, curve, wholeAccuracy: whole, seconds } = outcome;
  const end = `${percent(whole)}% at the end, ${seconds.toFixed(1)} s`;
  if (target !== undefined) {
    const reached = rounds === undefined ? `not within ${most} rounds` : rounds.toFixed(1);
    return `${percent(target)}% in rounds: ${reached}, ${end}`;
  }
  return `${bands.map(({ round }) => percent(curve[round - 1] ?? NaN)).join(", ")}%, ${end}`;
}

/** Formats published and measured results as a table. */
export function textTable(outcomes: readonly TextOutcome[]): string {
  const table = new Table({
    head: ["case", "seed", "clients", "of", "published", "expected", "here", "at the end", "s", ""],
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  for (const { name, seed, clients, rounds, curve, wholeAccuracy, seconds, isInside } of outcomes) {
    const known = TEXT_CASES.find((one) => one.name === name);
    if (!known) continue;
    const { bands, target, most, published } = known;
    const range = ({ least, most }: Band) => `${percent(least)}-${percent(most)}`;
    const here = bands.map(({ round }) => percent(curve[round - 1] ?? NaN)).join(", ");
    table.push([
      ...[name, seed, clients],
      target === undefined
        ? `accuracy, rounds ${bands.map(({ round }) => round).join(", ")}`
        : `rounds to ${percent(target)}%`,
      published,
      target === undefined ? `${bands.map(range).join(", ")}%` : `≤ ${most}`,
      target === undefined ? `${here}%` : rounds?.toFixed(1) ?? `> ${most}`,
      `${percent(wholeAccuracy)}%`,
      seconds.toFixed(1),
      isInside ? "inside" : "outside",
    ]);
  }
  return table.toString();
}
