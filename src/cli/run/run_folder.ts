import { dirname } from "node:path";
import { refuseLink } from "../../base/files/whole_file.ts";
import { errorMessage } from "../../base/errors.ts";
import type { ServerBackendHandler } from "../../round/handler/server_backend_handler.ts";
import type { RunReport } from "../../round/report/report.ts";
import { writeSafetensors } from "../../store/safetensors/safetensors.ts";
import { checkUnused, exists, holdFolder, LOCK } from "./checkpoints.ts";
import { accuracyChart } from "../output/curves.ts";
import type { CommandName } from "../options/option.ts";
import { checkOutputs } from "../options/outputs.ts";
import { STANDARD_OUTPUT, writeOutput } from "../output/write_output.ts";
import { mayUse, mayWrite } from "../options/permissions.ts";
import { roundsCsv } from "../output/rounds_csv.ts";

/** A model is for its owner's eyes, as the checkpoints are. */
const MODEL_MODE = 0o600;

/** The folder that a run leaves behind, held for this process until disposed of; one that was made for a run that came to nothing is then removed. */
export class RunFolder implements AsyncDisposable {
  /** Its path. */
  readonly path: string;
  /** The files that were written, in it or elsewhere. */
  readonly files: string[] = [];
  /** Whether a run has come to something here. */
  hasRun = false;
  readonly #lock: Disposable | undefined;
  readonly #isNew: boolean;

  /** A folder that is there, its lock where that is not held elsewhere, and whether it was made for this run. */
  constructor(path: string, { lock, isNew = false }: { lock?: Disposable; isNew?: boolean } = {}) {
    this.path = path;
    this.#lock = lock;
    this.#isNew = isNew;
  }

  /** Gives it free. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isNew && !this.hasRun) {
      // A folder with anything else in it stays.
      const own = [...this.files, `${this.path}/${LOCK}`, this.path];
      for (const path of own) await Deno.remove(path).catch(() => {});
    }
    this.#lock?.[Symbol.dispose]();
  }
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
 * learnt is not lost for want of it. With `keeps` there will be checkpoints in it. A folder that is resumed has to be held already.
 *
 * Rejects with an `Error` for a folder that has a run already or in which another process has its run, and for one, or a further file, that cannot be written.
 */
export async function openRunFolder(
  name: CommandName,
  outputs: RunOutputs,
  { keeps = false }: { keeps?: boolean } = {},
): Promise<RunFolder> {
  const { out, resume, json, csv } = outputs;
  // A run that goes on has the outputs that it began with.
  if (resume !== undefined) await checkOutputs(name, outputs);
  const folder = resume === undefined ? await newFolder(name, out, keeps) : new RunFolder(resume);
  try {
    for (const file of [`${folder.path}/report.json`, json, csv]) {
      if (file !== undefined && file !== STANDARD_OUTPUT) await mayWrite(file);
    }
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
  return folder;
}

async function newFolder(
  name: string,
  out: string | undefined,
  keeps: boolean,
): Promise<RunFolder> {
  await mayUse("write", out ?? "runs");
  if (keeps || out !== undefined) await mayUse("read", out ?? "runs");
  if (out !== undefined) await checkUnused(out);
  const isNew = out === undefined || !await exists(out);
  const path = await makeFolder(name, out);
  const folder = new RunFolder(path, { lock: await holdFolder(path), isNew });
  try {
    // What another process has done since.
    if (out !== undefined) await checkUnused(out);
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
  return folder;
}

async function makeFolder(name: string, out: string | undefined): Promise<string> {
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
  const text = (content: () => string) => (path: string) => writeOutput(path, content());
  const own = (name: string) => `${folder.path}/${name}`;
  const { model } = handler;
  folder.hasRun = true;
  const isOwn = (path: string) => dirname(path) === folder.path;
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
      }, { mode: MODEL_MODE })],
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
      if (isOwn(path)) await refuseLink(path);
      await write(path);
      if (path !== STANDARD_OUTPUT) folder.files.push(path);
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
