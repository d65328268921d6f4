import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { silentLogger } from "../../../src/base/log/log.ts";
import { ClientFollowingTop } from "../../../src/client/following_topology.ts";
import type { ClientEvent } from "../../../src/client/events.ts";
import { schemaDigest } from "../../../src/data/schema/digest.ts";
import { inputShape, numOutputs } from "../../../src/data/schema/features.ts";
import type { SchemaOptions } from "../../../src/data/schema/options.ts";
import { schemaOf } from "../../../src/data/schema/schema_of.ts";
import { tableOf } from "../../../src/data/schema/table_of.ts";
import { tableSource } from "../../../src/data/sources/table_source.ts";
import { fitSchema, surveyForSchema } from "../../../src/data/statistics/fit_schema.ts";
import { ClientSGDHandler } from "../../../src/engine/client_handler.ts";
import { initialParameters } from "../../../src/engine/model_evaluator.ts";
import { transportOf } from "../../../src/net/backend.ts";
import { KeptTransport } from "../../../src/net/kept_transport.ts";
import { SyncParameterServerHandler } from "../../../src/round/handler/sync_handler.ts";
import type { ServerEvent } from "../../../src/round/report/events.ts";
import { ServerStatisticsTop } from "../../../src/server/statistics/statistics_topology.ts";
import { ServerSyncTop } from "../../../src/server/sync_topology.ts";
import { logisticRegression } from "../../../src/train/models/models.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const SITES = [
  tableOf("a", { age: [63, 41, null], sex: ["m", "f", "f"], ill: [1, 0, 0] }),
  tableOf("b", { ill: [0, 3], sex: ["f", "m"], age: [71, 39.5] }),
];
const OPTIONS: SchemaOptions = {
  target: "ill > 0",
  missing: { "": { policy: "mean" } },
  standardize: true,
};

for (const name of ["memory", "tcp"] as const) {
  Deno.test(`clients stay for the run whose schema they have made, with their ranks, ${name}`, async () => {
    using distBackend = new KeptTransport(transportOf(name));
    const listening = Promise.withResolvers<string>();
    const group = {
      distBackend,
      logger: silentLogger,
      listen: name === "tcp" ? "127.0.0.1:0" : "federated schema",
      worldSize: 5,
      minClients: 2,
      timeouts: { joinSeconds: 3 },
    };
    const addresses = new Set<string>();
    const onEvent = (event: ServerEvent) => {
      if (event.type !== "listening") return;
      addresses.add(event.address);
      listening.resolve(event.address);
    };
    const first = new ServerStatisticsTop({
      ...group,
      onEvent,
      minCount: 1,
      isFollowed: true,
      survey: surveyForSchema(OPTIONS),
    });
    const began = first.run();
    const serverAddr = await listening.promise;
    const ranks: number[][] = [[], [], [], []];
    const start = (i: number, table = SITES[i], rank?: number) => {
      assert(table);
      const data = tableSource({ train: table }, { target: "ill > 0" });
      return new ClientFollowingTop(new ClientSGDHandler({ data }), {
        ...{ serverAddr, distBackend: name, logger: silentLogger },
        ...(rank !== undefined && { rank }),
        timeouts: { joinSeconds: 20 },
        onEvent: (event: ClientEvent) => event.type === "joined" && ranks[i]?.push(event.rank),
      }).run();
    };
    const clients = [start(1, SITES[1], 2), start(0)];
    await began;
    const { summary } = first;
    assert(summary);
    const { schema } = fitSchema(summary, OPTIONS);
    assertEquals(await schemaDigest(schema), await schemaDigest(schemaOf(SITES, OPTIONS)));
    const model = logisticRegression({
      inputShape: inputShape(schema),
      numClasses: numOutputs(schema),
    });
    const handler = new SyncParameterServerHandler({
      ...await initialParameters(model, 1),
      ...{ model, schema },
    });
    const second = new ServerSyncTop(handler, {
      ...group,
      ...{ onEvent, rounds: 3, keptRanks: first.ranks },
    });
    // One client comes for the second run alone, another one does not fit its schema.
    const third = tableOf("c", { sex: ["m"], age: [50], ill: [1] });
    const misfit = tableOf("d", { gender: ["m"], age: [50], ill: [1] });
    const [report] = await Promise.all([
      second.run(),
      ...clients,
      start(2, third),
      assertRejects(
        () => start(3, misfit, 4),
        Error,
        "Cannot use d: expected the column sex, got gender",
      ),
    ]);
    assertEquals(report.rounds.length, 3);
    assertEquals(ranks, [[1, 1], [2, 2], [3], []]);
    assertEquals(addresses.size, 1);
  });
}
