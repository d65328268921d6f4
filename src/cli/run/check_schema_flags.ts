import { isNamedData } from "../../data/catalog/synthetic_name.ts";
import { type CommandName, flagOf, UsageError } from "../options/option.ts";
import { FEDERATED } from "../options/schema.ts";

/** Options about the figures of clients or sites. */
const UNITE = ["minCount", "columns", "columnOrder"];

/** Options that a simulation of sites does without. */
const DIVIDE = ["clients", "partition", "idColumn"];

/** Options of a command that say what its schema is made of. */
export interface SchemaFlags {
  readonly schema?: string | undefined;
  readonly data?: string | undefined;
  readonly sites?: boolean | undefined;
}

/**
 * Refuses options that would have no effect with the schema of a command.
 *
 * @param isGiven Tells if an option stands on the command line.
 * @throws {UsageError} If there is one. The message names it.
 */
export function checkSchemaFlags(
  command: Extract<CommandName, "server" | "simulate" | "partition">,
  { schema, data, sites }: SchemaFlags,
  isGiven: (name: string) => boolean,
): void {
  const given = (names: readonly string[]) => names.find(isGiven);
  if (schema === FEDERATED && command === "partition") {
    throw new UsageError("expected a file with --schema, got federated, which only clients make");
  }
  const forFigures = schema === FEDERATED ? undefined : given(UNITE);
  if (forFigures !== undefined) {
    throw new UsageError(`expected --schema federated with ${flagOf(forFigures)}`);
  }
  if (sites && data !== undefined && isNamedData(data)) {
    throw new UsageError(`expected a folder of tables (--data) with --sites, got ${data}`);
  }
  const divided = sites ? given(DIVIDE) : undefined;
  if (divided !== undefined) {
    throw new UsageError(
      `expected --sites or ${flagOf(divided)}, got both: each table is a client`,
    );
  }
}
