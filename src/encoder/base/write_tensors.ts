import { replaceFile } from "../../base/files/whole_file.ts";
import { LENGTH_BYTES } from "../../store/safetensors/header.ts";
import { writeAll } from "../../store/safetensors/file.ts";
import { makeDigests } from "./digest.ts";
import type { BaseFacts } from "./reference.ts";

/** Tensor as it is written. */
export interface WrittenTensor {
  readonly name: string;
  readonly dtype: "F32" | "F16" | "I8";
  readonly shape: readonly number[];
  readonly byteLength: number;
}

/**
 * Writes a safetensors file tensor by tensor.
 *
 * @param contents Bytes of the tensors, in their order.
 */
export async function writeTensors(
  path: string,
  tensors: readonly WrittenTensor[],
  contents: AsyncIterable<Uint8Array<ArrayBuffer>>,
): Promise<BaseFacts> {
  let at = 0;
  const entries = tensors.map(({ name, dtype, shape, byteLength }) =>
    [name, { dtype, shape, data_offsets: [at, at += byteLength] }] as const
  );
  // Readers of Python want the name of a library.
  const text = new TextEncoder().encode(
    JSON.stringify(Object.fromEntries([["__metadata__", { format: "pt" }], ...entries])),
  );
  const padded = Math.ceil(text.length / 8) * 8;
  const header = new Uint8Array(LENGTH_BYTES + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(text, LENGTH_BYTES);
  const digest = (await makeDigests())();
  await replaceFile(path, async (file) => {
    const write = async (bytes: Uint8Array<ArrayBuffer>) => {
      digest.update(bytes);
      await writeAll(file, bytes);
    };
    await write(header);
    for await (const bytes of contents) await write(bytes);
  });
  return { sha256: digest.finish(), bytes: header.length + at };
}
