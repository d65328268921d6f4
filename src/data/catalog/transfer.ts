/**
 * Request for a file, or for the rest of a file that an earlier request has begun.
 *
 * @module
 */

import { runtime } from "../../base/runtime/runtime.ts";
import { MAX_TIMER_MILLIS } from "../../base/time/delay.ts";
import { errorMessage } from "../../base/errors.ts";

/** Progress of a download. */
export interface DownloadProgress {
  /** Name of the file. */
  readonly file: string;
  /** Bytes received so far. */
  readonly bytes: number;
  /** Size of the file, in bytes. */
  readonly total: number;
}

/** Failure of a request for a file. */
export class TransferError extends Error {
  /** True if a later request may succeed. */
  readonly retryable: boolean;

  constructor(message: string, options: ErrorOptions & { retryable: boolean }) {
    super(message, options);
    this.retryable = options.retryable;
  }
}

/** Parameters of a request. */
export interface Transfer {
  readonly url: string;
  /** Path of the unfinished file. Its origin is beside it, under the same name with `.json`. */
  readonly part: string;
  /** Size of the whole file, in bytes. */
  readonly total: number;
  /** Time without data after which the request fails, in seconds; above 24 days: never. */
  readonly stallSeconds: number;
  readonly signal?: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/** Origin of an unfinished file. */
interface Origin {
  readonly url: string;
  /** Version of the file on the server: a strong ETag, or the time of its last change. */
  readonly version: string;
}

/** Gives the size of a file, 0 when there is none. */
export async function fileSize(path: string): Promise<number> {
  try {
    return (await runtime.files.stat(path)).size;
  } catch (error) {
    if (error instanceof runtime.errors.NotFound) return 0;
    throw error;
  }
}

/** Removes an unfinished file and its origin. */
export async function removePart(part: string): Promise<void> {
  for (const path of [part, `${part}.json`]) {
    await runtime.files.remove(path).catch((error) => {
      if (!(error instanceof runtime.errors.NotFound)) throw error;
    });
  }
}

async function originOf(part: string): Promise<Origin | undefined> {
  try {
    const { url, version } = Object(JSON.parse(await runtime.files.readTextFile(`${part}.json`)));
    return typeof url === "string" && typeof version === "string" ? { url, version } : undefined;
  } catch (error) {
    if (error instanceof runtime.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Gives the version of a response, for `If-Range` (RFC 9110, section 13.1.5: no weak ETag). */
function versionOf({ headers }: Response): string | undefined {
  const etag = headers.get("etag");
  return (etag?.startsWith('"') ? etag : headers.get("last-modified")) ?? undefined;
}

/** Returns true if a later request may have another status. */
function isRetryable(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

function networkFault(cause: unknown, url: string): TransferError {
  if (cause instanceof runtime.errors.NotCapable) {
    const { hostname } = new URL(url);
    return new TransferError(`permission is missing, run Deno with --allow-net=${hostname}`, {
      cause,
      retryable: false,
    });
  }
  // The reason is in the cause, after the address, which the message has already.
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const reason = errorMessage(inner).replace(/^error sending request for url \(.*?\): /, "");
  return new TransferError(reason, { cause, retryable: true });
}

/**
 * Makes one request and writes the response to `part`, where it stays after a failure.
 *
 * @returns `resumed` is true if the response continues what was there.
 * @throws {TransferError} If the server or the network fails.
 * @throws {Error} The reason of `signal`, or the error of the file system.
 */
export async function transfer(request: Transfer): Promise<{ resumed: boolean }> {
  const { url, part, total, signal } = request;
  const origin = await originOf(part);
  const there = await fileSize(part);
  const begun = origin?.url === url && there > 0 && there < total;
  // With another encoding the bytes would not be those of the file.
  const headers = new Headers({ "accept-encoding": "identity" });
  if (begun) {
    headers.set("range", `bytes=${there}-`);
    headers.set("if-range", origin.version);
  }
  using stall = new StallTimer(request.stallSeconds);
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
    // The part is longer than the file on the server: it is of another file.
    if (begun && response.status === 416) await removePart(part);
    checkAnswer(response, { total, from: resumed ? there : 0, resumed });
    await receive(request, response, { from: resumed ? there : 0, stall });
    return { resumed };
  } finally {
    // A body that has failed cannot be cancelled; its error is thrown already.
    await response.body?.cancel().catch(() => {});
  }
}

function checkAnswer(
  { status, headers }: Response,
  { total, from, resumed }: { total: number; from: number; resumed: boolean },
): void {
  if (status !== 200 && !resumed) {
    throw new TransferError(`the server answers ${status}`, {
      retryable: isRetryable(status) || status === 416,
    });
  }
  const range = headers.get("content-range");
  if (resumed && !range?.startsWith(`bytes ${from}-`)) {
    throw new TransferError(`the server sends the range ${range} in place of ${from}-`, {
      retryable: false,
    });
  }
  const length = headers.get("content-length");
  if (length !== null && Number(length) !== total - from) {
    throw new TransferError(
      `expected ${total - from} bytes, the server has ${length}`,
      { retryable: false },
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
  const file = await runtime.files.open(part, { create: true, append: true });
  const writer = file.writable.getWriter();
  const reader = response.body?.getReader();
  let bytes = from;
  try {
    if (from === 0 && version !== undefined) {
      await runtime.files.writeTextFile(`${part}.json`, JSON.stringify({ url, version }));
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
    throw new TransferError(`expected ${total} bytes, the server sends more`, { retryable: false });
  }
  if (bytes < total) {
    throw new TransferError(`the answer ends after ${bytes} of ${total} bytes`, {
      retryable: true,
    });
  }
}

/** Timer that aborts a request when no data arrive. */
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
    runtime.timers.clearTimeout(this.#timer);
    const millis = this.#seconds * 1000;
    if (millis > MAX_TIMER_MILLIS) return;
    this.#timer = runtime.timers.setTimeout(() => {
      this.#controller.abort(new Error(`nothing has come for ${this.#seconds} s`));
    }, millis);
  }

  [Symbol.dispose](): void {
    runtime.timers.clearTimeout(this.#timer);
  }
}
