import { assert, assertEquals, assertNotEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { NatsServer } from "../helpers/nats_server.ts";
import { testNeedingNats, testWithNats } from "../helpers/test_with_nats.ts";

/** The line by which a server greets a connection. */
async function greeting(server: NatsServer): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const bytes = new Uint8Array(4096);
  const length = await connection.read(bytes);
  return new TextDecoder().decode(bytes.subarray(0, length ?? 0));
}

testWithNats("NatsServer listens with JetStream and comes back after kill -9", async (server) => {
  assert((await greeting(server)).includes('"jetstream":true'));
  const before = server.pid;
  await server.kill();
  assertEquals(server.pid, undefined);
  await assertRejects(() => greeting(server), Deno.errors.ConnectionRefused);
  await server.restart();
  assertNotEquals(server.pid, before);
  assert((await greeting(server)).includes('"jetstream":true'));
});

testWithNats("NatsServer starts without JetStream", async (server) => {
  assert(!(await greeting(server)).includes('"jetstream":true'));
}, { jetstream: false });

testNeedingNats("NatsServer tells why a server does not start, and leaves no folder", async () => {
  let folder = "";
  const config = (place: { folder: string }) => {
    folder = place.folder;
    return "port: nowhere";
  };
  await assertRejects(() => NatsServer.start({ config }), Error, "nats-server does not listen");
  await assertRejects(() => Deno.stat(folder), Deno.errors.NotFound);
});
