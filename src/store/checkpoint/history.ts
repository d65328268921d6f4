import { digesters } from "../../base/hash.ts";
import { isCount } from "../../base/check.ts";
import { isRecord } from "../../base/json.ts";

/** Extent and digest of the part of a run's history that belongs to a checkpoint. */
export interface HistoryMark {
  readonly bytes: number;
  /** Number of lines. */
  readonly rounds: number;
  /**
   * Last of a chain of SHA-256 digests, in hexadecimal. There is one for each line, of the previous
   * digest (32 bytes) and the line, so that the cost of a further line does not depend on their
   * number.
   */
  readonly digest: string;
}

/** Mark of a history without lines. */
export const NO_HISTORY: HistoryMark = { bytes: 0, rounds: 0, digest: "0".repeat(64) };

const NEWLINE = 10;

/** Encodes an entry as a line of JSON. Throws a `TypeError` for one that cannot be encoded. */
export function lineOf(entry: unknown): Uint8Array<ArrayBuffer> {
  const text = JSON.stringify(entry);
  if (text === undefined) {
    throw new TypeError(
      `Cannot save a checkpoint: expected a history that can be written as JSON, got ${entry}`,
    );
  }
  return new TextEncoder().encode(`${text}\n`);
}

/** Computes the mark after further lines. */
export async function extended(
  { bytes, rounds, digest }: HistoryMark,
  lines: readonly Uint8Array[],
): Promise<HistoryMark> {
  const begin = await digesters("sha256");
  for (const line of lines) {
    digest = begin().update(Uint8Array.fromHex(digest)).update(line).digest("hex");
    bytes += line.length;
  }
  return { bytes, rounds: rounds + lines.length, digest };
}

/** Splits bytes into lines, as views, each with its line end; an unfinished line is left out. */
export function linesIn(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const lines: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0;;) {
    const end = bytes.indexOf(NEWLINE, at) + 1;
    if (end === 0) return lines;
    lines.push(bytes.subarray(at, end));
    at = end;
  }
}

/** Parses the entries of a history. Rejects with a `SyntaxError` when they do not fit the mark. */
export async function parseHistory(
  bytes: Uint8Array<ArrayBuffer>,
  mark: HistoryMark,
): Promise<unknown[]> {
  const lines = linesIn(bytes);
  const { rounds, digest, bytes: length } = await extended(NO_HISTORY, lines);
  if (length !== bytes.length || rounds !== mark.rounds || digest !== mark.digest) {
    throw new SyntaxError("expected the history that was written, got another: its digest differs");
  }
  const text = new TextDecoder();
  return lines.map((line): unknown => JSON.parse(text.decode(line)));
}

/** Parses a mark from JSON; gives `undefined` for another text. */
export function parseMark(text: string): HistoryMark | undefined {
  let mark: unknown;
  try {
    mark = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(mark)) return undefined;
  const { bytes, rounds, digest } = mark;
  return isCount(bytes) && isCount(rounds) && typeof digest === "string" &&
      /^[0-9a-f]{64}$/.test(digest)
    ? { bytes, rounds, digest }
    : undefined;
}
