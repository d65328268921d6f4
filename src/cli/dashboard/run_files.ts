import { runtime } from "../../base/runtime/runtime.ts";
import type { RunFile } from "../../dashboard/run_source.ts";
import { readReport } from "../output/report_file.ts";
import { roundsCsv } from "../output/rounds_csv.ts";

/** Files of a run's folder that can be downloaded, with their media types. */
const FILES: Readonly<Record<string, string>> = {
  "report.json": "application/json",
  "model.safetensors": "application/octet-stream",
  "model-best.safetensors": "application/octet-stream",
  "model.json": "application/json",
  "schema.json": "application/json",
  "accuracy.svg": "image/svg+xml",
};

/**
 * Lists the files of a run's folder that can be downloaded, as far as they are there, and the
 * rounds of its report as a table.
 */
export async function runFiles(folder: string): Promise<RunFile[]> {
  const files: RunFile[] = [];
  for (const [name, type] of Object.entries(FILES)) {
    const path = `${folder}/${name}`;
    if (!await isOwnFile(path)) continue;
    files.push({ name, type, read: async () => await readWhole(path) });
    if (name !== "report.json") continue;
    files.push({ name: "rounds.csv", type: "text/csv", read: () => readRounds(folder) });
  }
  return files;
}

/** Tells whether a path is a file, and not a link: one could lead out of the run's folder. */
export async function isOwnFile(path: string): Promise<boolean> {
  return await runtime.files.lstat(path).then((info) => info.isFile, () => false);
}

async function readWhole(path: string): Promise<Uint8Array<ArrayBuffer>> {
  using file = await runtime.files.open(path);
  return await new Response(file.readable).bytes();
}

async function readRounds(folder: string): Promise<Uint8Array<ArrayBuffer>> {
  const { report } = await readReport(folder);
  return new TextEncoder().encode(roundsCsv(report));
}
