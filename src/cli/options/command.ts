import { Command, Help, InvalidArgumentError, Option } from "../deps.ts";
import { printError } from "../output/terminal.ts";
import { type CommandName, flagOf, UsageError } from "./option.ts";
import { type CommandOption, optionsOf } from "./table.ts";

/** Texts of a command's help. */
export interface CommandHelp {
  /** Sentence that says what the command does. */
  readonly description: string;
  /** Command line that shows how to call it. */
  readonly example: string;
}

/** Texts of the options on the command line of each command, by the option's name. */
const TEXTS = new WeakMap<Command, Map<string, string[]>>();

/** Flag that shows the rare options too, beside `--help`. */
const ALL = "--all";

/**
 * Makes a command with its options.
 *
 * @param name Name of the command; every option of the table that lists it is added.
 * @param help Texts of the help.
 */
export function makeCommand(name: CommandName, { description, example }: CommandHelp): Command {
  const command = new Command(name).description(description);
  const options = optionsOf(name);
  const texts = new Map<string, string[]>();
  TEXTS.set(command, texts);
  for (const option of options) {
    command.addOption(commanderOption(option, texts));
    if (option.formerly !== undefined) command.addOption(formerOption(option, option.formerly));
  }
  command.addOption(new Option(ALL).hideHelp());
  const rare = options.filter(({ isRare }) => isRare).length;
  command.addHelpText("after", () =>
    [
      "",
      ...(rare > 0 && !command.opts().all ? [`--help ${ALL} shows ${rare} more options.`] : []),
      `Example: ${example}`,
    ].join("\n"));
  return command;
}

/** Returns the texts with which an option was given, of options that have values. */
export function givenTexts(command: Command, name: string): readonly string[] {
  return TEXTS.get(command)?.get(name) ?? [];
}

function commanderOption(option: CommandOption, texts: Map<string, string[]>): Option {
  const { alsoCalled, value, unit, group, type, isRequired = false } = option;
  const names = [...(alsoCalled ? [alsoCalled] : []), flagOf(option.name)].join(", ");
  const placeholder = unit === undefined ? value : `<${unit}>`;
  const made = new Option(placeholder ? `${names} ${placeholder}` : names, describe(option))
    .helpGroup(`${group}:`).makeOptionMandatory(isRequired);
  if (!type.isSwitch) made.argParser(parserOf(option, texts));
  if (option.default !== undefined) made.default(option.default);
  return made;
}

/** Makes the parser of an option's values, which refuses a second one where it would win alone. */
function parserOf(
  { name, type, once }: CommandOption,
  texts: Map<string, string[]>,
): (text: string, previous: unknown) => unknown {
  return (text, previous) => {
    const before = texts.get(name) ?? [];
    if (before.length > 0 && once !== undefined) {
      throw new InvalidArgumentError(
        `Expected ${flagOf(name)} once, as in ${flagOf(name)} ${once}.`,
      );
    }
    texts.set(name, type.several === "repeated" ? [...before, text] : [text]);
    return type.parse(text, previous as never);
  };
}

/**
 * Makes the hidden option of an earlier spelling; {@linkcode adoptFormerNames} renames its value.
 */
function formerOption(option: CommandOption, flag: string): Option {
  const { value, type } = option;
  return new Option(value ? `${flag} ${value}` : flag).hideHelp()
    .argParser((text, previous) => type.parse(text, previous));
}

function describe({ help, type, default: value, defaultText }: CommandOption): string {
  const notes = [
    ...(namesAll(help, type.choices ?? []) ? [] : [`one of ${type.choices?.join(", ")}`]),
    ...(type.isSwitch
      ? []
      : value !== undefined
      ? [`default: ${value}`]
      : defaultText === undefined
      ? []
      : [`default: ${defaultText}`]),
  ];
  return notes.length === 0 ? help : `${help} (${notes.join("; ")})`;
}

/** Tells whether a help text names each of the words that an option takes. */
function namesAll(help: string, words: readonly string[]): boolean {
  return words.every((word) => help.includes(`(${word})`));
}

/**
 * Format of the help: without rare options unless `--all` is given, and without the notes that
 * commander adds.
 */
export const HELP_FORMAT = {
  visibleOptions(command: Command): Option[] {
    const rare = new Set(
      optionsOf(command.name() as CommandName).filter(({ isRare }) => isRare)
        .map(({ name }) => name),
    );
    return new Help().visibleOptions(command)
      .filter((option) => command.opts().all || !rare.has(option.attributeName()));
  },
  optionDescription: ({ description }: Option): string => description,
};

/** Splits `--help=all` into the two flags that commander knows. */
export function splitHelp(args: readonly string[]): string[] {
  return args.flatMap((arg) => arg === "--help=all" ? ["--help", ALL] : [arg]);
}

/**
 * Gives values of options in earlier spellings to the options themselves, with a warning for each.
 *
 * @throws {UsageError} If both spellings are given, or `--all` without `--help`.
 */
export function adoptFormerNames(command: Command): void {
  if (command.opts().all) throw new UsageError(`expected --help with ${ALL}`);
  for (const { name, formerly } of optionsOf(command.name() as CommandName)) {
    if (formerly === undefined) continue;
    const former = nameOf(formerly);
    if (command.getOptionValueSource(former) !== "cli") continue;
    if (command.getOptionValueSource(name) === "cli") {
      throw new UsageError(`expected ${flagOf(name)} or ${formerly}, got both`);
    }
    printError(`${formerly} is deprecated: use ${flagOf(name)}`);
    command.setOptionValueWithSource(name, command.getOptionValue(former), "cli");
    delete command.opts()[former];
  }
}

/** Reads the values that an earlier version kept by their present names. */
export function withPresentNames<Values extends object>(
  command: CommandName,
  values: Values,
): Values {
  const present = new Map(
    optionsOf(command).flatMap(({ name, formerly }) =>
      formerly === undefined ? [] : [[nameOf(formerly), name] as const]
    ),
  );
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [present.get(name) ?? name, value]),
  ) as Values;
}

/** Spells the name of an option by its flag: `evalEvery` for `--eval-every`. */
function nameOf(flag: string): string {
  return flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
