/**
 * Files of models, checkpoints of runs, and event files for TensorBoard.
 *
 * @module
 */

// Models.
export {
  readSafetensors,
  type StoredModel,
  writeSafetensors,
  type WriteSafetensorsOptions,
} from "./safetensors/safetensors.ts";
export { encodeSafetensorsHeader } from "./safetensors/header.ts";
export type { SafetensorsSource } from "./safetensors/source.ts";
export {
  type LoadedWeights,
  loadWeights,
  type LoadWeightsOptions,
} from "./safetensors/load_weights.ts";
export type { WeightNames, WeightPlace } from "./safetensors/names.ts";

// Checkpoints.
export type { Checkpoint, Checkpoints, CheckpointStoreOptions } from "./checkpoint/checkpoints.ts";
export { CheckpointStore } from "./checkpoint/files/checkpoint_store.ts";
export type { CheckpointKv, KvCommit, KvEntry, KvKey } from "./checkpoint/kv/checkpoint_kv.ts";
export { KvCheckpointStore } from "./checkpoint/kv/kv_checkpoint_store.ts";

// Event files.
export { EventFile } from "./tensorboard/event_file.ts";
