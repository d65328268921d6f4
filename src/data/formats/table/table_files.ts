/**
 * Finding a pair of tables in a folder.
 *
 * @module
 */

import { fileError } from "../../file.ts";
import { isTablePath } from "./table.ts";

/**
 * Paths of the tables `train` and `test` in a folder, `undefined` when it has neither. Throws a `Deno.errors.NotFound` when it
 * has one without the other, and a `RangeError` when it has several of one.
 */
export async function tablesIn(
  folder: string,
): Promise<{ train: string; test: string } | undefined> {
  const found: Record<"train" | "test", string[]> = { train: [], test: [] };
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const word = /^(train|test)\.[^.]+$/.exec(name)?.[1];
      if (isDirectory || !isTablePath(name)) continue;
      if (word === "train" || word === "test") found[word].push(name);
    }
  } catch (error) {
    throw fileError(error, folder);
  }
  const [train, ...moreTrain] = found.train;
  const [test, ...moreTest] = found.test;
  if (train === undefined && test === undefined) return undefined;
  if (train === undefined || test === undefined) {
    throw new Deno.errors.NotFound(
      `Cannot find a data set in ${folder}: expected a table train and a table test, got ${
        train ?? test
      } alone, name that file`,
    );
  }
  if (moreTrain.length > 0 || moreTest.length > 0) {
    throw new RangeError(
      `Cannot choose a data set in ${folder}: expected one table train and one table test, got ${
        [...found.train, ...found.test].sort().join(", ")
      }`,
    );
  }
  const start = folder.endsWith("/") ? folder : `${folder}/`;
  return { train: start + train, test: start + test };
}
