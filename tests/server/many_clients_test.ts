import { assertEquals } from "jsr:@std/assert@1.0.19";
import {
  ClientSyncTop,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("1,000 clients at once over loopback finish three rounds", async () => {
  const count = 1000, rounds = 3;
  const manifest = vectorManifest(2000);
  const handler = new SyncParameterServerHandler({
    manifest,
    parameters: new Float32Array(manifest.length),
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
  let clients: Promise<void>[] = [];
  const server = new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: count + 1,
    rounds,
    logger: silentLogger,
    onEvent: (event) => {
      if (event.type !== "listening") return;
      clients = Array.from({ length: count }, () =>
        new ClientSyncTop(new FakeHandler(manifest), {
          serverAddr: event.address,
          logger: silentLogger,
        }).run());
    },
  });
  const report = await server.run();
  await Promise.all(clients);
  assertEquals(report.rounds.map(({ received }) => received), [count, count, count]);
  assertEquals(handler.parameters[0], rounds);
});
