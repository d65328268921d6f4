import { runtime } from "../../base/runtime/runtime.ts";
import { replaceFile, writeBytes } from "../../base/files/whole_file.ts";
import { Predictor } from "../../predict/predictor.ts";
import type { CommandContext } from "../context.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import { type Flags, libraryOptions } from "../options/table.ts";
import { headerLine, predictionLines } from "../output/predictions_csv.ts";
import { ProgressBar } from "../output/progress_bar.ts";
import { isTerminal, printError, writeText } from "../output/terminal.ts";
import { STANDARD_OUTPUT } from "../output/write_output.ts";
import { baseAt } from "../run/base.ts";
import { chooseKernels } from "../run/engine.ts";
import { column } from "../options/schema.ts";
import { inputFor } from "../run/predict_data.ts";
import { readTrained } from "../run/trained_model.ts";

/** `predict`: predictions of a trained model for the rows of a file. */
export function predictCommand({ signal }: CommandContext): Command {
  return makeCommand("predict", {
    description: "Predicts for the rows of a file with the model of a run, and writes a CSV file.",
    example: "deno task predict --run runs/one --data patients.csv --out predictions.csv",
  }).action((flags: Flags<"predict">) => runPredict(flags, signal));
}

async function runPredict(flags: Flags<"predict">, signal: AbortSignal): Promise<void> {
  const { out } = flags;
  const idColumn = flags.idColumn === undefined ? undefined : column(flags.idColumn);
  const { strictDeterminism: _, ...engine } = libraryOptions("engine", flags);
  chooseKernels(flags);
  const base = flags.base === undefined ? undefined : await baseAt(flags.base);
  await using predictor = await Predictor.of(await readTrained(flags, signal), {
    ...engine,
    ...(base && { base }),
    ...(flags.tokenizer !== undefined && { tokenizer: flags.tokenizer }),
    logger: { warn: printError },
  });
  if (!predictor.hasSchema) {
    printError("The model has no schema: columns are taken by place, and classes are numbers");
  }
  const { schema } = predictor;
  const { input, ...declared } = await inputFor(flags, schema, signal);
  const pieces = predictor.predictPieces(input, {
    signal,
    ...declared,
    ...(idColumn !== undefined && { idColumn }),
  });
  const notes = new Set<string>();
  let count = 0, missing = 0;
  using bar = isTerminal()
    ? new ProgressBar("{bar} {value} of {total} rows | {eta_formatted}", input.length, 0)
    : undefined;
  const idName = flags.idColumn;
  const writeTo = async (write: (text: string) => void | Promise<void>) => {
    for await (const piece of pieces) {
      if (count === 0) await write(headerLine(piece, idName));
      await write(predictionLines(piece, count).toArray().join(""));
      count += piece.length;
      missing += piece.numMissing;
      piece.notes.forEach((note) => notes.add(note));
      bar?.update(count);
    }
  };
  if (out === STANDARD_OUTPUT) {
    await writeTo((text) => writeText(runtime.process.stdout, text));
  } else {
    const encoder = new TextEncoder();
    await replaceFile(out, (file) => writeTo((text) => writeBytes(file, encoder.encode(text))));
  }
  bar?.[Symbol.dispose]();
  for (const note of notes) printError(`Note: ${note}`);
  printError(
    `Predicted for ${count - missing} rows${
      missing > 0 ? `; ${missing} with missing values have no prediction` : ""
    }`,
  );
}
