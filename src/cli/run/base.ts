import type { BaseModel } from "../../train/base_model.ts";

/**
 * Returns the pretrained base at a path, which is opened when a model is built on it.
 *
 * @param rank Largest rank of the adapters that are trained. Default: that of the model.
 */
export async function baseAt(path: string, rank?: number): Promise<BaseModel> {
  const { EncoderBase } = await import("../../encoder/encoder_base.ts");
  const base = EncoderBase.at({ path });
  return rank === undefined ? base : base.ofRank(rank);
}
