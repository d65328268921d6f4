import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import {
  type Channel,
  ClientSyncTop,
  type ClientTopologyOptions,
  Connection,
  MessageCode,
  ProtocolError,
  type ServerEvent,
  ServerSyncTop,
  SyncParameterServerHandler,
  tcpTransport,
} from "../mod.ts";
import { assignmentFor } from "./_assignment.ts";
import { FakeHandler, vectorManifest } from "./_fake_handler.ts";
import { Peer } from "./_peer.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(3);
const ASSIGNMENT = await assignmentFor(MANIFEST);

/** A folder that is removed at the end of the test. */
async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** A run with an honest client and room for a hostile one; gives the log's text. */
async function logOf(
  visit: (address: string) => Promise<void>,
  rounds = 3,
): Promise<{ text: string; received: number[]; events: ServerEvent[] }> {
  await using temporary = await temporaryFolder();
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
  const visited = Promise.withResolvers<void>();
  const events: ServerEvent[] = [];
  let honest: Promise<void> = Promise.resolve();
  const report = await new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: 3,
    rounds,
    minClients: 1,
    timeouts: { joinSeconds: 0.3, drainSeconds: 0.3 },
    log: { folder: temporary.path, console: false },
    onEvent: (event) => {
      events.push(event);
      if (event.type !== "listening") return;
      const step = async (vector: Float32Array, { round }: { round: number }) => {
        if (round === rounds) await visited.promise;
        vector.forEach((x, i) => vector[i] = x + 1);
      };
      honest = new ClientSyncTop(new FakeHandler(MANIFEST, { step }), {
        serverAddr: event.address,
        rank: 1,
        loggerFile: "",
        log: { console: false },
      }).run();
      honest.catch(() => {});
      visit(event.address).then(visited.resolve, visited.reject);
    },
  }).run();
  await visited.promise;
  await honest;
  assertEquals([...handler.parameters], Array(MANIFEST.length).fill(rounds));
  const text = await Deno.readTextFile(`${temporary.path}/serverLog.txt`);
  return { text, received: report.rounds.map(({ received }) => received), events };
}

/** Sends figures that nobody asked for until the server has had enough, and gives its last word. */
async function flood(address: string): Promise<{ refused: number; fault: string }> {
  await using peer = await Peer.connect(address);
  await peer.join({ rank: 2 });
  const sending = (async () => {
    for (;;) {
      await peer.send({
        code: MessageCode.EvaluateParams,
        payload: { round: 1, numSamples: 1, loss: 1 },
      });
    }
  })().catch(() => {});
  for (let refused = 0;; refused++) {
    const { fault, fatal } = await peer.error();
    if (!fatal) continue;
    peer.connection.abort(new Error("enough"));
    await sending;
    return { refused, fault };
  }
}

Deno.test("a joined peer that floods is sent away, and the log of its floods stays small", async () => {
  const { text, received, events } = await logOf(async (address) => {
    for (let i = 0; i < 20; i++) {
      const { refused, fault } = await flood(address);
      assertEquals(fault, "too-many-faults");
      assert(refused >= 64 && refused <= 128, `${refused}`);
    }
  });
  assert(events.filter(({ type }) => type === "update-refused").length > 1000);
  assert(text.length < 10_000, `${text.length}`);
  assertMatch(text, /\d+ more lines about rank 2 in 60 s, the last: /);
  assertEquals(received, [1, 1, 1]);
});

Deno.test("strangers that flood leave a small log, and what the run says of itself is whole", async () => {
  const { text } = await logOf(async (address) => {
    for (let i = 0; i < 300; i++) {
      await using peer = await Peer.connect(address);
      await peer.send({
        code: MessageCode.Ready,
        payload: { manifestDigest: ASSIGNMENT.manifestDigest, numSamples: 1 },
      });
      assertEquals((await peer.error()).fault, "unexpected-code");
    }
  });
  assert(text.length < 5_000, `${text.length}`);
  assertMatch(
    text,
    /295 more lines about 127\.0\.0\.1 in 60 s, the last: Refused a client at tcp /,
  );
  for (const round of [1, 2, 3]) assertMatch(text, new RegExp(`INFO Round ${round} of 3: `));
});

Deno.test("a client two of whose answers are refused in every round stays", async () => {
  const rounds = 60;
  const { events } = await logOf(async (address) => {
    await using peer = await Peer.connect(address);
    await peer.join({ rank: 2 });
    for (let round = 1; round < rounds;) {
      ({ round } = await peer.until(MessageCode.ParameterUpdate));
      await peer.update(round);
      // Again, as after a lost connection.
      await peer.update(round);
      await peer.update(round);
    }
  }, rounds);
  const refused = events.filter(({ type }) => type === "update-refused").length;
  assert(refused >= 2 * (rounds - 1), `${refused}`);
  assertEquals(events.filter(({ type }) => type === "client-lost"), []);
});

/** A server by hand, of one client. */
async function withServer(
  act: (connection: Connection) => Promise<void>,
  options: Partial<ClientTopologyOptions> = {},
): Promise<{ error: unknown; text: string }> {
  await using temporary = await temporaryFolder();
  const listener = await tcpTransport.listen("127.0.0.1:0");
  const channels: Channel[] = [];
  const serving = (async () => {
    for (;;) {
      const channel = await listener.accept();
      if (channel === null) return;
      channels.push(channel);
      const connection = new Connection(channel);
      try {
        await connection.receive();
        await connection.send({ code: MessageCode.IdAssignment, payload: ASSIGNMENT });
        await connection.receive();
        await act(connection);
      } catch { /* the client is gone */ }
      await connection.close(0.1);
    }
  })();
  let error: unknown;
  await new ClientSyncTop(new FakeHandler(MANIFEST), {
    serverAddr: listener.address,
    log: { folder: temporary.path, console: false },
    ...options,
  }).run().catch((thrown) => error = thrown);
  listener.close();
  await serving;
  return { error, text: await Deno.readTextFile(`${temporary.path}/clientLog.txt`) };
}

Deno.test("a client leaves a server that refuses what it never sent, and its log stays small", async () => {
  const heard = Promise.withResolvers<unknown>();
  const { error, text } = await withServer(async (connection) => {
    (async () => {
      for (;;) heard.resolve((await connection.receive())?.message);
    })().catch(() => {});
    for (;;) {
      await connection.send({
        code: MessageCode.Error,
        payload: { fault: "wrong-round", message: "x".repeat(4096), fatal: false },
      });
    }
  }, { timeouts: { drainSeconds: 0.3 } });
  assert(error instanceof ProtocolError);
  assertEquals(error.fault, "too-many-faults");
  assertMatch(String(Object(await heard.promise).payload.message), /refuses more than it was sent/);
  assert(text.length < 20_000, `${text.length}`);
  assertMatch(text, /more lines about the server in 60 s/);
});

Deno.test("a client that is let in and cut off again and again gives up after the join time-out", async () => {
  let joins = 0;
  const began = performance.now();
  const { error, text } = await withServer((connection) => {
    joins++;
    connection.abort(new Error("cut"));
    return Promise.resolve();
  }, { timeouts: { joinSeconds: 1, drainSeconds: 0.1 } });
  assert(error instanceof Error);
  const millis = performance.now() - began;
  assert(millis >= 900 && millis < 10_000, `${millis}`);
  // The pauses grow all the while.
  assert(joins >= 2 && joins < 15, `${joins}`);
  assert(text.length < 5_000);
});

Deno.test("a client that is given work and cut off again and again stays with its server", async () => {
  let joins = 0;
  const { error } = await withServer(async (connection) => {
    if (++joins === 12) {
      await connection.send({ code: MessageCode.Exit, payload: { reason: "over" } });
      await connection.receive();
      return;
    }
    const parameters = new Float32Array(MANIFEST.length);
    await connection.send({
      code: MessageCode.ParameterUpdate,
      payload: { round: joins, parameters },
    });
    await connection.receive();
    connection.abort(new Error("cut"));
  }, { timeouts: { joinSeconds: 0.5, drainSeconds: 0.1 } });
  assertEquals(error, undefined);
});
