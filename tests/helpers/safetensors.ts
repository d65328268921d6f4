/** Tensor to write with {@linkcode safetensorsOf}. */
export interface RawTensor {
  dtype: string;
  shape: readonly number[];
  bytes: Uint8Array;
}

/** A safetensors file of tensors of any type, in the given order. */
export function safetensorsOf(
  tensors: Readonly<Record<string, RawTensor>>,
): Uint8Array<ArrayBuffer> {
  let at = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => [name, {
      dtype,
      shape,
      data_offsets: [at, at += bytes.length],
    }]),
  );
  const text = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + at);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  let place = 8 + text.length;
  for (const { bytes } of Object.values(tensors)) {
    file.set(bytes, place);
    place += bytes.length;
  }
  return file;
}

/** A tensor of 32-bit floats. */
export function f32(shape: readonly number[], values: readonly number[]): RawTensor {
  return { dtype: "F32", shape, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}
