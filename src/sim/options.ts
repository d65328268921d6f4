/**
 * Options of a simulation.
 *
 * @module
 */

import type { Tracer } from "../base/tracer.ts";
import type { Dataset } from "../data/dataset.ts";
import type { StoppingOptions } from "../round/record/run_monitor.ts";
import type { RunControl } from "../round/run_control.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { OwnSettings } from "../plan/own_settings.ts";
import type { Checkpoint, Checkpoints } from "../store/checkpoint/checkpoints.ts";
import type { BackendChoice, EngineChoice } from "../train/engine_choice.ts";
import type { ClientPrivacyChoice } from "../privacy/client/parse.ts";
import type { BaseFile, StartClientPool } from "./client_pool.ts";
import type { MakeClientHandler } from "./define_client.ts";

/** Options of {@linkcode Simulation}. */
export interface SimulationOptions {
  /** Data of the clients. Without it a `handler` brings the data of its client. */
  train?: Dataset;
  /** Rows of each client: one list a client, of at least one row each. Required with `train`. */
  parts?: readonly ArrayLike<number>[];
  /** Number of clients. Required without `parts`. */
  clients?: number;
  /**
   * Rows that each client evaluates on and should not train on; see `holdOut()`. One list a client,
   * of at least one row each. Default: the rows it trains on, on which it looks better than it is.
   */
  testParts?: readonly ArrayLike<number>[];
  /** Names of the clients' sites for the report, one a client. Default: none. */
  sites?: readonly string[];
  /**
   * Handler of the clients: the absolute URL of a module with `defineClient()`, the same that a
   * real client runs, or the function that `defineClient()` takes. A module runs in the workers, a
   * function on the program's own thread. It is called with the client's `rank` and, where the
   * simulation has data, with `data`, `rows` and `testRows`.
   *
   * A handler is made for each job of a client, and a job may run in any worker. So a handler keeps
   * nothing from round to round but the vector that the client rule of the strategy keeps: what it
   * does depends on its options, the parameters and the plan alone. A handler that counts its
   * rounds or stores anything else gives other results than in a real client.
   *
   * @default {undefined} `ClientSGDHandler`, which needs `train` and `parts`.
   */
  handler?: string | URL | MakeClientHandler;
  /**
   * Settings of each client in place of the plan's, as far as the handler `allows` them: one entry
   * a client.
   *
   * @default {undefined} All clients train by the plan.
   */
  settings?: readonly OwnSettings[];
  /**
   * Privacy that each client gives its own data, with a ledger of its own. A client whose budget is
   * spent takes part in no further round. With `epsilon` the noise is for `rounds` rounds, by
   * default all of the run.
   *
   * @default {undefined} None.
   */
  clientPrivacy?: ClientPrivacyChoice;
  /** Data to evaluate the global parameters on, which needs a description of the model. */
  test?: Dataset;
  /** Number of rounds, at least 1. */
  rounds: number;
  /**
   * Number of rounds from one evaluation to the next. The last round is always evaluated.
   *
   * @default {1}
   */
  evaluateEvery?: number;
  /** Accuracy at which the run ends; short for `stopping: { stopAt: … }`. */
  targetAccuracy?: number;
  /** Hold on the simulation from outside, to pause it. */
  control?: RunControl;
  /** Early stopping, and the best model. By default all rounds run, and no best model is kept. */
  stopping?: StoppingOptions;
  /**
   * Every client evaluates the parameters that it uses on its own data, as often as the test data
   * are used. Without test data the clients always do, and their mean by samples is the round's.
   *
   * @default {false}
   */
  evaluateClients?: boolean;
  /**
   * Set if the clients make masks under secure aggregation, as real ones do. Without, sums are the
   * same, bit for bit, and take less time.
   *
   * @default {false}
   */
  makeMasks?: boolean;
  /**
   * Number of threads that train, each with an engine. The program's own thread is one of them
   * where the built-in handler runs on the native kernels, and returns to the event loop every 50
   * ms; all others are workers. Default: the number of cores.
   */
  workers?: number;
  /**
   * Starts the pool that does the clients' jobs, for example `InProcessPool.start`.
   *
   * @default {WorkerPool.start} `InProcessPool.start` where `handler` is a function, and on Node.
   */
  pool?: StartClientPool;
  /**
   * File of the pretrained base, which each thread reads, for models of the format `text-encoder`
   * and the built-in handler. Default: none.
   */
  base?: BaseFile;
  /**
   * Engine of the built-in handler.
   *
   * @default {"auto"}
   */
  engine?: EngineChoice;
  /**
   * Backend of tfjs, when tfjs trains.
   *
   * @default {"auto"}
   */
  backend?: BackendChoice;
  /**
   * Share of the wanted updates that a round needs, as of a server.
   *
   * @default {0.5}
   */
  quorum?: number;
  /**
   * Most tries of a round before the run stops.
   *
   * @default {3}
   */
  roundTries?: number;
  /**
   * Bytes of the vectors of stateful clients in memory; further vectors are in a temporary file.
   *
   * @default {536_870_912}
   */
  stateBytes?: number;
  /** Folder of that file. Default: the system's folder of temporary files. */
  stateFolder?: string;
  /**
   * Store of checkpoints, to resume the run from. A checkpoint holds the vectors that clients keep,
   * which are in memory all at once while it is written or read. Default: no checkpoints.
   */
  checkpoints?: Checkpoints;
  /**
   * Number of rounds from one checkpoint to the next. The last whole round is always saved, also
   * when the run is stopped or fails.
   *
   * @default {1}
   */
  checkpointEvery?: number;
  /**
   * Number of failed saves in a row after which the run stops, at least 1, as of a server.
   *
   * @default {10}
   */
  saveTries?: number;
  /** Checkpoint to resume: of a run with the same handler, data and parts. */
  resume?: Checkpoint;
  /** Further notes in the checkpoints; anything that can be written as JSON. */
  notes?: Readonly<Record<string, unknown>>;
  /** Receives the events of the run, as of a server. */
  onEvent?: (event: ServerEvent) => void;
  /** Observer of the steps of rounds, such as telemetry. */
  tracer?: Tracer;
}

/** Returns the number of clients. */
export function clientsOf({ parts, clients }: SimulationOptions): number {
  return parts?.length ?? clients ?? 0;
}

/** Returns the options of early stopping. */
export function stoppingOf(
  { stopping, targetAccuracy }: SimulationOptions,
): StoppingOptions | undefined {
  if (targetAccuracy === undefined || stopping?.stopAt) return stopping;
  return { ...stopping, stopAt: { metric: "accuracy", value: targetAccuracy } };
}
