import type { Schema } from "../../data/schema/schema.ts";
import type { Checkpoint, Checkpoints } from "../../store/checkpoint/checkpoints.ts";
import type { StoppingOptions } from "./run_monitor.ts";

/** Options of the record of a run. */
export interface RunRecordOptions {
  /** Name of the transport. */
  readonly transport: string;
  readonly worldSize: number;
  readonly rounds: number;
  /** Schema of the data. Default: the handler's. */
  readonly schema?: Schema | undefined;
  /** Store of the checkpoints. */
  readonly checkpoints?: Checkpoints | undefined;
  /** Checkpoint to continue from. */
  readonly resume?: Checkpoint | undefined;
  /** Returns the account of a checkpoint. Default: that of a private strategy. */
  readonly account?: (() => unknown) | undefined;
  readonly notes?: Readonly<Record<string, unknown>> | undefined;
  /** Early stopping, and the best model. */
  readonly stopping?: StoppingOptions | undefined;
}
