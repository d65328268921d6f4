/** Names of the codecs, as `parseCodec()` takes them. Importing this file loads none of them. */
export const CODEC_NAMES = ["f16", "bf16", "int8", "int4", "eden", "topk"] as const;

/** Name of a codec. */
export type CodecName = typeof CODEC_NAMES[number];

/** Returns the name of a codec without its settings. */
export function baseName(codec: string): string {
  return codec.split(":", 1)[0] ?? codec;
}
