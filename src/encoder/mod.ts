/**
 * Pretrained encoders of texts, with adapters and a head that are trained.
 *
 * @module
 */

export type { BaseWeights } from "./base_weights.ts";
export { writeBase } from "./base/convert.ts";
export { FrozenBase, type FrozenBaseOptions } from "./base/frozen_base.ts";
export type { BaseFacts } from "./base/reference.ts";
export type { BasePrecision } from "./base/tensors.ts";
export {
  ADAPTER_TARGETS,
  type Adapters,
  type AdapterTarget,
  type BaseReference,
  type EncoderModel,
  type EncoderShape,
} from "../train/models/encoder/encoder_model.ts";
