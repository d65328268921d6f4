/** The rows of the sites, in this process: those that the clients train on, and hold out. */

import { Dataset, openData } from "@fedlab/core";
import { shareOf } from "@fedlab/core/data";
import type { Schema } from "@fedlab/core/data";
import type { FederationSettings } from "./federation.ts";

/** Rows of a site, arranged by the schema of the federation. */
export interface SiteRows {
  readonly name: string;
  readonly train: Dataset;
  readonly test: Dataset;
}

/** Reads the sites' files as the clients do, and holds out the same rows. */
export async function readSites(
  { sites, holdOut, seed }: Pick<FederationSettings, "sites" | "holdOut" | "seed">,
  schema: Schema,
): Promise<SiteRows[]> {
  return await Promise.all(sites.map(async ({ name, path }) => {
    const source = await shareOf(await openData(path), { holdOut, seed });
    const { train, test } = await source.arrange(schema);
    if (test === undefined) throw new Error(`Expected rows that ${name} holds out`);
    return { name, train, test };
  }));
}

/** Puts the rows of all sites together, as if one had them all. */
export function pool(parts: readonly Dataset[]): Dataset {
  const [first] = parts;
  if (first === undefined) throw new RangeError("Cannot pool: expected a data set");
  const { shape, task, numClasses, outputs, schema } = first;
  const features = Float32Array.from(parts.flatMap(({ features }) => [...features]));
  const values = parts.flatMap(({ targets }) => [...targets]);
  return Dataset.of({
    features,
    targets: task === "classification" ? Int32Array.from(values) : Float32Array.from(values),
    ...{ shape, task, numClasses, outputs, schema },
  });
}
