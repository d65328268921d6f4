import type { CommandContext } from "../context.ts";
import { type Command, InvalidArgumentError } from "../deps.ts";
import { Table } from "../output/table_deps.ts";
import { makeCommand } from "../options/command.ts";
import { UsageError } from "../options/option.ts";
import type { Flags } from "../options/table.ts";
import { printError } from "../output/terminal.ts";
import { printerBeside, writeOutput } from "../output/write_output.ts";
import { CODEC_EXPERIMENTS } from "../run/codec_cases.ts";
import { loadData } from "../run/data.ts";
import { type Case, CASES, CLIENTS, FRACTION } from "../run/published_cases.ts";
import { codecTable, runCodecs } from "../run/reproduce_codecs.ts";
import { privateTable, runPrivate } from "../run/reproduce_private.ts";
import { runTexts, type TextOutcome, textTable } from "../run/reproduce_texts.ts";
import { dataFor, type Outcome, runCase } from "../run/run_case.ts";
import { TEXT_CASES } from "../run/text_cases.ts";
import { toJson } from "../run/run_folder.ts";

const NAMES = [...CASES, ...TEXT_CASES].map(({ name }) => name);

/** `reproduce`: published results and those of this machine. */
export function reproduceCommand({ signal }: CommandContext): Command {
  const command = makeCommand("reproduce", {
    description:
      "Repeats published FedAvg experiments on MNIST or Shakespeare and compares the results.",
    example: "deno task reproduce --short",
  });
  return command.argument("[cases...]", `${NAMES.join(", ")} (default: all on MNIST)`, addCase)
    .action((names: string[] | undefined, flags: Flags<"reproduce">) =>
      runReproduce(
        names ?? [],
        flags,
        (name) => command.getOptionValueSource(name) === "cli",
        signal,
      )
    );
}

function addCase(name: string, before: string[] = []): string[] {
  if (!NAMES.includes(name)) {
    throw new InvalidArgumentError(`Allowed cases are ${NAMES.join(", ")}.`);
  }
  return [...before, name];
}

async function runReproduce(
  names: readonly string[],
  flags: Flags<"reproduce">,
  isGiven: (name: string) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const { short, codecs } = flags;
  const texts = names.filter((name) => TEXT_CASES.some((one) => one.name === name));
  const long = [...CASES, ...TEXT_CASES].find(({ name, isShort }) =>
    names.includes(name) && !isShort
  );
  if (short && long) throw new UsageError(`expected no --short with ${long.name}`);
  const other = names.find((name) => CODEC_EXPERIMENTS.every(({ base }) => base.name !== name));
  if (codecs && other) throw new UsageError(`expected no --codecs with ${other}`);
  if (flags.private && (names.length > 0 || codecs)) {
    throw new UsageError(`expected no ${codecs ? "--codecs" : names[0]} with --private`);
  }
  if (texts.length > 0) {
    const other = names.find((name) => !texts.includes(name));
    if (other !== undefined) {
      throw new UsageError(`expected cases on one data set, got ${texts[0]} and ${other}`);
    }
    if (isGiven("data")) throw new UsageError(`expected no --data with ${texts[0]}`);
    const outcomes = await runTexts(texts, flags, signal);
    return await report(textTable(outcomes), outcomes, flags);
  }
  const data = await loadData(flags, signal);
  if (flags.private) {
    const outcomes = await runPrivate(data, flags, signal);
    return await report(privateTable(outcomes), outcomes, flags);
  }
  if (codecs) {
    const outcomes = await runCodecs(names, data, flags, signal);
    return await report(codecTable(outcomes), outcomes, flags);
  }
  const cases = CASES.filter(({ name, isShort }) =>
    (names.length === 0 || names.includes(name)) && (isShort || !short)
  );
  const outcomes: Outcome[] = [];
  for (const one of cases) {
    const prepared = await dataFor(one, data);
    for (let seed = flags.seed; seed <= flags.seed + (one.moreSeeds ?? 0); seed++) {
      const outcome = await runCase(one, seed, prepared, flags, signal);
      outcomes.push(outcome);
      printError(line(one, outcome));
    }
  }
  await report(outcomeTable(outcomes), outcomes, flags);
}

/** Prints the table, writes the outcomes, and fails if one is outside of what was expected. */
async function report(
  table: string,
  outcomes: readonly (Outcome | TextOutcome)[],
  { json }: Flags<"reproduce">,
): Promise<void> {
  printerBeside(json)(table);
  if (json !== undefined) {
    await writeOutput(
      json,
      toJson({
        schema: "fedlab.reproduce/1",
        // Cases on texts have as many clients as there are roles.
        ...(outcomes.every((one) => !("clients" in one)) && { clients: CLIENTS }),
        fraction: FRACTION,
        outcomes,
      }),
    );
  }
  const outside = outcomes.filter(({ isInside }) => !isInside);
  if (outside.length > 0) {
    throw new Error(
      `${outside.length} of ${outcomes.length} runs are outside what was expected: ${
        outside.map(({ name, seed }) => `${name} with seed ${seed}`).join(", ")
      }`,
    );
  }
}

function line({ most }: Case, { name, seed, rounds, accuracy, seconds }: Outcome): string {
  const reached = rounds === undefined ? `not within ${most} rounds` : `${rounds} rounds`;
  const percent = (accuracy * 100).toFixed(2);
  return `${name}, seed ${seed}: ${reached}, ${percent}%, ${seconds.toFixed(1)} s`;
}

/** Formats published and measured rounds as a table. */
function outcomeTable(outcomes: readonly Outcome[]): string {
  const table = new Table({
    head: ["case", "seed", "to", "published", "expected", "here", "seconds", ""],
    colAligns: ["left", "right", "right", "right", "right", "right", "right", "left"],
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  for (const { name, seed, rounds, seconds, isInside } of outcomes) {
    const known = CASES.find((one) => one.name === name);
    if (!known) continue;
    const { target, published, least, most } = known;
    table.push([
      name,
      seed,
      `${target * 100}%`,
      published,
      least === 1 ? `≤ ${most}` : `${least} to ${most}`,
      rounds ?? `> ${most}`,
      seconds.toFixed(1),
      isInside ? "inside" : "outside",
    ]);
  }
  return table.toString();
}
