import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import {
  ClientSyncTop,
  type ClientTopologyOptions,
  DeadlineError,
  MessageCode,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { Connection, tcpTransport } from "../../src/net/mod.ts";
import { encodeFrame, type IdAssignmentPayload, type Message } from "../../src/wire/mod.ts";
import { assignmentFor } from "../helpers/assignment.ts";
import { FakeHandler, type FakeOptions, vectorManifest } from "../helpers/fake_handler.ts";
import { frameOf } from "../helpers/frame.ts";
import { Peer } from "../helpers/peer.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(3);
const ASSIGNMENT = await assignmentFor(MANIFEST);
const CHALLENGE: Message = {
  code: MessageCode.Challenge,
  payload: { nonce: "0f".repeat(32), methods: ["token"], server: "s", run: "r" },
};

/**
 * Runs a client whose server does `act`, which may wait for the end of the client.
 *
 * @returns The client's error, and the last message that it sent, if the server received it.
 */
async function fateOf(
  act: (
    connection: Connection,
    write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
    ended: Promise<void>,
  ) => Promise<void> | void,
  options: Partial<ClientTopologyOptions>,
  fake?: FakeOptions,
  manifest = MANIFEST,
): Promise<{ error: unknown; seconds: number; last: Message | undefined }> {
  const listener = await tcpTransport.listen("127.0.0.1:0");
  let last: Message | undefined;
  const ended = Promise.withResolvers<void>();
  const serving = (async () => {
    for (;;) {
      const channel = await listener.accept();
      if (channel === null) return;
      const connection = new Connection(channel);
      const stop = setInterval(() => beat(connection), 20);
      try {
        await connection.receive();
        await act(connection, (bytes) => {
          // No other message may be sent in the middle of one.
          clearInterval(stop);
          return channel.write(bytes);
        }, ended.promise);
        for (let got = await connection.receive(); got; got = await connection.receive()) {
          last = got.message;
        }
      } catch { /* the client is gone */ }
      clearInterval(stop);
      await connection.close(0.1);
    }
  })();
  const began = performance.now();
  let error: unknown;
  await new ClientSyncTop(new FakeHandler(manifest, fake), {
    serverAddr: listener.address,
    logger: silentLogger,
    ...options,
  }).run().catch((thrown) => error = thrown);
  const seconds = (performance.now() - began) / 1000;
  ended.resolve();
  listener.close();
  await serving;
  return { error, seconds, last };
}

let beats = 0;
function beat(connection: Connection, progress?: number): void {
  connection.send({
    code: MessageCode.Heartbeat,
    payload: progress === undefined ? {} : { progress },
  }).then(() => beats++, () => {});
}

const JOIN = { timeouts: { joinSeconds: 0.4, drainSeconds: 0.1 } };
const TOKEN = { kind: "token", token: "correct horse battery staple" } as const;

for (
  const [what, act, message] of [
    ["signs of life alone", () => {}, /something listens there, but does not answer as a FedLab/],
    [
      "a challenge and then signs of life",
      (connection) => connection.send(CHALLENGE),
      /has begun to answer, but has not let this client in within 0\.4 seconds/,
    ],
    [
      "an assignment byte by byte",
      async (_, write) => {
        const [frame] = encodeFrame({ code: MessageCode.IdAssignment, payload: ASSIGNMENT });
        for (const byte of frame ?? []) {
          await write(Uint8Array.of(byte));
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      },
      /does not answer as a FedLab server within 0\.4 seconds/,
    ],
  ] as [string, Parameters<typeof fateOf>[0], RegExp][]
) {
  Deno.test(`a client gives up a server that answers its registration with ${what}`, async () => {
    const { error, seconds } = await fateOf(act, { ...JOIN, credential: TOKEN });
    assert(error instanceof DeadlineError);
    assertMatch(error.message, message);
    assert(seconds >= 0.35 && seconds < 5, `${seconds}`);
  });
}

const letIn = (changes: Partial<IdAssignmentPayload> = {}) => (connection: Connection) =>
  connection.send({
    code: MessageCode.IdAssignment,
    payload: { ...ASSIGNMENT, ...changes },
  });

/** Lets a client in and sends it the parameters of round 1. */
async function beginRound(connection: Connection): Promise<void> {
  await letIn()(connection);
  const parameters = new Float32Array(MANIFEST.length);
  await connection.send({ code: MessageCode.ParameterUpdate, payload: { round: 1, parameters } });
}

Deno.test("a client leaves a server whose run makes no progress, and reports the reason", async () => {
  beats = 0;
  const { error, seconds, last } = await fateOf(letIn(), { timeouts: { idleSeconds: 0.3 } });
  assert(error instanceof DeadlineError);
  assertMatch(error.message, /sent nothing but signs of life for 0\.3 seconds/);
  assert(seconds >= 0.3 && seconds < 5, `${seconds}`);
  assert(beats > 2);
  assertEquals(last?.code, MessageCode.Exit);
});

Deno.test("a client waits for twice its server's longest pause", async () => {
  const options = { timeouts: { idleSeconds: 0.1 } };
  const { seconds } = await fateOf(letIn({ patienceSeconds: 0.3 }), options);
  assert(seconds >= 0.6 && seconds < 5, `${seconds}`);
});

Deno.test("a client stays while its server's run makes progress, by heartbeats or by messages", async () => {
  const timeouts = { idleSeconds: 0.4, drainSeconds: 0.2 };
  for (const tells of ["progress", "messages"] as const) {
    const { error, seconds } = await fateOf(async (connection) => {
      await letIn()(connection);
      for (let i = 1; i <= 12; i++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        if (tells === "progress") beat(connection, i);
        else {
          const parameters = new Float32Array(MANIFEST.length);
          await connection.send({
            code: MessageCode.EvaluateParams,
            payload: { round: i, parameters },
          });
        }
      }
      await connection.send({ code: MessageCode.Exit, payload: { reason: "over" } });
    }, { timeouts });
    assertEquals(error, undefined, tells);
    assert(seconds >= 1);
  }
});

Deno.test("a client that reads a vector for longer than its time-out is not idle", async () => {
  const events: string[] = [];
  const { error } = await fateOf(async (connection, write) => {
    await letIn()(connection);
    await connection.receive();
    const payload = { round: 1, parameters: new Float32Array(MANIFEST.length) };
    const bytes = frameOf({ code: MessageCode.ParameterUpdate, payload });
    await write(bytes.slice(0, -4));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await write(bytes.slice(-4));
    await connection.receive();
    await connection.send({ code: MessageCode.Exit, payload: { reason: "over" } });
  }, {
    timeouts: { idleSeconds: 0.4 },
    onEvent: ({ type }) => events.push(type),
  });
  assertEquals([error, events], [undefined, ["joined", "trained"]]);
});

Deno.test("a client gives up a server that does not read its update", async () => {
  // More than the buffers of a connection hold.
  const manifest = vectorManifest(8_000_000);
  const changes = { manifest: manifest.tensors, manifestDigest: await manifest.digest() };
  const events: string[] = [];
  const { error, seconds } = await fateOf(
    async (connection, _, ended) => {
      await letIn(changes)(connection);
      await connection.receive();
      const parameters = new Float32Array(manifest.length);
      await connection.send({
        code: MessageCode.ParameterUpdate,
        payload: { round: 1, parameters },
      });
      const giveUp = Promise.withResolvers<void>();
      const timer = setTimeout(giveUp.resolve, 30_000);
      await Promise.race([ended, giveUp.promise]);
      clearTimeout(timer);
    },
    {
      timeouts: { idleSeconds: 2, drainSeconds: 0.2 },
      onEvent: ({ type }) => events.push(type),
    },
    {},
    manifest,
  );
  assertEquals(events, ["joined", "trained"]);
  assert(error instanceof DeadlineError);
  assertMatch(error.message, /sent nothing but signs of life for 2 seconds/);
  assert(seconds < 30, `${seconds}`);
});

Deno.test("a client that has trained for long then waits for the full time-out", async () => {
  const timeouts = { idleSeconds: 0.5, drainSeconds: 0.2 };
  const { error, seconds } = await fateOf(
    async (connection) => {
      await beginRound(connection);
    },
    { timeouts },
    { step: () => new Promise((resolve) => setTimeout(resolve, 950)) },
  );
  assert(error instanceof DeadlineError);
  // The check at 1 s finds a client that has waited only for a moment.
  assert(seconds >= 1.4 && seconds < 5, `${seconds}`);
});

Deno.test("a client that trains for longer than its time-out is not idle", async () => {
  const { error } = await fateOf(
    async (connection) => {
      await beginRound(connection);
      for (;;) {
        const code = (await connection.receive())?.message?.code;
        if (code === MessageCode.ParameterUpdate) break;
      }
      await connection.send({ code: MessageCode.Exit, payload: { reason: "over" } });
    },
    { timeouts: { idleSeconds: 0.2 } },
    {
      step: () => new Promise((resolve) => setTimeout(resolve, 700)),
    },
  );
  assertEquals(error, undefined);
});

Deno.test("a server's heartbeats report progress to a client that is never selected", async () => {
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    fraction: 0.5,
    selection: { name: "first", select: ({ available }) => available.slice(0, 1) },
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
  const seen = new Set<number>();
  const enough = Promise.withResolvers<void>();
  let clients: Promise<unknown>[] = [];
  await new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: 3,
    rounds: 200,
    timeouts: { heartbeatSeconds: 0.05, roundSeconds: 7, drainSeconds: 0.2 },
    logger: silentLogger,
    onEvent: (event) => {
      if (event.type !== "listening") return;
      const step = async (_: Float32Array, { round }: { round: number }) => {
        if (round % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 60));
        if (round === 200) await enough.promise;
      };
      clients = [
        new ClientSyncTop(new FakeHandler(MANIFEST, { step }), {
          serverAddr: event.address,
          rank: 1,
          logger: silentLogger,
        }).run(),
        watch(event.address),
      ];
    },
  }).run();
  await Promise.all(clients);
  assert(seen.size >= 3, `${[...seen]}`);

  async function watch(address: string): Promise<void> {
    await using peer = await Peer.connect(address);
    const { patienceSeconds } = await peer.join({ rank: 2 });
    assertEquals(patienceSeconds, 300);
    peer.connection.keepAlive(0.05);
    const received = await peer.connection.receive({
      onHeartbeat: ({ progress }) => {
        if (progress !== undefined) seen.add(progress);
        if (seen.size >= 3) enough.resolve();
      },
    });
    assertEquals(received?.message?.code, MessageCode.Exit);
  }
});
