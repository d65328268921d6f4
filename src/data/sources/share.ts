/**
 * Share of a source that is a client's, and rows that it holds out.
 *
 * @module
 */

import type { Dataset } from "../dataset.ts";
import { parsePartition } from "../partition/partition.ts";
import type { ArrangedData, DataSource } from "../schema/data_source.ts";
import { selectRows } from "../schema/table_of.ts";
import { holdOut } from "../split.ts";
import { TableSource } from "./table_source.ts";

/** Share of a source. */
export interface SourceShare {
  /** Part of the rows: the `index`-th of `parts`, counted from 1. Default: all rows. */
  readonly part?: { readonly index: number; readonly parts: number } | undefined;
  /**
   * Partition of the rows, as `parsePartition()` reads it.
   *
   * @default {"iid"}
   */
  readonly partition?: string | undefined;
  /** Share of the rows to evaluate on in place of the source's test rows. Default: none. */
  readonly holdOut?: number | undefined;
  /** Seed of the partition and of the choice of rows, an integer from 0 to 2^32 - 1. */
  readonly seed: number;
}

/**
 * Returns the source of a share of the rows of another.
 *
 * Where all rows are the client's, those that are held out are chosen in the table as it is read:
 * statistics are then over the rows to train on.
 *
 * @throws {RangeError} If the share is not between 0 and 1, or there are too few rows; a source
 * that is partitioned rejects with it when it is arranged.
 */
export async function shareOf(source: DataSource, share: SourceShare): Promise<DataSource> {
  const { part, partition, holdOut: held, seed } = share;
  if (part === undefined && held === undefined) return source;
  if (part === undefined && held !== undefined && source.tables) {
    const { train, options } = await source.tables();
    const places = Uint32Array.from({ length: train.length }, (_, i) => i);
    const rows = holdOut(places, { share: held, seed, index: 0 });
    return new TableSource({
      train: selectRows(train, rows.train),
      test: selectRows(train, rows.test),
      options,
    });
  }
  const tables = await source.tables?.();
  if (part !== undefined && tables?.options.idColumn === undefined) {
    // Fails before a server is waited for if the partition needs ids.
    if (partition === "id") parsePartition(partition).deal(new Int32Array(1), { parts: 1, seed });
  }
  // The table has the rows of all parts: it says nothing of this one.
  return {
    name: source.name,
    arrange: async (schema) => take(await source.arrange(schema), share),
  };
}

function take(all: ArrangedData, { part, partition = "iid", holdOut: share, seed }: SourceShare) {
  const { ids, test, notes } = all;
  let train: Dataset = all.train;
  if (part !== undefined) {
    const { index, parts } = part;
    const scheme = parsePartition(partition);
    const rows = scheme.deal(train, { parts, seed, ...(ids && { ids }) })[index - 1] ?? [];
    train = scheme.take(train, rows, { index, parts, seed });
  }
  if (share === undefined) return { train, ...(test && { test }), notes };
  const places = Uint32Array.from({ length: train.length }, (_, i) => i);
  const held = holdOut(places, { share, seed, index: part?.index ?? 0 });
  return { train: train.select(held.train), test: train.select(held.test), notes };
}
