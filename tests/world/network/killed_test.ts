import { assertEquals } from "@std/assert";
import { delay } from "../../../src/base/time/delay.ts";
import { tcpTransport } from "../../../src/net/tcp.ts";
import type { Channel, Transport } from "../../../src/net/transport.ts";
import { World } from "../../../src/world/mod.ts";
import { KILLED_ROWS, type KilledRow } from "./killed_rows.ts";
import { acceptedBy, outcomeOf } from "./rows.ts";

/** Program that connects, writes 7 bytes, and reads nothing. */
const PROGRAM = `
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(Deno.args[0]) });
  await connection.write(new Uint8Array(7));
  setTimeout(() => {}, 60_000);
`;

/** Returns the outcomes of a row for one who accepts the connection of a process. */
async function outcomesOf(
  { unread, before, run }: KilledRow,
  near: Channel,
  kill: () => Promise<void>,
): Promise<string[]> {
  const outcomes: string[] = [];
  const see = async (label: string, call: Promise<unknown>) =>
    void outcomes.push(`${label} ${await outcomeOf(call)}`);
  const rest = () => delay(20);
  if (before === undefined) await near.write(new Uint8Array(unread));
  const seeBefore = before?.(near);
  await rest();
  await kill();
  await rest();
  await seeBefore?.(see);
  await run({ near, see, rest });
  near.close();
  return outcomes;
}

/** Accepts the connection of a program in Deno. */
async function onThisMachine(row: KilledRow): Promise<string[]> {
  const listener = await tcpTransport.listen("127.0.0.1:0");
  const port = listener.address.replace(/.*:/, "");
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", PROGRAM, port] }).spawn();
  const near = await acceptedBy(listener);
  listener.close();
  return await outcomesOf(row, near, async () => {
    child.kill("SIGKILL");
    await child.status;
  });
}

/** Accepts the connection of a process of a world. */
async function inWorld(row: KilledRow): Promise<string[]> {
  const world = new World({ seed: 1 });
  let outcomes: string[] = [];
  const connect = async ({ transport }: { transport: Transport }) => {
    const channel = await transport.connect("here:9000");
    await channel.write(new Uint8Array(7));
    await delay(60_000);
  };
  const here = world.start(world.machine("here"), async ({ transport }) => {
    const listener = await transport.listen("here:9000");
    const near = await acceptedBy(listener);
    listener.close();
    outcomes = await outcomesOf(row, near, () => Promise.resolve(there.kill()));
  });
  const there = world.start(world.machine("there"), async (context) => {
    await delay(10);
    await connect(context);
  });
  await world.run(() => here.end !== undefined);
  assertEquals([here.end, world.escapes], [{ by: "return" }, []]);
  return outcomes;
}

for (const row of KILLED_ROWS) {
  Deno.test(
    `TCP of this machine: a process is killed; ${row.title}`,
    { ignore: Deno.build.os !== "linux" },
    async () => assertEquals(await onThisMachine(row), row.outcomes),
  );

  Deno.test(`TCP of a world: a process is killed; ${row.title}`, async () => {
    assertEquals(await inWorld(row), row.outcomes);
  });
}
