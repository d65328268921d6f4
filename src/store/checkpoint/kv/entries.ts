import { isCount } from "../../../base/is_count.ts";
import type { Dated } from "../retention.ts";
import type { KvEntry } from "./checkpoint_kv.ts";
import { isRecord } from "../../../base/json.ts";

/** Where a history's chunks are, and how many of them a checkpoint's goes over. */
export interface HistoryEntry {
  readonly id: string;
  readonly chunks: number;
}

/** What is kept of a checkpoint beside its chunks; it is written last. */
export interface Entry extends Dated {
  /** Whose chunks they are. */
  readonly id: string;
  readonly chunks: number;
  readonly bytes: number;
  /** The run's history, where it has one. */
  readonly history?: HistoryEntry;
}

/** Whether a value is an entry. */
export function isEntry(value: unknown): value is Entry {
  return isRecord(value) && typeof value.id === "string" && isCount(value.chunks) &&
    isCount(value.bytes) && isCount(value.round) && isCount(value.sequence) &&
    (value.score === undefined || typeof value.score === "number") &&
    (value.history === undefined || isHistoryEntry(value.history));
}

/** Whether a value is where a history's chunks are. */
function isHistoryEntry(value: unknown): value is HistoryEntry {
  return isRecord(value) && typeof value.id === "string" && isCount(value.chunks);
}

/** The id of the checkpoint that was saved last; `null` where there is none. */
export function headOf({ value }: KvEntry): string | null {
  return isRecord(value) && typeof value.id === "string" ? value.id : null;
}
