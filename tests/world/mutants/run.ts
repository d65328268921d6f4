import { apply, copyOfProgram, type Mutant, readMutants } from "./mutants.ts";
import type { Found } from "./found.ts";
import { CommandError } from "../options.ts";

/** Time that a mutant is looked for, in minutes. */
const MINUTES = 10;

/** Options of {@linkcode huntMutants}. */
export interface HuntOptions {
  /** Seed of the first run of each. */
  readonly seed: number;
  /** Time that each is looked for. Default: 10 minutes. */
  readonly minutes?: number;
  /** Names of the mutants to look for. Default: all. */
  readonly names?: readonly string[];
}

/** Runs worlds with a mutant until a rule is broken or the time is over. */
export async function huntMutant(
  mutant: Mutant,
  { seed, minutes = MINUTES }: HuntOptions,
): Promise<Found> {
  await using copy = await copyOfProgram();
  const { folder } = copy;
  await apply(mutant, folder);
  const hunt = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", "--frozen", "tests/world/mutants/hunt.ts"],
      ...[String(seed), String(60 * minutes)],
    ],
    cwd: folder,
  });
  const { stdout, stderr } = await hunt.output();
  try {
    return JSON.parse(new TextDecoder().decode(stdout));
  } catch {
    const text = new TextDecoder().decode(stderr).trim();
    throw new Error(`Cannot look for ${mutant.name}: ${text.slice(-1000)}`);
  }
}

/**
 * Looks for mutants one after the other, and prints a table of what was found.
 *
 * @returns The number of those that were not found.
 */
export async function huntMutants({ names, ...options }: HuntOptions): Promise<number> {
  const all = await readMutants();
  const unknown = names?.filter((name) => !all.some((mutant) => mutant.name === name)) ?? [];
  if (unknown.length > 0) {
    const known = all.map(({ name }) => name).join(", ");
    throw new CommandError(
      `Cannot find the mutant ${unknown.join(", ")}: expected one of ${known}`,
    );
  }
  console.log("| Mutant | Rule that is broken | Seed | Seconds |");
  console.log("| --- | --- | ---: | ---: |");
  let missed = 0;
  for (const mutant of all) {
    if (names !== undefined && !names.includes(mutant.name)) continue;
    const { invariant, seed, seconds } = await huntMutant(mutant, options);
    if (invariant === undefined) missed++;
    const rule = invariant ?? `none in ${seed - options.seed + 1} runs`;
    console.log(`| ${mutant.fault} | ${rule} | ${seed} | ${seconds.toFixed(1)} |`);
  }
  return missed;
}
