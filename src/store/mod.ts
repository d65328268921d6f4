/**
 * Models and runs on disk.
 *
 * @module
 */

export { type Checkpoint, CheckpointStore, type CheckpointStoreOptions } from "./checkpoint.ts";
export { EventFile } from "./event_file.ts";
export { readSafetensors, type StoredModel, writeSafetensors } from "./safetensors.ts";
export { encodeSafetensorsHeader } from "./safetensors_header.ts";
