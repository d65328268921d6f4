import type { Dataset } from "../dataset.ts";
import type { DataSource } from "../schema/data_source.ts";
import { arraySource } from "../sources/array_source.ts";
import { trainTestSplit } from "../split.ts";
import type { LoadDatasetOptions } from "./options.ts";

/** Seed by which rows to test on are chosen: all processes must choose the same. */
export const TEST_SEED = 0;

/** Source that was opened, and what is known of its classes. */
export interface OpenedData {
  readonly source: DataSource;
  /** Names of the classes, where a data set without columns has names. */
  readonly classes?: readonly string[];
  /** True for a table. */
  readonly isTable: boolean;
  /** True for a folder of images. */
  readonly isImages?: boolean;
}

/** Makes a source of arrays. */
export function ofArrays(
  name: string,
  data: { readonly train: Dataset; readonly test?: Dataset },
  { standardize = false, testShare }: LoadDatasetOptions,
): OpenedData {
  checkNoTest(name, data, testShare);
  const split = testShare === undefined
    ? data
    : trainTestSplit(data.train, { testFraction: testShare, seed: TEST_SEED });
  return { source: arraySource({ name, ...split, standardize }), isTable: false };
}

/** Throws a `RangeError` if rows are to be taken for tests from data that have such rows. */
export function checkNoTest(name: string, { test }: { test?: unknown }, share: number | undefined) {
  if (test === undefined || share === undefined) return;
  throw new RangeError(
    `Cannot use ${name}: expected data without test rows for a share to test on (option testShare, --test-share)`,
  );
}
