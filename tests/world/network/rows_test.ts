import { assertEquals } from "@std/assert";
import { delay } from "../../../src/base/time/delay.ts";
import { tcpTransport } from "../../../src/net/tcp.ts";
import type { Transport } from "../../../src/net/transport.ts";
import { World } from "../../../src/world/mod.ts";
import { acceptedBy, outcomeOf, type Row, ROWS } from "./rows.ts";

/** Returns the outcomes of a row over a transport. */
async function outcomesOver(transport: Transport, address: string, { run }: Row) {
  const outcomes: string[] = [];
  const listener = await transport.listen(address);
  const [near, far] = await Promise.all([
    transport.connect(listener.address),
    acceptedBy(listener),
  ]);
  await run({
    near,
    far,
    see: async (label, call) => void outcomes.push(`${label} ${await outcomeOf(call)}`),
    // Linux delivers over loopback within the call that sends. The runtime needs some turns.
    rest: () => delay(20),
  });
  for (const one of [near, far, listener]) one.close();
  return outcomes;
}

const isLinux = Deno.build.os === "linux";

for (const row of ROWS) {
  Deno.test(`TCP of this machine: ${row.title}`, { ignore: !isLinux }, async () => {
    assertEquals(await outcomesOver(tcpTransport, "127.0.0.1:0", row), row.outcomes);
  });

  Deno.test(`TCP of a world: ${row.title}`, async () => {
    const world = new World({ seed: 1 });
    let outcomes: string[] = [];
    const process = world.start(world.machine("here"), async ({ transport }) => {
      outcomes = await outcomesOver(transport, "here:0", row);
    });
    await world.run(() => process.end !== undefined);
    assertEquals([process.end, world.escapes], [{ by: "return" }, []]);
    assertEquals(outcomes, row.outcomes);
  });
}
