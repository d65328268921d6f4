import type { BaseModel } from "../../train/base_model.ts";

/** Returns the pretrained base at a path, which is opened when a model is built on it. */
export async function baseAt(path: string): Promise<BaseModel> {
  const { EncoderBase } = await import("../../encoder/encoder_base.ts");
  return EncoderBase.at({ path });
}
