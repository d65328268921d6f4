/**
 * Models and runs, on disk or in a key-value store.
 *
 * @module
 */

export {
  type Checkpoint,
  type Checkpoints,
  CheckpointStore,
  type CheckpointStoreOptions,
} from "./checkpoint.ts";
export type { CheckpointKv, KvCommit, KvEntry, KvKey } from "./checkpoint_kv.ts";
export { KvCheckpointStore } from "./kv_checkpoints.ts";
export { EventFile } from "./event_file.ts";
export { readSafetensors, type StoredModel, writeSafetensors } from "./safetensors.ts";
export { encodeSafetensorsHeader } from "./safetensors_header.ts";
