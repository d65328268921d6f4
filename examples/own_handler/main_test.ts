import { assertAlmostEquals } from "@std/assert";
import {
  ClientSyncTop,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "@fedlab/core";
import { pointsOf } from "./data.ts";
import { Learner, MANIFEST } from "./learner.ts";

Deno.test("two clients find the plane that neither has whole", async () => {
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    plan: { epochs: 5, learningRate: 0.05 },
  });
  const server = new ServerSyncTop(handler, {
    ...group,
    listen: "plane",
    worldSize: 3,
    rounds: 20,
  });
  const clients = [1, 2].map((rank) =>
    new ClientSyncTop(new Learner(pointsOf(rank)), { ...group, serverAddr: "plane", rank })
  );
  await Promise.all([server, ...clients].map((topology) => topology.run()));
  const [a = 0, b = 0, intercept = 0] = handler.parameters;
  assertAlmostEquals(a, 3, 0.1);
  assertAlmostEquals(b, -2, 0.1);
  assertAlmostEquals(intercept, 1, 0.1);
});
