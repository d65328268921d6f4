import { VERSION } from "../../base/version.ts";
import { outputNames } from "../../data/schema/features.ts";
import { evaluateModel, type ModelEvaluation } from "../../predict/evaluate.ts";
import type { CommandContext } from "../context.ts";
import type { Command } from "../deps.ts";
import { Table } from "../output/table_deps.ts";
import { makeCommand } from "../options/command.ts";
import { type Flags, libraryOptions } from "../options/table.ts";
import { printError } from "../output/terminal.ts";
import { printerBeside, STANDARD_OUTPUT, writeOutput } from "../output/write_output.ts";
import { baseAt } from "../run/base.ts";
import { chooseKernels } from "../run/engine.ts";
import { openFor } from "../run/predict_data.ts";
import { toJson } from "../run/run_folder.ts";
import { readTrained } from "../run/trained_model.ts";

/** Most classes of a confusion matrix on the terminal. */
const SHOWN_CLASSES = 20;

/** `evaluate`: metrics of a trained model on a file. */
export function evaluateCommand({ signal }: CommandContext): Command {
  return makeCommand("evaluate", {
    description: "Evaluates the model of a run on a file that has the target.",
    example: "deno task evaluate --run runs/one --data patients.csv",
  }).action((flags: Flags<"evaluate">) => runEvaluate(flags, signal));
}

async function runEvaluate(flags: Flags<"evaluate">, signal: AbortSignal): Promise<void> {
  const { json } = flags;
  const { strictDeterminism: _, ...engine } = libraryOptions("engine", flags);
  chooseKernels(flags);
  const trained = await readTrained(flags, signal);
  const base = flags.base === undefined ? undefined : await baseAt(flags.base);
  const source = await openFor(flags, trained.schema, signal);
  const result = await evaluateModel(trained, source, {
    ...engine,
    ...(base && { base }),
    signal,
    logger: { warn: printError },
  });
  for (const note of result.notes) printError(`Note: ${note}`);
  const show = printerBeside(json);
  show(summaryOf(result));
  if (json === undefined) return;
  const { schema: _schema, notes: _notes, ...figures } = result;
  const names = result.schema && outputNames(result.schema);
  await writeOutput(
    json,
    toJson({
      schema: "fedlab.evaluation/1",
      version: VERSION,
      dataset: flags.data,
      ...(names && { outputs: names }),
      ...figures,
    }),
  );
  if (json !== STANDARD_OUTPUT) printError(`Wrote ${json}`);
}

function summaryOf(
  { numSamples, loss, accuracy, metrics = {}, confusion, schema }: ModelEvaluation,
): string {
  const figures: Readonly<Record<string, number | undefined>> = { loss, accuracy, ...metrics };
  const table = plainTable(["", ""], ["left", "right"]);
  table.push(["rows", numSamples]);
  for (const [name, value] of Object.entries(figures)) {
    if (value !== undefined) table.push([name, value.toFixed(4)]);
  }
  const names = schema ? outputNames(schema) : confusion?.map((_, i) => `${i}`) ?? [];
  if (!confusion || confusion.length > SHOWN_CLASSES) return table.toString();
  const columns = confusion[0]?.map((_, i) => names[i] ?? "other") ?? [];
  const matrix = plainTable(["true \\ predicted", ...columns], [
    "left",
    ...columns.map(() => "right" as const),
  ]);
  confusion.forEach((row, i) => matrix.push([names[i] ?? `${i}`, ...row]));
  return `${table}\n${matrix}`;
}

function plainTable(head: string[], colAligns: ("left" | "right")[]): InstanceType<typeof Table> {
  return new Table({
    ...(head.some((text) => text !== "") && { head }),
    colAligns,
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
}
