import { Connection } from "../../net/connection.ts";
import { assertEquals } from "../deps.ts";
import { assertSameVector, exit, frameOf, LARGE, openChannels, update, vectorOf } from "./pair.ts";
import type { TransportTests } from "./tests.ts";

/** Tests that messages arrive whole and in order. */
export function testMessages({ address, pair, test, transport }: TransportTests): void {
  test("messages arrive whole and in order, both ways", async () => {
    using ends = await pair();
    const parameters = Float32Array.from({ length: 1000 }, (_, i) => i / 7);
    const messages = [
      exit("first"),
      update(1, parameters),
      exit("x".repeat(1024)),
      update(2, parameters),
    ];
    for (const [from, to] of [[ends.near, ends.far], [ends.far, ends.near]] as const) {
      const sent = Promise.all(messages.map((message) => from.send(message)));
      for (const message of messages) assertEquals((await to.receive())?.message, message);
      await sent;
    }
  });

  test("many small messages at once arrive in order", async () => {
    using ends = await pair();
    const count = 2000;
    const sent = Array.from({ length: count }, (_, i) => ends.near.send(exit(String(i))));
    for (let i = 0; i < count; i++) {
      assertEquals((await ends.far.receive())?.message, exit(String(i)));
    }
    await Promise.all(sent);
  });

  test("a large vector both ways at the same time arrives whole", async () => {
    using ends = await pair();
    const up = Float32Array.from({ length: LARGE }, (_, i) => i);
    const down = Float32Array.from({ length: LARGE }, (_, i) => -i);
    const [atFar, atNear] = await Promise.all([
      ends.far.receive(),
      ends.near.receive(),
      ends.near.send(update(1, up)),
      ends.far.send(update(1, down)),
    ]);
    assertSameVector(vectorOf(atFar), up);
    assertSameVector(vectorOf(atNear), down);
  });

  test("bytesSent and bytesReceived agree, and count the whole frames", async () => {
    using ends = await pair();
    const messages = [exit("over"), update(1, new Float32Array(100_000))];
    const sent = Promise.all(messages.map((message) => ends.near.send(message)));
    for (const _ of messages) await ends.far.receive();
    await sent;
    const length = messages.reduce((sum, message) => sum + frameOf(message).length, 0);
    assertEquals([ends.near.bytesSent, ends.far.bytesReceived], [length, length]);
    assertEquals([ends.far.bytesSent, ends.near.bytesReceived], [0, 0]);
  });

  test("a frame that comes byte by byte is read", async () => {
    using ends = await openChannels(transport, address);
    await using far = new Connection(ends.far);
    const received = far.receive();
    const message = update(3, new Float32Array([1, 2, 3]));
    for (const byte of frameOf(message)) await ends.near.write(Uint8Array.of(byte));
    assertEquals((await received)?.message, message);
    ends.near.close();
  });
}
