/**
 * Getting a file from one of its homes, whole and unharmed.
 *
 * @module
 */

import { useFile } from "../../base/files/folder.ts";
import { lockFile } from "../../base/files/lock.ts";
import { delay } from "../../base/time/delay.ts";
import { checksumFault, fileDigest } from "./checksum.ts";
import { type DownloadProgress, removePart, sizeOf, transfer, TransferError } from "./transfer.ts";
import type { DatasetFile } from "./named.ts";

/** How a file is fetched. */
export interface DownloadOptions {
  /** Ends the download; what has come stays for the next one. */
  signal?: AbortSignal;
  /** Takes word of every piece that comes. */
  onProgress?: (progress: DownloadProgress) => void;
  /** How often each home is asked when it or the network fails. Default 4. */
  tries?: number;
  /** Pause after the first failure, in seconds; it doubles with each. Default 0.5. */
  retrySeconds?: number;
  /** Silence after which a connection counts as broken, in seconds; `Infinity` for never. Default 30. */
  stallSeconds?: number;
}

const DEFAULT_TRIES = 4;
const DEFAULT_RETRY_SECONDS = 0.5;
const DEFAULT_STALL_SECONDS = 30;

/** The address of a file at a home. */
export function addressOf(home: string, name: string): string {
  return new URL(name, home.endsWith("/") ? home : `${home}/`).href;
}

function checkOptions(file: string, homes: readonly string[], options: DownloadOptions): void {
  const { tries = DEFAULT_TRIES } = options;
  const { retrySeconds = DEFAULT_RETRY_SECONDS, stallSeconds = DEFAULT_STALL_SECONDS } = options;
  const refuse = (expected: string, got: unknown) => {
    throw new RangeError(`Cannot get ${file}: expected ${expected}, got ${got}`);
  };
  if (!Number.isInteger(tries) || tries < 1) refuse("a whole number of tries from 1", tries);
  if (!(retrySeconds >= 0 && retrySeconds < Infinity)) {
    refuse("retrySeconds from 0", retrySeconds);
  }
  if (!(stallSeconds > 0)) refuse("stallSeconds above 0", stallSeconds);
  const wrong = homes.find((home) => !URL.canParse(home));
  if (wrong !== undefined) {
    throw new TypeError(
      `Cannot get ${file}: expected the URL of a mirror, got ${JSON.stringify(wrong)}`,
    );
  }
}

/** What is to be said in place of the runtime's own error about writing to a folder. */
function writeError(error: unknown, file: string, folder: string): unknown {
  const start = `Cannot keep ${file} in ${folder}`;
  const options = { cause: error };
  if (error instanceof Deno.errors.NotCapable) {
    return new Deno.errors.NotCapable(
      `${start}: permission is missing, run Deno with --allow-read=${folder} --allow-write=${folder}`,
      options,
    );
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new Deno.errors.PermissionDenied(
      `${start}: the operating system denies access, name another folder of data sets`,
      options,
    );
  }
  // A path that is made there is then not a folder's, or a step of it is not.
  if (error instanceof Deno.errors.AlreadyExists || error instanceof Deno.errors.NotADirectory) {
    return new Deno.errors.NotADirectory(
      `${start}: a file of that name is there, move it away`,
      options,
    );
  }
  return error;
}

/** Fails where a folder lies in the file's place. */
async function checkPlace(path: string): Promise<void> {
  try {
    if (!(await Deno.stat(path)).isDirectory) return;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new Deno.errors.IsADirectory(
    `Cannot keep ${path}: a folder of that name is there, move it away`,
  );
}

/**
 * Fetches a file into a folder from the first of its homes that has it whole. It is written to `NAME.part`, which a later call
 * goes on with, and takes its name when its checksum is right. Processes that want the same folder take turns.
 *
 * Throws a `RangeError` or a `TypeError` for options and homes that are none; an error of one line that names the file, every
 * home with the reason, and where to put the file by hand; the reason of `signal`; and what the file system says.
 */
export async function download(
  file: DatasetFile,
  folder: string,
  homes: readonly string[],
  options: DownloadOptions = {},
): Promise<void> {
  const { signal } = options;
  checkOptions(file.name, homes, options);
  signal?.throwIfAborted();
  try {
    await Deno.mkdir(folder, { recursive: true });
    using _lock = await lockFile(`${folder}/.lock`, signal);
    await checkPlace(`${folder}/${file.name}`);
    // Another process may have been first.
    if (await sizeOf(`${folder}/${file.name}`) === file.bytes) return;
    await fromHomes(file, folder, homes, options);
  } catch (error) {
    throw error instanceof Unreachable ? error.shown : writeError(error, file.name, folder);
  }
}

/** No home has given the file. */
class Unreachable extends Error {
  readonly shown: Error;

  constructor(shown: Error) {
    super(shown.message);
    this.shown = shown;
  }
}

async function fromHomes(
  file: DatasetFile,
  folder: string,
  homes: readonly string[],
  options: DownloadOptions,
): Promise<void> {
  const reasons: string[] = [];
  let denied = homes.length > 0;
  for (const home of homes) {
    const url = addressOf(home, file.name);
    try {
      return await fromHome(file, folder, url, options);
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      denied &&= error.cause instanceof Deno.errors.NotCapable;
      reasons.push(`${url}: ${error.message}`);
    }
  }
  const message = `Cannot get ${file.name}: ${
    [...reasons, `put it into ${folder} by hand`].join("; ")
  }`;
  throw new Unreachable(denied ? new Deno.errors.NotCapable(message) : new Error(message));
}

async function fromHome(
  file: DatasetFile,
  folder: string,
  url: string,
  options: DownloadOptions,
): Promise<void> {
  const { signal, onProgress, tries = DEFAULT_TRIES } = options;
  const { retrySeconds = DEFAULT_RETRY_SECONDS, stallSeconds = DEFAULT_STALL_SECONDS } = options;
  const part = `${folder}/${file.name}.part`;
  for (let failures = 0;;) {
    try {
      // One that was whole already when a process died is only to be checked.
      const whole = await sizeOf(part) === file.bytes;
      const { resumed } = whole ? { resumed: true } : await transfer({
        url,
        part,
        total: file.bytes,
        stallSeconds,
        ...(signal && { signal }),
        onBytes: (bytes) => onProgress?.({ file: file.name, bytes, total: file.bytes }),
      });
      await check(file, part, resumed);
      await useFile(part, { write: true }, (file) => file.sync());
      await Deno.rename(part, `${folder}/${file.name}`);
      return await removePart(part);
    } catch (error) {
      if (!(error instanceof TransferError) || !error.passing || ++failures >= tries) throw error;
      await delay(retrySeconds * 1000 * 2 ** (failures - 1), signal);
    }
  }
}

/** Removes a part with a wrong checksum; one that was put together from two answers is worth another try. */
async function check({ checksum }: DatasetFile, part: string, resumed: boolean): Promise<void> {
  const got = await fileDigest(part, checksum.algorithm);
  if (got === checksum.hex) return;
  await removePart(part);
  throw new TransferError(`wrong checksum, removed: ${checksumFault(checksum, got)}`, {
    passing: resumed,
  });
}
