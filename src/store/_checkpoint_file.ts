import type { Hash } from "node:crypto";
import { Manifest, type ParameterVector } from "../params/manifest.ts";
import {
  bytesOf,
  type OpenedHeader,
  readHeader,
  readVector,
  writeAll,
} from "./_safetensors_file.ts";
import { encodeSafetensorsHeader, isRecord } from "./safetensors_header.ts";

/**
 * A file begins with the digest of its header, taken with zeros in that place; the header holds the digest of the data. So what a header
 * says can be trusted before the data are read.
 */
const PREAMBLE = '{"__metadata__":{"fedlab.header_sha256":"';
const DIGEST_AT = 8 + PREAMBLE.length;
const DIGEST_END = DIGEST_AT + 64;
const NO_DIGEST = "0".repeat(64);

/** A checkpoint holds the clients' session tokens: it is for its owner's eyes. */
const MODE = 0o600;

const ROUND_KEY = "fedlab.round";
const SEQUENCE_KEY = "fedlab.sequence";
const SCORE_KEY = "fedlab.score";
const STATE_KEY = "fedlab.state";
/** How many of the tensors, the last ones, are none of the model's. */
const VECTORS_KEY = "fedlab.vectors";
const DATA_KEY = "fedlab.data_sha256";

/** What a checkpoint's header says, without its data. */
export interface CheckpointHeader {
  readonly manifest: Manifest;
  readonly round: number;
  /** Counts the checkpoints of a folder: the newest has the highest. */
  readonly sequence: number;
  readonly score?: number;
}

/** A checkpoint as it was read, every byte of it checked. */
export interface WholeCheckpoint extends CheckpointHeader {
  readonly parameters: ParameterVector;
  readonly vectors?: Readonly<Record<string, ParameterVector>>;
  readonly state: Readonly<Record<string, unknown>>;
}

/** What goes into a file: a checkpoint, its state as JSON. */
export interface CheckpointContent extends CheckpointHeader {
  /** The model's tensors and, after them, one for each further vector. */
  readonly tensors: Manifest;
  /** The model's vector and the further ones. */
  readonly data: readonly ParameterVector[];
  readonly stateText: string;
}

/** The tensors of a file: the model's, and one for each further vector. Throws a `RangeError` for a name that stands twice. */
export function withVectors(
  manifest: Manifest,
  vectors: Readonly<Record<string, ParameterVector>>,
): Manifest {
  const further = Object.entries(vectors).map(([name, { length }]) => ({
    name,
    shape: [length],
    trainable: false,
  }));
  return further.length === 0 ? manifest : Manifest.of([...manifest.tensors, ...further]);
}

/**
 * Writes a checkpoint to a new file, brings it to the disk, and calls `done` while the file is still locked.
 *
 * The header is written again at the end, with the data's digest in it: one pass over the vectors.
 */
export async function writeCheckpoint(
  path: string,
  content: CheckpointContent,
  done: () => Promise<void>,
): Promise<void> {
  const hash = await sha256();
  const blank = encodeHeader(content, NO_DIGEST);
  using file = await Deno.open(path, { write: true, createNew: true, mode: MODE });
  await file.tryLock(true).catch(() => {}); // some network file systems have no locks
  await writeAll(file, blank);
  for (const vector of content.data) {
    await writeAll(file, bytesOf(vector), (piece) => hash.update(piece));
  }
  const header = encodeHeader(content, hash.digest("hex"));
  header.set(new TextEncoder().encode(await headerDigest(header)), DIGEST_AT);
  await file.seek(0, Deno.SeekMode.Start);
  await writeAll(file, header);
  await file.sync();
  await done();
}

function encodeHeader(content: CheckpointContent, dataDigest: string): Uint8Array<ArrayBuffer> {
  const { tensors, data, round, sequence, score, stateText } = content;
  return encodeSafetensorsHeader(tensors, {
    "fedlab.header_sha256": NO_DIGEST,
    [DATA_KEY]: dataDigest,
    [ROUND_KEY]: String(round),
    [SEQUENCE_KEY]: String(sequence),
    ...(score !== undefined && { [SCORE_KEY]: String(score) }),
    ...(data.length > 1 && { [VECTORS_KEY]: String(data.length - 1) }),
    [STATE_KEY]: stateText,
  });
}

/** A digest that takes its bytes in pieces. */
async function sha256(): Promise<Hash> {
  // Only when it is needed: a browser has no such module.
  const { createHash } = await import("node:crypto");
  return createHash("sha256");
}

/** SHA-256 of a header's bytes, with zeros where it stands itself. */
async function headerDigest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return (await sha256()).update(bytes.subarray(0, DIGEST_AT)).update(NO_DIGEST)
    .update(bytes.subarray(DIGEST_END)).digest("hex");
}

/** Reads what a checkpoint's header says. Throws a `SyntaxError` or `TypeError` when it is not one. */
export async function readCheckpointHeader(path: string): Promise<CheckpointHeader> {
  using file = await Deno.open(path);
  return await interpret(await readHeader(file));
}

/** Reads a checkpoint and checks every byte of it by its digest. */
export async function readCheckpoint(path: string): Promise<WholeCheckpoint> {
  using file = await Deno.open(path);
  const opened = await readHeader(file);
  const header = await interpret(opened);
  const hash = await sha256();
  const read = (length: number) => readVector(file, length, (piece) => hash.update(piece));
  const parameters = await read(header.manifest.length);
  const vectors: [string, ParameterVector][] = [];
  for (const { name, length } of opened.manifest.tensors.slice(header.manifest.tensors.length)) {
    vectors.push([name, await read(length)]);
  }
  if (hash.digest("hex") !== opened.metadata[DATA_KEY]) {
    throw new SyntaxError("expected the data that were written, got others: their digest differs");
  }
  const state: unknown = JSON.parse(opened.metadata[STATE_KEY] ?? "");
  if (!isRecord(state)) throw new SyntaxError("expected the state to be an object");
  return {
    ...header,
    parameters,
    ...(vectors.length > 0 && { vectors: Object.fromEntries(vectors) }),
    state,
  };
}

async function interpret(
  { manifest, metadata, bytes }: OpenedHeader,
): Promise<CheckpointHeader> {
  const text = new TextDecoder();
  const round = parseCount(metadata[ROUND_KEY]);
  const sequence = parseCount(metadata[SEQUENCE_KEY]);
  const score = metadata[SCORE_KEY];
  const further = parseCount(metadata[VECTORS_KEY] ?? "0");
  if (
    text.decode(bytes.subarray(8, DIGEST_AT)) !== PREAMBLE || round === undefined ||
    sequence === undefined || metadata[STATE_KEY] === undefined ||
    further === undefined || further > manifest.tensors.length
  ) {
    throw new SyntaxError("expected a checkpoint, got another safetensors file");
  }
  if (text.decode(bytes.subarray(DIGEST_AT, DIGEST_END)) !== await headerDigest(bytes)) {
    throw new SyntaxError("expected the header that was written, got another: its digest differs");
  }
  const own = further === 0 ? manifest : Manifest.of(manifest.tensors.slice(0, -further));
  return { manifest: own, round, sequence, ...(score !== undefined && { score: Number(score) }) };
}

function parseCount(text = ""): number | undefined {
  const count = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(count) ? count : undefined;
}
