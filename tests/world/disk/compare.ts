/** The same calls on Deno and on a disk, whose results are compared. */

import { assertEquals } from "@std/assert";
import { codeOf } from "../../../src/base/files/os_error.ts";
import { type Files, systemFiles } from "../../../src/base/runtime/files.ts";
import { runtime } from "../../../src/base/runtime/runtime.ts";
import { DiskMachine } from "./on_disk.ts";

/** Calls to the files of a folder, whose results are written down. */
export type Script = (files: Files, folder: string, note: Note) => Promise<void>;
export type Note = (call: string, act: () => unknown) => Promise<unknown>;

/** Runs a script in a new folder, and returns the results as lines. */
async function resultsOf(script: Script, files: Files, folder: string): Promise<string[]> {
  const lines: string[] = [];
  await script(files, folder, async (call, act) => {
    let result: unknown;
    try {
      result = await act();
      lines.push(`${call} => ${shown(result)}`);
    } catch (error) {
      const { name, message } = error as Error;
      const text = `${name}: ${message} ${codeOf(error) ?? ""}`;
      lines.push(`${call} !! ${text.replaceAll(folder, "FOLDER")}`);
    }
    return result;
  });
  return lines;
}

function shown(result: unknown): string {
  if (Object(result)[Symbol.dispose]) return "file";
  // Deno gives either for nothing.
  return JSON.stringify(result ?? null);
}

/** Compares the results of a script on this machine and on a disk. */
export async function compare(script: Script, seed = 1): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  try {
    const real = await resultsOf(script, systemFiles, folder);
    const virtual = await new DiskMachine(seed).get(async () => {
      await runtime.files.mkdir("/tmp/folder", { mode: 0o700 });
      return await resultsOf(script, runtime.files, "/tmp/folder");
    });
    const first = real.findIndex((line, i) => line !== virtual[i]);
    // The first of them: later ones follow from it.
    if (first >= 0) assertEquals(virtual[first], real[first]);
    assertEquals(virtual.length, real.length);
    return real;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Set where Deno gives the errors of Linux. */
export const isLinux = Deno.build.os === "linux";
/** Makes an array of bytes. */
export const bytes = (...values: number[]) => new Uint8Array(values);
/** Parts of a description that Deno and a disk have to agree on. */
export const contentOf = (info: Deno.FileInfo) => {
  const { isFile, isDirectory, isSymlink, mode, nlink, size } = info;
  return { isFile, isDirectory, isSymlink, mode, ...(isFile && { nlink, size }) };
};

/** Lists a folder by name. */
export async function list(files: Files, path: string): Promise<Deno.DirEntry[]> {
  const entries = await Array.fromAsync(files.readDir(path));
  return entries.sort((a, b) => a.name < b.name ? -1 : 1);
}
