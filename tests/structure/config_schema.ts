import { configSchema } from "../../src/cli/config/schema.ts";

/** Path of the JSON Schema of options files. */
export const CONFIG_SCHEMA = "docs/options.schema.json";

/** Writes the JSON Schema of options files, which derives from the options of the commands. */
export function configSchemaText(): string {
  return `${JSON.stringify(configSchema(), null, 1)}\n`;
}
