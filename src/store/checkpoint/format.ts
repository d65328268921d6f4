import { digester } from "../../base/digest.ts";
import { isRecord } from "../../base/json.ts";
import { Manifest, type ParameterVector } from "../../params/manifest.ts";
import { type HistoryMark, parseMark } from "./history.ts";
import { type ByteSource, type OpenedHeader, readHeader, readVector } from "../safetensors/file.ts";
import { encodeSafetensorsHeader } from "../safetensors/header.ts";

/**
 * A checkpoint begins with the digest of its header, taken with zeros in that place; the header holds the digest of the data. So what a header
 * says can be trusted before the data are read.
 */
const PREAMBLE = '{"__metadata__":{"fedlab.header_sha256":"';
const DIGEST_AT = 8 + PREAMBLE.length;
const DIGEST_END = DIGEST_AT + 64;
const NO_DIGEST = "0".repeat(64);

const ROUND_KEY = "fedlab.round";
const SEQUENCE_KEY = "fedlab.sequence";
const SCORE_KEY = "fedlab.score";
const STATE_KEY = "fedlab.state";
/** How many of the tensors, the last ones, are none of the model's. */
const VECTORS_KEY = "fedlab.vectors";
/** How far the run's history goes that is kept beside it. */
const HISTORY_KEY = "fedlab.history";
const DATA_KEY = "fedlab.data_sha256";

/** What a checkpoint's header says, without its data. */
export interface CheckpointHeader {
  readonly manifest: Manifest;
  readonly round: number;
  /** Counts the checkpoints of a store: the newest has the highest. */
  readonly sequence: number;
  readonly score?: number;
  /** How far the run's history goes, where it has one. */
  readonly history?: HistoryMark;
}

/** A checkpoint as it was read, every byte of it checked. */
export interface WholeCheckpoint extends CheckpointHeader {
  readonly parameters: ParameterVector;
  readonly vectors?: Readonly<Record<string, ParameterVector>>;
  readonly state: Readonly<Record<string, unknown>>;
}

/** What is written: a checkpoint, its state as JSON. */
export interface CheckpointContent extends CheckpointHeader {
  /** The model's tensors and, after them, one for each further vector. */
  readonly tensors: Manifest;
  /** The model's vector and the further ones. */
  readonly data: readonly ParameterVector[];
  readonly stateText: string;
}

/** The tensors of a checkpoint: the model's, and one for each further vector. Throws a `RangeError` for a name that stands twice. */
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

/** A header of the final length, to hold the place until the data's digest is known. */
export function blankHeader(content: CheckpointContent): Uint8Array<ArrayBuffer> {
  return encodeHeader(content, NO_DIGEST);
}

/** The header of data with that SHA-256, its own digest in it. */
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

/** SHA-256 of a header's bytes, with zeros where it stands itself. */
async function headerDigest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return (await digester("sha256")).update(bytes.subarray(0, DIGEST_AT)).update(NO_DIGEST)
    .update(bytes.subarray(DIGEST_END)).digest("hex");
}

/** Reads what a checkpoint's header says. Throws a `SyntaxError` or `TypeError` when it is not one. */
export async function readCheckpointHeader(source: ByteSource): Promise<CheckpointHeader> {
  return await interpret(await readHeader(source));
}

/** Reads a checkpoint and checks every byte of it by its digest. */
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
