/**
 * Search for a pair of tables in a folder.
 *
 * @module
 */

import { runtime } from "../../../base/runtime/runtime.ts";
import { fileError, joinPath } from "../../file.ts";
import { isTablePath } from "./table.ts";

/**
 * Finds the tables `train` and `test` in a folder. Gives `undefined` when it has neither.
 *
 * @throws {Deno.errors.NotFound} If there is one without the other.
 * @throws {RangeError} If there are several of one.
 */
export async function tablesIn(
  folder: string,
): Promise<{ train: string; test: string } | undefined> {
  const found: Record<"train" | "test", string[]> = { train: [], test: [] };
  try {
    for await (const { name, isDirectory } of runtime.files.readDir(folder)) {
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
    throw new runtime.errors.NotFound(
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
  return { train: joinPath(folder, train), test: joinPath(folder, test) };
}
