import type { Dataset } from "../../data/dataset.ts";
import type { Schema } from "../../data/schema/schema.ts";
import type { Partition } from "../../data/partition/types.ts";
import { holdOutParts } from "../../data/partition/hold_out_parts.ts";
import { parsePartition, partsOf } from "../../data/partition/partition.ts";
import { UsageError } from "../options/option.ts";
import { FEDERATED } from "../options/schema.ts";
import type { Flags } from "../options/table.ts";
import { printError } from "../output/terminal.ts";
import { loadData, openSource } from "./data.ts";

const DEFAULT_FRACTION = 0.1;

/** Loads the data into memory shared with the workers, and divides its rows among the clients. */
export async function dealData(
  flags: Flags<"simulate">,
  isCounted: boolean,
  signal: AbortSignal,
): Promise<
  {
    train: Dataset;
    test: Dataset | undefined;
    parts: Partition;
    testParts?: Partition;
    sites?: readonly string[];
  }
> {
  const schema = flags.schema === FEDERATED ? await makeSchema(flags, signal) : undefined;
  const { train, test, ids, notes } = await loadData(flags, signal, schema);
  notes.forEach(printError);
  const { seed, holdOut: share } = flags;
  const scheme = parsePartition(flags.partition);
  const clients = isCounted ? flags.clients : partsOf(scheme, ids) ?? flags.clients;
  const parts = flags.sites
    ? partsOfSites(ids ?? [])
    : scheme.deal(train, { parts: clients, seed, ...(ids && { ids }) });
  const shared = {
    train: scheme.spread(train, parts, { seed }).share(),
    test: test?.share(),
    ...(flags.sites && { sites: [...new Set(ids)] }),
  };
  if (share === undefined) return { ...shared, parts };
  // A client of a whole file, without --part, has the index 0.
  const held = holdOutParts(parts, { share, seed, ...(flags.sites && { indexOf: () => 0 }) });
  return { ...shared, parts: held.train, testParts: held.test };
}

/** Makes the schema from figures of the sites, as a server does. */
async function makeSchema(flags: Flags<"simulate">, signal: AbortSignal): Promise<Schema> {
  const { minCount, holdOut, seed } = flags;
  const { siteSchema } = await import("./site_schema.ts");
  return await siteSchema(await openSource(flags, signal), { minCount, holdOut, seed });
}

/** Gives the rows of each site, in the order of the sites. */
function partsOfSites(sites: readonly string[]): Partition {
  const rows = new Map<string, number[]>();
  sites.forEach((site, row) => {
    const known = rows.get(site);
    if (known) known.push(row);
    else rows.set(site, [row]);
  });
  return [...rows.values()].map((part) => Uint32Array.from(part));
}

/** Returns the share of the clients that a round wants updates of. */
export function fractionFrom(
  { fraction, cohortSize, sites }: Flags<"simulate">,
  clients: number,
): number {
  if (fraction !== undefined && cohortSize !== undefined) {
    throw new UsageError("expected --fraction or --cohort-size, got both");
  }
  if (cohortSize !== undefined && cohortSize > clients) {
    throw new UsageError(
      `expected a --cohort-size of at most ${clients} clients, got ${cohortSize}`,
    );
  }
  return cohortSize === undefined
    ? fraction ?? (sites ? 1 : DEFAULT_FRACTION)
    : cohortSize / clients;
}
