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

// Checkpoints.
export type { Checkpoint, Checkpoints, CheckpointStoreOptions } from "./checkpoint/checkpoints.ts";
export { CheckpointStore } from "./checkpoint/files/checkpoint_store.ts";
export type { CheckpointKv, KvCommit, KvEntry, KvKey } from "./checkpoint/kv/checkpoint_kv.ts";
export { KvCheckpointStore } from "./checkpoint/kv/kv_checkpoint_store.ts";

// Event files.
export { EventFile } from "./tensorboard/event_file.ts";
