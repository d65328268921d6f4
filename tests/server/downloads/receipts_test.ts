/** A download ends when the client has received it, not when the server has written it. */
import { assert, assertEquals } from "@std/assert";
import {
  ClientSyncTop,
  MessageCode,
  silentLogger,
  type SyncParameterServerHandler,
} from "../../../mod.ts";
import { Line, Link } from "../../../bench/helpers/link.ts";
import { parseCodec } from "../../../src/codec/mod.ts";
import { Receipts } from "../../../src/server/sessions/receipts.ts";
import { FakeHandler, vectorManifest } from "../../helpers/fake_handler.ts";
import { Peer } from "../../helpers/peer.ts";
import { runPlayed, vectorHandler } from "../../helpers/played_run.ts";
import { runSync } from "../../helpers/sync_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** 120 KB: less than a socket takes in without a reader. */
const LENGTH = 30_000;
/** 203 KB as codes. */
const SLOW_LENGTH = 200_000;

/** Makes the handler of a server with codecs both ways, whose clients do not evaluate. */
function codedHandler(length: number): SyncParameterServerHandler {
  const codec = parseCodec("int8");
  return vectorHandler(
    Float32Array.from({ length }, (_, i) => Math.sin(i)),
    { uplink: codec, downlink: codec },
  );
}

Deno.test("the next client of a link downloads at the receipt of the one before", async () => {
  const options = { worldSize: 3, downloadsAtOnce: 1 };
  const { rounds: [round] } = await runPlayed(codedHandler(LENGTH), options, play);
  assertEquals([round?.received, round?.losses], [2, []]);

  async function play(address: string): Promise<void> {
    await using first = await Peer.connect(address);
    await using second = await Peer.connect(address);
    for (const [i, peer] of [first, second].entries()) {
      await peer.join({ rank: i + 1 }, undefined, { receipts: true });
    }
    await first.until(MessageCode.ParameterUpdate);
    const begun = second.until(MessageCode.ParameterUpdate);
    const all = first.connection.bytesReceived;
    const tell = (received: number) =>
      first.send({ code: MessageCode.Heartbeat, payload: { received } });
    await tell(all - 1);
    // The server has read that when it has answered what follows.
    await first.update(9);
    assertEquals((await first.error()).fatal, false);
    assert(second.connection.bytesReceived < 4 * LENGTH, "both download at once");
    await tell(all);
    await begun;
    await Promise.all([first.update(1), second.update(1)]);
    for (const peer of [first, second]) {
      const payload = await peer.until(MessageCode.Exit);
      await peer.send({ code: MessageCode.Exit, payload });
    }
  }
});

Deno.test("clients of a slow link transfer codes both ways at once, for longer than silence may last", async () => {
  // A transfer takes a second; silence of 0.6 seconds ends a connection.
  const bitsPerSecond = 1_600_000, heartbeatSeconds = 0.1, clients = 2;
  const line = () => new Line({ bitsPerSecond, delayMillis: 25, queueBytes: 20_000 });
  const lost: unknown[] = [];
  const { rounds: [round] } = await runPlayed(codedHandler(SLOW_LENGTH), {
    worldSize: clients + 1,
    downloadsAtOnce: 1,
    timeouts: { roundSeconds: 60, heartbeatSeconds },
    onEvent: (event) => {
      if (event.type === "client-away" || event.type === "update-refused") lost.push(event);
    },
  }, play);
  assertEquals([round?.received, round?.losses, lost], [clients, [], []]);
  const { bytesUp = 0, bytesUpWhole = 0, seconds = 0 } = round ?? {};
  assert(bytesUp < bytesUpWhole / 3);
  assert(seconds > 4 * 6 * heartbeatSeconds, `the round took ${seconds} seconds`);

  async function play(address: string): Promise<void> {
    await using link = new Link(Number(address.split(":").at(-1)), line(), line());
    await Promise.all(
      Array.from(
        { length: clients },
        (_, i) =>
          new ClientSyncTop(new FakeHandler(vectorManifest(SLOW_LENGTH)), {
            serverAddr: link.address,
            rank: i + 1,
            logger: silentLogger,
          }).run(),
      ),
    );
  }
});

for (const distBackend of ["tcp", "websocket"] as const) {
  Deno.test(`receipts over ${distBackend} count the bytes that the server has sent`, async () => {
    const clients = [1, 2].map(() => new FakeHandler(vectorManifest(LENGTH)));
    const server = { downloadsAtOnce: 1 };
    const options = { clients, rounds: 1, distBackend, server };
    const { rounds: [round] } = await runSync(codedHandler(LENGTH), options);
    // Without a receipt a download would hold its place for a share of the ten minutes of a round.
    assert((round?.seconds ?? NaN) < 40, `the round took ${round?.seconds} seconds`);
  });
}

Deno.test("Receipts end a wait once: at the receipt, for the next one, or with the session", () => {
  const receipts = new Receipts(), ends: [string, boolean][] = [];
  const wait = (name: string, bytes: number) =>
    receipts.wait(bytes, (isReceived) => ends.push([name, isReceived]));
  wait("late", 100);
  receipts.heard(99);
  assertEquals(ends, []);
  receipts.heard(100);
  wait("early", 100);
  wait("replaced", 200);
  wait("lost", 300);
  receipts.close();
  receipts.heard(300);
  assertEquals(ends, [["late", true], ["early", true], ["replaced", true], ["lost", false]]);
});
