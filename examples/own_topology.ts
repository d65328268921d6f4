/**
 * A server topology of your own: in every second round only the slower half of the clients trains.
 *
 *     deno run --allow-read examples/own_topology.ts
 */
import {
  ClientSyncTop,
  loadDataset,
  logisticRegression,
  partitionIid,
  type Rank,
  ServerCommunicationTopology,
  silentLogger,
  SyncParameterServerHandler,
  type TrainPlan,
  type TrainResult,
} from "@fedlab/core";
import { TrainingExchange } from "@fedlab/core/round";
import type { ParameterUpdatePayload } from "@fedlab/core/wire";
import { ClientSGDHandler, initialParameters, modelEvaluator } from "@fedlab/core";

/** Trains all clients in odd rounds, and in even rounds the half that was slower before. */
class SlowerHalfTop extends ServerCommunicationTopology {
  readonly #millis = new Map<Rank, number>();
  #began = 0;

  protected override async runRound(round: number): Promise<void> {
    const run = this.activeRun, { handler } = this;
    const ranks = await run.waitForClients(2);
    const cohort = round % 2 === 1 ? ranks : this.#slowerHalf(ranks);
    run.emit({ type: "round-started", round, rounds: this.options.rounds, cohort });
    handler.beginRound(round, ranks.length);
    this.#began = performance.now();
    const training = await run.runExchange(new TrainingExchange(round, cohort, handler));
    handler.updateModel();
    run.endRound(training, await run.evaluate(round, ranks));
  }

  protected override async onUpdate(rank: Rank, update: ParameterUpdatePayload): Promise<void> {
    this.#millis.set(rank, performance.now() - this.#began);
    await super.onUpdate(rank, update);
  }

  #slowerHalf(ranks: readonly Rank[]): Rank[] {
    const millis = (rank: Rank) => this.#millis.get(rank) ?? Infinity;
    return ranks.toSorted((a, b) => millis(b) - millis(a)).slice(0, Math.ceil(ranks.length / 2));
  }
}

/** Client that takes a quarter of a second longer. */
class SlowClient extends ClientSGDHandler {
  override async train(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    await new Promise((resolve) => setTimeout(resolve, 250));
    return await super.train(plan, signal);
  }
}

const { train, test = train } = await loadDataset("digits");
const model = logisticRegression({ inputShape: train.shape, numClasses: train.numClasses });
const { evaluate: evaluator } = await modelEvaluator(model, test);
const initial = await initialParameters(model, 1);
const handler = new SyncParameterServerHandler({ ...initial, model, evaluator });
const group = { distBackend: "memory", logger: silentLogger } as const;
const server = new SlowerHalfTop(handler, { ...group, listen: "own", worldSize: 5, rounds: 6 });
const clients = partitionIid(train, 4, { seed: 1 }).map((rows, i) => {
  const Client = i < 2 ? SlowClient : ClientSGDHandler;
  const client = new Client({ data: train.select(rows) });
  return new ClientSyncTop(client, { ...group, serverAddr: "own", rank: i + 1 });
});
const [{ rounds }] = await Promise.all([server.run(), ...clients.map((client) => client.run())]);
for (const { round, cohort, accuracy = 0 } of rounds) {
  console.log(`round ${round}: ranks ${cohort}, accuracy ${(accuracy * 100).toFixed(1)}%`);
}
