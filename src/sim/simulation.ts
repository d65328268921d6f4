/**
 * Many clients on one machine, without sockets.
 *
 * @module
 */

import type { BackendChoice, EngineChoice } from "../train/engine_choice.ts";
import { checkFinite } from "../data/_finite.ts";
import type { Dataset } from "../data/dataset.ts";
import type { KernelBuild } from "../params/kernels.ts";
import { type Evaluated, figuresOf } from "../server/_evaluated.ts";
import { RunRecord } from "../server/_record.ts";
import { trainRound } from "../server/_train_round.ts";
import type { ServerEvent } from "../server/events.ts";
import type { ParameterServerBackendHandler } from "../server/handler.ts";
import type { RoundReport, RunReport } from "../server/report.ts";
import type { Checkpoint, Checkpoints } from "../store/checkpoints.ts";
import { countsLength } from "../train/_confusion.ts";
import { keepsState, takesControl } from "../train/local_rule.ts";
import { Pool } from "./_pool.ts";
import { StateStore } from "./_states.ts";
import { VirtualClients } from "./_virtual_clients.ts";

/** What is simulated. */
export interface SimulationOptions {
  /** The samples that the clients have among them. */
  train: Dataset;
  /** The rows of each client: one list a client, of at least one row each. */
  parts: readonly ArrayLike<number>[];
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
  /** Share of a cohort whose updates a round needs, as of a server. Default 0.5. */
  quorum?: number;
  /** How often a round is tried at most before the run stops. Default 3. */
  roundTries?: number;
  /** Bytes of the vectors that stateful clients keep in memory; past it they are kept in a temporary file. Default 512 MiB. */
  stateBytes?: number;
  /** Where the run is kept, to go on from; with an algorithm whose clients keep vectors these are kept too. Default: nowhere. */
  checkpoints?: Checkpoints;
  /** Keeps the run after every so many rounds, and after the last one. Default 1. */
  checkpointEvery?: number;
  /** Goes on from there: a run of the same handler, data and parts. */
  resume?: Checkpoint;
  /** What else to keep with the run; anything that can be written as JSON. */
  notes?: Readonly<Record<string, unknown>>;
  /** Is told of the run as a server tells. */
  onEvent?: (event: ServerEvent) => void;
}

/**
 * A federation of virtual clients over a pool of workers: the handlers, strategies, plans and seeds are those of the real one, and so is the model
 * that comes out, bit for bit. Memory grows with the number of workers, not of clients.
 *
 * @example Twenty clients on the digits
 * ```ts
 * import {
 *   digits,
 *   mlp,
 *   partition,
 *   Scaffold,
 *   Simulation,
 *   SyncParameterServerHandler,
 * } from "@fedlab/core";
 * import { initialParameters } from "@fedlab/core/tfjs";
 * import { assert } from "@std/assert";
 *
 * const train = await digits();
 * const model = mlp({ inputShape: train.shape, numClasses: train.numClasses });
 * const handler = new SyncParameterServerHandler({
 *   ...await initialParameters(model, 1),
 *   model,
 *   strategy: new Scaffold(),
 *   fraction: 0.5,
 * });
 * const parts = partition("dirichlet:0.5", train, { parts: 20, seed: 1 });
 * const simulation = new Simulation(handler, { train, test: train, parts, rounds: 10, workers: 2 });
 * const { final } = await simulation.run();
 * assert((final?.accuracy ?? 0) > 0.8);
 * ```
 */
export class Simulation {
  /** The server's side. */
  readonly handler: ParameterServerBackendHandler;
  readonly #options: SimulationOptions;
  readonly #record: RunRecord;
  #isRunning = false;

  /** Throws a `RangeError` for options out of range, and a `TypeError` for a handler that has no description of its model. */
  constructor(handler: ParameterServerBackendHandler, options: SimulationOptions) {
    const { parts, rounds, workers = 1, evaluateEvery = 1, checkpointEvery = 1 } = options;
    const { quorum = 1, roundTries = 1, targetAccuracy = 1, stateBytes = 0 } = options;
    if (!handler.model) {
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
    const within = (value: number, most: number, what: string) => {
      if (!(value > 0 && value <= most)) {
        throw new RangeError(`Cannot simulate: expected ${what}, got ${value}`);
      }
    };
    within(quorum, 1, "a quorum above 0 and at most 1");
    within(targetAccuracy, 1, "a target accuracy above 0 and at most 1");
    if (!(stateBytes >= 0)) {
      throw new RangeError(`Cannot simulate: expected state bytes from 0, got ${stateBytes}`);
    }
    const empty = parts.findIndex(({ length }) => length === 0);
    if (empty >= 0) {
      throw new RangeError(`Cannot simulate: the client of rank ${empty + 1} has no samples`);
    }
    const { momentum, optimizer, keepMomentum } = handler.plan;
    if (keepMomentum && (momentum > 0 || optimizer === "adam")) {
      throw new RangeError("Cannot simulate: one handler cannot keep the momentum of many clients");
    }
    const { train, test = train } = options;
    if (test.shape.join() !== train.shape.join() || test.numClasses > train.numClasses) {
      throw new RangeError(
        `Cannot simulate: expected test data of shape [${train.shape}] and ${train.numClasses} classes, got [${test.shape}] and ${test.numClasses}`,
      );
    }
    const { length } = train;
    parts.forEach((part, i) => {
      for (let k = 0; k < part.length; k++) {
        const row = part[k] ?? NaN;
        if (Number.isInteger(row) && row >= 0 && row < length) continue;
        throw new RangeError(
          `Cannot simulate: expected rows 0 to ${length - 1} of the client of rank ${
            i + 1
          }, got ${row}`,
        );
      }
    });
    for (const part of parts) checkFinite(train, part);
    if (options.test) checkFinite(options.test);
    this.handler = handler;
    this.#options = options;
    const worldSize = parts.length + 1;
    this.#record = new RunRecord(handler, { ...options, transport: "simulation", worldSize });
  }

  /** What there is to report of the run so far, or of the last one: also when `run` rejects. */
  async report(): Promise<RunReport> {
    return await this.#record.report();
  }

  /**
   * Runs all rounds and gives the report; the final vector is `handler.parameters`.
   *
   * A client that fails is there no more, as one whose process has ended. Rejects with a `DeadlineError` when a round has too few updates, with an
   * `Error` when a worker fails or every client has, or when the simulation runs already, with a `RangeError` for a checkpoint of another run, and with the
   * signal's reason when it is aborted.
   */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<RunReport> {
    signal?.throwIfAborted();
    if (this.#isRunning) throw new Error("Cannot run: the simulation is running already");
    this.#isRunning = true;
    try {
      return await this.#run(signal);
    } finally {
      this.#isRunning = false;
    }
  }

  async #run(signal: AbortSignal | undefined): Promise<RunReport> {
    const { handler } = this;
    const options = this.#options;
    const tell = (event: ServerEvent) => options.onEvent?.(event);
    const { parts, stateBytes = 512 * 2 ** 20, targetAccuracy = Infinity } = options;
    const record = this.#record;
    await record.begin();
    if (!handler.model) throw new TypeError("Cannot simulate: the model's description is gone");
    await using pool = Pool.start({
      workers: Math.min(options.workers ?? navigator.hardwareConcurrency, parts.length),
      length: handler.manifest.length,
      keepsState: keepsState(handler.plan.rule),
      hasControl: takesControl(handler.plan.rule),
      counts: options.test ? countsLength(options.test.numClasses) : 0,
      model: handler.model,
      train: options.train,
      test: options.test,
      parts,
      engine: options.engine ?? "auto",
      backend: options.backend ?? "auto",
      build: handler.kernels as KernelBuild,
    });
    using states = new StateStore(handler.manifest.length, stateBytes);
    states.restore(options.resume?.vectors ?? {});
    const clients = new VirtualClients({ ...options, handler, pool, states, signal });
    parts.forEach(({ length }, i) => handler.onJoin(i + 1, length));
    const isReached = () => (record.final?.accuracy ?? 0) >= targetAccuracy;
    for (let round = record.rounds.length + 1; round <= options.rounds && !isReached(); round++) {
      const began = performance.now();
      const before = { ...clients.vectors };
      let refused = 0;
      const { training, ...tried } = await trainRound(round, {
        handler,
        numClients: parts.length,
        limits: options,
        available: () => Promise.resolve(clients.present),
        attempt: async (training) => {
          const { intake } = training;
          if (intake.cohort.length > handler.updatesWanted(parts.length)) {
            throw new RangeError("Cannot simulate over-selection: no virtual client is late");
          }
          await clients.train(training);
          refused += intake.count("refused");
        },
        tell,
        warn: () => {},
      });
      handler.updateModel();
      states.commit();
      record.final = undefined;
      const isDueEvery = (many = 1) => round % many === 0 || round === options.rounds;
      let evaluated: Evaluated = {};
      try {
        if (isDueEvery(options.evaluateEvery)) evaluated = await clients.evaluate(round);
      } finally {
        // The model is the round's, also where the evaluation was stopped.
        record.final = evaluated.evaluation;
        const { trainLoss, intake } = training;
        const { byteLength } = handler.manifest, { up, down } = clients.vectors;
        const report: RoundReport = {
          round,
          cohort: intake.cohort,
          received: intake.count("received"),
          refused,
          ...tried,
          ...figuresOf(evaluated),
          ...(trainLoss !== undefined && { trainLoss }),
          bytesUp: (up - before.up) * byteLength,
          bytesDown: (down - before.down) * byteLength,
          seconds: (performance.now() - began) / 1000,
        };
        record.rounds.push(report);
        tell({ type: "round-ended", report });
      }
      if (options.checkpoints && (isReached() || isDueEvery(options.checkpointEvery))) {
        const path = await record.keep([], states.save()) ?? "";
        tell({ type: "checkpoint", round, path });
      }
    }
    const report = await this.report();
    tell({ type: "finished", report });
    return report;
  }
}
