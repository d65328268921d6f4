/**
 * Options of all commands.
 *
 * To add an option, define it with `option()` in the file of its group: flag, help, type, default
 * and commands, and how it sets options of the library. Commands, help, `--resume` and the checks
 * of outputs derive from that object.
 *
 * @module
 */

import { CLUSTER } from "./cluster.ts";
import { CLUSTER_CONFIG } from "./cluster_config.ts";
import { CONFIG } from "../config/options.ts";
import { DASHBOARD } from "./dashboard.ts";
import { DATA } from "./data.ts";
import { JOINING } from "./joining.ts";
import { LINKS } from "./links.ts";
import { LIMITS } from "./limits.ts";
import { LOSS } from "./loss.ts";
import type { CommandName, FlagsIn, Library, OptionSpec } from "./option.ts";
import { FILES } from "./files.ts";
import { SCHEMA } from "./schema.ts";
import { OUTPUT } from "./output.ts";
import { OWN_PRIVACY } from "./own_privacy.ts";
import { OWN_SETTINGS } from "./own_settings.ts";
import { SCHEDULE } from "./schedule.ts";
import { RUNS } from "./runs.ts";
import { GENERATING } from "./generating.ts";
import { PREDICTING } from "./predicting.ts";
import { SECURITY } from "./security.ts";
import { STATISTICS } from "./statistics.ts";
import { STOPPING } from "./stopping.ts";
import { STRATEGY } from "./strategy.ts";
import { TIMEOUTS } from "./timeouts.ts";
import { TRAINING } from "./training.ts";
import type { ValueType } from "./values.ts";

const TABLE = {
  ...JOINING,
  ...CLUSTER,
  ...LINKS,
  ...PREDICTING,
  ...GENERATING,
  ...TRAINING,
  ...LOSS,
  ...SCHEDULE,
  ...STOPPING,
  ...OWN_PRIVACY,
  ...OWN_SETTINGS,
  ...STRATEGY,
  ...DATA,
  ...STATISTICS,
  ...SCHEMA,
  ...FILES,
  ...SECURITY,
  ...LIMITS,
  ...OUTPUT,
  ...DASHBOARD,
  ...RUNS,
  ...CLUSTER_CONFIG,
  ...TIMEOUTS,
  ...CONFIG,
};

/** Option as a command has it. */
export interface CommandOption extends OptionSpec<unknown> {
  /** Its name among the values of the options, such as `overSelect`. */
  readonly name: string;
  readonly type: ValueType<unknown>;
}

const OPTIONS: Readonly<Record<string, OptionSpec<unknown> & { type: ValueType<unknown> }>> = TABLE;

/** Values of a command's options. */
export type Flags<Name extends CommandName> = FlagsIn<typeof TABLE, Name>;

/** Lists the options of a command, in the order of the help. */
export function optionsOf(command: CommandName): CommandOption[] {
  return Object.entries(OPTIONS).flatMap(([name, spec]) => {
    const use = spec.commands[command];
    return use === undefined ? [] : [{ ...spec, ...use, name } as CommandOption];
  });
}

/** Collects the library's options that the values of a command's options set. */
export function libraryOptions<Name extends keyof Library>(
  group: Name,
  flags: object,
): Partial<Library[Name]> {
  const values: Readonly<Record<string, unknown>> = { ...flags };
  const given = Object.entries(OPTIONS).filter(([name]) => values[name] !== undefined);
  return Object.assign({}, ...given.map(([name, { library }]) => library?.[group]?.(values[name])));
}
