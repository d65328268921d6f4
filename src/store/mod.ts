/**
 * Models and runs, on disk or in a key-value store.
 *
 * @module
 */

export { CheckpointStore } from "./checkpoint.ts";
export type { Checkpoint, Checkpoints, CheckpointStoreOptions } from "./checkpoints.ts";
export type { CheckpointKv, KvCommit, KvEntry, KvKey } from "./checkpoint_kv.ts";
export { KvCheckpointStore } from "./kv_checkpoints.ts";
export { EventFile } from "./event_file.ts";
export {
  readSafetensors,
  type StoredModel,
  writeSafetensors,
  type WriteSafetensorsOptions,
} from "./safetensors.ts";
export { encodeSafetensorsHeader } from "./safetensors_header.ts";
