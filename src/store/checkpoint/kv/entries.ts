import { isCount } from "../../../base/check.ts";
import { isRecord } from "../../../base/json.ts";
import type { CheckpointSummary } from "../retention.ts";
import type { KvEntry } from "./checkpoint_kv.ts";

/** Id of a history, and the number of its chunks that a checkpoint refers to. */
export interface HistoryEntry {
  readonly id: string;
  readonly chunks: number;
}

/** Description of a checkpoint, which is written after its chunks. */
export interface CheckpointEntry extends CheckpointSummary {
  /** Id of the chunks. */
  readonly id: string;
  readonly chunks: number;
  readonly bytes: number;
  /** History of the run, where it has one. */
  readonly history?: HistoryEntry;
}

/** Returns true if a value describes a checkpoint. */
export function isCheckpointEntry(value: unknown): value is CheckpointEntry {
  return isRecord(value) && typeof value.id === "string" && isCount(value.chunks) &&
    isCount(value.bytes) && isCount(value.round) && isCount(value.sequence) &&
    (value.score === undefined || typeof value.score === "number") &&
    (value.history === undefined || isHistoryEntry(value.history));
}

function isHistoryEntry(value: unknown): value is HistoryEntry {
  return isRecord(value) && typeof value.id === "string" && isCount(value.chunks);
}

/** Gives the number of chunks that a value counts, or `undefined` for another value. */
export function chunkCount(value: unknown): number | undefined {
  return isRecord(value) && isCount(value.chunks) ? value.chunks : undefined;
}

/** Gives the id of the checkpoint that was saved last, or `null` where there is none. */
export function headOf({ value }: KvEntry): string | null {
  return isRecord(value) && typeof value.id === "string" ? value.id : null;
}
