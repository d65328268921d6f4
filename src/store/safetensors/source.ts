import { errorMessage } from "../../base/errors.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import type { ByteSource } from "./file.ts";

/** Safetensors file: its path, its URL, or its bytes. */
export type SafetensorsSource = string | URL | Uint8Array<ArrayBuffer>;

/**
 * Opens a file while it is used. An error of its content is of one line and names the file.
 *
 * @throws {SyntaxError} If `use` rejects with any error but a `TypeError` or `RangeError`, whose
 * class stays.
 */
export async function withSource<Result>(
  source: SafetensorsSource,
  use: (file: ByteSource) => Promise<Result>,
  what = "Cannot read",
): Promise<Result> {
  const isBytes = source instanceof Uint8Array;
  using file = isBytes ? undefined : await runtime.files.open(source);
  try {
    return await use(file ?? sourceOf(source as Uint8Array));
  } catch (cause) {
    const Kind = [TypeError, RangeError].find((kind) => cause instanceof kind) ?? SyntaxError;
    const name = isBytes ? "the safetensors file" : `${source}`;
    throw new Kind(`${what} ${name}: ${errorMessage(cause)}`, { cause });
  }
}

/** Reads bytes in memory as a file. */
function sourceOf(bytes: Uint8Array): ByteSource {
  let at = 0;
  return {
    stat: () => Promise.resolve({ size: bytes.length }),
    read(into) {
      const piece = bytes.subarray(at, at + into.length);
      if (piece.length === 0) return Promise.resolve(into.length === 0 ? 0 : null);
      into.set(piece);
      at += piece.length;
      return Promise.resolve(piece.length);
    },
  };
}
