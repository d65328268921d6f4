import type { BaseWeights } from "../../../src/encoder/base_weights.ts";
import { sha256Hex } from "../../../src/base/hash.ts";

/** Weights of a safetensors file whose tensors are of 32-bit floats. */
export async function weightsOf(bytes: Uint8Array<ArrayBuffer>): Promise<BaseWeights> {
  const size = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }> =
    JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + size)));
  const floats = Object.entries(header).filter(([, { dtype }]) => dtype === "F32");
  return {
    reference: { sha256: await sha256Hex(bytes), bytes: bytes.length, format: "safetensors" },
    shapes: new Map(floats.map(([name, { shape }]) => [name, shape])),
    read(name, to) {
      const [from, end] = header[name]?.data_offsets ?? [0, 0];
      to.set(new Float32Array(bytes.slice(8 + size + from, 8 + size + end).buffer));
      return Promise.resolve();
    },
  };
}
