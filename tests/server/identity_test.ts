import { assert, assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  CheckpointStore,
  ClientSyncTop,
  type ClientSyncTop as Client,
  type Gatekeeper,
  MessageCode,
  ProtocolError,
  type RunReport,
  type ServerEvent,
  ServerSyncTop,
  type ServerTopologyOptions,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { fingerprintOf, KeyList, type KeyListChange } from "../../src/auth/mod.ts";
import { inFolder } from "../helpers/command.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { joinWithKey, type KeyCredential, makeCredentials, proveKey } from "../helpers/keyed.ts";
import { Peer } from "../helpers/peer.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(4);

/** Running server with its events and log. */
class RunningServer implements AsyncDisposable {
  readonly events: ServerEvent[] = [];
  readonly logged: string[] = [];
  readonly outcome: Promise<RunReport | Error>;
  readonly #stop = new AbortController();
  readonly #watchers = new Set<() => void>();

  constructor(options: Partial<ServerTopologyOptions> & { gatekeeper: Gatekeeper }) {
    const handler = new SyncParameterServerHandler({
      manifest: MANIFEST,
      parameters: new Float32Array(MANIFEST.length),
      evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
    });
    const log = (text: string) => void this.logged.push(text);
    const server = new ServerSyncTop(handler, {
      listen: "127.0.0.1:0",
      worldSize: 3,
      rounds: 2,
      logger: { debug: log, info: log, warn: log, error: log },
      ...options,
      timeouts: { heartbeatSeconds: 0.1, drainSeconds: 0.5, ...options.timeouts },
      onEvent: (event) => {
        this.events.push(event);
        for (const wake of this.#watchers) wake();
      },
    });
    this.outcome = server.run({ signal: this.#stop.signal }).catch((error) => error);
  }

  /** Waits for the first event of the type for which the predicate holds. */
  async told<Type extends ServerEvent["type"]>(
    type: Type,
    isIt: (event: Extract<ServerEvent, { type: Type }>) => boolean = () => true,
  ): Promise<Extract<ServerEvent, { type: Type }>> {
    for (;;) {
      const found = this.events.find((event): event is Extract<ServerEvent, { type: Type }> =>
        event.type === type && isIt(event as Extract<ServerEvent, { type: Type }>)
      );
      if (found !== undefined) return found;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.add(resolve);
      await promise;
      this.#watchers.delete(resolve);
    }
  }

  async peer(): Promise<Peer> {
    const { address } = await this.told("listening");
    return await Peer.connect(address);
  }

  async client(credential: KeyCredential, rank?: number): Promise<Client> {
    const { address } = await this.told("listening");
    return new ClientSyncTop(new FakeHandler(MANIFEST), {
      serverAddr: address,
      credential,
      logger: silentLogger,
      // A client asks for a taken rank for eight heartbeats.
      timeouts: { drainSeconds: 0.5, heartbeatSeconds: 0.1 },
      ...(rank !== undefined && { rank }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("stopped"));
    await this.outcome;
  }
}

function allow(...credentials: KeyCredential[]): Gatekeeper & { kind: "keys" } {
  return { kind: "keys", allowed: new Set(credentials.map(({ publicKey }) => publicKey)) };
}

async function refusal(peer: Peer): Promise<{ fault: string; message: string }> {
  const { fault, message, fatal } = await peer.error();
  assert(fatal);
  return { fault, message };
}

const [one, two, three] = await makeCredentials(3) as [
  KeyCredential,
  KeyCredential,
  KeyCredential,
];

/** Plays the first round of a server's two clients, up to its checkpoint. */
async function trainOnce(server: RunningServer, a: Peer, b: Peer): Promise<void> {
  await server.told("round-started");
  const parameters = new Float32Array(MANIFEST.length);
  await Promise.all([a.update(1, parameters), b.update(1, parameters)]);
  await server.told("checkpoint");
}

Deno.test("a second process with the same key is refused while the first is alive", async () => {
  await using server = new RunningServer({ gatekeeper: allow(one, two) });
  const first = await server.client(one), other = await server.client(two);
  const running = first.run();
  await server.told("client-joined");
  for (const rank of [undefined, 1]) {
    const twin = await server.client(one, rank);
    const error = await assertRejects(() => twin.run(), ProtocolError);
    assertEquals(error.fault, "rank-taken");
    assertMatch(error.message, /another process with this key has rank 1, and is alive/);
  }
  await Promise.all([running, other.run()]);
  const report = await server.outcome;
  assert(!(report instanceof Error));
  assertEquals(report.rounds.map(({ received }) => received), [2, 2]);
  assertEquals(server.events.filter(({ type }) => type === "client-joined").length, 2);
});

Deno.test("a restarted client without a key gets its rank when its silent connection is given up", async () => {
  // A machine under load may be silent for some heartbeats of 0.1 s itself.
  await using server = new RunningServer({
    gatekeeper: { kind: "open" },
    timeouts: { heartbeatSeconds: 0.5 },
  });
  // This peer sends no heartbeats.
  await using dead = await server.peer();
  await dead.join({ rank: 2 });
  await server.told("client-joined");
  const { address: serverAddr } = await server.told("listening");
  const clients = [1, 2].map((rank) =>
    new ClientSyncTop(new FakeHandler(MANIFEST), { serverAddr, rank, logger: silentLogger }).run()
  );
  await Promise.all(clients);
  const report = await server.outcome;
  assert(!(report instanceof Error));
  assertEquals(report.rounds.map(({ received }) => received), [2, 2]);
});

Deno.test("a restarted process with a key takes over the rank of its silent connection", async () => {
  await using server = new RunningServer({ gatekeeper: allow(one, two) });
  // This peer sends no heartbeats.
  await using dead = await server.peer();
  const { rank, token } = await joinWithKey(dead, one, { rank: 2 });
  await server.told("client-joined");
  await using anew = await server.peer();
  const again = await joinWithKey(anew, one);
  assertEquals(again.rank, rank);
  assert(again.token !== token);
  await assertRejects(() => dead.next());
  const events = server.events.filter(({ type }) => type === "client-lost");
  assertEquals(events, [], "the seat was never given up");
});

Deno.test("a key takes no rank that another key has had in the run, and at most the allowed number of ranks", async () => {
  for (const seatsPerKey of [1, 2]) {
    await using server = new RunningServer({
      worldSize: 4,
      gatekeeper: { ...allow(one, two), seatsPerKey },
    });
    {
      await using peer = await server.peer();
      await joinWithKey(peer, one, { rank: 3 });
      await server.told("client-joined");
    }
    // It has stayed away for six heartbeats.
    await server.told("client-lost");
    await using stranger = await server.peer();
    await proveKey(stranger, two, { rank: 3 });
    assertEquals((await refusal(stranger)).fault, "rank-taken");
    await using second = await server.peer();
    await proveKey(second, one, { rank: 1 });
    if (seatsPerKey === 1) {
      const { fault, message } = await refusal(second);
      assertEquals(fault, "not-authorized");
      assertMatch(message, /this key has rank 3 in this run, and may have no other/);
    } else assertEquals((await second.until(MessageCode.IdAssignment)).rank, 1);
  }
});

Deno.test("after a resume each key gets its own rank, and none of a thousand attempts with other keys and tokens gets one", () =>
  inFolder(async (folder) => {
    const checkpoints = new CheckpointStore(folder);
    const gatekeeper = allow(one, two, three);
    const tokens: string[] = [];
    {
      await using server = new RunningServer({ gatekeeper, checkpoints, rounds: 9 });
      await using a = await server.peer();
      await using b = await server.peer();
      tokens.push((await joinWithKey(a, one, { rank: 1 })).token);
      tokens.push((await joinWithKey(b, two, { rank: 2 })).token);
      await trainOnce(server, a, b);
    }
    const resume = await checkpoints.latest();
    assert(resume !== undefined);
    const limits = { arrivalsAtOnce: 10_000 };
    await using server = new RunningServer({ gatekeeper, resume, rounds: 9, limits });
    for (const rank of [undefined, 1, 2]) {
      for (const token of [undefined, ...tokens]) {
        for (const credential of [one, two, three]) {
          const isOwn = (n: number) =>
            credential === [one, two][n] && (token === tokens[n] || token === undefined) &&
            (rank === undefined || rank === n + 1 || token === tokens[n]);
          if (isOwn(0) || isOwn(1)) continue;
          // With another client's token and no rank it gets its own rank.
          if (credential !== three && rank === undefined && token === undefined) continue;
          await using peer = await server.peer();
          await proveKey(peer, credential, {
            ...(rank !== undefined && { rank }),
            ...(token !== undefined && { token }),
          });
          const { fault } = await refusal(peer);
          assert(["rank-taken", "not-authorized", "group-full"].includes(fault), fault);
        }
      }
    }
    for (let n = 0; n < 1000; n += 20) {
      const tries = Array.from({ length: 20 }, async (_, i) => {
        const peer = await server.peer();
        const rank = (n + i) % 3, token = ["00".repeat(16), ...tokens][i % 4];
        await proveKey(peer, three, { ...(rank > 0 && { rank }), ...(token && { token }) });
        const { fault } = await refusal(peer);
        assert(["rank-taken", "not-authorized", "group-full"].includes(fault), fault);
        peer.connection.abort(new Error("tried"));
      });
      await Promise.all(tries);
    }
    assertEquals(server.events.filter(({ type }) => type === "client-joined"), []);
    await using a = await server.peer();
    await using b = await server.peer();
    assertEquals((await joinWithKey(a, one, { token: tokens[0] ?? "" })).rank, 1);
    assertEquals((await joinWithKey(b, two)).rank, 2, "by its key alone");
    await server.told("round-started");
  }));

Deno.test("a key that was revoked while no server ran has no rank after a resume", () =>
  inFolder(async (folder) => {
    const checkpoints = new CheckpointStore(folder);
    {
      await using server = new RunningServer({
        gatekeeper: allow(one, two),
        checkpoints,
        rounds: 9,
      });
      await using a = await server.peer();
      await using b = await server.peer();
      await joinWithKey(a, one, { rank: 1 });
      await joinWithKey(b, two, { rank: 2 });
      await trainOnce(server, a, b);
    }
    const resume = await checkpoints.latest();
    assert(resume !== undefined);
    await using server = new RunningServer({ gatekeeper: allow(two, three), resume, rounds: 9 });
    await using peer = await server.peer();
    assertEquals((await joinWithKey(peer, three, { rank: 1 })).rank, 1);
    assertEquals(
      server.logged.filter((line) => line.startsWith("The seat of rank 1 is")).length,
      1,
    );
  }));

/** List of keys in a file, with a function that rewrites it. */
async function inKeyFile(
  test: (keys: KeyList, write: (...lines: string[]) => Promise<void>) => Promise<void>,
  ...lines: string[]
): Promise<void> {
  await inFolder(async (folder) => {
    const path = `${folder}/allowed`;
    const write = (...lines: string[]) => Deno.writeTextFile(path, lines.join("\n"));
    await write(...lines);
    await test(await KeyList.read(path), write);
  });
}

Deno.test("a key that is revoked while the server runs loses its session and its rank, and cannot rejoin", () =>
  inKeyFile(
    async (keys, write) => {
      await using server = new RunningServer({ gatekeeper: { kind: "keys", allowed: keys } });
      await using peer = await server.peer();
      const { token } = await joinWithKey(peer, one, { rank: 1 });
      await server.told("client-joined");

      await write("no key");
      await assertRejects(() => keys.reload(), SyntaxError);
      assertMatch(server.logged.at(-1) ?? "", /line 1.*the list that was read before stays$/);

      await write(`${two.publicKey} two`, three.publicKey);
      await keys.reload();
      const { fault, message } = await refusal(peer);
      assertEquals(fault, "not-authorized");
      assertMatch(message, /^Cannot stay: the key .* is not among those that the server allows/);
      assertMatch((await server.told("client-lost")).reason, /is not among those/);
      const fingerprint = await fingerprintOf(one.publicKey);
      assertEquals((await server.told("keys-changed")).removed, [fingerprint]);
      const lines = server.logged.filter((line) => line.includes("was read again"));
      assertEquals(lines.length, 1);
      assertMatch(
        lines[0] ?? "",
        /1 added \(SHA256:\S+\), 1 struck off \(SHA256:\S+ "one"\), 0 changed$/,
      );

      await using back = await server.peer();
      await proveKey(back, one, { token });
      assertEquals((await refusal(back)).fault, "not-authorized");
      await using next = await server.peer();
      assertEquals((await joinWithKey(next, three, { rank: 1, token })).rank, 1);
    },
    `${one.publicKey} one`,
    `${two.publicKey} two`,
  ));

Deno.test("a key that is revoked between its assignment and its Ready is refused", () =>
  inKeyFile(
    async (keys, write) => {
      await using server = new RunningServer({ gatekeeper: { kind: "keys", allowed: keys } });
      await using peer = await server.peer();
      await proveKey(peer, one, { rank: 1 });
      const { manifestDigest } = await peer.until(MessageCode.IdAssignment);
      await write(two.publicKey);
      await keys.reload();
      // The server reads on until the peer closes.
      await peer.send({ code: MessageCode.Ready, payload: { manifestDigest, numSamples: 1 } });
      assertEquals((await refusal(peer)).fault, "not-authorized");
      await server.told("client-refused");
      assertEquals(server.events.filter(({ type }) => type === "client-joined"), []);
      await using next = await server.peer();
      assertEquals((await joinWithKey(next, two, { rank: 1 })).rank, 1);
    },
    one.publicKey,
    two.publicKey,
  ));

Deno.test("a key loses its session when it expires, and when the list gives it another rank", () =>
  inKeyFile(
    async (keys, write) => {
      await using server = new RunningServer({
        worldSize: 4,
        gatekeeper: { kind: "keys", allowed: keys },
      });
      await using a = await server.peer();
      await using b = await server.peer();
      await joinWithKey(a, one, { rank: 1 });
      await joinWithKey(b, two, { rank: 2 });
      await server.told("client-joined", ({ rank }) => rank === 1);
      await server.told("client-joined", ({ rank }) => rank === 2);
      const soon = new Date(Date.now() + 300).toISOString();
      await write(`${one.publicKey} expires=${soon}`, `${two.publicKey} rank=3`);
      await keys.reload();
      assertMatch((await refusal(b)).message, /the list gives the key \S+ rank 3, not 2/);
      const { fault, message } = await refusal(a);
      assertEquals(fault, "not-authorized");
      assertMatch(message, new RegExp(`has expired on ${soon}`));
      await using late = await server.peer();
      await proveKey(late, one, { rank: 1 });
      assertMatch((await refusal(late)).message, /has expired on/);
      await using moved = await server.peer();
      assertEquals((await joinWithKey(moved, two)).rank, 3);
    },
    one.publicKey,
    two.publicKey,
  ));

Deno.test("messages of a client that lost its rank are not attributed to the next client of the rank", async () => {
  const allowed = new Set([one.publicKey, two.publicKey]);
  let changed = () => {};
  const subscribe = (listener: (change: KeyListChange) => void) => {
    const none = new Map();
    changed = () => listener({ added: none, removed: none, changed: none });
    return () => {};
  };
  await using server = new RunningServer({
    worldSize: 2,
    rounds: 1,
    gatekeeper: {
      kind: "keys",
      allowed: { has: (key) => allowed.has(key), subscribe },
    },
  });
  await using old = await server.peer();
  await joinWithKey(old, one);
  await old.until(MessageCode.ParameterUpdate);
  allowed.delete(one.publicKey);
  changed();
  await using peer = await server.peer();
  await joinWithKey(peer, two);
  await peer.until(MessageCode.ParameterUpdate);
  // The server still reads what the client sent before.
  await old.update(1, new Float32Array(4).fill(9));
  await assertRejects(async () => {
    for (;;) await old.next();
  });
  await peer.update(1, new Float32Array(4).fill(1));
  const report = await server.outcome;
  assert(!(report instanceof Error));
  assertEquals(
    report.members?.map(({ received, identity }) => [received, identity]),
    [[0, await fingerprintOf(one.publicKey)], [1, await fingerprintOf(two.publicKey)]],
  );
});

Deno.test("the report lists the holder of each rank by key, name and address, after a resume too", () =>
  inFolder(async (folder) => {
    const allowed = new Map([[one.publicKey, "north ward"], [two.publicKey, ""]]);
    const gatekeeper: Gatekeeper = { kind: "keys", allowed };
    const checkpoints = new CheckpointStore(folder);
    const run = async (options: Partial<ServerTopologyOptions>) => {
      await using server = new RunningServer({ gatekeeper, checkpoints, ...options });
      const clients = [await server.client(one, 1), await server.client(two, 2)];
      await Promise.all(clients.map((client) => client.run()));
      const report = await server.outcome;
      assert(!(report instanceof Error));
      return { report, logged: server.logged };
    };
    const { report, logged } = await run({});
    const [first, second] = report.members ?? [];
    assertMatch(first?.address ?? "", /^tcp 127\.0\.0\.1:\d+$/);
    const figures = { samples: 1, received: 2, refused: 0, dropped: 0 };
    const fingerprint = await fingerprintOf(one.publicKey);
    assertEquals({ ...first }, {
      rank: 1,
      identity: fingerprint,
      name: "north ward",
      address: first?.address ?? "",
      ...figures,
    });
    assertEquals(second?.name, undefined);
    const joined = logged.find((line) => line.startsWith("Rank 1 joined"));
    assert(joined?.includes(`"north ward", ${fingerprint}`), joined);

    const resume = await checkpoints.latest();
    const resumed = await run({ rounds: 3, ...(resume && { resume }) });
    assertEquals(resumed.report.members?.map(({ received }) => received), [3, 3]);
  }));

Deno.test("a key that is revoked while its proof is checked is refused", async () => {
  for (const expiresToo of [false, true]) {
    const keys = new Set([one.publicKey]);
    let isRead = false;
    const allowed = {
      get size() {
        return keys.size;
      },
      has: (key: string) => {
        // The list is reloaded right after the check.
        if (isRead && !expiresToo) return false;
        queueMicrotask(() => isRead = true);
        return keys.has(key);
      },
      get: () => ({ name: "", ...(isRead && expiresToo && { expires: 0 }) }),
    };
    await using server = new RunningServer({ gatekeeper: { kind: "keys", allowed } });
    await using peer = await server.peer();
    await proveKey(peer, one);
    const { fault, message } = await refusal(peer);
    assertEquals(fault, "not-authorized");
    assertMatch(message, expiresToo ? /has expired/ : /is not among those/);
    await server.told("client-refused");
  }
});
