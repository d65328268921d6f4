/**
 * Runs federations in simulated time, with faults of machines, links and disks, until some hours of
 * the world have passed. Exit status 0 when no rule was broken.
 *
 *     deno task world --seed 1 --hours 100
 */
import { parseArgs } from "node:util";
import { Counts } from "../../src/world/coverage/counts.ts";
import { checkMoment } from "../../src/world/coverage/machine.ts";
import { coverageLines, coverageText } from "../../src/world/coverage/report.ts";
import { Steering } from "../../src/world/coverage/steering.ts";
import { MACHINES } from "../../src/world/coverage/table.ts";
import { faultText } from "../../src/world/faults/fault.ts";
import { drawPlay, type Outcome, type Play, play } from "../../src/world/play.ts";
import { momentText } from "../../src/world/watch/moment.ts";
import { shrink } from "../../src/world/shrink.ts";
import { pictureOf } from "./page/picture_of.ts";
import { writePage } from "./page/write_page.ts";
import { huntMutants } from "./mutants/run.ts";

const HELP = `Runs federations in simulated time, with faults of machines, links and disks.

  deno task world [--seed S] [--hours H] [--minutes M] [--replay] [--plan FILE] [--write FILE]

  --seed S      seed of the first run (1); the next run has the next seed
  --hours H     hours of the world after which no new run begins (100)
  --minutes M   minutes of real time after which no new run begins
  --replay      shows the log of all processes of one run
  --plan FILE   makes the run that such a file describes, in place of that of the seed
  --write FILE  writes a file for --plan: the run that failed with its fewest faults, or with
                --replay the run of the seed
  --page FILE   writes a page that shows one run as a sequence diagram
  --coverage    counts the transitions of the protocol that the runs make, and prints the table
  --steer       draws runs towards transitions that were not made; implies --coverage. Such a run
                is not that of its seed alone: one that fails is kept in a file for --plan
  --mutants     breaks the program by each patch of tests/world/mutants, or by those named, and runs
                worlds until a rule is broken or --minutes (10) are over; prints a table
`;

/** Tries after which a schedule is not made smaller. */
const SHRINK_TRIES = 200;

const { values, positionals: names } = parseArgs({
  allowPositionals: Deno.args.includes("--mutants"),
  options: {
    seed: { type: "string", default: "1" },
    hours: { type: "string", default: "100" },
    minutes: { type: "string", default: "Infinity" },
    replay: { type: "boolean", default: false },
    plan: { type: "string" },
    write: { type: "string" },
    coverage: { type: "boolean", default: false },
    steer: { type: "boolean", default: false },
    page: { type: "string" },
    mutants: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** Reads a number of the command line. */
function numberOf(name: "seed" | "hours" | "minutes", isWhole = false): number {
  const number = Number(values[name]);
  if (number >= 0 && (!isWhole || Number.isSafeInteger(number))) return number;
  console.error(`error: expected a number for --${name}, got ${values[name]}`);
  Deno.exit(2);
}

async function readPlay(path: string): Promise<Play> {
  try {
    const play: Play = JSON.parse(await Deno.readTextFile(path));
    for (const { when } of play.schedule) if (when) checkMoment(when, MACHINES);
    return play;
  } catch (error) {
    console.error(`error: cannot read ${path}: ${error instanceof Error ? error.message : error}`);
    Deno.exit(2);
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

async function writePlay(
  path: string,
  { seed, mode, plan, schedule }: Play,
  aims?: readonly string[],
): Promise<void> {
  const text = JSON.stringify({ seed, mode, plan, schedule, aims }, null, 2);
  await Deno.writeTextFile(path, `${text}\n`);
}

/**
 * Tells of a run that broke a rule, with the fewest faults that do so. A run that was drawn towards
 * transitions is kept in a file, since its seed alone does not give it again.
 */
async function tell(outcome: Outcome, aims?: readonly string[]): Promise<void> {
  const [first] = outcome.violations;
  console.log(`FAILED at commit ${await commit()}`);
  for (const { invariant, text } of outcome.violations.slice(0, 10)) {
    console.log(`  ${invariant}: ${text}`);
  }
  const schedule = await shrink(outcome.schedule, async (schedule) => {
    const { violations } = await play({ ...outcome, schedule });
    return violations.some(({ invariant }) => invariant === first?.invariant);
  }, SHRINK_TRIES);
  console.log(
    `  the same rule is broken by ${schedule.length} of ${outcome.schedule.length} faults:`,
  );
  for (const { at, seconds, fault, when } of schedule) {
    const begin = when === undefined ? `at ${at} s` : `as ${momentText(when)}`;
    const time = seconds === undefined ? "for ever" : `for ${seconds} s`;
    console.log(`    ${begin} ${time}: ${faultText(fault)}`);
  }
  const path = values.write ?? (aims && await Deno.makeTempFile({ suffix: ".json" }));
  if (path !== undefined) await writePlay(path, { ...outcome, schedule }, aims);
  const how = aims === undefined ? `--seed ${outcome.seed}` : `--plan ${path}`;
  console.log(`  again: deno task world ${how} --replay`);
}

async function main(): Promise<number> {
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const seed = numberOf("seed", true), mostHours = numberOf("hours"), minutes = numberOf("minutes");
  if (values.mutants) {
    return await huntMutants({
      seed,
      ...(minutes < Infinity && { minutes }),
      ...(names.length > 0 && { names }),
    });
  }
  if (values.replay || values.plan !== undefined || values.page !== undefined) {
    const one = values.plan === undefined ? drawPlay(seed) : await readPlay(values.plan);
    const onLine = values.replay ? (line: string) => console.log(line) : undefined;
    const { outcome, picture } = values.page === undefined
      ? { outcome: await play(one, onLine && { onLine }) }
      : await pictureOf(one, onLine);
    if (picture && values.page !== undefined) await writePage(values.page, picture);
    if (values.replay && values.write !== undefined) await writePlay(values.write, one);
    console.log(summary(outcome));
    for (const { invariant, text } of outcome.violations) console.log(`  ${invariant}: ${text}`);
    return outcome.violations.length === 0 ? 0 : 1;
  }
  const began = performance.now();
  const counts = values.coverage || values.steer ? new Counts(MACHINES) : undefined;
  const steering = counts && values.steer ? new Steering(counts, MACHINES, seed) : undefined;
  let hours = 0, failed = 0, runs = 0;
  while (hours < mostHours && performance.now() - began < minutes * 60_000) {
    const one = steering?.next() ?? drawPlay(seed + runs);
    const outcome = await play(one, counts && { counts });
    runs++;
    hours += outcome.hours;
    console.log(`${summary(outcome)}${counts ? `, ${coverageText(counts)}` : ""}`);
    for (const aim of steering?.aims ?? []) console.log(`  aimed at ${aim}`);
    if (outcome.violations.length === 0) continue;
    failed++;
    await tell(outcome, steering?.aims);
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

Deno.exit(await main());
