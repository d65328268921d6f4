import { basename, dirname, join, resolve } from "node:path";
import { replaceTextFile } from "../../base/files/whole_file.ts";
import { DATASET_NAMES } from "../../data/catalog/named.ts";
import { RUN_FILES } from "../run/checkpoints.ts";
import { flagOf, UsageError } from "./options.ts";
import { mayWrite } from "./permissions.ts";
import { print, printError, writeText } from "../output/terminal.ts";

/** What stands for standard output where a file can be named. */
export const STANDARD_OUTPUT = "-";

/** Options that are files to write. */
const OUTPUTS = ["json", "csv", "plot"];

/** Options that are files to read. */
const INPUTS = [
  ...["data", "standardize", "model", "module"],
  ...["tlsCert", "tlsKey", "tlsCa", "allowKeys", "key"],
];

/** Names that a data set's file goes by in its folder. */
const DATA_FILE = /^(train|test)\.[^.]+$|idx\d/i;

/**
 * Makes sure, before a command does anything, that each file that it is to write can be written and stands in the place of nothing else. What goes into the
 * run's own folder is tried when that is there.
 *
 * Throws a `UsageError` for an output that is another output too, or that the command reads, or that the run's folder has of its own.
 */
export async function checkOutputs(
  command: string,
  flags: object,
  runs: readonly string[] = [],
): Promise<void> {
  const values = flags as Readonly<Record<string, unknown>>;
  const text = (name: string) => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  const isPlot = command === "plot";
  const taken = new Map<string, string>();
  const take = async (path: string, holder: string) =>
    void taken.set(await identityOf(path), holder);

  const data = text("data");
  for (const name of INPUTS) {
    const path = text(name);
    const isName = name === "data" && path !== undefined && DATASET_NAMES.includes(path);
    if (path !== undefined && !isName) await take(path, flagOf(name));
  }
  for (const run of isPlot ? runs : []) {
    await take(run, "a run that is drawn");
    await take(join(run, "report.json"), "a run that is drawn");
  }
  const folder = isPlot ? undefined : text("resume") ?? text("out");
  if (folder !== undefined) {
    await take(folder, "the run's folder");
    for (const name of RUN_FILES) await take(join(folder, name), `the run's own ${name}`);
  }
  const kept = folder && await identityOf(join(folder, "checkpoints"));

  for (const name of isPlot ? [...OUTPUTS, "out"] : OUTPUTS) {
    const path = text(name);
    if (path === undefined) continue;
    const identity = path === STANDARD_OUTPUT ? path : await identityOf(path);
    const holder = taken.get(identity) ??
      (dirname(identity) === kept ? "the run's own checkpoints" : undefined) ??
      (data !== undefined && isFileOf(await identityOf(data), identity) ? "--data" : undefined);
    if (holder !== undefined) {
      throw new UsageError(
        `expected ${flagOf(name)} to be another file than ${holder}, got ${path}`,
      );
    }
    taken.set(identity, flagOf(name));
    const isLater = folder !== undefined && isWithin(path, folder);
    if (path !== STANDARD_OUTPUT && !isLater) await mayWrite(path);
  }
}

/**
 * Writes one of a command's outputs, whole; what stands there before is lost only to a whole file.
 * Rejects where nobody reads standard output.
 */
export async function writeOutput(path: string, content: string): Promise<void> {
  if (path === STANDARD_OUTPUT) writeText(Deno.stdout, content);
  else await replaceTextFile(path, content);
}

/** What shows a command's results: on standard error where standard output is one of the files. */
export function printerBeside(...paths: (string | undefined)[]): (text: string) => void {
  return paths.includes(STANDARD_OUTPUT) ? printError : print;
}

/** One text for all paths of a file, whether it is there or not; links are followed where reading is allowed. */
async function identityOf(path: string): Promise<string> {
  const whole = resolve(path), folder = dirname(whole);
  const { state } = await Deno.permissions.query({ name: "read", path: whole });
  if (state === "granted") {
    try {
      return await Deno.realPath(whole);
    } catch { /* its folder may be there */ }
  }
  return folder === whole ? whole : join(await identityOf(folder), basename(whole));
}

/** Whether a path may be a file of the data set that another names: of its folder, or the labels beside its images. */
function isFileOf(data: string, path: string): boolean {
  const isBeside = dirname(path) === dirname(data) && DATA_FILE.test(basename(data));
  return (dirname(path) === data || isBeside) && DATA_FILE.test(basename(path));
}

function isWithin(path: string, folder: string): boolean {
  return `${dirname(resolve(path))}/`.startsWith(`${resolve(folder)}/`);
}
