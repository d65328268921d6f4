import { Encoder } from "./deps.ts";

let encoder: Encoder | undefined;

/** Encodes one data item of CBOR. */
export function encodeItem(value: unknown): Uint8Array {
  return (encoder ??= new Encoder({
    useRecords: false,
    variableMapSize: true,
    tagUint8Array: false,
  })).encode(value);
}
