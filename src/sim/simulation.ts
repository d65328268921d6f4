/**
 * Many clients on one machine, without sockets.
 *
 * @module
 */

import { errorMessage } from "../base/errors.ts";
import type { KernelBuild } from "../params/kernels.ts";
import { evaluationFields } from "../round/report/evaluation_summary.ts";
import { refusedEvent } from "../round/report/update_events.ts";
import { RunRecord } from "../round/record/run_record.ts";
import { CheckpointSaver } from "../round/record/checkpoint_saver.ts";
import { type RoundHost, roundReport, runRound, selectEvaluators } from "../round/run_round.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import type { RunReport } from "../round/report/report.ts";
import { countsLength } from "../train/confusion.ts";
import { keepsState, takesControl } from "../plan/rules/rules.ts";
import { LastRound } from "./last_round.ts";
import { Pool } from "./pool.ts";
import { StateStore } from "./states.ts";
import { VirtualClients } from "./virtual_clients.ts";
import { checkSimulation, type SimulationOptions } from "./options.ts";

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
  readonly handler: SyncServerBackendHandler;
  readonly #options: SimulationOptions;
  readonly #record: RunRecord;
  #isRunning = false;

  /** Throws a `RangeError` for options out of range, and a `TypeError` for a handler that has no description of its model. */
  constructor(handler: SyncServerBackendHandler, options: SimulationOptions) {
    checkSimulation(handler, options);
    this.handler = handler;
    this.#options = options;
    const worldSize = options.parts.length + 1;
    this.#record = new RunRecord(handler, { ...options, transport: "simulation", worldSize });
  }

  /** What there is to report of the run so far, or of the last one: also when `run` rejects. */
  async report(): Promise<RunReport> {
    return await this.#record.report();
  }

  /**
   * Runs all rounds and gives the report; the final vector is `handler.parameters`.
   *
   * A client that fails is there no more, as one whose process has ended; one that cannot train on
   * a round's parameters, a `CannotTrainError`, stays for the next round. Rejects with a
   * `DeadlineError` when a round has too few updates, with an `Error` when a worker fails or every
   * client has, or when the simulation runs already, with a `RangeError` for a checkpoint of
   * another run, and with the signal's reason when it is aborted.
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
    const { parts, stateBytes = 512 * 2 ** 20, stateFolder } = options;
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
      testParts: options.testParts,
      engine: options.engine ?? "auto",
      backend: options.backend ?? "auto",
      build: handler.kernels as KernelBuild,
    });
    using states = new StateStore(handler.manifest.length, stateBytes, stateFolder);
    states.restore(options.resume?.vectors ?? {});
    const clients = new VirtualClients({ ...options, handler, pool, states, signal });
    parts.forEach(({ length }, i) => handler.onJoin(i + 1, length));
    const lastRound = options.checkpoints && new LastRound(handler, record, states);
    using _held = options.checkpoints?.hold?.();
    const saves = new CheckpointSaver({
      save: async () => await lastRound?.keep(),
      round: () => record.rounds.length,
      tries: options.saveTries,
      emit: tell,
      // The event tells the same.
      warn: () => {},
    });
    try {
      await this.#runRounds(clients, states, lastRound, saves);
    } catch (error) {
      if (saves.hasGivenUp) throw error;
      await saves.saveLast().catch((failure) => {
        const text = `${errorMessage(error)}; ${errorMessage(failure)}`;
        throw new AggregateError([error, failure], text);
      });
      throw error;
    }
    await saves.saveLast(signal);
    const report = await this.report();
    tell({ type: "finished", report });
    return report;
  }

  async #runRounds(
    clients: VirtualClients,
    states: StateStore,
    lastRound: LastRound | undefined,
    saves: CheckpointSaver,
  ): Promise<void> {
    const { handler } = this;
    const options = this.#options, record = this.#record;
    const { parts: { length: numClients }, targetAccuracy = Infinity } = options;
    const tell = (event: ServerEvent) => options.onEvent?.(event);
    const isDue = (round: number, many = 1) => round % many === 0 || round === options.rounds;
    const last = record.rounds.at(-1);
    if (last && last.loss === undefined && isDue(last.round, options.evaluateEvery)) {
      // The run was stopped in the evaluation.
      const evaluated = await clients.evaluate(last.round);
      record.final = evaluated.evaluation;
      record.rounds[record.rounds.length - 1] = { ...last, ...evaluationFields(evaluated) };
    }
    const isReached = () => (record.final?.accuracy ?? 0) >= targetAccuracy;
    for (let round = record.rounds.length + 1; round <= options.rounds && !isReached(); round++) {
      const began = performance.now();
      const before = { ...clients.vectors };
      let refused = 0;
      const host: RoundHost = {
        handler,
        numClients,
        limits: options,
        available: () => Promise.resolve(clients.present),
        train: async (training) => {
          const { collector } = training;
          if (collector.cohort.length > handler.updatesWanted(numClients)) {
            throw new RangeError("Cannot simulate over-selection: no virtual client is late");
          }
          await clients.train(training);
          refused += collector.count("refused");
        },
        onModelUpdated: () => states.commit(),
        onModelReverted: () => states.revert(),
        evaluate: async (training) =>
          isDue(round, options.evaluateEvery)
            ? await clients.evaluate(
              round,
              (present) => selectEvaluators(present, training, handler),
            )
            : {},
        lossBefore: () => record.final?.loss,
        onRevoked: (error, { rank, ...update }) => {
          refused++;
          tell(refusedEvent(rank, error, update));
        },
        emit: tell,
        warn: () => {},
      };
      await record.completeRound(() => runRound(round, host), (trained, evaluated) => {
        const { byteLength } = handler.manifest, { up, down } = clients.vectors;
        const report = roundReport(round, trained, evaluated, {
          refused,
          bytesUp: (up - before.up) * byteLength,
          bytesDown: (down - before.down) * byteLength,
          seconds: (performance.now() - began) / 1000,
        });
        lastRound?.ended(round);
        record.rounds.push(report);
        tell({ type: "round-ended", report });
      });
      // The last one is kept at the end.
      if (round < options.rounds && !isReached() && isDue(round, options.checkpointEvery)) {
        await saves.save();
      }
    }
  }
}
