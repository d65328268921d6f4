import { runtime } from "../../base/runtime/runtime.ts";
import { basename, dirname, join, resolve } from "node:path";
import { STANDARD_OUTPUT } from "../output/write_output.ts";
import { RUN_FILES } from "../run/checkpoints.ts";
import { type CommandName, flagOf, UsageError } from "./option.ts";
import { mayWrite } from "./permissions.ts";
import { optionsOf } from "./table.ts";

/** Names of the files that a folder of a data set has. */
const DATA_FILE = /^(train|test)\.[^.]+$|idx\d/i;

/**
 * Checks before a command begins that each output file can be written and replaces nothing else.
 * Files inside the run's folder are checked once that folder exists.
 *
 * @param command Name of the command.
 * @param flags Values of its options.
 * @param runs Runs that the command draws.
 * @throws {UsageError} If an output is another output too, an input of the command, or a file that
 * the run's folder has of its own.
 * @throws {Error} If an output cannot be written.
 */
export async function checkOutputs(
  command: CommandName,
  flags: object,
  runs: readonly string[] = [],
): Promise<void> {
  const values = flags as Readonly<Record<string, unknown>>;
  const text = (name: string) => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  const options = optionsOf(command);
  const holders = new Map<string, string>();
  const hold = async (path: string, holder: string) =>
    void holders.set(await identityOf(path), holder);

  for (const { name, path: kind, isPath, pathsOf } of options) {
    const path = text(name);
    if (kind !== "input" || path === undefined || isPath?.(path) === false) continue;
    for (const one of pathsOf?.(path) ?? [path]) await hold(one, flagOf(name));
  }
  for (const run of runs) {
    await hold(run, "a run that is drawn");
    await hold(join(run, "report.json"), "a run that is drawn");
  }
  const outputs = options.filter(({ path }) => path === "output").map(({ name }) => name);
  const folder = text("resume") ?? (outputs.includes("out") ? undefined : text("out"));
  if (folder !== undefined) {
    await hold(folder, "the run's folder");
    for (const name of RUN_FILES) await hold(join(folder, name), `the run's own ${name}`);
  }
  const checkpoints = folder && await identityOf(join(folder, "checkpoints"));
  const data = text("data");

  for (const name of outputs) {
    const path = text(name);
    if (path === undefined) continue;
    const identity = path === STANDARD_OUTPUT ? path : await identityOf(path);
    const holder = holders.get(identity) ??
      (dirname(identity) === checkpoints ? "the run's own checkpoints" : undefined) ??
      (data !== undefined && isFileOf(await identityOf(data), identity) ? "--data" : undefined);
    if (holder !== undefined) {
      throw new UsageError(
        `expected ${flagOf(name)} to be another file than ${holder}, got ${path}`,
      );
    }
    holders.set(identity, flagOf(name));
    const isLater = folder !== undefined && isWithin(path, folder);
    if (path !== STANDARD_OUTPUT && !isLater) await mayWrite(path);
  }
}

/**
 * Resolves a path to one text for all paths of the same file, whether it exists or not; follows
 * links where reading is allowed.
 */
async function identityOf(path: string): Promise<string> {
  const whole = resolve(path), folder = dirname(whole);
  const { state } = await runtime.process.permissions.query({ name: "read", path: whole });
  if (state === "granted") {
    try {
      return await runtime.files.realPath(whole);
    } catch { /* its folder may exist */ }
  }
  return folder === whole ? whole : join(await identityOf(folder), basename(whole));
}

/**
 * Tells whether a path can be a file of a data set: one in its folder, or the labels beside its
 * images.
 */
function isFileOf(data: string, path: string): boolean {
  const isBeside = dirname(path) === dirname(data) && DATA_FILE.test(basename(data));
  return (dirname(path) === data || isBeside) && DATA_FILE.test(basename(path));
}

function isWithin(path: string, folder: string): boolean {
  return `${dirname(resolve(path))}/`.startsWith(`${resolve(folder)}/`);
}
