import { schemaDigest } from "../../data/schema/digest.ts";
import { schemaWidth } from "../../data/schema/features.ts";
import type { CommandContext } from "../context.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import type { Flags } from "../options/table.ts";
import { printError } from "../output/terminal.ts";
import { STANDARD_OUTPUT, writeOutput } from "../output/write_output.ts";
import { loadData } from "../run/data.ts";
import { toJson } from "../run/run_folder.ts";

/** `schema`: the meaning of a data set's columns, as a file to edit. */
export function schemaCommand({ signal }: CommandContext): Command {
  return makeCommand("schema", {
    description: "Writes the schema of a data set: what its inputs and its target mean.",
    example:
      "deno task schema --data ward.csv --target 'stage > 0' --missing mean --out schema.json",
  }).action((flags: Flags<"schema">) => runSchema(flags, signal));
}

async function runSchema(flags: Flags<"schema">, signal: AbortSignal): Promise<void> {
  const { train, notes } = await loadData(flags, signal);
  const { schema } = train;
  if (!schema) throw new Error(`Cannot make a schema of ${flags.data}: it has none`);
  notes.forEach(printError);
  await writeOutput(flags.out, toJson(schema));
  const digest = await schemaDigest(schema);
  if (flags.out !== STANDARD_OUTPUT) {
    printError(
      `Wrote ${flags.out}: ${schema.inputs.length} inputs, ${
        schemaWidth(schema)
      } features, digest ${digest.slice(0, 12)}`,
    );
  }
}
