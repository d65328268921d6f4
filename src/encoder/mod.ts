/**
 * Pretrained encoders of texts, with adapters and a head that are trained.
 *
 * @module
 */

export type { BaseWeights } from "./base_weights.ts";
export { type BaseSource, EncoderBase, type OpenBase } from "./encoder_base.ts";
export type { Inference } from "../train/inference.ts";
export { BaseMismatchError, type BaseModel } from "../train/base_model.ts";
export { writeBase } from "./base/convert.ts";
export { FrozenBase, type FrozenBaseOptions } from "./base/frozen_base.ts";
export type { BaseFacts } from "./base/reference.ts";
export type { BasePrecision } from "./base/tensors.ts";
export { decodePeft, type PeftModel, readPeft } from "./peft/read_peft.ts";
export { writeMerged } from "./peft/write_merged.ts";
export { encodePeft, type PeftOptions, writePeft } from "./peft/write_peft.ts";
export {
  ADAPTER_TARGETS,
  type Adapters,
  type AdapterTarget,
  type BaseReference,
  type EncoderModel,
  type EncoderShape,
} from "../train/models/encoder/encoder_model.ts";
export {
  ALL_MINILM_L6_V2,
  type EncoderOfFile,
  encoderShapeOf,
  lora,
  type LoraOptions,
  textEncoder,
  type TextEncoderOptions,
} from "../train/models/encoder/text_encoder.ts";
