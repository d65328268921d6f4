import { runtime } from "../../base/runtime/runtime.ts";
import { dirname, resolve } from "node:path";
import type { Checkpoint } from "../../store/checkpoint/checkpoints.ts";
import type { Command } from "../deps.ts";
import { printError } from "../output/terminal.ts";
import { STANDARD_OUTPUT } from "../output/write_output.ts";
import { withPresentNames } from "./command.ts";
import { type CommandName, flagOf, UsageError } from "./option.ts";
import { isFileName } from "./output.ts";
import { type CommandOption, optionsOf } from "./table.ts";

/** Command whose runs can be resumed. */
type ResumableCommand = CommandName & ("server" | "simulate");

/** Options that {@linkcode mergeFlags} reads itself. */
interface ResumeFlags {
  resume?: string;
  out?: string;
}

/**
 * Makes the notes that a command's checkpoints keep: the values of its options, with absolute
 * paths, which hold in every folder.
 */
export function resumeNotes(command: Command, flags: object): Record<string, unknown> {
  return { command: command.name(), flags: withAbsolutePaths(nameOf(command), flags) };
}

function nameOf(command: Command): ResumableCommand {
  return command.name() as ResumableCommand;
}

/**
 * Merges the options that a run began with and those that are given to resume it. Prints the paths
 * and addresses that come from the run's folder. Leaves out outputs outside that folder unless they
 * are given again: the folder may be someone else's and name any file.
 *
 * @param checkpoint Checkpoint to resume from.
 * @param given Values of the options on the command line.
 * @param command The command that resumes the run.
 * @throws {Error} If another command began the run.
 * @throws {UsageError} If another folder is given too, or an option with which the model would
 * differ from that of an uninterrupted run.
 */
export async function mergeFlags<Flags extends ResumeFlags>(
  { state }: Pick<Checkpoint, "state">,
  given: Flags,
  command: Command,
): Promise<Flags> {
  const name = nameOf(command);
  const notes = state.notes as { command?: string; flags?: Flags } | undefined;
  // Early checkpoints of a server do not name the command.
  const isSame = (notes?.command ?? "server") === name;
  if (!isSame || notes?.flags === undefined) {
    throw new Error(
      `Cannot resume from ${given.resume}: its run was not begun by the command ${name}`,
    );
  }
  if (given.out !== undefined) {
    throw new UsageError("expected no --out with --resume, which goes on in its own folder");
  }
  const flags = withPresentNames(name, notes.flags);
  const options = optionsOf(name);
  const anew = Object.fromEntries(
    Object.entries(given).filter(([name]) => command.getOptionValueSource(name) === "cli"),
  );
  const began = withAbsolutePaths(name, flags);
  const wanted = withAbsolutePaths(name, anew);
  for (const option of options) {
    const { name } = option;
    if (Object.hasOwn(wanted, name)) checkSame(option, wanted[name], began[name]);
  }
  const own = await withoutOutside(options, flags, given.resume ?? ".", new Set(Object.keys(anew)));
  // A run of an earlier version lacks the options that there were not yet; they have defaults.
  return { ...given, ...own, ...anew };
}

/**
 * Removes outputs outside the run's folder from the options that the run began with, and prints
 * them and the inputs that the folder names, without those that are given anew.
 */
async function withoutOutside<Flags extends object>(
  options: readonly CommandOption[],
  flags: Flags,
  folder: string,
  anew: ReadonlySet<string>,
): Promise<Flags> {
  const values = flags as Readonly<Record<string, unknown>>;
  const { loggerFile = "" } = values;
  if (!anew.has("loggerFile") && !isFileName(`${loggerFile}`)) {
    throw new UsageError(
      `expected the run's --logger-file to be a name without path separators, got ${loggerFile}; give another one`,
    );
  }
  const kept = options.filter(({ name, isPath }) => {
    const value = values[name];
    return !anew.has(name) && value !== undefined && value !== false &&
      isPath?.(`${value}`) !== false;
  });
  const outside: CommandOption[] = [];
  for (const option of kept) {
    const value = values[option.name];
    if (!option.path?.startsWith("output") || value === STANDARD_OUTPUT) continue;
    if (!await isInside(`${value}`, folder)) outside.push(option);
  }
  const show = (options: readonly CommandOption[]) =>
    options.map(({ name }) =>
      values[name] === true ? flagOf(name) : `${flagOf(name)} ${values[name]}`
    )
      .join(", ");
  const announced = show(kept.filter(({ isAnnounced }) => isAnnounced));
  if (announced !== "") printError(`Using options that ${folder} names: ${announced}`);
  if (outside.length > 0) {
    printError(`Not written, because outside ${folder} and not given again: ${show(outside)}`);
  }
  const left = new Set(outside.map(({ name }) => name));
  return Object.fromEntries(Object.entries(flags).filter(([name]) => !left.has(name))) as Flags;
}

/** Tells whether a path lies in the folder once links are followed, and is not a link itself. */
async function isInside(path: string, folder: string): Promise<boolean> {
  const real = (path: string) => runtime.files.realPath(path).catch(() => undefined);
  const [parent, whole] = [await real(dirname(resolve(path))), await real(folder)];
  if (parent === undefined || whole === undefined) return false;
  if (parent !== whole && !parent.startsWith(`${whole}/`)) return false;
  return !(await runtime.files.lstat(path).catch(() => undefined))?.isSymlink;
}

/** Throws a `UsageError` for a value with which the run may not be resumed. */
function checkSame(option: CommandOption, value: unknown, stored: unknown): void {
  if (option.onResume === "any") return;
  const began = stored ?? option.default ?? option.implied;
  if (JSON.stringify(value) === JSON.stringify(began)) return;
  const flag = flagOf(option.name);
  if (option.onResume === "grow") {
    if (Number(value) >= Number(began)) return;
    throw new UsageError(`expected ${flag} of at least ${began} as the run began, got ${value}`);
  }
  const wanted = began === undefined || began === false ? `no ${flag}` : `${flag} ${began}`;
  throw new UsageError(`expected ${wanted} as the run began, got ${value}`);
}

/** Makes the paths among the values of a command's options absolute. */
export function withAbsolutePaths(
  command: CommandName,
  flags: object,
): Record<string, unknown> {
  const values: Record<string, unknown> = { ...flags };
  for (const { name, path, isPath, pathsOf } of optionsOf(command)) {
    const value = values[name];
    if (path === undefined || typeof value !== "string" || value === STANDARD_OUTPUT) continue;
    if (isPath?.(value) === false) continue;
    const paths = pathsOf?.(value) ?? [value];
    values[name] = paths.map((one) => resolve(one)).join(",");
  }
  return values;
}
