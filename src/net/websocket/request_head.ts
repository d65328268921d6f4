import type { Refusal } from "./upgrade.ts";

/** Most bytes in the head of a request. */
export const MOST_REQUEST_BYTES = 8 * 1024;
/** Read at first: what a client sends is a quarter of it. */
const FIRST_REQUEST_BYTES = 1024;

const END = [13, 10, 13, 10];
const REQUEST_LINE = /^([A-Z]{1,16}) (\S+) HTTP\/(\d)\.(\d)$/;

/** The head of an HTTP request. */
export interface RequestHead {
  readonly method: string;
  /** Target of the request, as in its first line. */
  readonly target: string;
  readonly headers: Headers;
}

/** A request that is not taken. */
export class BadRequestError extends Error {
  /** Response. */
  readonly refusal: Refusal;

  /** Makes an error that is answered so. */
  constructor(refusal: Refusal) {
    super(refusal.text);
    this.refusal = refusal;
  }
}

/**
 * Reads the head of one HTTP/1.1 request; `undefined` if the other side closes first. `rest` has
 * the bytes behind it.
 *
 * @throws {BadRequestError} As soon as the bytes cannot become the head of a request, or exceed 8
 * KiB.
 */
export async function readRequestHead(
  source: { read(into: Uint8Array<ArrayBuffer>): Promise<number | null> },
): Promise<{ head: RequestHead; rest: Uint8Array<ArrayBuffer> } | undefined> {
  let bytes = new Uint8Array(FIRST_REQUEST_BYTES);
  let length = 0;
  for (;;) {
    const got = await source.read(length === 0 ? bytes : bytes.subarray(length));
    if (got === null) return undefined;
    const end = findEnd(bytes, length, length + got);
    length += got;
    if (end !== undefined) {
      return {
        head: parseHead(bytes.subarray(0, end - END.length)),
        rest: bytes.slice(end, length),
      };
    }
    if (length === MOST_REQUEST_BYTES) {
      throw new BadRequestError({
        status: 431,
        text: `Expected at most ${MOST_REQUEST_BYTES} bytes before the body`,
      });
    }
    if (length < bytes.length) continue;
    const more = new Uint8Array(Math.min(2 * bytes.length, MOST_REQUEST_BYTES));
    more.set(bytes);
    bytes = more;
  }
}

/**
 * Finds the end of the head in the bytes from `from` on. Throws for bytes that no head has, so that
 * another protocol is detected at once.
 */
function findEnd(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): number | undefined {
  for (let i = from; i < to; i++) {
    const byte = bytes[i] ?? 0;
    const isPart = byte === 10 ? bytes[i - 1] === 13 : byte >= 32 && byte !== 127 || byte === 9 ||
      byte === 13;
    if (!isPart) throw new BadRequestError({ status: 400, text: "Expected an HTTP request" });
    if (byte === 10 && END.every((one, j) => bytes[i - 3 + j] === one)) return i + 1;
  }
  return undefined;
}

function parseHead(bytes: Uint8Array<ArrayBuffer>): RequestHead {
  const [first = "", ...lines] = new TextDecoder("latin1").decode(bytes).split("\r\n");
  const [, method, target, major, minor] = REQUEST_LINE.exec(first) ?? [];
  if (method === undefined || target === undefined) {
    throw new BadRequestError({ status: 400, text: "Malformed request" });
  }
  if (major !== "1" || minor !== "1") {
    throw new BadRequestError({ status: 505, text: "Expected HTTP/1.1" });
  }
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    try {
      // A name that is not a token is refused there, and so is a continuation line.
      headers.append(line.slice(0, Math.max(0, colon)), line.slice(colon + 1));
    } catch {
      throw new BadRequestError({ status: 400, text: "Malformed header" });
    }
  }
  if (headers.has("transfer-encoding") || (headers.get("content-length") ?? "0") !== "0") {
    throw new BadRequestError({ status: 400, text: "Expected no body" });
  }
  return { method, target, headers };
}
