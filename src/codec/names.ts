/** Names of the codecs, as `parseCodec()` takes them. Importing this file loads none of them. */
export const CODEC_NAMES = ["f16", "bf16", "int8", "int4", "eden", "topk", "f32"] as const;

/** Name of a codec. */
export type CodecName = typeof CODEC_NAMES[number];

/** Name by which a client says that it reads differences. */
export const DELTA = "delta";

/** Returns the name of a codec without its settings. */
export function baseName(codec: string): string {
  return codec.split(":", 1)[0] ?? codec;
}

/** Returns the name of the codec of whole vectors, and whether differences may be sent as well. */
export function splitDelta(codec: string): { readonly whole: string; readonly isDelta: boolean } {
  const isDelta = codec.endsWith(`+${DELTA}`);
  return { whole: isDelta ? codec.slice(0, -DELTA.length - 1) : codec, isDelta };
}
