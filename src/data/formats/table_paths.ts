/**
 * Paths of tables: lists, patterns and folders.
 *
 * @module
 */

import { runtime } from "../../base/runtime/runtime.ts";
import { fileError, joinPath } from "../file.ts";
import { shownNames } from "../schema/names.ts";
import { isTablePath } from "./read_table.ts";

/** Paths of the files of a data set. */
export interface TablePaths {
  /** Files with the rows to train on. */
  readonly train: readonly string[];
  /** Files with the rows to test on. */
  readonly test?: readonly string[];
}

/** Files of one site, for a simulation of several. */
export interface SiteFile {
  /** Name of the site: the file's name without extensions. */
  readonly name: string;
  /** Path of its table. */
  readonly path: string;
}

async function infoOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await runtime.files.stat(path);
  } catch (error) {
    if (error instanceof runtime.errors.NotFound || error instanceof runtime.errors.NotADirectory) {
      return undefined;
    }
    throw fileError(error, path);
  }
}

/** Lists the files of a folder that satisfy a condition, in the order of their names. */
async function filesIn(folder: string, isWanted: (name: string) => boolean): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isDirectory } of runtime.files.readDir(folder)) {
      if (!isDirectory && !name.startsWith(".") && isWanted(name)) names.push(name);
    }
  } catch (error) {
    throw fileError(error, folder);
  }
  return names.sort(byNumbers);
}

/** Orders names as people number them: `site2` before `site10`. */
function byNumbers(a: string, b: string): number {
  const order = a.localeCompare(b, "en", { numeric: true });
  return order !== 0 ? order : a < b ? -1 : 1;
}

/** Expands a pattern with `*` and `?` in the name of the file. */
async function matches(pattern: string): Promise<string[]> {
  const slash = Math.max(pattern.lastIndexOf("/"), pattern.lastIndexOf("\\"));
  const folder = slash < 0 ? "." : pattern.slice(0, slash + 1);
  const name = pattern.slice(slash + 1);
  if (/[*?]/.test(folder)) {
    throw new TypeError(`Cannot find ${pattern}: expected * and ? in the name of the file alone`);
  }
  const source = name.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll(
    "?",
    ".",
  );
  const expression = new RegExp(`^${source}$`);
  const found = await filesIn(folder, (one) => expression.test(one));
  if (found.length === 0) {
    throw new runtime.errors.NotFound(
      `Cannot find ${pattern}: no file in ${folder} has such a name`,
    );
  }
  return found.map((one) => slash < 0 ? one : joinPath(folder, one));
}

/**
 * Finds the files of one table: a path, paths separated by commas, or a pattern such as
 * `ward*.csv`. The path of a file that exists is taken as it is. Gives `undefined` if it is none of
 * these.
 *
 * @throws {Error} A class of `Deno.errors`, if there is no such file.
 */
export async function tablePaths(path: string): Promise<string[] | undefined> {
  const info = await infoOf(path);
  if (info) return !info.isDirectory && isTablePath(path) ? [path] : undefined;
  if (!path.includes(",")) {
    return /[*?]/.test(path) ? await matches(path) : undefined;
  }
  const paths: string[] = [];
  for (const part of path.split(",").map((part) => part.trim()).filter((part) => part !== "")) {
    if (await infoOf(part)) paths.push(part);
    else if (/[*?]/.test(part)) paths.push(...await matches(part));
    else throw fileError(new runtime.errors.NotFound("not found"), part);
  }
  const twice = paths.find((one, i) => paths.indexOf(one) !== i);
  if (twice !== undefined) {
    throw new RangeError(`Cannot read ${path}: expected each file once, got ${twice} twice`);
  }
  return paths;
}

/** Word of a file's name that says what it is for, in any case. */
function useOf(name: string): "train" | "test" | undefined {
  const word = /^(train|test)\.[^/]+$/i.exec(name)?.[1]?.toLowerCase();
  return word === "train" || word === "test" ? word : undefined;
}

/**
 * Finds the tables `train` and `test` in a folder, in any case. Gives `undefined` if the folder has
 * no table.
 *
 * @throws {Error} A class of `Deno.errors`, if there is one without the other, or other tables
 * alone. The message names those found.
 * @throws {RangeError} If there are several of one.
 */
export async function trainAndTestIn(folder: string): Promise<Required<TablePaths> | undefined> {
  const tables = await filesIn(folder, isTablePath);
  if (tables.length === 0) return undefined;
  const found = tables.filter((name) => useOf(name) !== undefined);
  const train = found.filter((name) => useOf(name) === "train");
  const test = found.filter((name) => useOf(name) === "test");
  if (found.length === 0) {
    throw new runtime.errors.NotFound(
      `Cannot find a data set in ${folder}: expected a table train and a table test, got ${
        shownNames(tables)
      }: name one, join them by a pattern (${
        joinPath(folder, "*.csv")
      }), or simulate a client for each (simulate --sites)`,
    );
  }
  if (train.length === 0 || test.length === 0) {
    throw new runtime.errors.NotFound(
      `Cannot find a data set in ${folder}: expected a table train and a table test, got ${
        shownNames(found)
      } alone, name that file`,
    );
  }
  if (train.length > 1 || test.length > 1) {
    throw new RangeError(
      `Cannot choose a data set in ${folder}: expected one table train and one table test, got ${
        shownNames(found)
      }`,
    );
  }
  const inFolder = (names: readonly string[]) => names.map((name) => joinPath(folder, name));
  return { train: inFolder(train), test: inFolder(test) };
}

/**
 * Finds the tables of a folder in which each file is the data of one site, in the order of their
 * names. A table `test` is not among them.
 *
 * @throws {Error} A class of `Deno.errors`, if the folder cannot be read, or has no tables.
 *
 * @example Hospitals
 * ```ts
 * import { siteFiles } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${folder}/north.csv`, "age,ill\n63,yes\n");
 * assertEquals(await siteFiles(folder), [{ name: "north", path: `${folder}/north.csv` }]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function siteFiles(folder: string): Promise<SiteFile[]> {
  const names = (await filesIn(folder, isTablePath)).filter((name) => useOf(name) !== "test");
  if (names.length === 0) {
    throw new runtime.errors.NotFound(
      `Cannot find sites in ${folder}: expected tables, one for each site, got none`,
    );
  }
  return names.map((name) => ({
    name: name.replace(/(\.[^.]+?)(\.gz)?$/i, ""),
    path: joinPath(folder, name),
  }));
}
