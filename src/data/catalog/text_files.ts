/**
 * Files of texts with labels.
 *
 * @module
 */

import { runtime } from "../../base/runtime/runtime.ts";
import { siteFiles, tablePaths, trainAndTestIn } from "../formats/table_paths.ts";
import { isCondition } from "../schema/condition.ts";
import {
  type LabelledTexts,
  type LabelledTextsOptions,
  readLabelledTexts,
} from "../text/labelled_texts.ts";
import type { LoadDatasetOptions } from "./options.ts";

/** Texts to train on, and to test on. */
export interface Texts {
  readonly train: LabelledTexts;
  readonly test?: LabelledTexts;
}

/**
 * Returns the column of the labels that the options name.
 *
 * @throws {TypeError} If they say it in another way than by its name.
 */
export function labelColumnOf(
  { table: { labelColumn, target } = {} }: Pick<LoadDatasetOptions, "table">,
): string | undefined {
  const column = labelColumn ?? target;
  if (column === undefined) return undefined;
  if (typeof column === "string" && !isCondition(column)) return column;
  throw new TypeError(
    `Cannot use texts: expected the name of the column of the labels, got ${
      JSON.stringify(column)
    }`,
  );
}

/**
 * Reads texts from a file, several files, or a folder with `train` and `test`; with `sites`, from
 * the files of a folder, whose names are the ids.
 *
 * @throws {Error} As `readLabelledTexts()` rejects.
 */
export async function textsAt(path: string, options: LoadDatasetOptions): Promise<Texts> {
  const { texts = {}, table = {} } = options;
  const { textColumn } = texts, labelColumn = labelColumnOf(options);
  const { idColumn, delimiter, encoding, skipRows, comment } = table;
  if (typeof idColumn === "number") {
    throw new TypeError(`Cannot use ${path}: expected the name of the column of the ids`);
  }
  const columns: LabelledTextsOptions = {
    ...(textColumn !== undefined && { textColumn }),
    ...(labelColumn !== undefined && { labelColumn }),
    ...(idColumn !== undefined && { idColumn }),
    ...(delimiter !== undefined && { delimiter }),
    ...(encoding !== undefined && { encoding }),
    ...(skipRows !== undefined && { skipRows }),
    ...(comment !== undefined && { comment }),
  };
  if (options.sites) {
    if (idColumn !== undefined) {
      throw new RangeError(
        `Cannot use ${path}: expected no column of ids where each file is a site`,
      );
    }
    const sites = await siteFiles(path);
    const parts = await Promise.all(
      sites.map(async (site) => {
        const own = await readLabelledTexts(site.path, columns);
        return { ...own, ids: own.labels.map(() => site.name) };
      }),
    );
    return { train: joined(parts) };
  }
  const one = async (paths: readonly string[]) =>
    joined(await Promise.all(paths.map((path) => readLabelledTexts(path, columns))));
  const tables = await isFolder(path) ? await trainAndTestIn(path) : undefined;
  if (!tables) return { train: await one(await tablePaths(path) ?? [path]) };
  return { train: await one(tables.train), test: await one(tables.test) };
}

/** Joins the texts of several files. */
function joined(parts: readonly LabelledTexts[]): LabelledTexts {
  const ids = parts.flatMap(({ ids = [] }) => ids);
  return {
    texts: parts.flatMap(({ texts }) => texts),
    labels: parts.flatMap(({ labels }) => labels),
    ...(ids.length > 0 && { ids }),
  };
}

async function isFolder(path: string): Promise<boolean> {
  return (await runtime.files.stat(path).catch(() => undefined))?.isDirectory ?? false;
}
