import { VERSION } from "../../base/version.ts";
import type { CommandName } from "../options/option.ts";
import { type CommandOption, optionsOf } from "../options/table.ts";
import type { ValueType } from "../options/values.ts";
import { COMMAND_FIELD, fieldsOf, SCHEMA_FIELD } from "./arguments.ts";
import { CONFIG, NOT_IN_FILE } from "./options.ts";

/** Address at which editors find the schema of options files of this version. */
export const CONFIG_SCHEMA_URL = `https://jsr.io/@fedlab/core/${VERSION}/docs/options.schema.json`;

/** Makes the JSON Schema (draft 7) of options files: the options of each command. */
export function configSchema(): object {
  const commands = Object.keys(CONFIG.config.commands) as CommandName[];
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: CONFIG_SCHEMA_URL,
    title: "Options of a command of FedLab, for --config",
    type: "object",
    properties: {
      [COMMAND_FIELD]: { enum: commands, description: "command that the options are for" },
    },
    required: [COMMAND_FIELD],
    allOf: commands.map((command) => ({
      if: { properties: { [COMMAND_FIELD]: { const: command } }, required: [COMMAND_FIELD] },
      then: {
        properties: {
          [SCHEMA_FIELD]: { type: "string" },
          [COMMAND_FIELD]: true,
          ...Object.fromEntries(
            optionsOf(command).filter(({ name }) => !NOT_IN_FILE.has(name))
              .flatMap((option) => fieldsOf(option).map((field) => [field, propertyOf(option)])),
          ),
        },
        additionalProperties: false,
      },
    })),
  };
}

function propertyOf({ help, type, default: value, defaultText }: CommandOption): object {
  return {
    description: defaultText === undefined ? help : `${help} (default: ${defaultText})`,
    ...schemaOf(type),
    ...(value !== undefined && { default: value }),
  };
}

function schemaOf(type: ValueType<unknown>): object {
  const item = type.choices ? { enum: type.choices } : type.json ?? { type: "string" };
  if (type.isSwitch) return { type: "boolean" };
  const forms = [
    item,
    ...(type.mayStandAlone ? [{ type: "boolean" }] : []),
    ...(type.several ? [{ type: "string" }, { type: "array", items: item }] : []),
  ];
  return forms.length === 1 ? item : { anyOf: forms };
}
