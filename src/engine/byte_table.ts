import type { ByteFeatures } from "../data/byte_features.ts";
import { BYTE_TABLE_LAYOUT } from "../generated/engine_exports.ts";
import { valuesOf } from "./structs.ts";

/** Bits of the factor `high` of which a product with a byte loses none: 16 of its 24. */
const HIGH_BITS = 0xFFFFFF00;

const tables = new WeakMap<ByteFeatures, Float32Array>();

/** Returns the kernels' `ByteTable` of the features, as the values of its fields. */
export function byteTable(features: ByteFeatures): Float32Array {
  let table = tables.get(features);
  if (table === undefined) {
    table = new Float32Array(valuesOf(BYTE_TABLE_LAYOUT, {
      values: [...features.table],
      ...factorsOf(features),
    }));
    tables.set(features, table);
  }
  return table;
}

/**
 * Splits the scale in two factors of which `byte * high + byte * low`, rounded after each
 * operation, is the feature of each byte. For some scales there are none: both are then 0.
 */
function factorsOf({ scale, table }: ByteFeatures): { high: number; low: number } {
  const bits = new Uint32Array(1), value = new Float32Array(bits.buffer);
  value[0] = scale;
  bits[0] = (bits[0] ?? 0) & HIGH_BITS;
  const [high = 0] = value, low = Math.fround(scale - high);
  const isExact = table.every((feature, byte) =>
    Object.is(Math.fround(Math.fround(byte * high) + Math.fround(byte * low)), feature)
  );
  return isExact ? { high, low } : { high: 0, low: 0 };
}
