import type { Rank } from "../../base/rank.ts";
import type { SchemaOptions } from "../../data/schema/options.ts";
import type { Schema } from "../../data/schema/schema.ts";
import { fitSchema, surveyForSchema } from "../../data/statistics/fit_schema.ts";
import { ServerStatisticsTop } from "../../server/statistics/statistics_topology.ts";
import type { Library } from "../options/option.ts";
import { missingFrom } from "../options/schema.ts";
import { type Flags, libraryOptions } from "../options/table.ts";
import { madeSchemaLine } from "./made_schema.ts";
import { RunProgress } from "../output/run_progress.ts";
import { isTerminal, printError } from "../output/terminal.ts";

/** Schema that clients have made together. */
export interface FederatedSchema {
  readonly schema: Schema;
  /** Ranks of these clients. */
  readonly ranks: readonly Rank[];
}

/** Collects what a server's options say about the meaning of the columns. */
function schemaOptionsFrom(flags: Flags<"server">): SchemaOptions {
  const { labelColumn, featureColumns, excludeColumns, ...options } = libraryOptions(
    "table",
    flags,
  );
  return {
    ...(labelColumn !== undefined && { target: labelColumn }),
    ...(featureColumns !== undefined && { inputs: featureColumns }),
    ...(excludeColumns !== undefined && { exclude: excludeColumns }),
    ...options,
    ...missingFrom(flags),
    ...(flags.standardize !== undefined && { standardize: true }),
  };
}

/**
 * Asks the clients about their data, makes a schema of the figures, and tells the clients to come
 * back to the same address for the run itself.
 *
 * @param network Transport, address and admission of the server; its listener outlives the survey.
 */
export async function federatedSchema(
  flags: Flags<"server">,
  network: Pick<Library["server"], "distBackend" | "gatekeeper" | "listen" | "worldSize">,
  signal: AbortSignal,
): Promise<FederatedSchema> {
  const options = schemaOptionsFrom(flags);
  const { minCount, columns: choice, columnOrder: order } = flags;
  const shown = new RunProgress({ showsClients: false });
  const topology = new ServerStatisticsTop({
    ...libraryOptions("server", flags),
    ...network,
    survey: { ...surveyForSchema(options), choice, order },
    ...(minCount !== undefined && { minCount }),
    isFollowed: true,
    // The run itself begins its log anew.
    ...(flags.loggerFile !== "" && { loggerFile: "statisticsLog" }),
    timeouts: libraryOptions("timeouts", flags),
    limits: libraryOptions("limits", flags),
    log: { console: !isTerminal() },
    // The bar is for rounds.
    onEvent: (event) => isTerminal() && event.type !== "round-started" && shown.show(event),
    check: (summary) => void fitSchema(summary, options),
  });
  await topology.run({ signal });
  const { summary, ranks } = topology;
  if (summary === undefined) throw new Error("Cannot make a schema: the clients were not asked");
  const { schema, warnings } = fitSchema(summary, options);
  warnings.forEach(printError);
  printError(madeSchemaLine(schema, summary.rows));
  return { schema, ranks };
}
