import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import {
  type AsyncStrategy,
  digits,
  FedAsync,
  FedBuff,
  mlp,
  partitionIid,
  trainTestSplit,
} from "../../mod.ts";
import { ClientSGDHandler, initialParameters, modelEvaluator } from "../../mod.ts";
import { runAsync } from "../helpers/async_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const { train, test } = trainTestSplit(await digits(), { testFraction: 0.2, seed: 1 });
const MODEL = mlp({ inputShape: [8, 8, 1], numClasses: 10 });

for (
  const [strategy, versions] of [[new FedAsync(), 32], [new FedBuff({ size: 3 }), 12]] satisfies [
    AsyncStrategy,
    number,
  ][]
) {
  Deno.test(`four clients learn the digits by ${strategy.name} over TCP, each at its own pace`, async () => {
    const initial = await initialParameters(MODEL, 3);
    await using evaluator = await modelEvaluator(MODEL, test);
    const clients = partitionIid(train, 4, { seed: 2 }).map((rows, i) =>
      // The last one has a tenth of the others' samples, and so is done sooner.
      new ClientSGDHandler({ data: train, rows: i === 3 ? rows.slice(0, 30) : rows })
    );
    try {
      const { report, fates } = await runAsync({
        manifest: initial.manifest,
        clients,
        versions,
        handler: {
          ...initial,
          model: MODEL,
          strategy,
          plan: { epochs: 2, batchSize: 10, learningRate: 0.1 },
          evaluator: evaluator.evaluate,
        },
        server: { distBackend: "tcp", concurrency: 3, evaluateEvery: 8 },
      });
      assertEquals(fates.map(({ status }) => status), Array(4).fill("fulfilled"));
      assert((report.final?.accuracy ?? 0) > 0.9, `accuracy ${report.final?.accuracy}`);
      assertEquals(report.transport, "tcp");
      const ages = report.rounds.flatMap(({ staleness = [] }) => staleness);
      assert(ages.some((age) => age > 0));
    } finally {
      for (const client of clients) await client[Symbol.asyncDispose]();
    }
  });
}
