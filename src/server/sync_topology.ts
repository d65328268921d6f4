/**
 * Synchronous server.
 *
 * @module
 */

import { runRound, selectEvaluators } from "../round/run_round.ts";
import { ServerCommunicationTopology } from "./topology.ts";

/**
 * Synchronous server. Each round selects a cohort, sends it the parameters, waits for its updates,
 * and makes the new model from them. At the end every client is sent `Exit`.
 *
 * A client that dies is dropped, and the round goes on with the others. Every wait has a time-out.
 *
 * @example A server and its two clients, in one process
 * ```ts
 * import {
 *   ClientSyncTop, loadDataset, mlp, NativeSGDHandler, partitionIid, ServerSyncTop, silentLogger,
 *   SyncParameterServerHandler,
 * } from "@fedlab/core";
 * import { initialParameters } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const { train, test = train } = await loadDataset("digits");
 * const model = mlp({ inputShape: train.shape, numClasses: train.numClasses });
 * const group = { distBackend: "memory", logger: silentLogger } as const;
 * const server = new ServerSyncTop(
 *   new SyncParameterServerHandler({ ...await initialParameters(model, 1), model }),
 *   { ...group, listen: "wards", worldSize: 3, rounds: 2 },
 * );
 * const clients = partitionIid(train, 2, { seed: 1 }).map((rows) =>
 *   new ClientSyncTop(new NativeSGDHandler({ data: train, testData: test, rows }), {
 *     ...group,
 *     serverAddr: "wards",
 *   })
 * );
 * const [{ rounds }] = await Promise.all([server.run(), ...clients.map((client) => client.run())]);
 * assertEquals(rounds.map(({ received }) => received), [2, 2]);
 * ```
 */
export class ServerSyncTop extends ServerCommunicationTopology {
  /**
   * Trains cohorts until the round has a model, and evaluates it.
   *
   * @throws {DeadlineError} If all clients are gone, or every try has too few updates.
   */
  protected override async runRound(round: number): Promise<void> {
    const run = this.activeRun;
    if (this.handler.secure) {
      throw new RangeError("Cannot begin a round: servers have no secure aggregation yet");
    }
    const { trained: { training, ...tries }, evaluated, failure } = await runRound(round, {
      handler: this.handler,
      numClients: this.options.worldSize - 1,
      limits: this.options,
      available: (least) => run.waitForClients(least),
      train: async (training) => void await run.runExchange(training),
      evaluate: (training) =>
        run.evaluate(round, selectEvaluators(run.clients, training, this.handler)),
      lossBefore: () => run.lastEvaluation?.loss,
      onModelUpdated: (training) => run.markAccepted(training),
      onModelReverted: () => run.unmarkAccepted(),
      onRevoked: (error, update) => run.refuseUpdate(error, update),
      emit: (event) => run.emit(event),
      warn: (text) => run.warn(text),
    });
    run.endRound(training, evaluated, tries);
    // The model is the round's even if its evaluation has failed.
    if (failure !== undefined) throw failure;
  }
}
