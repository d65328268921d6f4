import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { MessageCode } from "../../mod.ts";
import { type Channel, Connection } from "../../src/net/mod.ts";
import { encodeFrame } from "../../src/wire/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("a connection whose peer has said nothing holds no more than a kilobyte to read into", async () => {
  const [frame] = encodeFrame({ code: MessageCode.Exit, payload: { reason: "enough" } });
  assert(frame !== undefined);
  const sizes: number[] = [];
  let reads = 0;
  const channel: Channel = {
    remote: "fake",
    read: (into) => {
      sizes.push(into.buffer.byteLength);
      // The second frame comes in two parts, over the change of buffers.
      const part = [frame, frame.subarray(0, 9), frame.subarray(9)][reads++];
      if (part === undefined) return Promise.resolve(null);
      into.set(part);
      return Promise.resolve(part.length);
    },
    write: () => Promise.resolve(),
    closeWrite: () => Promise.resolve(),
    close: () => {},
  };
  await using connection = new Connection(channel);
  for (let n = 0; n < 2; n++) {
    assertEquals((await connection.receive())?.message, {
      code: MessageCode.Exit,
      payload: { reason: "enough" },
    });
  }
  assertEquals(await connection.receive(), null);
  assert((sizes[0] ?? Infinity) <= 1024);
  assertEquals(sizes.slice(1), [65_536, 65_536, 65_536]);
});
