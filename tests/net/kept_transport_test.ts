import { assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { transportOf } from "../../src/net/backend.ts";
import { KeptTransport } from "../../src/net/kept_transport.ts";
import type { Channel } from "../../src/net/transport.ts";

Deno.test.sanitizer({ ops: true, resources: true });

for (const [name, address] of [["tcp", "127.0.0.1:0"], ["memory", "kept"]] as const) {
  Deno.test(`KeptTransport hands a client that comes in between to the next server, ${name}`, async () => {
    using transport = new KeptTransport(transportOf(name));
    assertEquals(transport.name, name);
    const first = await transport.listen(address);
    const accepting = first.accept();
    first.close();
    assertEquals(await accepting, null);
    const client = await transport.connect(first.address);
    await client.write(Uint8Array.of(7));
    const second = await transport.listen(address);
    assertEquals(second.address, first.address);
    const server: Channel | null = await second.accept(() => true);
    const bytes = new Uint8Array(1);
    await server?.read(bytes);
    assertEquals([...bytes], [7]);
    const closing = second.accept();
    second.close();
    assertEquals(await closing, null);
    server?.close();
    client.close();
  });
}

Deno.test("KeptTransport stops listening when it is disposed of", async () => {
  const transport = new KeptTransport(transportOf("tcp"));
  const { address } = await transport.listen("127.0.0.1:0");
  transport[Symbol.dispose]();
  await assertRejects(() => transport.connect(address));
});
