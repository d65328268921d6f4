import { assertEquals } from "jsr:@std/assert@1.0.19";
import { ClientSyncTop, MessageCode, silentLogger, type TrainSettings } from "../../mod.ts";
import { Connection, tcpTransport } from "../../src/net/mod.ts";
import type { Message } from "../../src/wire/mod.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const PLAN: TrainSettings = {
  epochs: 1,
  batchSize: 10,
  learningRate: 0.1,
  momentum: 0,
  weightDecay: 0,
  keepMomentum: false,
};

Deno.test("ClientSyncTop takes a round's own plan whole, in place of the assignment's", async () => {
  const manifest = vectorManifest(2);
  const manifestDigest = await manifest.digest();
  const assigned = { ...PLAN, optimizer: "adam", proximal: 0.5 } as const;
  const own = { ...PLAN, momentum: 0.9, nesterov: true } as const;
  const handler = new FakeHandler(manifest);
  const listener = await tcpTransport.listen("127.0.0.1:0");
  const client = new ClientSyncTop(handler, {
    serverAddr: listener.address,
    logger: silentLogger,
  }).run();
  const channel = await listener.accept();
  if (channel === null) throw new Error("the listener closed");
  {
    await using connection = new Connection(channel);
    const answer = async (code: Message["code"]) => {
      for (;;) {
        const received = await connection.receive();
        if (!received) throw new Error("the client closed");
        if (received.message?.code === code) return;
      }
    };
    await answer(MessageCode.Registration);
    await connection.send({
      code: MessageCode.IdAssignment,
      payload: {
        ...{ rank: 1, worldSize: 2, rounds: 2, run: "a-run", token: "0f".repeat(16), seed: 3 },
        ...{ heartbeatSeconds: 5, strategy: "fedavg", plan: assigned, manifestDigest },
        manifest: manifest.tensors.map(({ name, shape, dtype, trainable }) => ({
          ...{ name, shape, dtype, trainable },
        })),
      },
    });
    await answer(MessageCode.Ready);
    for (const [round, plan] of [[1, own], [2, undefined]] as const) {
      await connection.send({
        code: MessageCode.ParameterUpdate,
        payload: { round, parameters: new Float32Array(2), ...plan && { plan } },
      });
      await answer(MessageCode.ParameterUpdate);
    }
    await connection.send({ code: MessageCode.Exit, payload: { reason: "the run is over" } });
    await answer(MessageCode.Exit);
  }
  await client;
  listener.close();
  const keys = { seed: 3, rank: 1 };
  assertEquals(handler.plans, [
    { ...own, ...keys, round: 1 },
    { ...assigned, ...keys, round: 2 },
  ]);
});
