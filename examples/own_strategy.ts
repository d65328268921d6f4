/**
 * A strategy composed of others: the median of means, which limits the influence of a client that
 * sends arbitrary updates. In this example one of five clients does.
 *
 *     deno run --allow-read examples/own_strategy.ts
 */
import {
  ClientSyncTop,
  FedAvg,
  GeometricMedian,
  loadDataset,
  logisticRegression,
  type ParameterVector,
  partitionIid,
  Random,
  ServerSyncTop,
  silentLogger,
  type Strategy,
  type StrategyRound,
  SyncParameterServerHandler,
  type TrainPlan,
  type TrainResult,
} from "@fedlab/core";
import { ClientSGDHandler, initialParameters, modelEvaluator } from "@fedlab/core";

/**
 * Distributes the updates over groups and aggregates the means of the groups by their geometric
 * median. The result is robust as long as less than half of the groups contain an arbitrary update.
 *
 * Chen, Su and Xu 2017, "Distributed Statistical Machine Learning in Adversarial Settings:
 * Byzantine Gradient Descent", algorithm 2.
 */
class MedianOfMeans implements Strategy {
  readonly name = "median-of-means";
  /** Means of the groups, and their median. */
  readonly workingVectors: number;
  readonly #means: readonly Strategy[];
  readonly #median = new GeometricMedian();

  constructor(groups: number) {
    this.#means = Array.from({ length: groups }, () => new FedAvg());
    this.workingVectors = groups + this.#median.workingVectors;
  }

  begin(global: ParameterVector): StrategyRound {
    const groups = this.#means.map((mean) => mean.begin(global));
    const median = this.#median.begin(global);
    let count = 0;
    return {
      accept(update) {
        groups[count++ % groups.length]?.accept(update);
      },
      finish() {
        for (const [rank, group] of groups.slice(0, count).entries()) {
          median.accept({ rank, parameters: group.finish(), numSamples: 1 });
        }
        return median.finish();
      },
    };
  }
}

/** Client that sends an update unrelated to its training. */
class Liar extends ClientSGDHandler {
  override async train(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    const result = await super.train(plan, signal);
    const noise = new Random(plan.seed, "noise", plan);
    this.parameters = this.parameters.map(() => 5 * noise.normal());
    return result;
  }
}

const { train, test = train } = await loadDataset("digits");
const model = logisticRegression({ inputShape: train.shape, numClasses: train.numClasses });
const initial = await initialParameters(model, 1);
const { evaluate: evaluator } = await modelEvaluator(model, test);

for (const strategy of [new FedAvg(), new MedianOfMeans(3)]) {
  const handler = new SyncParameterServerHandler({ ...initial, model, strategy, evaluator });
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const server = new ServerSyncTop(handler, {
    ...group,
    listen: "digits",
    worldSize: 6,
    rounds: 5,
  });
  const clients = partitionIid(train, 5, { seed: 1 }).map((rows, i) => {
    const Handler = i === 0 ? Liar : ClientSGDHandler;
    const learner = new Handler({ data: train.select(rows) });
    return new ClientSyncTop(learner, { ...group, serverAddr: "digits", rank: i + 1 });
  });
  const [{ final }] = await Promise.all([server.run(), ...clients.map((client) => client.run())]);
  console.log(`${strategy.name}: accuracy ${((final?.accuracy ?? 0) * 100).toFixed(1)}%`);
}
