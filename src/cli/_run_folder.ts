import { errorMessage } from "../errors.ts";
import type { ServerBackendHandler } from "../server/handler.ts";
import type { RunReport } from "../server/report.ts";
import { writeSafetensors } from "../store/safetensors.ts";
import { accuracyChart } from "./_curves.ts";

/** The folder that a run leaves behind. */
export interface RunFolder {
  /** Its path. */
  readonly path: string;
  /** The files in it, as they are written. */
  readonly files: string[];
}

/** Makes the folder: the one asked for, or `runs/<date and time>-<name>`. */
export async function makeRunFolder(name: string, asked?: string): Promise<RunFolder> {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const wanted = asked ?? `runs/${stamp}-${name}`;
  // Two runs that begin within one second each get a folder.
  for (let n = 1;; n++) {
    const path = n === 1 ? wanted : `${wanted}-${n}`;
    try {
      await Deno.mkdir(path, { recursive: asked !== undefined });
      return { path, files: [] };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) await Deno.mkdir("runs", { recursive: true });
      else if (asked !== undefined || !(error instanceof Deno.errors.AlreadyExists)) {
        throw new Error(`Cannot make the folder ${path}: ${errorMessage(error)}`, { cause: error });
      } else continue;
      n--;
    }
  }
}

/** Writes report, curve and model. */
export async function writeRun(
  folder: RunFolder,
  report: RunReport,
  handler: ServerBackendHandler,
): Promise<void> {
  const files: [string, (path: string) => Promise<void>][] = [
    ["report.json", (path) => Deno.writeTextFile(path, toJson(report))],
    ["model.safetensors", (path) =>
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
  if (handler.model !== undefined) {
    const { model } = handler;
    files.push(["model.json", (path) => Deno.writeTextFile(path, toJson(model))]);
  }
  if (report.rounds.some(({ accuracy }) => accuracy !== undefined)) {
    files.push(["accuracy.svg", (path) => Deno.writeTextFile(path, accuracyChart(report))]);
  }
  for (const [name, write] of files) {
    const path = `${folder.path}/${name}`;
    await write(path);
    folder.files.push(path);
  }
}

/** A list of numbers that takes a line each; no text can look so, as JSON writes none over several lines. */
const NUMBERS = /\[\n[\s\d.,eE+null-]+\]/g;

/** A report as it stands in a file: lists of numbers on one line. */
export function toJson(report: unknown): string {
  const json = JSON.stringify(report, null, 2);
  const line = (list: string) => `[${list.slice(1, -1).trim().replace(/\s+/g, " ")}]`;
  return `${json.replace(NUMBERS, line)}\n`;
}
