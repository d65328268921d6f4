/**
 * Reader for single files of a ZIP archive on disk.
 *
 * @module
 */

import { runtime } from "../../base/runtime/runtime.ts";
import { errorMessage } from "../../base/errors.ts";
import { openFile } from "../file.ts";
import { Reader, Uint8ArrayWriter, ZipReader } from "npm:@zip.js/zip.js@2.24.0";

/** Source of an archive's bytes: reads no more than the parts that are asked for. */
class DiskSource extends Reader<Deno.FsFile> {
  readonly #file: Deno.FsFile;

  constructor(file: Deno.FsFile, size: number) {
    super(file);
    this.#file = file;
    this.size = size;
  }

  override async readUint8Array(index: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(Math.min(length, this.size - index));
    await this.#file.seek(index, runtime.files.SeekMode.Start);
    for (let used = 0; used < bytes.length;) {
      const read = await this.#file.read(bytes.subarray(used));
      if (read === null) return bytes.subarray(0, used);
      used += read;
    }
    return bytes;
  }
}

/**
 * Reads files of an archive.
 *
 * @param names Names of the files, without folders.
 * @throws {SyntaxError} If the archive is damaged or lacks a file. The message names the archive.
 */
export async function readZip(
  path: string,
  names: readonly string[],
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const { file, size } = await openFile(path);
  using _file = file;
  const archive = new ZipReader(new DiskSource(file, size), {
    useWebWorkers: false,
    checkSignature: true,
  });
  const found = new Map<string, Uint8Array<ArrayBuffer>>();
  try {
    for await (const entry of archive.getEntriesGenerator()) {
      const name = entry.filename.slice(entry.filename.lastIndexOf("/") + 1);
      if (!entry.directory && names.includes(name)) {
        found.set(name, await entry.getData(new Uint8ArrayWriter()));
      }
    }
  } catch (cause) {
    throw new SyntaxError(`Cannot read ${path}: the archive is damaged: ${errorMessage(cause)}`, {
      cause,
    });
  } finally {
    await archive.close();
  }
  const missing = names.filter((name) => !found.has(name));
  if (missing.length > 0) {
    throw new SyntaxError(`Cannot read ${path}: the archive lacks ${missing.join(", ")}`);
  }
  return found;
}
