import type { RoundReport } from "../../../mod.ts";

/** Report of a round with an accuracy. */
export function roundOf(round: number, accuracy: number): RoundReport {
  return {
    ...{ round, cohort: [1], received: 1, dropped: 0, refused: 0, tries: 1, losses: [] },
    ...{ accuracy, loss: 1 - accuracy, bytesUp: 1000, bytesDown: 3000, seconds: 0.5 },
  };
}

/** Fields of a report. */
export interface MadeReport {
  readonly accuracies: readonly number[];
  readonly [field: string]: unknown;
}

/** Writes the report of a run to a folder, which it makes. */
export async function writeReport(
  folder: string,
  { accuracies, ...others }: MadeReport,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const report = {
    schema: "fedlab.run/1",
    ...{ seed: 1, strategy: "fedavg", transport: "simulation", worldSize: 3, kernels: "simd128" },
    rounds: accuracies.map((accuracy, i) => roundOf(i + 1, accuracy)),
    plan: { epochs: 1, batchSize: 10, learningRate: 0.1 },
    ...{ modelDigest: "00", seconds: 2 },
    ...others,
  };
  await Deno.writeTextFile(`${folder}/report.json`, JSON.stringify(report));
}

/** Writes the history of the rounds of a run that saves checkpoints. */
export async function writeHistory(
  folder: string,
  accuracies: readonly number[],
  end = "",
): Promise<void> {
  await Deno.mkdir(`${folder}/checkpoints`, { recursive: true });
  const lines = accuracies.map((accuracy, i) => `${JSON.stringify(roundOf(i + 1, accuracy))}\n`);
  await Deno.writeTextFile(`${folder}/checkpoints/history.jsonl`, lines.join("") + end);
}

/** Writes the settings of a run. */
export async function writeSettingsOf(
  folder: string,
  { schema = "fedlab.settings/1", ...settings }: Readonly<Record<string, unknown>>,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const began = "2026-01-02T03:04:05.000Z";
  const text = JSON.stringify({ schema, command: "simulate", version: "0.1.0", began, settings });
  await Deno.writeTextFile(`${folder}/settings.json`, text);
}
