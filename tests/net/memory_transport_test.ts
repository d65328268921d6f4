import { assertEquals } from "jsr:@std/assert@1.0.19";
import { memoryTransport } from "../../src/net/memory.ts";
import { testTransport } from "../../src/testing/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

testTransport("memoryTransport", memoryTransport, "a place in memory");

Deno.test("memoryTransport: closing a listener ends the channels that nobody accepted", async () => {
  const listener = await memoryTransport.listen("here");
  const channel = await memoryTransport.connect("here");
  listener.close();
  assertEquals(await channel.read(new Uint8Array(1)), null);
});
