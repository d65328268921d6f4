import { bytesOf } from "../../base/bytes.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { decodeEntries, type TensorList } from "./entries.ts";
import {
  decodeSafetensorsHeader,
  LENGTH_BYTES,
  MAX_HEADER_BYTES,
  type SafetensorsHeader,
} from "./header.ts";

const PIECE_BYTES = 4 * 2 ** 20;

/** Called with each piece of bytes that is read or written, in order. */
export type OnPiece = (piece: Uint8Array<ArrayBuffer>) => void;

/** Bytes that are read from the beginning on: an open file, or the chunks of a key-value store. */
export interface ByteSource {
  /** Gives the number of bytes. */
  stat(): Promise<{ readonly size: number }>;
  /** Reads bytes into an array. Gives their number, or `null` at the end. */
  read(into: Uint8Array): Promise<number | null>;
}

/** Header of an open file. */
export interface OpenedHeader extends SafetensorsHeader {
  /** Bytes of the file before its data. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Reads the header of an open file, and checks that the file is long enough for its data. */
export async function readHeader(file: ByteSource): Promise<OpenedHeader> {
  const { bytes, dataBytes } = await readHeaderBytes(file);
  const header = decodeSafetensorsHeader(bytes.subarray(LENGTH_BYTES));
  checkDataBytes(dataBytes, header.manifest.byteLength);
  return { ...header, bytes };
}

/** Lists the tensors of an open file, and checks that it is long enough for their data. */
export async function readTensorList(file: ByteSource): Promise<TensorList> {
  const { bytes, dataBytes } = await readHeaderBytes(file);
  const list = decodeEntries(bytes.subarray(LENGTH_BYTES));
  checkDataBytes(dataBytes, list.byteLength);
  return list;
}

/** Reads the bytes of a header, and counts those of the data behind it. */
async function readHeaderBytes(
  file: ByteSource,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; dataBytes: number }> {
  const { size } = await file.stat();
  if (size < LENGTH_BYTES) throw new SyntaxError(`expected at least 8 bytes, got ${size}`);
  const prefix = new Uint8Array(LENGTH_BYTES);
  await readAll(file, prefix);
  const headerLength = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  const start = LENGTH_BYTES + headerLength;
  if (headerLength > MAX_HEADER_BYTES || start > size) {
    throw new SyntaxError(
      `expected a header of ${headerLength} bytes, got ${size - LENGTH_BYTES} in the file`,
    );
  }
  const bytes = new Uint8Array(start);
  bytes.set(prefix);
  await readAll(file, bytes.subarray(LENGTH_BYTES));
  return { bytes, dataBytes: size - start };
}

function checkDataBytes(found: number, expected: number): void {
  if (found === expected) return;
  throw new SyntaxError(`expected ${expected} bytes of data, got ${found}`);
}

/** Reads the vector that follows the header of a file. */
export async function readVector(
  file: ByteSource,
  length: number,
  onPiece?: OnPiece,
): Promise<ParameterVector> {
  const vector = new Float32Array(length);
  await readAll(file, bytesOf(vector), onPiece);
  return vector;
}

/** Writes bytes at the position of an open file, in pieces. */
export async function writeAll(
  file: Deno.FsFile,
  bytes: Uint8Array<ArrayBuffer>,
  onPiece?: OnPiece,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    const written = await file.write(piece);
    onPiece?.(piece.subarray(0, written));
    at += written;
  }
}

/** Fills an array from an open file, in pieces. Rejects with a `SyntaxError` at the end. */
export async function readAll(
  file: ByteSource,
  bytes: Uint8Array<ArrayBuffer>,
  onPiece?: OnPiece,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    const read = await file.read(piece);
    if (read === null) throw new SyntaxError("the file became shorter while it was read");
    onPiece?.(piece.subarray(0, read));
    at += read;
  }
}
