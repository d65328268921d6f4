import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { MessageCode, SyncParameterServerHandler } from "../../../mod.ts";
import { vectorManifest } from "../../helpers/fake_handler.ts";
import { Peer } from "../../helpers/peer.ts";
import { runPlayed, vectorHandler } from "../../helpers/played_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** 12 MB: more than a socket takes in without a reader. */
const LENGTH = 3_000_000;
const STALLED = 9;

Deno.test("a client that waits for its turn to download longer than a round is not late", async () => {
  const { rounds: [round] } = await runPlayed(vectorHandler(new Float32Array(LENGTH)), {
    worldSize: STALLED + 2,
    downloadsAtOnce: 1,
    quorum: 0.01,
    timeouts: { roundSeconds: 3, drainSeconds: 0.5 },
  }, play);
  assertEquals(round?.received, 1);
  const stalled = Array.from({ length: STALLED }, (_, i) => i + 1);
  assertEquals(round?.losses.map(({ rank }) => rank), stalled);

  /** Those of the lowest ranks do not read what they are sent. */
  async function play(address: string): Promise<void> {
    const peers = await Promise.all(
      Array.from({ length: STALLED + 1 }, () => Peer.connect(address)),
    );
    try {
      await Promise.all(peers.map((peer, i) => peer.join({ rank: i + 1 })));
      const last = peers.at(-1);
      await last?.until(MessageCode.ParameterUpdate);
      await last?.update(1);
      await last?.until(MessageCode.Exit);
    } finally {
      for (const peer of peers) peer.connection.abort(new Error("the test is over"));
    }
  }
});

Deno.test("a client that comes back before its turn to download is sent the parameters once", async () => {
  const begun = Promise.withResolvers<void>(), away = Promise.withResolvers<void>();
  const { rounds: [round] } = await runPlayed(vectorHandler(new Float32Array(LENGTH)), {
    worldSize: 3,
    downloadsAtOnce: 1,
    timeouts: { roundSeconds: 60, drainSeconds: 0.5 },
    onEvent: (event) => {
      if (event.type === "round-started") begun.resolve();
      if (event.type === "client-away") away.resolve();
    },
  }, play);
  assertEquals([round?.received, round?.losses], [2, []]);

  async function play(address: string): Promise<void> {
    await using first = await Peer.connect(address);
    const second = await Peer.connect(address);
    const [, { token }] = await Promise.all([
      first.join({ rank: 1 }),
      second.join({ rank: 2 }),
    ]);
    await begun.promise;
    second.connection.abort(new Error("cut off"));
    await away.promise;
    await using again = await Peer.connect(address);
    await again.join({ rank: 2, token });
    // The first one reads only now.
    await first.until(MessageCode.ParameterUpdate);
    await again.until(MessageCode.ParameterUpdate);
    await Promise.all([first.update(1), again.update(1)]);
    // Nothing but the end follows.
    for (const peer of [first, again]) {
      assertEquals((await peer.next()).code, MessageCode.Exit);
      await peer.send({ code: MessageCode.Exit, payload: { reason: "bye", over: true } });
    }
  }
});

Deno.test("clients that evaluate download in turns too", async () => {
  // 32 MB: much more than the sockets take in.
  const length = 8_000_000;
  const handler = new SyncParameterServerHandler({
    manifest: vectorManifest(length),
    parameters: new Float32Array(length),
  });
  const { rounds: [round] } = await runPlayed(handler, {
    worldSize: 3,
    downloadsAtOnce: 1,
    timeouts: { roundSeconds: 60, drainSeconds: 0.5 },
  }, play);
  assertEquals([round?.received, round?.loss], [2, 0]);

  async function play(address: string): Promise<void> {
    await using first = await Peer.connect(address);
    await using second = await Peer.connect(address);
    const peers = [first, second];
    await Promise.all(peers.map((peer, i) => peer.join({ rank: i + 1 })));
    await Promise.all(peers.map(async (peer) => {
      await peer.until(MessageCode.ParameterUpdate);
      await peer.update(1);
    }));
    const before = second.connection.bytesReceived;
    const ofSecond = second.until(MessageCode.EvaluateParams);
    ofSecond.catch(() => {});
    await first.until(MessageCode.EvaluateParams);
    // The server begins to send to the second one when the sockets have taken all for the first.
    const received = second.connection.bytesReceived - before;
    assert(received < 2 * length, `both download at once: ${received} bytes`);
    await ofSecond;
    const payload = { round: 1, numSamples: 1, loss: 0 };
    await Promise.all(
      peers.map((peer) => peer.send({ code: MessageCode.EvaluateParams, payload })),
    );
    for (const peer of peers) {
      await peer.until(MessageCode.Exit);
      await peer.send({ code: MessageCode.Exit, payload: { reason: "bye", over: true } });
    }
  }
});
