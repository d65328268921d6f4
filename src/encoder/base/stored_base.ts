/**
 * Bases that a browser keeps, in the origin private file system.
 *
 * @module
 */

import { errorMessage } from "../../base/errors.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import type { StoredFile } from "../../base/runtime/storage.ts";
import { delay } from "../../base/time/delay.ts";
import type { DownloadOptions } from "../../data/catalog/options.ts";
import type { Digest } from "./digest.ts";
import type { BaseFacts } from "./reference.ts";

const FOLDER = "fedlab";
const DEFAULT_TRIES = 4;
const DEFAULT_RETRY_SECONDS = 0.5;
/** Bytes after which what has come is kept, so that a page that is closed loses no more. */
const KEEP_BYTES = 16 * 2 ** 20;

/** Settings of a download into the files of a browser. */
export interface StoreSettings extends DownloadOptions {
  readonly urls: readonly string[];
  /** Makes digests. */
  readonly makeDigest: () => Digest;
}

/**
 * Gives the file of a base, checked; what is missing of it is fetched. Pages of an origin take
 * turns: a file that another one writes to cannot be read.
 *
 * @throws {Error} If no address has it, or its digest is another one.
 */
export async function storedBase(facts: BaseFacts, settings: StoreSettings): Promise<Blob> {
  return await runtime.storage.exclusive(
    `fedlab ${facts.sha256}`,
    () => findOrFetch(facts, settings),
  );
}

async function findOrFetch(facts: BaseFacts, settings: StoreSettings): Promise<Blob> {
  const { sha256, bytes } = facts;
  const folder = await (await runtime.storage.folder()).getDirectoryHandle(FOLDER, {
    create: true,
  });
  const name = `${sha256}.safetensors`;
  const { urls, makeDigest, tries = DEFAULT_TRIES, retrySeconds = DEFAULT_RETRY_SECONDS } =
    settings;
  const reasons: string[] = [];
  const { signal } = settings;
  // Several attempts for each address, and one more for a part that was of another file.
  for (const url of urls.length > 0 ? urls : [undefined]) {
    for (let failures = 0; failures < tries; failures++) {
      signal?.throwIfAborted();
      const file = await folder.getFileHandle(name, { create: true });
      const digest = makeDigest();
      const part = await file.getFile();
      if (part.size <= bytes) {
        for await (const piece of piecesOf(part.stream())) digest.update(piece);
        let got: number | string = part.size;
        if (part.size < bytes && url !== undefined) {
          try {
            got = await fetchRest(url, { file, from: part.size, facts, digest, settings });
          } catch (error) {
            signal?.throwIfAborted();
            reasons.push(`${url}: ${errorMessage(error)}`);
            await delay(retrySeconds * 1000 * 2 ** failures, signal);
            continue;
          }
        }
        if (got === bytes) {
          const found = digest.finish();
          if (found === sha256) return await file.getFile();
          reasons.push(`expected the SHA-256 ${sha256}, got ${found}`);
        } else reasons.push(`expected ${bytes} bytes, got ${got}`);
      } else reasons.push(`expected ${bytes} bytes, got ${part.size}`);
      // It is of another file.
      await folder.removeEntry(name);
    }
  }
  throw new Error(`Cannot open the base: ${[...new Set(reasons)].join("; ")}`);
}

interface Rest {
  readonly file: StoredFile;
  readonly from: number;
  readonly facts: BaseFacts;
  readonly digest: Digest;
  readonly settings: StoreSettings;
}

/** Fetches what is missing of a file, and gives the number of bytes that it has then. */
async function fetchRest(
  url: string,
  { file, from, facts: { bytes, sha256 }, digest, settings }: Rest,
): Promise<number> {
  const { signal, onProgress } = settings;
  const response = await fetch(url, {
    headers: from > 0 ? { range: `bytes=${from}-` } : {},
    // The file is kept here, and is not kept a second time.
    cache: "no-store",
    ...(signal && { signal }),
  });
  const body = response.body;
  const goesOn = response.status === 206 &&
    response.headers.get("content-range")?.startsWith(`bytes ${from}-`);
  if (body === null || !(response.status === 200 || goesOn)) {
    await body?.cancel();
    throw new Error(`the server answers ${response.status}`);
  }
  // Without ranges, the beginning comes again.
  let skip = goesOn ? 0 : from, at = from, kept = from;
  let writer = await file.createWritable({ keepExistingData: true });
  await writer.seek(at);
  try {
    for await (const chunk of piecesOf(body)) {
      const piece = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - piece.length;
      if (piece.length === 0) continue;
      if (at + piece.length > bytes) {
        throw new Error(`expected ${bytes} bytes, the server sends more`);
      }
      digest.update(piece);
      await writer.write(piece);
      at += piece.length;
      onProgress?.({ file: sha256, bytes: at, total: bytes });
      if (at - kept < KEEP_BYTES) continue;
      await writer.close();
      writer = await file.createWritable({ keepExistingData: true });
      await writer.seek(kept = at);
    }
  } finally {
    await writer.close();
  }
  if (at < bytes) throw new Error(`the answer ends after ${at} of ${bytes} bytes`);
  return at;
}

/** Gives the pieces of a stream, which not every browser iterates over. */
async function* piecesOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // One that has failed has told why.
    await reader.cancel().catch(() => {});
  }
}
