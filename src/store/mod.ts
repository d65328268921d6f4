/**
 * Models on disk.
 *
 * @module
 */

export { type Checkpoint, CheckpointStore, type CheckpointStoreOptions } from "./checkpoint.ts";
export {
  encodeSafetensorsHeader,
  readSafetensors,
  type StoredModel,
  writeSafetensors,
} from "./safetensors.ts";
