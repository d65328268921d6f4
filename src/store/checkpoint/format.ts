import { digester } from "../../base/hash.ts";
import { errorMessage } from "../../base/errors.ts";
import { isCount } from "../../base/check.ts";
import { isRecord } from "../../base/json.ts";
import { Manifest, type ParameterVector } from "../../params/manifest.ts";
import type { Checkpoint } from "./checkpoints.ts";
import { type HistoryMark, parseMark } from "./history.ts";
import type { CheckpointSummary } from "./retention.ts";
import { type ByteSource, type OpenedHeader, readHeader, readVector } from "../safetensors/file.ts";
import { encodeSafetensorsHeader } from "../safetensors/header.ts";

/**
 * Beginning of a checkpoint, before the digest of its header. That digest is computed with zeros in
 * its place, and the header holds the digest of the data: a header can be trusted before the data
 * are read.
 */
const PREAMBLE = '{"__metadata__":{"fedlab.header_sha256":"';
const DIGEST_AT = 8 + PREAMBLE.length;
const DIGEST_END = DIGEST_AT + 64;
const NO_DIGEST = "0".repeat(64);

const ROUND_KEY = "fedlab.round";
const SEQUENCE_KEY = "fedlab.sequence";
const SCORE_KEY = "fedlab.score";
const STATE_KEY = "fedlab.state";
/** Number of tensors at the end that are not of the model. */
const VECTORS_KEY = "fedlab.vectors";
/** Extent of the history that is stored beside the checkpoint. */
const HISTORY_KEY = "fedlab.history";
const DATA_KEY = "fedlab.data_sha256";

/** Header of a checkpoint. */
export interface CheckpointHeader extends CheckpointSummary {
  readonly manifest: Manifest;
  /** Extent of the run's history, where it has one. */
  readonly history?: HistoryMark;
}

/** Checkpoint of which every byte was checked. */
export interface WholeCheckpoint extends CheckpointHeader {
  readonly parameters: ParameterVector;
  readonly vectors?: Readonly<Record<string, ParameterVector>>;
  readonly state: Readonly<Record<string, unknown>>;
}

/** Content of a checkpoint that is to be written. */
export interface CheckpointContent extends CheckpointHeader {
  /** Tensors of the model and, after them, one for each further vector. */
  readonly tensors: Manifest;
  /** Vector of the model, and the further vectors. */
  readonly data: readonly ParameterVector[];
  /** State of the run, as JSON. */
  readonly stateText: string;
}

/**
 * Prepares a checkpoint for writing.
 *
 * @throws {RangeError} If the round is no whole number from 0, a vector does not fit the manifest,
 * or a further vector has the name of a tensor.
 * @throws {TypeError} If the state cannot be written as a JSON object.
 */
export function contentOf(checkpoint: Checkpoint): Omit<CheckpointContent, "sequence" | "history"> {
  const { manifest, parameters, vectors = {}, round, score } = checkpoint;
  if (!isCount(round)) {
    throw new RangeError(
      `Cannot save a checkpoint: expected a round that is a whole number from 0, got ${round}`,
    );
  }
  manifest.check(parameters);
  return {
    manifest,
    round,
    ...(score !== undefined && !Number.isNaN(score) && { score }),
    tensors: withVectors(manifest, vectors),
    data: [parameters, ...Object.values(vectors)],
    stateText: stringify(checkpoint.state),
  };
}

function stringify(state: unknown): string {
  const where = "Cannot save a checkpoint: expected a state that can be written as a JSON object";
  let text: string | undefined;
  try {
    text = JSON.stringify(state);
  } catch (cause) {
    throw new TypeError(`${where}: ${errorMessage(cause)}`, { cause });
  }
  if (!text?.startsWith("{")) throw new TypeError(`${where}, got ${text?.slice(0, 40)}`);
  return text;
}

/** Adds a tensor for each further vector. Throws a `RangeError` for a name that stands twice. */
function withVectors(
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

/** Encodes a header without digests, of the final length, to be replaced by the sealed one. */
export function blankHeader(content: CheckpointContent): Uint8Array<ArrayBuffer> {
  return encodeHeader(content, NO_DIGEST);
}

/** Encodes a header with its own digest and the SHA-256 of the data. */
export async function sealedHeader(
  content: CheckpointContent,
  dataDigest: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const header = encodeHeader(content, dataDigest);
  header.set(new TextEncoder().encode(await headerDigest(header)), DIGEST_AT);
  return header;
}

function encodeHeader(content: CheckpointContent, dataDigest: string): Uint8Array<ArrayBuffer> {
  const { tensors, data, round, sequence, score, history, stateText } = content;
  return encodeSafetensorsHeader(tensors, {
    "fedlab.header_sha256": NO_DIGEST,
    [DATA_KEY]: dataDigest,
    [ROUND_KEY]: String(round),
    [SEQUENCE_KEY]: String(sequence),
    ...(score !== undefined && { [SCORE_KEY]: String(score) }),
    ...(data.length > 1 && { [VECTORS_KEY]: String(data.length - 1) }),
    ...(history && { [HISTORY_KEY]: JSON.stringify(history) }),
    [STATE_KEY]: stateText,
  });
}

/** Computes the SHA-256 of a header, with zeros in place of the digest. */
async function headerDigest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return (await digester("sha256")).update(bytes.subarray(0, DIGEST_AT)).update(NO_DIGEST)
    .update(bytes.subarray(DIGEST_END)).digest("hex");
}

/**
 * Reads the header of a checkpoint. Rejects with a `SyntaxError` or `TypeError` for another file.
 */
export async function readCheckpointHeader(source: ByteSource): Promise<CheckpointHeader> {
  return await interpret(await readHeader(source));
}

/** Reads a checkpoint and checks every byte by the digests. */
export async function readCheckpoint(source: ByteSource): Promise<WholeCheckpoint> {
  const opened = await readHeader(source);
  const header = await interpret(opened);
  const hash = await digester("sha256");
  const read = (length: number) => readVector(source, length, (piece) => hash.update(piece));
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
  const historyText = metadata[HISTORY_KEY];
  const history = historyText === undefined ? undefined : parseMark(historyText);
  if (
    text.decode(bytes.subarray(8, DIGEST_AT)) !== PREAMBLE || round === undefined ||
    sequence === undefined || metadata[STATE_KEY] === undefined ||
    further === undefined || further > manifest.tensors.length ||
    (historyText !== undefined && history === undefined)
  ) {
    throw new SyntaxError("expected a checkpoint, got another safetensors file");
  }
  if (text.decode(bytes.subarray(DIGEST_AT, DIGEST_END)) !== await headerDigest(bytes)) {
    throw new SyntaxError("expected the header that was written, got another: its digest differs");
  }
  const own = further === 0 ? manifest : Manifest.of(manifest.tensors.slice(0, -further));
  return {
    manifest: own,
    round,
    sequence,
    ...(score !== undefined && { score: Number(score) }),
    ...(history && { history }),
  };
}

function parseCount(text = ""): number | undefined {
  const count = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(count) ? count : undefined;
}
