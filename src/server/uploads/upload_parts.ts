import type { Rank } from "../../base/rank.ts";
import type { BufferPool } from "../../params/buffer_pool.ts";
import type { IncomingBody } from "../../round/cohort/answer.ts";
import type { Message } from "../../wire/messages.ts";
import type { UploadMonitor } from "./upload_monitor.ts";
import type { WaitingUpdates } from "./waiting_updates.ts";

/** Topology, as far as an upload sees it. */
export interface UploadTopology {
  /** Decides whether the update is wanted, once its turn has come. */
  admitUpdate(rank: Rank, incoming: IncomingBody): boolean | Promise<boolean>;
  /** Called when the update is about to be read. */
  startUpdate(rank: Rank): void;
  /** Called when the update waits, and is not read. */
  holdUpdate(rank: Rank): void;
  /** Called when the update has ended. */
  releaseUpdate(rank: Rank): void;
}

/** Objects that the uploads of a run share. */
export interface UploadParts {
  readonly topology: UploadTopology;
  readonly staging: BufferPool;
  readonly monitor: UploadMonitor;
  readonly waiting: WaitingUpdates;
  /** Reports whether updates are taken in as they come, in no order. */
  isUnordered(): boolean;
  /** Reports whether an update that is whole before its turn is checked at once. */
  isExamined(): boolean;
  /** Checks such an update. */
  examine(rank: Rank, message: Message): void;
}
