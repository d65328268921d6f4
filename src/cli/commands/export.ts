import { runtime } from "../../base/runtime/runtime.ts";
import { replaceFile, writeBytes } from "../../base/files/whole_file.ts";
import { exportModel } from "../../predict/export/export.ts";
import type { CommandContext } from "../context.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import { mayWrite } from "../options/permissions.ts";
import type { Flags } from "../options/table.ts";
import { printError } from "../output/terminal.ts";
import { readTrained } from "../run/trained_model.ts";

/** `export`: the model of a run for other libraries. */
export function exportCommand({ signal }: CommandContext): Command {
  return makeCommand("export", {
    description: "Writes the model of a run for ONNX, TensorFlow.js or Keras.",
    example: "deno task export --run runs/one --to onnx --out model.onnx",
  }).action((flags: Flags<"export">) => runExport(flags, signal));
}

async function runExport(flags: Flags<"export">, signal: AbortSignal): Promise<void> {
  const { to, out } = flags;
  const files = await exportModel(await readTrained(flags, signal), to);
  if (to !== "onnx") await runtime.files.mkdir(out, { recursive: true });
  for (const { name, bytes } of files) {
    const path = to === "onnx" ? out : `${out}/${name}`;
    await mayWrite(path);
    await replaceFile(path, (file) => writeBytes(file, bytes));
    printError(`Wrote ${path}`);
  }
}
