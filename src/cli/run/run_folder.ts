import { runtime } from "../../base/runtime/runtime.ts";
import { dirname } from "node:path";
import { refuseLink } from "../../base/files/whole_file.ts";
import { errorMessage } from "../../base/errors.ts";
import type { ServerBackendHandler } from "../../round/handler/server_backend_handler.ts";
import type { BestModel } from "../../round/record/best_tracker.ts";
import type { RunReport } from "../../round/report/report.ts";
import { writeModel } from "../../train/models/model_file.ts";
import { checkUnused, exists, holdFolder, LOCK } from "./checkpoints.ts";
import type { CommandName } from "../options/option.ts";
import { checkOutputs } from "../options/outputs.ts";
import { STANDARD_OUTPUT, writeOutput } from "../output/write_output.ts";
import { mayUse, mayWrite } from "../options/permissions.ts";
import { roundsCsv } from "../output/rounds_csv.ts";
import { SETTINGS, writeSettings } from "./run_settings.ts";

/** Mode of the model's file: only its owner may read it, as with checkpoints. */
const MODEL_MODE = 0o600;

/**
 * Folder of a run, locked for this process until disposed of. A new folder is removed then if the
 * run had no result.
 */
export class RunFolder implements AsyncDisposable {
  /** Path of the folder. */
  readonly path: string;
  /** Files that were written, in the folder or elsewhere. */
  readonly files: string[] = [];
  /** Is true once the run has a result. */
  hasRun = false;
  readonly #lock: Disposable | undefined;
  readonly #isNew: boolean;

  /**
   * Wraps a folder that exists.
   *
   * @param path Path of the folder.
   * @param options `lock` is released with the folder; `isNew` says that the folder was made for
   * this run.
   */
  constructor(path: string, { lock, isNew = false }: { lock?: Disposable; isNew?: boolean } = {}) {
    this.path = path;
    this.#lock = lock;
    this.#isNew = isNew;
  }

  /** Releases the lock. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isNew && !this.hasRun) {
      // A folder that contains anything else is not removed.
      const own = [...this.files, `${this.path}/${LOCK}`, this.path];
      for (const path of own) await runtime.files.remove(path).catch(() => {});
    }
    this.#lock?.[Symbol.dispose]();
  }
}

/** Outputs of a command, among the values of its options. */
export interface RunOutputs {
  /** Folder for the run. */
  readonly out?: string;
  /** Folder of the run to resume. */
  readonly resume?: string;
  /** Further files. */
  readonly json?: string;
  readonly csv?: string;
}

/**
 * Opens the folder of a run before the run begins: the one to resume, the given one, or a new one
 * `runs/<date and time>-<name>`. A folder to resume must be locked already. The folder gets a file
 * with the values of the command's options.
 *
 * @param name Name of the command.
 * @param outputs Values of the command's options.
 * @param options `keeps` says that the run will save checkpoints.
 * @throws {Error} If the folder contains a run, another process has locked it, or the folder or a
 * further file cannot be written.
 */
export async function openRunFolder(
  name: CommandName,
  outputs: RunOutputs,
  { keeps = false }: { keeps?: boolean } = {},
): Promise<RunFolder> {
  const { out, resume, json, csv } = outputs;
  // A resumed run has the outputs that it began with, which are not checked yet.
  if (resume !== undefined) await checkOutputs(name, outputs);
  const folder = resume === undefined ? await newFolder(name, out, keeps) : new RunFolder(resume);
  try {
    for (const file of [`${folder.path}/report.json`, json, csv]) {
      if (file !== undefined && file !== STANDARD_OUTPUT) await mayWrite(file);
    }
    await writeSettings(folder.path, name, outputs);
    if (resume === undefined) folder.files.push(`${folder.path}/${SETTINGS}`);
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
    // Another process may have used the folder since.
    if (out !== undefined) await checkUnused(out);
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
  return folder;
}

async function makeFolder(name: string, out: string | undefined): Promise<string> {
  const stamp = new Date(runtime.clock.unixMillis()).toISOString().slice(0, 19).replaceAll(
    ":",
    "-",
  );
  const wanted = out ?? `runs/${stamp}-${name}`;
  try {
    if (out === undefined) await runtime.files.mkdir("runs", { recursive: true });
    // Runs that begin within the same second have different folders.
    for (let n = 1;; n++) {
      const path = n === 1 ? wanted : `${wanted}-${n}`;
      try {
        await runtime.files.mkdir(path, { recursive: out !== undefined });
        return path;
      } catch (error) {
        if (out !== undefined || !(error instanceof runtime.errors.AlreadyExists)) throw error;
      }
    }
  } catch (cause) {
    throw new Error(`Cannot make the folder ${wanted}: ${errorMessage(cause)}`, { cause });
  }
}

/**
 * Writes report, curve, model and the further files of a run.
 *
 * @returns The errors of the files that could not be written.
 */
export async function writeRun(
  folder: RunFolder,
  report: RunReport,
  { handler, best, json, csv }: Pick<RunOutputs, "json" | "csv"> & {
    handler: ServerBackendHandler;
    best?: BestModel | undefined;
  },
): Promise<Error[]> {
  const text = (content: () => string) => (path: string) => writeOutput(path, content());
  const own = (name: string) => `${folder.path}/${name}`;
  const { model, schema } = handler;
  folder.hasRun = true;
  const isOwn = (path: string) => dirname(path) === folder.path;
  const files: [path: string, write: (path: string) => Promise<void>][] = [
    [own("report.json"), text(() => toJson(report))],
    [own("model.safetensors"), (path) =>
      writeModel(path, {
        manifest: handler.manifest,
        parameters: handler.parameters,
        ...(model && { model }),
        ...(schema && { schema }),
        metadata: {
          strategy: report.strategy,
          seed: `${report.seed}`,
          rounds: `${report.rounds.length}`,
        },
      }, { mode: MODEL_MODE })],
  ];
  if (best !== undefined) {
    const { parameters, round, metric, value } = best;
    files.push([own("model-best.safetensors"), (path) =>
      writeModel(path, {
        manifest: handler.manifest,
        parameters,
        ...(model && { model }),
        ...(schema && { schema }),
        metadata: {
          strategy: report.strategy,
          seed: `${report.seed}`,
          rounds: `${round}`,
          metric,
          value: `${value}`,
        },
      }, { mode: MODEL_MODE })]);
  }
  if (model !== undefined) files.push([own("model.json"), text(() => toJson(model))]);
  if (schema !== undefined) files.push([own("schema.json"), text(() => toJson(schema))]);
  if (report.rounds.some(({ accuracy }) => accuracy !== undefined)) {
    files.push([own("accuracy.svg"), async (path) => {
      const { accuracyChart } = await import("../../round/display/curves.ts");
      await writeOutput(path, accuracyChart(report));
    }]);
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

/** List of numbers on several lines. No JSON text spans lines, so none can match. */
const NUMBERS = /\[\n[\s\d.,eE+null-]+\]/g;

/** Lists of the results of clients on several lines. They contain no other lists. */
const RESULTS = /(?<="(?:byRank|trainByRank)": \[)(\n *)([^]*?)(?=\n *\])/g;

/** Formats a report as JSON with each list of numbers, and the results of a client, on one line. */
export function toJson(report: unknown): string {
  const json = JSON.stringify(report, null, 2);
  const line = (list: string) => `[${list.slice(1, -1).trim().replace(/\s+/g, " ")}]`;
  const lines = (_: string, indent: string, results: string) =>
    indent + results.split(`,${indent}{`).map((result) => result.replace(/\n */g, " "))
      .join(`,${indent}{`);
  return `${json.replace(NUMBERS, line).replace(RESULTS, lines)}\n`;
}
