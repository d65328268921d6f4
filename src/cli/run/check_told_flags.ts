import { parseSecureAggregation } from "../../round/secure/options.ts";
import { UsageError } from "../options/option.ts";
import { FEDERATED } from "../options/schema.ts";

/** Options of a server that decide on what its clients tell of their data. */
export interface ToldFlags {
  readonly privacy?: string | undefined;
  readonly secureAggregation?: string | true | undefined;
  readonly evaluate?: string | undefined;
  readonly schema?: string | undefined;
  readonly allowKeys?: string | undefined;
}

/**
 * Refuses options by which clients would tell more than `--privacy` or `--secure-aggregation`
 * allows, and signatures where clients have no keys.
 *
 * @throws {UsageError} If there is one. The message names it.
 */
export function checkToldFlags(
  { privacy, secureAggregation, evaluate, schema, allowKeys }: ToldFlags,
): void {
  const isSecure = secureAggregation !== undefined;
  if (evaluate === "clients" && (isSecure || privacy !== undefined)) {
    throw new UsageError(
      `expected no --evaluate clients with ${
        isSecure
          ? "--secure-aggregation: the clients' figures have no masks"
          : "--privacy: the clients' figures have no noise"
      }`,
    );
  }
  if (schema === FEDERATED && privacy !== undefined) {
    throw new UsageError(
      "expected a file with --schema and --privacy, got federated: the clients' figures have no noise",
    );
  }
  if (typeof secureAggregation !== "string" || allowKeys !== undefined) return;
  if (parseSecureAggregation(secureAggregation).signed === true) {
    throw new UsageError(
      "expected --allow-keys with signed=true of --secure-aggregation: members sign by their keys",
    );
  }
}
