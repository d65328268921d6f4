/**
 * What a simulation is made of.
 *
 * @module
 */

import { checkFinite } from "../data/finite.ts";
import type { Dataset } from "../data/dataset.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import type { Checkpoint, Checkpoints } from "../store/checkpoint/checkpoints.ts";
import type { BackendChoice, EngineChoice } from "../train/engine_choice.ts";

/** What is simulated. */
export interface SimulationOptions {
  /** The samples that the clients have among them. */
  train: Dataset;
  /** The rows of each client: one list a client, of at least one row each. */
  parts: readonly ArrayLike<number>[];
  /**
   * The rows that each client evaluates on, of which it should learn from none; see `holdOut()`. One list a client, of at least one row each. Default:
   * those that it learns from, on which it looks better than it is.
   */
  testParts?: readonly ArrayLike<number>[];
  /** Samples to evaluate the global parameters on. Default: they are not evaluated so. */
  test?: Dataset;
  /** Number of rounds, at least 1. */
  rounds: number;
  /** Evaluates after every so many rounds, and after the last one. Default 1. */
  evaluateEvery?: number;
  /** Ends the run when the accuracy on the test data is this high. */
  targetAccuracy?: number;
  /**
   * Has every client evaluate what it uses, its own parameters where the strategy has such, on its own data, as often as the test data
   * are used; without test data they do in any case, and their mean by samples is the round's. Default `false`.
   */
  evaluateClients?: boolean;
  /** Number of workers, each with an engine. Default: the machine's cores. */
  workers?: number;
  /** What computes. Default `"auto"`. */
  engine?: EngineChoice;
  /** Where tfjs computes, when it does. Default `"auto"`. */
  backend?: BackendChoice;
  /** Share of the updates that a round wants which it needs, as of a server. Default 0.5. */
  quorum?: number;
  /** How often a round is tried at most before the run stops. Default 3. */
  roundTries?: number;
  /** Bytes of the vectors that stateful clients keep in memory; past it they are kept in a temporary file. Default 512 MiB. */
  stateBytes?: number;
  /** Folder of that file. Default: the system's folder of temporary files. */
  stateFolder?: string;
  /**
   * Where the run is kept, to go on from. Vectors that the algorithm's clients keep are kept too, and are in memory all at once while they are written or
   * read. Default: nowhere.
   */
  checkpoints?: Checkpoints;
  /** Keeps the run after every so many rounds, and after the last whole one, also where the run is stopped or fails. Default 1. */
  checkpointEvery?: number;
  /** How often in a row the run may fail to be kept before it stops, at least 1, as of a server. Default 10. */
  saveTries?: number;
  /** Goes on from there: a run of the same handler, data and parts. */
  resume?: Checkpoint;
  /** What else to keep with the run; anything that can be written as JSON. */
  notes?: Readonly<Record<string, unknown>>;
  /** Is told of the run as a server tells. */
  onEvent?: (event: ServerEvent) => void;
}

/** Throws a `RangeError` for options out of range, and a `TypeError` for a handler that has no description of its model. */
export function checkSimulation(
  { model, plan }: SyncServerBackendHandler,
  options: SimulationOptions,
): void {
  const { parts, rounds, workers = 1, evaluateEvery = 1, checkpointEvery = 1 } = options;
  const { quorum = 1, roundTries = 1, saveTries = 1, targetAccuracy = 1, stateBytes = 0 } = options;
  if (!model) {
    throw new TypeError("Cannot simulate: the handler has no description of its model");
  }
  const whole = (value: number, what: string) => {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`Cannot simulate: expected ${what} from 1, got ${value}`);
    }
  };
  whole(rounds, "a number of rounds");
  whole(workers, "a number of workers");
  whole(evaluateEvery, "a number of rounds between evaluations");
  whole(checkpointEvery, "a number of rounds between checkpoints");
  whole(parts.length, "a number of clients");
  whole(roundTries, "a number of tries of a round");
  whole(saveTries, "a number of tries of a save");
  const share = (value: number, what: string) => {
    if (!(value > 0 && value <= 1)) {
      throw new RangeError(`Cannot simulate: expected ${what} above 0 and at most 1, got ${value}`);
    }
  };
  share(quorum, "a quorum");
  share(targetAccuracy, "a target accuracy");
  if (!(stateBytes >= 0)) {
    throw new RangeError(`Cannot simulate: expected state bytes from 0, got ${stateBytes}`);
  }
  const { testParts } = options;
  if (testParts && testParts.length !== parts.length) {
    throw new RangeError(
      `Cannot simulate: expected testParts of ${parts.length} clients, got ${testParts.length}`,
    );
  }
  const { momentum, optimizer, keepMomentum } = plan;
  if (keepMomentum && (momentum > 0 || optimizer === "adam")) {
    throw new RangeError("Cannot simulate: one handler cannot keep the momentum of many clients");
  }
  const { train, test = train } = options;
  if (test.shape.join() !== train.shape.join() || test.numClasses > train.numClasses) {
    throw new RangeError(
      `Cannot simulate: expected test data of shape [${train.shape}] and ${train.numClasses} classes, got [${test.shape}] and ${test.numClasses}`,
    );
  }
  checkParts(parts, train, "");
  if (testParts) checkParts(testParts, train, " to evaluate on");
  if (options.test) checkFinite(options.test);
}

/** Throws a `RangeError` for a client without rows, and for a row that the data do not have or that is not finite. */
function checkParts(
  parts: readonly ArrayLike<number>[],
  data: Dataset,
  purpose: string,
): void {
  const { length } = data;
  parts.forEach((part, i) => {
    const whose = `the client of rank ${i + 1}`;
    if (part.length === 0) {
      throw new RangeError(`Cannot simulate: ${whose} has no samples${purpose}`);
    }
    for (let k = 0; k < part.length; k++) {
      const row = part[k] ?? NaN;
      if (Number.isInteger(row) && row >= 0 && row < length) continue;
      throw new RangeError(
        `Cannot simulate: expected rows 0 to ${length - 1} of ${whose}${purpose}, got ${row}`,
      );
    }
    checkFinite(data, part);
  });
}
