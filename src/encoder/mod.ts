/**
 * Pretrained encoders of texts, with adapters and a head that are trained.
 *
 * @module
 */

export type { BaseWeights } from "./base_weights.ts";
export {
  ADAPTER_TARGETS,
  type Adapters,
  type AdapterTarget,
  type BaseReference,
  type EncoderModel,
  type EncoderShape,
} from "../train/models/encoder/encoder_model.ts";
