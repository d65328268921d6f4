/**
 * Worker of the first page: the server of a federation, or one of its clients.
 *
 * @module
 */

import { errorMessage } from "../../../src/base/errors.ts";
import { silentLogger } from "../../../src/base/log/log.ts";
import { ClientSyncTop } from "../../../src/client/sync_topology.ts";
import { NativeSGDHandler } from "../../../src/engine/native_handler.ts";
import type { EvaluateResult, TrainPlan, TrainResult } from "@fedlab/core";
import { SyncParameterServerHandler } from "../../../src/round/handler/sync_handler.ts";
import { ServerSyncTop } from "../../../src/server/sync_topology.ts";
import { mlp } from "../../../src/train/models/models.ts";
import { partOf } from "./part.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { portTransport } from "./port_transport.ts";

/** Address of the server, which the transport does not need. */
const ADDRESS = "this page";
/** Shortest time of a client's training, so that a visitor can see the round. */
const SHOWN_MILLIS = 150;

const scope = self as unknown as {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
};

const tell = (message: FromWorker): void => scope.postMessage(message);

async function serve({ ports, rounds }: ToWorker & { type: "serve" }): Promise<void> {
  const { test } = await partOf(1, ports.length);
  const model = mlp({ inputShape: test.shape, numClasses: test.numClasses });
  await using evaluator = new NativeSGDHandler({ data: test });
  await evaluator.setUp(model);
  const { manifest, parameters } = evaluator;
  const handler = new SyncParameterServerHandler({
    ...{ manifest, parameters: parameters.slice(), model, seed: 1 },
    plan: { epochs: 1, batchSize: 10, learningRate: 0.1 },
    evaluator: (global): Promise<EvaluateResult> => {
      evaluator.parameters = global;
      return evaluator.evaluateOn(test);
    },
  });
  const server = new ServerSyncTop(handler, {
    distBackend: portTransport(ports),
    listen: ADDRESS,
    worldSize: ports.length + 1,
    rounds,
    logger: silentLogger,
    onEvent(event) {
      if (event.type !== "round-ended") return;
      const { round, accuracy = 0, bytesUp, bytesDown } = event.report;
      tell({ type: "round", round, accuracy, bytes: bytesUp + bytesDown });
    },
  });
  await server.run();
}

/** Handler that tells the page what it does. */
class ShownHandler extends NativeSGDHandler {
  override async train(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    const { round } = plan;
    tell({ type: "training", round });
    const shown = new Promise((resolve) => setTimeout(resolve, SHOWN_MILLIS));
    const result = await super.train(plan, signal);
    const { accuracy = 0 } = await super.evaluate(signal);
    await shown;
    tell({ type: "trained", round, accuracy });
    return result;
  }
}

async function join({ port, rank, clients }: ToWorker & { type: "join" }): Promise<void> {
  const { train, test } = await partOf(rank, clients);
  tell({ type: "loaded", samples: train.length, labels: [...new Set(train.labels)].sort() });
  await using handler = new ShownHandler({ data: train, testData: test });
  const client = new ClientSyncTop(handler, {
    distBackend: portTransport([port]),
    serverAddr: ADDRESS,
    rank,
    worldSize: clients + 1,
    logger: silentLogger,
  });
  await client.run();
}

scope.onmessage = ({ data }) => {
  (data.type === "serve" ? serve(data) : join(data)).then(
    () => tell({ type: "over" }),
    (error) => tell({ type: "failed", message: errorMessage(error) }),
  );
};
