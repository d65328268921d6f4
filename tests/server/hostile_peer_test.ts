import { assert, assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  ClientSyncTop,
  MessageCode,
  type RunReport,
  type ServerEvent,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { Connection, tcpTransport } from "../../src/net/mod.ts";
import { encodeFrame, type Message } from "../../src/wire/mod.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { type PayloadOf, Peer } from "../helpers/peer.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const LENGTH = 20_000;
const MANIFEST = vectorManifest(LENGTH);
const DIGEST = await MANIFEST.digest();
const ROUNDS = 3;

type ErrorMessage = PayloadOf<typeof MessageCode.Error>;

/** Runs an honest client and the peer that `visit` makes; the run must succeed. */
async function withServer(
  visit: (address: string) => Promise<void>,
  options: { fraction?: number; honestRank?: number } = {},
): Promise<{ report: RunReport; events: ServerEvent[]; parameters: Float32Array }> {
  const { fraction = 1, honestRank = 1 } = options;
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(LENGTH),
    fraction,
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
  const events: ServerEvent[] = [];
  const visited = Promise.withResolvers<void>();
  const honest: Promise<void>[] = [];
  const step = (vector: Float32Array) => vector.forEach((x, i) => vector[i] = x + 1);
  /** Starts an honest client. Its last round ends after the visit, which is within the run. */
  const join = (serverAddr: string, rank: number) => {
    const client = new FakeHandler(MANIFEST, {
      step: async (vector, { round }) => {
        if (round === ROUNDS) await visited.promise;
        step(vector);
      },
    });
    return new ClientSyncTop(client, { serverAddr, rank, logger: silentLogger }).run();
  };
  const server = new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: 3,
    rounds: ROUNDS,
    minClients: 1,
    // The server waits for a lost peer for 6 heartbeats, which are short here.
    timeouts: { joinSeconds: 20, heartbeatSeconds: 0.05 },
    logger: silentLogger,
    onEvent: (event) => {
      events.push(event);
      if (event.type !== "listening") return;
      honest.push(join(event.address, honestRank));
      honest[0]?.catch(() => {});
      visit(event.address).then(() => {
        visited.resolve();
        if (events.some(({ type }) => type === "round-started")) return;
        // A visitor that was refused leaves its rank free, for which the server would wait.
        join(event.address, 3 - honestRank).catch(() => {});
      }, visited.reject);
    },
  });
  const report = await server.run();
  await visited.promise;
  await Promise.all(honest);
  assertEquals(report.rounds.length, ROUNDS);
  assert(handler.parameters.every(Number.isFinite));
  return { report, events, parameters: handler.parameters };
}

async function refusedAtTheDoor(
  visit: (peer: Peer) => Promise<void>,
  fault: string,
  message: RegExp,
): Promise<void> {
  await withServer(async (address) => {
    await using peer = await Peer.connect(address);
    await visit(peer);
    const error = await peer.error();
    assertEquals([error.fault, error.fatal], [fault, true]);
    assertMatch(error.message, message);
    await assertRejects(() => peer.next(), Error, "the server closed");
  });
}

Deno.test("the server refuses a rank out of range", () =>
  refusedAtTheDoor(
    (peer) => peer.register({ rank: 3 }),
    "rank-out-of-range",
    /expected a rank from 1 to 2, got 3/,
  ));

Deno.test("the server refuses a rank that is taken", () =>
  withServer(async (address) => {
    await using first = await Peer.connect(address);
    await first.join({ rank: 2 });
    await using second = await Peer.connect(address);
    await second.register({ rank: 2 });
    const { fault, fatal, message } = await second.error();
    assertEquals([fault, fatal], ["rank-taken", true]);
    assertMatch(message, /rank 2 is taken/);
  }).then(() => {}));

Deno.test("the server refuses another world size", () =>
  refusedAtTheDoor(
    (peer) => peer.register({ worldSize: 9 }),
    "world-size-mismatch",
    /expected a world size of 3, got 9; start the client with 3, or without a world size$/,
  ));

Deno.test("the server refuses a first message other than Registration", () =>
  refusedAtTheDoor(
    (peer) => peer.update(1),
    "unexpected-code",
    /expected Registration, got ParameterUpdate/,
  ));

Deno.test("a client that leaves before it has joined receives no error", () =>
  withServer(async (address) => {
    await using peer = await Peer.connect(address);
    await peer.register({ rank: 2 });
    await peer.until(MessageCode.IdAssignment);
    await peer.send({ code: MessageCode.Exit, payload: { reason: "no time" } });
    await assertRejects(() => peer.error(), Error, "the server closed");
    await using again = await Peer.connect(address);
    await again.join({ rank: 2 });
  }).then(() => {}));

Deno.test("the server refuses another manifest", () =>
  refusedAtTheDoor(
    async (peer) => {
      await peer.register({ rank: 2 });
      await peer.until(MessageCode.IdAssignment);
      const manifestDigest = "0".repeat(64);
      await peer.connection.send({
        code: MessageCode.Ready,
        payload: { manifestDigest, numSamples: 1 },
      });
    },
    "manifest-mismatch",
    /expected the manifest digest [0-9a-f]{64}, got 0{64}/,
  ));

Deno.test("the server refuses a client when the group is full", () =>
  withServer(async (address) => {
    await using second = await Peer.connect(address);
    await second.join({ rank: 2 });
    await using third = await Peer.connect(address);
    await third.register();
    assertEquals((await third.error()).fault, "group-full");
  }).then(() => {}));

Deno.test("the server refuses message codes that are not synchronous", async () => {
  const gradient = new Float32Array(LENGTH);
  const messages: Message[] = [
    { code: MessageCode.ParameterRequest, payload: {} },
    {
      code: MessageCode.GradientUpdate,
      payload: { round: 1, numSamples: 1, gradient: gradient.subarray(0, 3) },
    },
    { code: MessageCode.Registration, payload: { agent: "again" } },
    { code: MessageCode.Ready, payload: { manifestDigest: DIGEST, numSamples: 1 } },
  ];
  for (const message of messages) {
    const { events } = await withServer(async (address) => {
      await using peer = await Peer.connect(address);
      await peer.join({ rank: 2 });
      await peer.connection.send(message);
      assertEquals((await peer.error()).fault, "unexpected-code");
    });
    assert(events.some((event) => event.type === "client-lost" && event.rank === 2));
  }
});

Deno.test("bytes that are no frame end only their own connection, with a named error", async () => {
  const frame = (change: (view: DataView) => void) => {
    const bytes = encodeFrame({ code: MessageCode.Registration, payload: { agent: "x" } })[0] ??
      new Uint8Array();
    change(new DataView(bytes.buffer));
    return bytes;
  };
  const text = new TextEncoder();
  const cases: [string, Uint8Array<ArrayBuffer>][] = [
    ["bad-magic", text.encode("GET / HTTP/1.1\r\nHost: example\r\n\r\n")],
    ["unsupported-version", frame((view) => view.setUint16(4, 7, true))],
    ["unknown-code", frame((view) => view.setUint16(6, 77, true))],
    ["frame-too-large", frame((view) => view.setBigUint64(8, 2n ** 63n, true))],
    ["malformed-body", frame((view) => view.setUint8(16, 0x9F))],
    ["invalid-field", frame((view) => view.setUint16(6, MessageCode.Exit, true))],
  ];
  for (const [fault, bytes] of cases) {
    await withServer(async (address) => {
      const channel = await tcpTransport.connect(address);
      await channel.write(bytes);
      await using peer = {
        connection: new Connection(channel),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
      const received = await peer.connection.receive();
      assert(received?.message?.code === MessageCode.Error, fault);
      assertEquals(received.message.payload.fault, fault);
      assert(!received.message.payload.message.includes("\n"));
      await peer.connection.close();
    });
  }
});

Deno.test("a frame longer than the model can need is refused before it is read", async () => {
  await withServer(async (address) => {
    await using peer = await Peer.connect(address);
    await peer.join({ rank: 2 });
    await peer.until(MessageCode.ParameterUpdate);
    peer.update(1, new Float32Array(LENGTH * 2)).catch(() => {});
    const error = await peer.error();
    assertEquals(error.fault, "frame-too-large");
    assertMatch(error.message, /expected at most \d+ bytes for this model, got 160\d\d\d/);
  });
});

Deno.test("an update of the wrong length ends the connection", async () => {
  const { report } = await withServer(async (address) => {
    await using peer = await Peer.connect(address);
    await peer.join({ rank: 2 });
    await peer.until(MessageCode.ParameterUpdate);
    await peer.update(1, new Float32Array(LENGTH - 1));
    assertEquals((await peer.error()).fault, "shape-mismatch");
  });
  assertMatch(report.rounds[0]?.losses[0]?.reason ?? "", /expected 20000 values, got 19999/);
});

Deno.test("an update without its number of samples ends the connection", async () => {
  await withServer(async (address) => {
    await using peer = await Peer.connect(address);
    await peer.join({ rank: 2 });
    const { round, parameters } = await peer.until(MessageCode.ParameterUpdate);
    await peer.connection.send({
      code: MessageCode.ParameterUpdate,
      payload: { round, parameters },
    });
    assertEquals((await peer.error()).fault, "invalid-field");
  });
});

Deno.test("an update that is not finite is refused and counted, and the mean does not change", async () => {
  for (const bad of [NaN, Infinity]) {
    const { report, parameters } = await withServer(async (address) => {
      await using peer = await Peer.connect(address);
      await peer.join({ rank: 2 });
      // After the first time the client is left out of a round.
      for (const expected of [1, 3]) {
        const { round } = await peer.until(MessageCode.ParameterUpdate);
        assertEquals(round, expected);
        const vector = new Float32Array(LENGTH);
        vector[LENGTH - 1] = bad;
        await peer.update(round, vector);
        const { fault, fatal, message } = await peer.error();
        assertEquals([fault, fatal], ["non-finite", false]);
        assertMatch(message, /got 1 that are not/);
      }
    });
    assertEquals(report.rounds.map(({ received, refused }) => [received, refused]), [
      [1, 1],
      [1, 0],
      [1, 1],
    ]);
    assertEquals(parameters[LENGTH - 1], ROUNDS);
  }
});

Deno.test("an update for another round is refused and counted, and the right one is still accepted", async () => {
  const { report } = await withServer(async (address) => {
    await using peer = await Peer.connect(address);
    await peer.join({ rank: 2 });
    const { round } = await peer.until(MessageCode.ParameterUpdate);
    await peer.update(round + 7);
    const { fault, fatal, message } = await peer.error();
    assertEquals([fault, fatal], ["wrong-round", false]);
    assertMatch(message, /expected one for round 1, got one for round 8/);
    await peer.update(round);
    await peer.until(MessageCode.ParameterUpdate);
    await peer.update(2);
    await peer.until(MessageCode.ParameterUpdate);
  });
  assertEquals(report.rounds.map(({ received, refused }) => [received, refused]), [[2, 1], [2, 0], [
    1,
    0,
  ]]);
});

Deno.test("a second update in one round is refused and counted: the first wins", async () => {
  const { report, parameters } = await withServer(async (address) => {
    await using peer = await Peer.connect(address);
    await peer.join({ rank: 1 });
    for (let round = 1; round < ROUNDS; round++) {
      await peer.until(MessageCode.ParameterUpdate);
      await peer.update(round);
    }
    await peer.until(MessageCode.ParameterUpdate);
    await peer.update(ROUNDS);
    await peer.update(ROUNDS, new Float32Array(LENGTH).fill(1000));
    const { fault, fatal } = await peer.error();
    assertEquals([fault, fatal], ["duplicate-update", false]);
  }, { honestRank: 2 });
  assertEquals(report.rounds.map(({ received, refused }) => [received, refused]), [[2, 0], [2, 0], [
    2,
    1,
  ]]);
  // Round by round: (1 + 1) / 2, (2 + 2) / 2, (3 + 3) / 2.
  assertEquals(parameters[0], ROUNDS);
});

Deno.test("an update from outside the cohort is refused", async () => {
  const { report, events } = await withServer(async (address) => {
    await using peer = await Peer.connect(address);
    await peer.join({ rank: 2 });
    const { fault, fatal } = await new Promise<ErrorMessage>((resolve, reject) => {
      peer.update(1).then(() => peer.error()).then(resolve, reject);
    });
    assert(!fatal);
    assert(fault === "not-in-cohort" || fault === "wrong-round", fault);
  }, { fraction: 0.1 });
  assert(report.rounds.every(({ cohort }) => cohort.length === 1));
  assert(events.some((event) => event.type === "update-refused" && event.rank === 2));
});

Deno.test("a client that fails inside a frame is dropped, and the round continues", async () => {
  const { report } = await withServer(async (address) => {
    const peer = await Peer.connect(address);
    await peer.join({ rank: 2 });
    await peer.until(MessageCode.ParameterUpdate);
    const [head, vector] = encodeFrame({
      code: MessageCode.ParameterUpdate,
      payload: { round: 1, numSamples: 1, parameters: new Float32Array(LENGTH) },
    });
    assert(head !== undefined && vector !== undefined);
    await peer.channel.write(head);
    await peer.channel.write(vector.subarray(0, 1001));
    peer.channel.close();
  });
  assertMatch(report.rounds[0]?.losses[0]?.reason ?? "", /inside a frame|Connection reset/);
  assertEquals(report.rounds[0]?.received, 1);
  assertEquals(report.rounds[0]?.dropped, 1);
});

Deno.test("a client that closes in the middle of a round is dropped with its reason", async () => {
  const { report } = await withServer(async (address) => {
    await using peer = await Peer.connect(address);
    await peer.join({ rank: 2 });
    await peer.until(MessageCode.ParameterUpdate);
  });
  assertEquals(report.rounds[0]?.losses, [{ rank: 2, reason: "it closed the connection" }]);
});

Deno.test("a client that joins during a run takes part from the next round on", async () => {
  const { report } = await withServer(async (address) => {
    {
      await using first = await Peer.connect(address);
      await first.join({ rank: 2 });
      await first.until(MessageCode.ParameterUpdate);
    }
    await using again = await Peer.connect(address);
    await again.join({ rank: 2 });
  });
  assertEquals(report.rounds[0]?.dropped, 1);
  assertEquals(report.rounds.length, ROUNDS);
});
