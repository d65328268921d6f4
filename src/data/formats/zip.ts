/**
 * Reading single files out of a large ZIP archive on disk.
 *
 * @module
 */

import { errorMessage } from "../../base/errors.ts";
import { openFile } from "../file.ts";
import { Uint8ArrayWriter, ZipFile, ZipSource } from "./zip_deps.ts";

/** Reads the parts of a file that the archive's directory points at, and no more. */
class DiskSource extends ZipSource<Deno.FsFile> {
  readonly #file: Deno.FsFile;

  constructor(file: Deno.FsFile, size: number) {
    super(file);
    this.#file = file;
    this.size = size;
  }

  override async readUint8Array(index: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(Math.min(length, this.size - index));
    await this.#file.seek(index, Deno.SeekMode.Start);
    for (let used = 0; used < bytes.length;) {
      const read = await this.#file.read(bytes.subarray(used));
      if (read === null) return bytes.subarray(0, used);
      used += read;
    }
    return bytes;
  }
}

/**
 * The bytes of the given files in an archive; they are known by their own names, whatever folder they are in.
 *
 * Throws a `SyntaxError` that names the archive when it is damaged or lacks one.
 */
export async function readZip(
  path: string,
  names: readonly string[],
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const { file, size } = await openFile(path);
  using _file = file;
  const archive = new ZipFile(new DiskSource(file, size), {
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
