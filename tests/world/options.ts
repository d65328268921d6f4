import { parseArgs } from "node:util";
import { dirname } from "node:path";
import { checkSeed } from "../../src/base/check.ts";
import { errorMessage } from "../../src/base/errors.ts";

/** Options of the command as they were given. */
export interface WorldCommand {
  /** Seed of the first run. */
  readonly seed: number;
  /** Hours of the world after which no new run begins. */
  readonly hours: number;
  /** Minutes of real time after which no new run begins; absent without a limit. */
  readonly minutes?: number;
  readonly isReplay: boolean;
  /** File with the run to make. */
  readonly plan?: string;
  /** File to write a run to. */
  readonly write?: string;
  /** File to write a page to. */
  readonly page?: string;
  readonly hasCoverage: boolean;
  readonly isSteered: boolean;
  readonly hasMutants: boolean;
  readonly isHelp: boolean;
  /** Mutants by name; all if there are none. */
  readonly names: readonly string[];
}

/** Mistake of the user, which one line tells of. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** Simulated hours after which no new run begins, unless the real time is limited. */
const HOURS = 100;

const OPTIONS = {
  seed: { type: "string" },
  hours: { type: "string" },
  minutes: { type: "string" },
  replay: { type: "boolean", default: false },
  plan: { type: "string" },
  write: { type: "string" },
  coverage: { type: "boolean", default: false },
  steer: { type: "boolean", default: false },
  page: { type: "string" },
  mutants: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** Options that have no effect beside others: the first of each pair is refused. */
const EXCLUDED = [
  ["seed", "plan"],
  ...["hours", "minutes", "coverage", "steer", "mutants"].flatMap((name) =>
    ["replay", "plan", "page"].map((one) => [name, one] as const)
  ),
  ...["hours", "write", "coverage", "steer"].map((name) => [name, "mutants"] as const),
] as const;

/**
 * Reads the options of the command.
 *
 * @throws {CommandError} If an option is unknown, has no effect, or its value cannot be used.
 */
export function readCommand(args: readonly string[]): WorldCommand {
  const { values, positionals: names } = parsed(args);
  const given = (name: string) => (values as Record<string, unknown>)[name] || undefined;
  for (const [name, other] of EXCLUDED) {
    if (given(name) === undefined || given(other) === undefined) continue;
    throw new CommandError(`Cannot use --${name} with --${other}`);
  }
  const [extra] = names;
  if (extra !== undefined && !values.mutants) {
    throw new CommandError(`Cannot use the argument ${extra}: expected options alone`);
  }
  for (const name of ["plan", "write", "page"] as const) {
    if (values[name] === "") throw new CommandError(`Cannot use --${name}: expected a file`);
  }
  const minutes = numberOf("minutes", values.minutes);
  return {
    seed: seedOf(values.seed),
    hours: numberOf("hours", values.hours) ?? (minutes === undefined ? HOURS : Infinity),
    ...(minutes !== undefined && { minutes }),
    ...(values.plan !== undefined && { plan: values.plan }),
    ...(values.write !== undefined && { write: values.write }),
    ...(values.page !== undefined && { page: values.page }),
    isReplay: values.replay,
    hasCoverage: values.coverage || values.steer,
    isSteered: values.steer,
    hasMutants: values.mutants,
    isHelp: values.help,
    names,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    // What follows the first sentence is about arguments that begin with a dash.
    throw new CommandError(errorMessage(error).split(/\. (?:To|Did) |\n/)[0], { cause: error });
  }
}

function seedOf(text: string | undefined): number {
  const seed = numberOf("seed", text) ?? 1;
  try {
    return checkSeed(seed);
  } catch (error) {
    throw new CommandError(errorMessage(error), { cause: error });
  }
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = text.trim() === "" ? NaN : Number(text);
  if (number >= 0) return number;
  throw new CommandError(
    `Cannot use --${name}: expected a number from 0, got ${text || "nothing"}`,
  );
}

/**
 * Checks that a file can be written, before the run that it is to keep.
 *
 * @throws {CommandError} If its folder is missing, or it is a folder itself.
 */
export async function checkWritable(path: string): Promise<void> {
  const statOf = (name: string) => Deno.stat(name).catch(() => undefined);
  if (!(await statOf(dirname(path)))?.isDirectory) {
    throw new CommandError(`Cannot write ${path}: there is no folder ${dirname(path)}`);
  }
  if ((await statOf(path))?.isDirectory) {
    throw new CommandError(`Cannot write ${path}: it is a folder`);
  }
}
