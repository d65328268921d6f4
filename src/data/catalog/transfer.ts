/**
 * One request for a file: the whole of it, or what an earlier one has left over.
 *
 * @module
 */

import { MAX_TIMER_MILLIS } from "../../base/time/delay.ts";
import { errorMessage } from "../../base/errors.ts";

/** Bytes of a file that have come so far. */
export interface DownloadProgress {
  /** The file's name. */
  readonly file: string;
  /** Bytes that are here. */
  readonly bytes: number;
  /** Bytes of the whole file. */
  readonly total: number;
}

/** A home did not give the file; the message says why. */
export class TransferError extends Error {
  /** Whether the same request may do better later. */
  readonly passing: boolean;

  constructor(message: string, options: ErrorOptions & { passing: boolean }) {
    super(message, options);
    this.passing = options.passing;
  }
}

/** What is fetched, where to, and how long to wait. */
export interface Transfer {
  readonly url: string;
  /** The unfinished file. Beside it, under the same name with `.json`, stands what it was begun from. */
  readonly part: string;
  /** Length of the whole file. */
  readonly total: number;
  /** Silence after which the request is given up, in seconds; above 24 days it never is. */
  readonly stallSeconds: number;
  readonly signal?: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/** What an unfinished file was begun from. */
interface Origin {
  readonly url: string;
  /** The version of the file at its home: a strong ETag, or when it was last modified. */
  readonly version: string;
}

/** Length of a file, 0 when there is none. */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** Removes an unfinished file. */
export async function removePart(part: string): Promise<void> {
  for (const path of [part, `${part}.json`]) {
    await Deno.remove(path).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

async function originOf(part: string): Promise<Origin | undefined> {
  try {
    const { url, version } = Object(JSON.parse(await Deno.readTextFile(`${part}.json`)));
    return typeof url === "string" && typeof version === "string" ? { url, version } : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A version by which a home knows whether the rest still fits (RFC 9110, section 13.1.5: a weak ETag does not tell). */
function versionOf({ headers }: Response): string | undefined {
  const etag = headers.get("etag");
  return (etag?.startsWith('"') ? etag : headers.get("last-modified")) ?? undefined;
}

/** Whether a status may be another one later. */
function isPassing(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

function networkFault(cause: unknown, url: string): TransferError {
  if (cause instanceof Deno.errors.NotCapable) {
    const { hostname } = new URL(url);
    return new TransferError(`permission is missing, run Deno with --allow-net=${hostname}`, {
      cause,
      passing: false,
    });
  }
  // The runtime says why in the error's cause, and repeats the address, which stands before the reason anyway.
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const reason = errorMessage(inner).replace(/^error sending request for url \(.*?\): /, "");
  return new TransferError(reason, { cause, passing: true });
}

/**
 * Makes one request and writes what comes to `part`. Returns whether it went on from what was there.
 *
 * Throws a {@linkcode TransferError} when the home or the network fails, the reason of `signal` when that is aborted, and what
 * the file system says. What has come stays in `part`.
 */
export async function transfer(job: Transfer): Promise<{ resumed: boolean }> {
  const { url, part, total, signal } = job;
  const origin = await originOf(part);
  const there = await sizeOf(part);
  const begun = origin?.url === url && there > 0 && there < total;
  // Packed anew on the way, the bytes would not be those of the file.
  const headers = new Headers({ "accept-encoding": "identity" });
  if (begun) {
    headers.set("range", `bytes=${there}-`);
    headers.set("if-range", origin.version);
  }
  using stall = new StallTimer(job.stallSeconds);
  const ended = signal ? AbortSignal.any([signal, stall.signal]) : stall.signal;
  let response: Response;
  try {
    response = await fetch(url, { headers, signal: ended });
  } catch (error) {
    signal?.throwIfAborted();
    throw networkFault(error, url);
  }
  try {
    const resumed = begun && response.status === 206;
    // What is here is more than the home has: it is not of this file.
    if (begun && response.status === 416) await removePart(part);
    checkAnswer(response, { total, from: resumed ? there : 0, resumed });
    await receive(job, response, { from: resumed ? there : 0, stall });
    return { resumed };
  } finally {
    // A body that has failed cannot be cancelled, and its failure is already on its way.
    await response.body?.cancel().catch(() => {});
  }
}

function checkAnswer(
  { status, headers }: Response,
  { total, from, resumed }: { total: number; from: number; resumed: boolean },
): void {
  if (status !== 200 && !resumed) {
    throw new TransferError(`the server answers ${status}`, {
      passing: isPassing(status) || status === 416,
    });
  }
  const range = headers.get("content-range");
  if (resumed && !range?.startsWith(`bytes ${from}-`)) {
    throw new TransferError(`the server sends the range ${range} in place of ${from}-`, {
      passing: false,
    });
  }
  const length = headers.get("content-length");
  if (length !== null && Number(length) !== total - from) {
    throw new TransferError(
      `expected ${total - from} bytes, the server has ${length}`,
      { passing: false },
    );
  }
}

async function receive(
  { url, part, total, signal, onBytes }: Transfer,
  response: Response,
  { from, stall }: { from: number; stall: StallTimer },
): Promise<void> {
  if (from === 0) await removePart(part);
  const version = versionOf(response);
  const file = await Deno.open(part, { create: true, append: true });
  const writer = file.writable.getWriter();
  const reader = response.body?.getReader();
  let bytes = from;
  try {
    if (from === 0 && version !== undefined) {
      await Deno.writeTextFile(`${part}.json`, JSON.stringify({ url, version }));
    }
    onBytes(bytes);
    for (;;) {
      const next = await reader?.read().catch((error) => {
        signal?.throwIfAborted();
        throw networkFault(error, url);
      });
      if (next === undefined || next.done) break;
      stall.restart();
      bytes += next.value.length;
      if (bytes > total) break;
      await writer.write(next.value);
      onBytes(bytes);
    }
  } finally {
    reader?.releaseLock();
    await writer.close();
  }
  if (bytes > total) {
    await removePart(part);
    throw new TransferError(`expected ${total} bytes, the server sends more`, { passing: false });
  }
  if (bytes < total) {
    throw new TransferError(`the answer ends after ${bytes} of ${total} bytes`, { passing: true });
  }
}

/** Aborts when nothing has come for a while. */
class StallTimer implements Disposable {
  readonly #controller = new AbortController();
  readonly #seconds: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(seconds: number) {
    this.#seconds = seconds;
    this.restart();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  restart(): void {
    clearTimeout(this.#timer);
    const millis = this.#seconds * 1000;
    if (millis > MAX_TIMER_MILLIS) return;
    this.#timer = setTimeout(() => {
      this.#controller.abort(new Error(`nothing has come for ${this.#seconds} s`));
    }, millis);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
