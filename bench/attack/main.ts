/**
 * Attacks on what clients send, as evidence: without protection, with secure aggregation, and with
 * differential privacy.
 *
 *     deno task attack
 *     deno task attack digits --seed 2 --pictures docs/pictures --json attack.json
 *
 * @module
 */

import { errorMessage } from "../../src/base/errors.ts";
import { Command, InvalidArgumentError } from "../../src/cli/deps.ts";
import { Table } from "../../src/cli/output/table_deps.ts";
import { printerBeside, writeOutput } from "../../src/cli/output/write_output.ts";
import { printError } from "../../src/cli/output/terminal.ts";
import { inversion, type InversionResult } from "./inversion.ts";
import { type LabelResult, labels } from "./labels.ts";
import { type Membership, membership } from "./membership.ts";
import { drawInversion } from "./picture.ts";
import { loadTask, type TaskName, TASKS } from "./task.ts";
import { type Protection, PROTECTIONS } from "./views.ts";

/** Results of all attacks on a data set. */
interface Attacked {
  readonly task: TaskName;
  readonly correlation: InversionResult["correlation"];
  readonly membership: Readonly<Record<Protection, Membership>>;
  readonly labels: LabelResult;
}

/** Number of victims in a picture. */
const DRAWN = 5;

async function attack(
  name: TaskName,
  { seed, pictures: folder }: { seed: number; pictures?: string },
): Promise<Attacked> {
  const task = await loadTask(name, seed);
  const { pictures, correlation } = await inversion(task);
  if (folder !== undefined) {
    const side = Math.sqrt(pictures[0]?.original.length ?? 0);
    const picture = drawInversion(pictures.slice(0, DRAWN), { side, scale: Math.round(84 / side) });
    const path = `${folder}/inversion-${name}.png`;
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeFile(path, picture);
    printError(`${path} written`);
  }
  return {
    ...{ task: name, correlation },
    membership: await membership(task),
    labels: await labels(task),
  };
}

/** Formats the results as a table: a row for each figure, a column for each protection. */
function tableOf(results: readonly Attacked[]): string {
  const table = new Table({
    head: ["data", "figure", ...PROTECTIONS, "a guess"],
    colAligns: ["left", "left", ...PROTECTIONS.map(() => "right" as const), "right"],
    style: { head: [], border: [] },
  });
  const percent = (share: number) => `${(100 * share).toFixed(0)}%`;
  for (const { task, correlation, membership, labels } of results) {
    const row = (figure: string, of: (protection: Protection) => string, guess: string) =>
      table.push([task, figure, ...PROTECTIONS.map(of), guess]);
    row("sample read: correlation", (one) => correlation[one].toFixed(3), "0");
    row("membership: AUC", (one) => membership[one].auc.toFixed(3), "0.5");
    row("membership: advantage", (one) => percent(membership[one].advantage), "0%");
    row("labels counted", (one) => percent(labels[one]), percent(labels.guess));
    row("accuracy of the model", (one) => percent(membership[one].accuracy), "");
  }
  return table.toString();
}

function parseTask(name: string, before: TaskName[] = []): TaskName[] {
  const task = TASKS.find((one) => one === name);
  if (task === undefined) {
    throw new InvalidArgumentError(`Allowed data sets are ${TASKS.join(", ")}.`);
  }
  return [...before, task];
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (/^\d+$/.test(text) && seed <= 0xFFFF_FFFF) return seed;
  throw new InvalidArgumentError(`Expected a whole number from 0 to ${0xFFFF_FFFF}.`);
}

const program = new Command("attack")
  .description("Attacks the updates of clients, without protection and with it.")
  .argument("[data...]", `data sets: ${TASKS.join(", ")} (default: all)`, parseTask)
  .option("--seed <n>", "seed of the data, the models and the training", parseSeed, 1)
  .option("--pictures <folder>", "folder for pictures of what was read")
  .option("--json <file>", "file for the results as JSON, - for standard output")
  .action(
    async (
      names: TaskName[] | undefined,
      options: { seed: number; pictures?: string; json?: string },
    ) => {
      const results: Attacked[] = [];
      const chosen = names === undefined || names.length === 0 ? TASKS : names;
      for (const name of chosen) results.push(await attack(name, options));
      const { json, seed } = options;
      printerBeside(json)(tableOf(results));
      if (json === undefined) return;
      await writeOutput(
        json,
        JSON.stringify({ schema: "fedlab.attack/1", seed, results }, null, 2),
      );
    },
  );

if (import.meta.main) {
  try {
    await program.parseAsync(Deno.args, { from: "user" });
  } catch (error) {
    printError(`error: ${errorMessage(error)}`);
    Deno.exitCode = 1;
  }
}
