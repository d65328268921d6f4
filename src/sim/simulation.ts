/**
 * Simulation of many clients on one machine, without sockets.
 *
 * @module
 */

import { errorMessage } from "../base/errors.ts";
import { teller } from "../round/report/private_events.ts";
import type { BestModel } from "../round/record/best_tracker.ts";
import { RunRecord } from "../round/record/run_record.ts";
import { CheckpointSaver } from "../round/record/checkpoint_saver.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import { withDisplay } from "../round/report/make_report.ts";
import type { RunReport } from "../round/report/report.ts";
import { LastRound } from "./last_round.ts";
import type { ClientLedgers } from "./client_ledgers.ts";
import { isRecord } from "../base/json.ts";
import { ClientStates } from "./client_states.ts";
import { checkSimulation } from "./check_simulation.ts";
import { clientsOf, type SimulationOptions, stoppingOf } from "./options.ts";
import { schemaOf } from "./data_schema.ts";

/**
 * Federation of virtual clients on a pool of workers. Handlers, strategies, plans and seeds are
 * those of a real federation, and the final model is the same bit for bit. Memory grows with the
 * number of workers, not of clients.
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
 * import { initialParameters } from "@fedlab/core";
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
 * const simulation = new Simulation(handler, { train, test: train, parts, rounds: 10 });
 * const { final } = await simulation.run();
 * assert((final?.accuracy ?? 0) > 0.8);
 * ```
 */
export class Simulation {
  /** Handler of the server. */
  readonly handler: SyncServerBackendHandler;
  readonly #options: SimulationOptions;
  readonly #record: RunRecord;
  #ledgers: ClientLedgers | undefined;
  #isRunning = false;

  /**
   * Creates a simulation.
   *
   * @throws {RangeError} If an option is out of range.
   * @throws {TypeError} If data or a description of the model are missing, or the URL of the
   * handler's module is not absolute.
   */
  constructor(handler: SyncServerBackendHandler, options: SimulationOptions) {
    checkSimulation(handler, options);
    this.handler = handler;
    this.#options = options;
    const worldSize = clientsOf(options) + 1;
    this.#record = new RunRecord(handler, {
      ...options,
      stopping: stoppingOf(options),
      transport: "simulation",
      worldSize,
      schema: schemaOf(handler, options),
      account: () => {
        const central = handler.privacy?.account, clients = this.#ledgers?.saved;
        return clients ? { clients, ...(central !== undefined && { central }) } : central;
      },
    });
  }

  /** Model of the best round, with the option `keepBest` of `stopping`; `undefined` for none. */
  get best(): BestModel | undefined {
    return this.#record.best;
  }

  /** Reports the run so far, or the last run, also when `run` has rejected. */
  async report(): Promise<RunReport> {
    const clientPrivacy = this.#ledgers?.report;
    const report = await this.#record.report();
    return clientPrivacy ? withDisplay({ ...report, clientPrivacy }) : report;
  }

  /**
   * Runs all rounds and returns the report; the final vector is `handler.parameters`.
   *
   * A client that fails is lost, as one whose process has ended. A client that cannot train on a
   * round's parameters, a `CannotTrainError`, stays for the next round.
   *
   * @throws {DeadlineError} If a round has too few updates.
   * @throws {RangeError} If the checkpoint is of another run.
   * @throws {Error} If a worker fails, all clients have failed, the handler of a client cannot be
   * made, or the simulation is running already.
   * @throws The signal's reason if it is aborted.
   */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<RunReport> {
    signal?.throwIfAborted();
    if (this.#isRunning) throw new Error("Cannot run: the simulation is running already");
    this.#isRunning = true;
    try {
      return await this.#run(signal);
    } catch (error) {
      teller(this.handler, this.#options.onEvent)({
        type: "stopped",
        reason: errorMessage(error),
      });
      throw error;
    } finally {
      this.#isRunning = false;
    }
  }

  async #run(signal: AbortSignal | undefined): Promise<RunReport> {
    const { handler } = this, options = this.#options;
    const tell = teller(handler, options.onEvent);
    const { parts, stateBytes = 512 * 2 ** 20, stateFolder } = options;
    const record = this.#record, numClients = clientsOf(options);
    await record.begin();
    const { resume } = options;
    if (options.clientPrivacy || (isRecord(resume?.account) && "clients" in resume.account)) {
      const { ledgersOf } = await import("./client_ledgers.ts");
      this.#ledgers ??= ledgersOf(handler, options);
    }
    const { runRounds } = await import("./run_rounds.ts");
    const { countsOf, startPool } = await import("./start_pool.ts");
    const { VirtualClients } = await import("./virtual_clients.ts");
    await using pool = await startPool(handler, options);
    using states = new ClientStates(handler.manifest.length, stateBytes, stateFolder);
    states.restore(options.resume?.vectors ?? {});
    const clients = new VirtualClients({
      handler,
      pool,
      states,
      numClients,
      test: options.test,
      ledgers: this.#ledgers,
      counts: countsOf(options),
      evaluateClients: options.evaluateClients,
      isMasked: options.makeMasks,
      sites: options.sites,
      signal,
      onEvent: tell,
      // Before a cohort trains: a run that is killed then goes on with its training in the ledgers.
      onEntered: async () => {
        if (options.checkpoints) await saves.saveRelease(signal);
      },
    });
    if (options.handler === undefined) {
      const isTold = this.#ledgers === undefined;
      parts?.forEach(({ length }, i) => handler.onJoin(i + 1, isTold ? length : 1));
    } else {
      (await clients.join()).forEach((numSamples, i) => handler.onJoin(i + 1, numSamples));
    }
    const lastRound = options.checkpoints && new LastRound(handler, record, states);
    using _held = options.checkpoints?.hold?.();
    const saves = new CheckpointSaver({
      save: async () => await lastRound?.keep(this.#ledgers !== undefined),
      round: () => record.lastRound,
      tries: options.saveTries,
      tracer: options.checkpoints && options.tracer,
      emit: tell,
      warn: () => {}, // The event says the same.
    });
    if (this.#ledgers) lastRound?.ended(record.lastRound);
    try {
      const parts = { options, record, clients, states, lastRound, saves, signal, tell };
      await runRounds(handler, parts);
    } catch (error) {
      if (saves.hasGivenUp) throw error;
      await saves.saveLast().catch((failure) => {
        // A run that another process conducts fails twice for one reason.
        if (errorMessage(failure) === errorMessage(error)) throw error;
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
}
