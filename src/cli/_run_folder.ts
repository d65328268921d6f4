import { errorMessage } from "../errors.ts";
import type { ServerBackendHandler } from "../server/handler.ts";
import type { RunReport } from "../server/report.ts";
import { writeSafetensors } from "../store/safetensors.ts";
import { checkUnused } from "./_checkpoints.ts";
import { accuracyChart } from "./_curves.ts";
import { mayUse, mayWrite } from "./_permissions.ts";
import { roundsCsv } from "./_rounds_csv.ts";

/** The folder that a run leaves behind. */
export interface RunFolder {
  /** Its path. */
  readonly path: string;
  /** The files in it, as they are written. */
  readonly files: string[];
}

/** What a command writes, and where. */
export interface RunOutputs {
  /** The run's folder that was asked for. */
  readonly out?: string;
  /** The folder of the run that is gone on with. */
  readonly resume?: string;
  /** Further files that were asked for. */
  readonly json?: string;
  readonly csv?: string;
}

/**
 * Opens the run's folder: the one that is resumed, the one asked for, or a new one `runs/<date and time>-<name>`; before the run, so that what is
 * learnt is not lost for want of it. With `keeps` there will be checkpoints in it.
 *
 * Rejects with an `Error` for a folder that has a run already, and for one, or a further file, that cannot be written.
 */
export async function openRunFolder(
  name: string,
  { out, resume, json, csv }: RunOutputs,
  { keeps = false }: { keeps?: boolean } = {},
): Promise<RunFolder> {
  const path = resume ?? await newFolder(name, out, keeps);
  for (const file of [`${path}/report.json`, json, csv]) {
    if (file !== undefined) await mayWrite(file);
  }
  return { path, files: [] };
}

async function newFolder(name: string, out: string | undefined, keeps: boolean): Promise<string> {
  await mayUse("write", out ?? "runs");
  if (keeps || out !== undefined) await mayUse("read", out ?? "runs");
  if (out !== undefined) await checkUnused(out);
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const wanted = out ?? `runs/${stamp}-${name}`;
  try {
    if (out === undefined) await Deno.mkdir("runs", { recursive: true });
    // Two runs that begin within one second each get a folder.
    for (let n = 1;; n++) {
      const path = n === 1 ? wanted : `${wanted}-${n}`;
      try {
        await Deno.mkdir(path, { recursive: out !== undefined });
        return path;
      } catch (error) {
        if (out !== undefined || !(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
    }
  } catch (cause) {
    throw new Error(`Cannot make the folder ${wanted}: ${errorMessage(cause)}`, { cause });
  }
}

/** Writes report, curve and model, and the further files; gives the errors of those that could not be written. */
export async function writeRun(
  folder: RunFolder,
  report: RunReport,
  { handler, json, csv }: Pick<RunOutputs, "json" | "csv"> & { handler: ServerBackendHandler },
): Promise<Error[]> {
  const text = (content: () => string) => (path: string) => Deno.writeTextFile(path, content());
  const own = (name: string) => `${folder.path}/${name}`;
  const { model } = handler;
  const files: [path: string, write: (path: string) => Promise<void>][] = [
    [own("report.json"), text(() => toJson(report))],
    [own("model.safetensors"), (path) =>
      writeSafetensors(path, {
        manifest: handler.manifest,
        parameters: handler.parameters,
        metadata: {
          strategy: report.strategy,
          seed: `${report.seed}`,
          rounds: `${report.rounds.length}`,
        },
      })],
  ];
  if (model !== undefined) files.push([own("model.json"), text(() => toJson(model))]);
  if (report.rounds.some(({ accuracy }) => accuracy !== undefined)) {
    files.push([own("accuracy.svg"), text(() => accuracyChart(report))]);
  }
  if (json !== undefined) files.push([json, text(() => toJson(report))]);
  if (csv !== undefined) files.push([csv, text(() => roundsCsv(report))]);
  const errors: Error[] = [];
  for (const [path, write] of files) {
    try {
      await write(path);
      folder.files.push(path);
    } catch (cause) {
      errors.push(new Error(`Cannot write ${path}: ${errorMessage(cause)}`, { cause }));
    }
  }
  return errors;
}

/** A list of numbers that takes a line each; no text can look so, as JSON writes none over several lines. */
const NUMBERS = /\[\n[\s\d.,eE+null-]+\]/g;

/** A report as it stands in a file: lists of numbers on one line. */
export function toJson(report: unknown): string {
  const json = JSON.stringify(report, null, 2);
  const line = (list: string) => `[${list.slice(1, -1).trim().replace(/\s+/g, " ")}]`;
  return `${json.replace(NUMBERS, line)}\n`;
}
