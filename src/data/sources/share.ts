/**
 * Share of a source that is a client's, and rows that it holds out.
 *
 * @module
 */

import type { Dataset } from "../dataset.ts";
import { partitionIid } from "../partition/iid.ts";
import { parsePartition } from "../partition/partition.ts";
import type { ArrangedData, DataSource, SourceTables } from "../schema/data_source.ts";
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
 * Rows of a table that do not depend on its values, which are all or those of the partition `iid`,
 * are chosen as the table is read, and so are those that are held out: statistics are then over the
 * rows to train on. A schema that a part makes itself is nevertheless that of all parts.
 *
 * @throws {RangeError} If the share is not between 0 and 1, or there are too few rows; a source
 * that is partitioned rejects with it when it is arranged.
 */
export async function shareOf(source: DataSource, share: SourceShare): Promise<DataSource> {
  const { part, partition = "iid", holdOut: held, seed } = share;
  if (part === undefined && held === undefined) return source;
  const tables = await source.tables?.();
  const own = tables && (part === undefined || partition === "iid")
    ? shareOfTables(tables, share)
    : undefined;
  if (own && part === undefined) return own;
  if (part !== undefined && !source.hasIds && tables?.options.idColumn === undefined) {
    // Fails before a server is waited for if the partition needs ids.
    if (partition === "id" || partition === "natural") {
      parsePartition(partition).deal(new Int32Array(1), { parts: 1, seed });
    }
  }
  return {
    name: source.name,
    arrange: async (schema) =>
      own && schema ? await own.arrange(schema) : take(await source.arrange(schema), share),
    // The tables of other parts say nothing of this one.
    ...(own && { tables: () => own.tables() }),
  };
}

function shareOfTables(
  { train, test, options }: SourceTables,
  { part, holdOut: share, seed }: SourceShare,
): TableSource {
  const { index, parts } = part ?? { index: 0, parts: 1 };
  const rows = part === undefined
    ? Uint32Array.from({ length: train.length }, (_, row) => row)
    : partitionIid(new Int32Array(train.length), parts, { seed })[index - 1] ?? [];
  if (share === undefined) {
    const own = selectRows(train, Uint32Array.from(rows));
    return new TableSource({ train: own, ...(test && { test }), options });
  }
  const held = holdOut(rows, { share, seed, index });
  return new TableSource({
    train: selectRows(train, held.train),
    test: selectRows(train, held.test),
    options,
  });
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
