import type { Dataset } from "../../data/dataset.ts";
import type { Command } from "../deps.ts";
import { dataFrom } from "../options/data.ts";
import { UsageError } from "../options/option.ts";
import type { Flags } from "../options/table.ts";
import { printError } from "../output/terminal.ts";
import { loadData, readSchema } from "./data.ts";
import { type ModelData, modelDataOf } from "./server_job.ts";

/** Data set of a server that is given none, and no schema. */
const DEFAULT_DATA = "digits";

/** Shape of a server's model with its schema, and the data that it evaluates on. */
export interface ServerData {
  readonly data: ModelData;
  readonly testData?: Dataset;
}

/**
 * Finds the schema of a server: that of `--schema`, or the one of its data set. With a schema it
 * needs no data; the clients then evaluate.
 */
export async function serverData(
  flags: Flags<"server">,
  command: Command,
  signal: AbortSignal,
): Promise<ServerData> {
  const { schema, data, evaluate } = flags;
  if (schema !== undefined && data === undefined) {
    if (evaluate === "server" && command.getOptionValueSource("evaluate") === "cli") {
      throw new UsageError("expected --data with --evaluate server, or --evaluate clients");
    }
    return { data: modelDataOf(await readSchema(schema)) };
  }
  const { train, test, notes } = await loadData(
    dataFrom({ ...flags, data: data ?? DEFAULT_DATA }),
    signal,
  );
  notes.forEach(printError);
  return { data: train, ...(evaluate === "server" && { testData: test ?? train }) };
}
