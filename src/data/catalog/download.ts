/**
 * Download of a file from one of several servers, with retries and a check of the content.
 *
 * @module
 */

import { runtime } from "../../base/runtime/runtime.ts";
import { useFile } from "../../base/files/folder.ts";
import { lockFile } from "../../base/files/lock.ts";
import { delay } from "../../base/time/delay.ts";
import { checksumFault, fileDigest } from "./checksum.ts";
import type { DatasetFile } from "./named.ts";
import type { DownloadOptions } from "./options.ts";
import { fileSize, removePart, transfer, TransferError } from "./transfer.ts";

const DEFAULT_TRIES = 4;
const DEFAULT_RETRY_SECONDS = 0.5;
const DEFAULT_STALL_SECONDS = 30;

/** Options of a download, with all defaults. */
type DownloadSettings =
  & DownloadOptions
  & Required<Pick<DownloadOptions, "tries" | "retrySeconds" | "stallSeconds">>;

/** Gives the URL of a file. */
function fileUrl(home: string, name: string): string {
  return new URL(name, home.endsWith("/") ? home : `${home}/`).href;
}

/** Checks the options and adds the defaults. */
function settingsOf(file: string, options: DownloadOptions): DownloadSettings {
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
  return { ...options, tries, retrySeconds, stallSeconds };
}

function checkHomes(file: string, homes: readonly string[]): void {
  const wrong = homes.find((home) => !URL.canParse(home));
  if (wrong !== undefined) {
    throw new TypeError(
      `Cannot get ${file}: expected the URL of a mirror, got ${JSON.stringify(wrong)}`,
    );
  }
}

/** Makes an error of one line from an error of the runtime about a folder. */
function writeError(error: unknown, file: string, folder: string): unknown {
  const start = `Cannot keep ${file} in ${folder}`;
  const options = { cause: error };
  if (error instanceof runtime.errors.NotCapable) {
    return new runtime.errors.NotCapable(
      `${start}: permission is missing, run Deno with --allow-read=${folder} --allow-write=${folder}`,
      options,
    );
  }
  if (error instanceof runtime.errors.PermissionDenied) {
    return new runtime.errors.PermissionDenied(
      `${start}: the operating system denies access, name another folder of data sets`,
      options,
    );
  }
  // The path of the folder, or a part of it, is then that of a file.
  if (
    error instanceof runtime.errors.AlreadyExists || error instanceof runtime.errors.NotADirectory
  ) {
    return new runtime.errors.NotADirectory(
      `${start}: a file of that name is there, move it away`,
      options,
    );
  }
  return error;
}

/** Throws where a folder is in place of the file. */
async function checkNoFolder(path: string): Promise<void> {
  try {
    if (!(await runtime.files.stat(path)).isDirectory) return;
  } catch (error) {
    if (error instanceof runtime.errors.NotFound) return;
    throw error;
  }
  throw new runtime.errors.IsADirectory(
    `Cannot keep ${path}: a folder of that name is there, move it away`,
  );
}

/**
 * Downloads a file to a folder, from the first server that has it. It is written to `NAME.part`,
 * which a later call continues, and is renamed once its checksum is right. Processes that use the
 * same folder take turns.
 *
 * @param homes Base URLs, in order of preference.
 * @throws {RangeError | TypeError} If an option or a URL is not valid.
 * @throws {Error} If no server has the file. The message names each with the reason, and the folder
 * to put the file in by hand. Also if the file cannot be written, and the reason of `signal`.
 */
export async function download(
  file: DatasetFile,
  folder: string,
  homes: readonly string[],
  options: DownloadOptions = {},
): Promise<void> {
  checkHomes(file.name, homes);
  await downloadFrom(file, folder, homes.map((home) => fileUrl(home, file.name)), options);
}

/** Downloads a file as {@linkcode download} does, from URLs of the file itself. */
export async function downloadFrom(
  file: DatasetFile,
  folder: string,
  urls: readonly string[],
  options: DownloadOptions = {},
): Promise<void> {
  const { signal } = options;
  const settings = settingsOf(file.name, options);
  signal?.throwIfAborted();
  try {
    await runtime.files.mkdir(folder, { recursive: true });
    using _lock = await lockFile(`${folder}/.lock`, signal);
    await checkNoFolder(`${folder}/${file.name}`);
    // Another process may have downloaded it meanwhile.
    if (await fileSize(`${folder}/${file.name}`) === file.bytes) return;
    await fromUrls(file, folder, urls, settings);
  } catch (error) {
    throw error instanceof Unreachable ? error.shown : writeError(error, file.name, folder);
  }
}

/** Failure of all servers. */
class Unreachable extends Error {
  readonly shown: Error;

  constructor(shown: Error) {
    super(shown.message);
    this.shown = shown;
  }
}

async function fromUrls(
  file: DatasetFile,
  folder: string,
  urls: readonly string[],
  settings: DownloadSettings,
): Promise<void> {
  const reasons: string[] = [];
  let denied = urls.length > 0;
  for (const url of urls) {
    try {
      return await fromUrl(file, folder, url, settings);
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      denied &&= error.cause instanceof runtime.errors.NotCapable;
      reasons.push(`${url}: ${error.message}`);
    }
  }
  const message = `Cannot get ${file.name}: ${
    [...reasons, `put it into ${folder} by hand`].join("; ")
  }`;
  throw new Unreachable(denied ? new runtime.errors.NotCapable(message) : new Error(message));
}

async function fromUrl(
  file: DatasetFile,
  folder: string,
  url: string,
  settings: DownloadSettings,
): Promise<void> {
  const { signal, onProgress, tries, retrySeconds, stallSeconds } = settings;
  const part = `${folder}/${file.name}.part`;
  for (let failures = 0;;) {
    try {
      // A part that is complete already needs only the check.
      const whole = await fileSize(part) === file.bytes;
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
      await runtime.files.rename(part, `${folder}/${file.name}`);
      return await removePart(part);
    } catch (error) {
      if (!(error instanceof TransferError) || !error.retryable || ++failures >= tries) throw error;
      await delay(retrySeconds * 1000 * 2 ** (failures - 1), signal);
    }
  }
}

/** Removes a part with a wrong checksum; one from several responses is worth another attempt. */
async function check({ checksum }: DatasetFile, part: string, resumed: boolean): Promise<void> {
  const got = await fileDigest(part, checksum.algorithm);
  if (got === checksum.hex) return;
  await removePart(part);
  throw new TransferError(`wrong checksum, removed: ${checksumFault(checksum, got)}`, {
    retryable: resumed,
  });
}
