import { givenTexts } from "../options/command.ts";
import type { CommandName } from "../options/option.ts";
import { type CommandOption, optionsOf } from "../options/table.ts";
import { splitNames } from "../options/values.ts";
import type { Command } from "../deps.ts";
import { fieldOf } from "./arguments.ts";
import { NOT_IN_FILE } from "./options.ts";
import { CONFIG_SCHEMA_URL } from "./schema.ts";

/** Writes the options with which a command was called as the text of an options file. */
export function configOf(command: Command): string {
  const name = command.name() as CommandName;
  const fields = optionsOf(name).flatMap((option) =>
    NOT_IN_FILE.has(option.name) || command.getOptionValueSource(option.name) !== "cli"
      ? []
      : [[fieldOf(option.name), valueOf(option, command)]]
  );
  const file = { $schema: CONFIG_SCHEMA_URL, command: name, ...Object.fromEntries(fields) };
  return JSON.stringify(file, null, 2);
}

/** Returns the value of an options file that gives an option the value that it has. */
function valueOf({ name, type }: CommandOption, command: Command): unknown {
  const texts = givenTexts(command, name);
  const [text] = texts;
  if (text === undefined) return true;
  if (type.several === "repeated") return type.write ? texts.flatMap(splitNames) : texts;
  const isNumber = type.json?.type === "integer" || type.json?.type === "number";
  return isNumber && !type.several ? Number(text) : text;
}
