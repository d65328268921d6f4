import type { KernelBuild } from "../params/kernels.ts";
import type { BackendChoice, EngineChoice } from "../train/engine_choice.ts";
import type { ModelDescription } from "../train/handler.ts";
import type { BoardMemory } from "./board.ts";

/** A data set in memory that several workers read. */
export interface SharedData {
  readonly features: SharedArrayBuffer;
  readonly labels: SharedArrayBuffer;
  readonly shape: readonly number[];
  readonly numClasses: number;
  /** Whether it is known that all features are finite. */
  readonly isFinite: boolean;
}

/** The rows of all clients, one client after the other; where those of the client of rank `r` begin stands at `r - 1`. */
export interface SharedParts {
  readonly rows: SharedArrayBuffer;
  readonly starts: SharedArrayBuffer;
}

/** What a worker of the pool is given. */
export interface ClientWorkerArgs {
  readonly board: BoardMemory;
  readonly model: ModelDescription;
  readonly train: SharedData;
  readonly test: SharedData | undefined;
  readonly parts: SharedParts;
  /** What the clients evaluate on, where that is not what they train on. */
  readonly testParts: SharedParts | undefined;
  readonly engine: EngineChoice;
  readonly backend: BackendChoice;
  readonly build: KernelBuild;
}
