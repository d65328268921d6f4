/**
 * A strategy of one's own: the trimmed mean, which a client that sends nonsense cannot move. Here one of five does.
 *
 *     deno run --allow-read examples/own_strategy.ts
 */
import {
  ClientSyncTop,
  FedAvg,
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
import { ClientSGDHandler, initialParameters, modelEvaluator } from "@fedlab/core/tfjs";

/**
 * Coordinate by coordinate, the mean without the `trim` lowest and the `trim` highest values. A round with too few updates for that
 * changes nothing.
 *
 * Yin et al. 2018, "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates", definition 2.
 */
class TrimmedMean implements Strategy {
  readonly name = "trimmed-mean";
  /** None in the server's own memory: its copies lie outside. */
  readonly workingVectors = 0;

  constructor(readonly trim: number) {}

  begin(global: ParameterVector): StrategyRound {
    const { trim } = this;
    const updates: ParameterVector[] = [];
    return {
      accept({ parameters }) {
        updates.push(parameters.slice());
      },
      finish() {
        const kept = updates.length - 2 * trim;
        if (kept < 1) return global;
        return global.map((_, i) => {
          const values = Float64Array.from(updates, (update) => update[i] ?? 0).sort();
          return values.subarray(trim, trim + kept).reduce((sum, value) => sum + value) / kept;
        });
      },
    };
  }
}

/** A client whose answer has nothing to do with what it learned. */
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

for (const strategy of [new FedAvg(), new TrimmedMean(1)]) {
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
