import { didYouMean } from "../../base/did_you_mean.ts";
import { errorMessage } from "../../base/errors.ts";
import { type CommandName, flagOf, UsageError } from "../options/option.ts";
import { type CommandOption, optionsOf } from "../options/table.ts";
import { NOT_IN_FILE } from "./options.ts";
import { readConfig } from "./read_config.ts";

/** Field of an options file with the address of its schema. */
export const SCHEMA_FIELD = "$schema";

/** Field of an options file with the command that it is for. */
export const COMMAND_FIELD = "command";

/**
 * Writes the options of a file as arguments of a command line, without those that are given.
 *
 * @param command The command that runs.
 * @param path Path of the options file.
 * @param given Names of the options on the command line.
 * @throws {UsageError} If the file has an unknown option, a value that its option does not take,
 * or is for another command.
 * @throws {Error} If the file cannot be read.
 */
export async function argumentsFrom(
  command: CommandName,
  path: string,
  given: ReadonlySet<string>,
): Promise<string[]> {
  const { [SCHEMA_FIELD]: _, [COMMAND_FIELD]: meant, ...fields } = await readConfig(path);
  const refuse = (reason: string) => new UsageError(`cannot use ${path}: ${reason}`);
  if (meant !== undefined && meant !== command) {
    throw refuse(`expected the command ${command}, got ${shown(meant)}`);
  }
  const options = new Map(
    optionsOf(command).filter(({ name }) => !NOT_IN_FILE.has(name))
      .flatMap((option) => fieldsOf(option).map((field) => [field, option] as const)),
  );
  const spelled = new Map<CommandOption, string>();
  return Object.entries(fields).flatMap(([field, value]) => {
    const option = options.get(field);
    if (option === undefined) {
      throw refuse(
        `${command} has no option ${JSON.stringify(field)}${didYouMean(field, options.keys())}`,
      );
    }
    const other = spelled.get(option);
    if (other !== undefined) throw refuse(`expected ${other} or ${field}, got both`);
    spelled.set(option, field);
    try {
      const args = argumentsOf(option, value);
      return given.has(option.name) ? [] : args;
    } catch (error) {
      throw refuse(`${field}: ${errorMessage(error)}, got ${shown(value)}`);
    }
  });
}

/** Names the field of an option in an options file: its flag without the dashes. */
export function fieldOf(name: string): string {
  return flagOf(name).slice(2);
}

/** Lists the fields that an options file can have for an option, one for each spelling. */
export function fieldsOf({ name, alsoCalled }: CommandOption): string[] {
  return [fieldOf(name), ...(alsoCalled?.startsWith("--") ? [alsoCalled.slice(2)] : [])];
}

/** Writes a value as arguments; none for a switch that is off. */
function argumentsOf(option: CommandOption, value: unknown): string[] {
  const flag = flagOf(option.name);
  const { type } = option;
  if (typeof value === "boolean" && (type.isSwitch || type.mayStandAlone)) {
    return value ? [flag] : [];
  }
  if (type.isSwitch) throw new Error("expected true or false");
  const items = Array.isArray(value) && type.several ? value : [value];
  if (!items.every((item) => typeof item === "string" || typeof item === "number")) {
    throw new Error(
      type.several ? "expected a text, a number or a list of them" : "expected a text or a number",
    );
  }
  const isList = Array.isArray(value);
  const texts = type.several === "joined" ? [items.join(",")] : items.map(String);
  return texts.map((text) => {
    try {
      const written = isList && type.write ? type.write(text) : text;
      type.parse(written);
      return `${flag}=${written}`;
    } catch (error) {
      const message = errorMessage(error).replace(/\.$/, "");
      throw new Error(message.charAt(0).toLowerCase() + message.slice(1));
    }
  });
}

/** Describes a value; one that is not a scalar can be large, and hold itself. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "an object" : JSON.stringify(value);
}
