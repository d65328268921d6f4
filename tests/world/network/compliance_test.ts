import { assertEquals } from "@std/assert";
import type { Transport } from "../../../src/net/transport.ts";
import { testTransport } from "../../../src/testing/mod.ts";
import { World } from "../../../src/world/mod.ts";

const HOUR = 3_600_000;

/** Runs the suite in worlds, in each test of which a process has both ends of its connections. */
function testWorldTransport(name: string, prepare: (world: World) => void): void {
  let current: Transport | undefined;
  const ofProcess = () => {
    if (current === undefined) throw new Error("No world runs");
    return current;
  };
  const transport: Transport = {
    name: "world",
    connect: (address, options) => ofProcess().connect(address, options),
    listen: (address) => ofProcess().listen(address),
  };
  testTransport(name, transport, "here:0", {
    test: (claim, run) =>
      Deno.test(claim, async () => {
        const world = new World({ seed: 1 });
        prepare(world);
        let failure: unknown;
        const process = world.start(world.machine("here"), async ({ transport }) => {
          current = transport;
          await run().catch((error) => failure = error);
        });
        await world.run(() => process.end !== undefined, HOUR);
        if (failure !== undefined) throw failure;
        assertEquals([process.end, world.escapes], [{ by: "return" }, []]);
        // What is on its way at the end comes to rest.
        assertEquals(await world.run(() => false), "idle");
        assertEquals(world.network.connections, []);
      }),
  });
}

testWorldTransport("World, within a machine", () => {});
testWorldTransport("World, over a link with jitter", ({ network }) => {
  network.setLink("here", "here", { delayMillis: [0.1, 20], bytesPerSecond: 50_000_000 });
});
