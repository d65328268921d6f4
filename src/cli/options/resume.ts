import { dirname, resolve } from "node:path";
import { DATASET_NAMES } from "../../data/catalog/named.ts";
import type { Checkpoint } from "../../store/checkpoint/checkpoints.ts";
import { flagOf, isLogName, UsageError } from "./options.ts";
import { STANDARD_OUTPUT } from "./outputs.ts";
import { printError } from "../output/terminal.ts";
import type { Command } from "../deps.ts";

/** What may change when a run goes on: none of it makes another model of the same rounds, save by rounding or by clients that fail. */
const MAY_CHANGE: ReadonlySet<string> = new Set([
  ...["resume", "rounds", "updates", "targetAccuracy", "verbose"],
  ...["json", "csv", "tensorboard", "loggerFile", "loggerName"],
  ...["checkpointEvery", "keep", "evaluate", "evalEvery", "evaluateEvery"],
  ...["engine", "backend", "workers", "dataDir"],
  ...["listen", "serverName", "tlsCert", "tlsKey", "allowKeys", "seatsPerKey", "insecure"],
  ...["hosts", "origins"],
  ...["joinSeconds", "roundSeconds", "heartbeatSeconds", "drainSeconds"],
  // How a run bears clients that fail: what may have stopped it.
  ...["minClients", "quorum", "roundTries", "saveTries", "updateBound"],
]);

/** What options without a default in their command come to when they are not given. */
const IMPLIED: Readonly<Record<string, unknown>> = { strategy: "fedavg", selection: "uniform" };

/** Options that are paths. */
const PATHS: ReadonlySet<string> = new Set([
  ...["json", "csv", "tensorboard", "dataDir", "standardize", "tlsCert", "tlsKey", "allowKeys"],
]);

/** Options that are written to. */
const OUTPUTS = ["json", "csv", "tensorboard"];

/** Options that say whom a server lets in and where it listens, and what it takes of files. */
const TOLD = [
  ...["listen", "insecure", "tlsCert", "tlsKey", "allowKeys"],
  ...["data", "dataDir", "standardize", "model"],
];

/** What a command's checkpoints keep of it: options whose paths hold in every folder. */
export function resumeNotes(command: Command, flags: object): Record<string, unknown> {
  return { command: command.name(), flags: withAbsolutePaths(flags) };
}

/**
 * The options that the run was started with, and those that are given anew; says which paths and addresses the run's folder names. Outputs that it names
 * outside itself are left out: a folder that somebody else has made would have any file replaced.
 *
 * Rejects with an `Error` for a run that another command began, and with a `UsageError` for a folder beside the one that is resumed, and for options with which
 * another model would come out than that of the unbroken run.
 */
export async function mergeFlags<
  Flags extends { resume?: string; out?: string; worldSize?: number },
>(
  { state }: Checkpoint,
  given: Flags,
  command: Command,
): Promise<Flags> {
  const notes = state.notes as { command?: string; flags?: Flags } | undefined;
  // A server's own from before there were others do not say so.
  const flags = (notes?.command ?? "server") === command.name() ? notes?.flags : undefined;
  if (flags === undefined) {
    throw new Error(
      `Cannot resume from ${given.resume}: its run was not begun by the command ${command.name()}`,
    );
  }
  if (given.out !== undefined) {
    throw new UsageError("expected no --out with --resume, which goes on in its own folder");
  }
  const anew = Object.entries(given).filter(([name]) =>
    command.getOptionValueSource(name) === "cli"
  );
  const began = withAbsolutePaths(flags) as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(withAbsolutePaths(Object.fromEntries(anew)))) {
    checkSame(name, value, began[name], command);
  }
  const own = await withoutOutside(flags, given, new Set(anew.map(([name]) => name)));
  return { ...own, ...Object.fromEntries(anew) };
}

/** The run's own options without its outputs outside the folder; tells of those, and of what else it names, unless that is given anew. */
async function withoutOutside<Flags extends { resume?: string; loggerFile?: string }>(
  flags: Flags,
  { resume = "." }: { resume?: string },
  anew: ReadonlySet<string>,
): Promise<Flags> {
  const { loggerFile = "" } = flags;
  if (!anew.has("loggerFile") && !isLogName(loggerFile)) {
    throw new UsageError(
      `expected the run's --logger-file to be a name without path separators, got ${loggerFile}; give another one`,
    );
  }
  const named = Object.entries<unknown>({ ...flags }).filter(([name, value]) =>
    !anew.has(name) && value !== undefined && value !== false &&
    !(name === "data" && DATASET_NAMES.includes(`${value}`)) &&
    !(name === "model" && !`${value}`.endsWith(".json"))
  );
  const outside: string[] = [];
  for (const [name, value] of named) {
    if (!OUTPUTS.includes(name) || value === STANDARD_OUTPUT) continue;
    if (!await isInside(String(value), resume)) outside.push(name);
  }
  const show = (names: readonly string[]) =>
    named.filter(([name]) => names.includes(name))
      .map(([name, value]) => value === true ? flagOf(name) : `${flagOf(name)} ${value}`)
      .join(", ");
  const told = show(TOLD);
  if (told !== "") printError(`Going on with what ${resume} names: ${told}`);
  if (outside.length > 0) {
    printError(`Not written, as it is outside ${resume} and not given anew: ${show(outside)}`);
  }
  return Object.fromEntries(
    Object.entries(flags).filter(([name]) => !outside.includes(name)),
  ) as Flags;
}

/** Returns true if a path is in the folder, links considered, and is no link itself. */
async function isInside(path: string, folder: string): Promise<boolean> {
  const real = (path: string) => Deno.realPath(path).catch(() => undefined);
  const [parent, whole] = [await real(dirname(resolve(path))), await real(folder)];
  if (parent === undefined || whole === undefined) return false;
  if (parent !== whole && !parent.startsWith(`${whole}/`)) return false;
  return !(await Deno.lstat(path).catch(() => undefined))?.isSymlink;
}

/** Throws a `UsageError` for an option that is another than the run began with, and may not be. */
function checkSame(name: string, value: unknown, stored: unknown, command: Command): void {
  if (MAY_CHANGE.has(name)) return;
  const option = command.options.find((option) => option.attributeName() === name);
  const began = stored ?? option?.defaultValue ?? IMPLIED[name];
  if (JSON.stringify(value) === JSON.stringify(began)) return;
  const flag = option?.long ?? name;
  if (name === "worldSize") {
    if (Number(value) >= Number(began)) return;
    throw new UsageError(`expected ${flag} of at least ${began} as the run began, got ${value}`);
  }
  const wanted = began === undefined || began === false ? `no ${flag}` : `${flag} ${began}`;
  throw new UsageError(`expected ${wanted} as the run began, got ${value}`);
}

/** The same options with the paths among them absolute. */
export function withAbsolutePaths(flags: object): Record<string, unknown> {
  const isPath = (name: string, value: string) =>
    PATHS.has(name) ||
    (name === "data" && !DATASET_NAMES.includes(value)) ||
    (name === "model" && value.endsWith(".json"));
  return Object.fromEntries(
    Object.entries(flags).map(([name, value]) => [
      name,
      typeof value === "string" && value !== STANDARD_OUTPUT && isPath(name, value)
        ? resolve(value)
        : value,
    ]),
  );
}
