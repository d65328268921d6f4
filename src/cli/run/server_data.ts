import type { Rank } from "../../base/rank.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Schema } from "../../data/schema/schema.ts";
import { savedSchema } from "../../round/record/saved_run.ts";
import type { Checkpoint } from "../../store/checkpoint/checkpoints.ts";
import type { Command } from "../deps.ts";
import { dataFrom } from "../options/data.ts";
import { flagOf, UsageError } from "../options/option.ts";
import { FEDERATED } from "../options/schema.ts";
import type { Flags } from "../options/table.ts";
import { printError } from "../output/terminal.ts";
import { checkNoMaking, loadData, readSchema } from "./data.ts";
import type { FederatedSchema } from "./federated_schema.ts";
import { type ModelData, modelDataOf } from "./server_job.ts";

/** Data set of a server that is given none, and no schema. */
const DEFAULT_DATA = "digits";

/** Options about files, which have no effect where the server reads none. */
const ABOUT_FILES = [
  ...["header", "delimiter", "skipRows", "comment", "decimal", "encoding"],
  ...["sparseColumns", "testShare"],
];

/** Shape of a server's model with its schema, and the data that it evaluates on. */
export interface ServerData {
  readonly data: ModelData;
  readonly testData?: Dataset;
  /** Ranks of the clients that have made the schema. */
  readonly keptRanks?: readonly Rank[];
}

/** Sources of a server's schema besides its options. */
export interface SchemaSources {
  readonly signal: AbortSignal;
  /** Checkpoint that the run is resumed from. */
  readonly resume: Checkpoint | undefined;
  /** Lets the clients make the schema. */
  federated(): Promise<FederatedSchema>;
}

/**
 * Finds the schema of a server: that of `--schema`, the one that its clients make, or the one of
 * its data set. With a schema it needs no data; the clients then evaluate.
 */
export async function serverData(
  flags: Flags<"server">,
  command: Command,
  sources: SchemaSources,
): Promise<ServerData> {
  const { data, evaluate } = flags;
  const { signal } = sources;
  if (flags.schema !== undefined && data === undefined) {
    if (evaluate === "server" && command.getOptionValueSource("evaluate") === "cli") {
      throw new UsageError("expected --data with --evaluate server, or --evaluate clients");
    }
    const forFiles = ABOUT_FILES.find((name) => command.getOptionValueSource(name) === "cli");
    if (flags.schema !== FEDERATED && command.getOptionValueSource("missingValues") === "cli") {
      throw new UsageError(
        `expected --schema or --missing-values, got both: the schema in ${flags.schema} says it already, and clients give --missing-values for texts of their own files`,
      );
    }
    if (forFiles !== undefined) {
      throw new UsageError(
        `expected --data with ${
          flagOf(forFiles)
        }, which is about files: each client gives it for its own`,
      );
    }
    if (flags.schema !== FEDERATED) checkNoMaking(flags, flags.schema, false);
    const { schema, ranks } = await agreedSchema(flags.schema, sources);
    return { data: modelDataOf(schema), ...(ranks && { keptRanks: ranks }) };
  }
  if (flags.schema === FEDERATED) {
    const { schema, ranks } = await agreedSchema(FEDERATED, sources);
    const choice = dataFrom({ ...flags, data: data ?? DEFAULT_DATA });
    const { train, test, notes } = await loadData(choice, signal, schema);
    notes.forEach(printError);
    return {
      data: modelDataOf(schema),
      ...(ranks && { keptRanks: ranks }),
      ...(evaluate === "server" && { testData: test ?? train }),
    };
  }
  const { train, test, notes } = await loadData(
    dataFrom({ ...flags, data: data ?? DEFAULT_DATA }),
    signal,
  );
  notes.forEach(printError);
  return { data: train, ...(evaluate === "server" && { testData: test ?? train }) };
}

/** Reads a schema, or lets the clients make it, unless the run that is resumed has one. */
async function agreedSchema(
  schema: string,
  { resume, federated }: SchemaSources,
): Promise<{ schema: Schema; ranks?: readonly Rank[] }> {
  if (schema !== FEDERATED) return { schema: await readSchema(schema) };
  const saved = resume && savedSchema(resume);
  return saved ? { schema: saved } : await federated();
}
