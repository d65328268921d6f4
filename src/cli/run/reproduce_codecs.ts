import { Table } from "../output/table_deps.ts";
import type { Flags } from "../options/table.ts";
import { printError } from "../output/terminal.ts";
import { CODEC_EXPERIMENTS, type CodecVariant } from "./codec_cases.ts";
import type { CommandData } from "./data.ts";
import type { Case } from "./published_cases.ts";
import { dataFor, type Outcome, runCase } from "./run_case.ts";

/** Result of a run with codecs, or without any. */
export interface CodecOutcome extends Outcome {
  /** Codec of the clients' updates; absent for none. */
  readonly uplink?: string;
  /** Codec of the parameters that clients are sent; absent for none. */
  readonly downlink?: string;
  /** Factor by which the bytes of a round are fewer than without codecs, from clients. */
  readonly savedUp: number;
  /** The same of both directions together. */
  readonly savedTotal: number;
}

/**
 * Runs the experiments of codecs: each without codecs and with each variant.
 *
 * @param names Names of the experiments. Default: all, or those that take less than two minutes.
 */
export async function runCodecs(
  names: readonly string[],
  data: CommandData,
  flags: Flags<"reproduce">,
  signal: AbortSignal,
): Promise<CodecOutcome[]> {
  const outcomes: CodecOutcome[] = [];
  const chosen = CODEC_EXPERIMENTS.filter(({ base: { name } }) =>
    names.length > 0 ? names.includes(name) : !flags.short || name === "2nn-iid"
  );
  for (const experiment of chosen) {
    const { base, variants, moreSeeds } = experiment;
    const prepared = await dataFor(base, data);
    const seeds = Array.from(
      { length: 1 + (flags.short ? 0 : moreSeeds) },
      (_, i) => flags.seed + i,
    );
    const run = async (one: Case, seed: number, whole?: Outcome) => {
      const outcome = await runCase(one, seed, prepared, flags, signal);
      const { uplink, downlink } = one;
      const codecs = { ...(uplink && { uplink }), ...(downlink && { downlink }) };
      const compared = { ...outcome, ...codecs, ...saved(outcome, whole ?? outcome) };
      printError(line(compared));
      return compared;
    };
    const runs = [];
    for (const seed of seeds) {
      const whole = await run(base, seed);
      const coded = [];
      for (const { uplink, downlink } of variants) {
        const codecs = { ...(uplink && { uplink }), ...(downlink && { downlink }) };
        coded.push(await run({ ...base, ...codecs }, seed, whole));
      }
      runs.push({ whole, coded });
    }
    for (const { whole, coded } of runs) outcomes.push(whole, ...judged(coded, variants, runs));
  }
  return outcomes;
}

/** Runs of an experiment with one seed: without codecs, and with those of each variant. */
interface SeedRuns {
  readonly whole: CodecOutcome;
  readonly coded: readonly CodecOutcome[];
}

/** Compares the bytes of a round with those without codecs. */
function saved(
  outcome: Outcome,
  whole: Outcome,
): Pick<CodecOutcome, "savedUp" | "savedTotal"> {
  const perRound = ({ bytesUp: up, bytesDown: down, rounds = NaN }: Outcome) => ({
    up: up / rounds,
    total: (up + down) / rounds,
  });
  const before = perRound(whole), after = perRound(outcome);
  return { savedUp: before.up / after.up, savedTotal: before.total / after.total };
}

/**
 * Compares the runs of a seed with what is expected. The number of rounds until a target is first
 * reached differs much between seeds, so its mean over the seeds counts.
 */
function judged(
  coded: readonly CodecOutcome[],
  variants: readonly CodecVariant[],
  runs: readonly SeedRuns[],
): CodecOutcome[] {
  const mean = (of: (runs: SeedRuns) => Outcome | undefined) =>
    runs.reduce((sum, one) => sum + (of(one)?.rounds ?? Infinity), 0) / runs.length;
  return coded.map((outcome, i) => {
    const variant = variants[i];
    const isInside = variant !== undefined &&
      mean(({ coded }) => coded[i]) <= variant.most(mean(({ whole }) => whole)) &&
      variant.saves.every(({ of, least }) =>
        (of === "up" ? outcome.savedUp : outcome.savedTotal) >= least
      );
    return { ...outcome, isInside };
  });
}

function line(outcome: CodecOutcome): string {
  const { name, seed, rounds, accuracy, seconds, uplink = "none", downlink = "none" } = outcome;
  return `${name}, seed ${seed}, up ${uplink}, down ${downlink}: ${
    rounds === undefined ? "target not reached" : `${rounds} rounds`
  }, ${(accuracy * 100).toFixed(2)}%, ${seconds.toFixed(1)} s`;
}

/** Formats the outcomes as a table. */
export function codecTable(outcomes: readonly CodecOutcome[]): string {
  const head = [
    "case",
    "seed",
    "up",
    "down",
    "rounds",
    "MB up",
    "MB down",
    "fewer up",
    "fewer",
    "",
  ];
  const table = new Table({
    head,
    colAligns: head.map((_, i) => i === 0 || i === 2 || i === 3 || i === 9 ? "left" : "right"),
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  for (const outcome of outcomes) {
    const { name, seed, uplink = "none", downlink = "none", rounds, isInside } = outcome;
    table.push([
      name,
      seed,
      uplink,
      downlink,
      rounds ?? "not reached",
      (outcome.bytesUp / 1e6).toFixed(2),
      (outcome.bytesDown / 1e6).toFixed(2),
      `${outcome.savedUp.toFixed(1)} ×`,
      `${outcome.savedTotal.toFixed(1)} ×`,
      isInside ? "inside" : "outside",
    ]);
  }
  return table.toString();
}
