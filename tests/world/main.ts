/**
 * Runs federations in simulated time, with faults of machines, links and disks, until some hours of
 * the world have passed. Exit status 0 when no rule was broken.
 *
 *     deno task world --seed 1 --hours 100
 */
import { errorMessage } from "../../src/base/errors.ts";
import { Counts } from "../../src/world/coverage/counts.ts";
import { coverageLines, coverageText } from "../../src/world/coverage/report.ts";
import { Steering } from "../../src/world/coverage/steering.ts";
import { MACHINES } from "../../src/world/coverage/table.ts";
import { faultText } from "../../src/world/faults/fault.ts";
import { drawPlay, type Outcome, type Play, play } from "../../src/world/play.ts";
import { readPlay, writePlay } from "../../src/world/play_file.ts";
import { momentText } from "../../src/world/watch/moment.ts";
import { shrinkPlay } from "../../src/world/shrink_play.ts";
import { pictureOf } from "./page/picture_of.ts";
import { writePage } from "./page/write_page.ts";
import { huntMutants } from "./mutants/run.ts";
import { checkWritable, CommandError, readCommand, type WorldCommand } from "./options.ts";

const HELP = `Runs federations in simulated time, with faults of machines, links and disks.

  deno task world [--seed S] [--hours H] [--minutes M] [--replay] [--plan FILE] [--write FILE]

  --seed S      seed of the first run (1); the next run has the next seed
  --hours H     hours of the world after which no new run begins (100, unless there is --minutes)
  --minutes M   minutes of real time after which no new run begins
  --replay      shows the log of all processes of one run
  --plan FILE   makes the run that such a file describes, in place of that of the seed
  --write FILE  writes a file for --plan: the first run that failed, with its fewest faults, or with
                --replay, --plan or --page that run
  --page FILE   writes a page that shows one run as a sequence diagram
  --coverage    counts the transitions of the protocol that the runs make, and prints the table
  --steer       draws runs towards transitions that were not made; implies --coverage. Such a run
                is not that of its seed alone: one that fails is kept in a file for --plan
  --mutants     breaks the program by each patch of tests/world/mutants, or by those named, and runs
                worlds until a rule is broken or --minutes (10) are over; prints a table
`;

/** Tries after which a schedule is not made smaller. */
const SHRINK_TRIES = 200;

async function readFile(path: string): Promise<Play> {
  try {
    return readPlay(await Deno.readTextFile(path));
  } catch (error) {
    throw new CommandError(`Cannot read ${path}: ${errorMessage(error)}`, { cause: error });
  }
}

/** Commit of this checkout, or `"unknown"` outside of one. */
async function commit(): Promise<string> {
  try {
    const git = new Deno.Command("git", { args: ["rev-parse", "HEAD"], stderr: "null" });
    return new TextDecoder().decode((await git.output()).stdout).trim() || "unknown";
  } catch {
    return "unknown";
  }
}

function summary({ seed, mode, plan, schedule, hours, events, log }: Outcome): string {
  const { strategy, clients, rounds, isMasked, uplink, downlink, proof } = plan;
  const extras = [isMasked && "masked", uplink, downlink && `down ${downlink}`, proof].filter(
    Boolean,
  );
  return `seed ${seed}, ${mode}: ${clients} clients, ${rounds} rounds of ${strategy} (${
    extras.join(", ")
  }), ${schedule.length} faults, ${hours.toFixed(2)} h, ${events} events, log ${log}`;
}

/** Writes a file for `--plan`; what cannot be written is printed. */
async function writeFile(path: string, play: Play, aims?: readonly string[]): Promise<void> {
  const text = writePlay(play, aims);
  try {
    await Deno.writeTextFile(path, text);
  } catch (error) {
    // What it has taken a while to find is not lost.
    console.log(text);
    throw new CommandError(`Cannot write ${path}: ${errorMessage(error)}`, { cause: error });
  }
}

/** File that a run is kept in, and the transitions towards which it was drawn. */
interface Keeping {
  readonly path: string | undefined;
  readonly aims: readonly string[] | undefined;
}

/**
 * Tells of a run that broke a rule, with the fewest faults that do so. A run that was drawn towards
 * transitions is kept in a file, since its seed alone does not give it again.
 */
async function tell(outcome: Outcome, { path, aims }: Keeping): Promise<void> {
  console.log(`FAILED at commit ${await commit()}`);
  for (const { invariant, text } of outcome.violations.slice(0, 10)) {
    console.log(`  ${invariant}: ${text}`);
  }
  const schedule = await shrinkPlay(outcome, SHRINK_TRIES);
  console.log(
    `  the same rule is broken by ${schedule.length} of ${outcome.schedule.length} faults:`,
  );
  for (const { at, seconds, fault, when } of schedule) {
    const begin = when === undefined ? `at ${at} s` : `as ${momentText(when)}`;
    const time = seconds === undefined ? "for ever" : `for ${seconds} s`;
    console.log(`    ${begin} ${time}: ${faultText(fault)}`);
  }
  const file = path ?? (aims && await Deno.makeTempFile({ suffix: ".json" }));
  if (file !== undefined) await writeFile(file, { ...outcome, schedule }, aims);
  const how = file === undefined ? `--seed ${outcome.seed}` : `--plan ${file}`;
  console.log(`  again: deno task world ${how} --replay`);
}

/** Makes one run, and shows it. */
async function showOne({ seed, plan, page, write, isReplay }: WorldCommand): Promise<number> {
  const one = plan === undefined ? drawPlay(seed) : await readFile(plan);
  const onLine = isReplay ? (line: string) => console.log(line) : undefined;
  const { outcome, picture } = page === undefined
    ? { outcome: await play(one, onLine && { onLine }) }
    : await pictureOf(one, onLine);
  if (picture && page !== undefined) await writePage(page, picture);
  if (write !== undefined) await writeFile(write, one);
  console.log(summary(outcome));
  for (const { invariant, text } of outcome.violations) console.log(`  ${invariant}: ${text}`);
  return outcome.violations.length === 0 ? 0 : 1;
}

/** Makes runs until the hours or minutes are over. */
async function runSeeds(command: WorldCommand): Promise<number> {
  const { seed, hours: mostHours, minutes = Infinity, hasCoverage, isSteered } = command;
  const began = performance.now();
  const counts = hasCoverage ? new Counts(MACHINES) : undefined;
  const steering = counts && isSteered ? new Steering(counts, MACHINES, seed) : undefined;
  let hours = 0, failed = 0, runs = 0;
  while (hours < mostHours && performance.now() - began < minutes * 60_000) {
    const one = steering?.next() ?? drawPlay(seed + runs);
    const outcome = await play(one, counts && { counts });
    runs++;
    hours += outcome.hours;
    console.log(`${summary(outcome)}${counts ? `, ${coverageText(counts)}` : ""}`);
    for (const aim of steering?.aims ?? []) console.log(`  aimed at ${aim}`);
    if (outcome.violations.length === 0) continue;
    // The file keeps the first run that failed; others have their seed, or a file of their own.
    const path = failed++ === 0 ? command.write : undefined;
    await tell(outcome, { path, aims: steering?.aims });
  }
  if (counts) console.log(coverageLines(counts, MACHINES).join("\n"));
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `${runs} runs, ${hours.toFixed(1)} hours of the world in ${seconds.toFixed(1)} s (${
      (3600 * hours / seconds).toFixed(0)
    } hours an hour), ${failed} failed`,
  );
  return failed === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const command = readCommand(Deno.args), { seed, minutes, names, page, write } = command;
  if (command.isHelp) {
    console.log(HELP);
    return 0;
  }
  if (command.hasMutants) {
    return await huntMutants({
      seed,
      ...(minutes !== undefined && { minutes }),
      ...(names.length > 0 && { names }),
    });
  }
  for (const path of [page, write]) if (path !== undefined) await checkWritable(path);
  const isOne = command.isReplay || command.plan !== undefined || page !== undefined;
  return await (isOne ? showOne(command) : runSeeds(command));
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.error(`error: ${error.message}`);
    Deno.exit(2);
  }
}
