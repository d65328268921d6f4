import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import {
  AsyncParameterServerHandler,
  type AsyncParameterServerHandlerOptions,
  type Checkpoint,
  CheckpointStore,
  ClientAsyncTop,
  ClientFollowingTop,
  ClientSyncTop,
  DeadlineError,
  FedAsync,
  FedBuff,
  MessageCode,
  ProtocolError,
  type ServerAsyncOptions,
  ServerAsyncTop,
  type ServerEvent,
  silentLogger,
  type TrainPlan,
} from "../../mod.ts";
import { Connection, tcpTransport } from "../../src/net/mod.ts";
import { constantStaleness, polynomialStaleness } from "../../src/strategy/mod.ts";
import { runAsync } from "../helpers/async_run.ts";
import { FakeHandler, type FakeOptions, vectorManifest } from "../helpers/fake_handler.ts";
import { Peer } from "../helpers/peer.ts";
import { Proxy } from "../helpers/proxy.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(5);

/** Starts a server over TCP whose clients the test plays. */
async function listen(
  handlerOptions: Partial<AsyncParameterServerHandlerOptions>,
  options: Partial<ServerAsyncOptions> = {},
) {
  const handler = new AsyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(5),
    ...handlerOptions,
  });
  const address = Promise.withResolvers<string>();
  const server = new ServerAsyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: 2,
    versions: 2,
    logger: silentLogger,
    ...options,
    onEvent: (event) => {
      if (event.type === "listening") address.resolve(event.address);
      options.onEvent?.(event);
    },
  });
  const running = server.run();
  // A test may await the run later.
  running.catch(() => {});
  return { handler, running, address: await address.promise };
}

const EVALUATOR = { evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }) };
const LATEST = { strategy: new FedAsync({ alpha: 1, staleness: constantStaleness() }) };

function fakes(...options: FakeOptions[]): FakeHandler[] {
  return options.map((one) => new FakeHandler(MANIFEST, one));
}

/** Waits until the training is aborted. */
function forever(_: Float32Array, __: TrainPlan, signal?: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<void>();
  signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  return promise;
}

/** Trainings that end one by one on the test's command. */
class Turns {
  readonly #open = new Map<number, () => void>();
  readonly #watchers = new Set<() => void>();

  /** Step of a client. */
  async wait(rank: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#open.set(rank, resolve);
    for (const wake of this.#watchers) wake();
    await promise;
  }

  /** Waits until the rank trains. */
  async trains(rank: number): Promise<void> {
    while (!this.#open.has(rank)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.add(resolve);
      await promise;
      this.#watchers.delete(resolve);
    }
  }

  /** Ends the rank's training. */
  end(rank: number): void {
    this.#open.get(rank)?.();
    this.#open.delete(rank);
  }
}

/** Runs three clients in memory whose updates arrive in that order. */
async function inOrder(
  order: number[],
  strategy: FedAsync | FedBuff,
  versions: number,
): ReturnType<typeof runAsync> {
  const turns = new Turns();
  let received: (() => void) | undefined;
  const running = runAsync({
    manifest: MANIFEST,
    versions,
    handler: { strategy },
    clients: fakes(...[1, 2, 3].map((rank) => ({
      step: async (vector: Float32Array, plan: TrainPlan, signal?: AbortSignal) => {
        await Promise.race([turns.wait(rank), forever(vector, plan, signal)]);
        vector.forEach((x, i) => vector[i] = x + 10 ** rank + i);
      },
    }))),
    onEvent: (event) => event.type === "update-received" && received?.(),
  });
  for (const [i, rank] of order.entries()) {
    // Each client trains again on the newest version before the next one is complete.
    for (const one of [1, 2, 3]) await turns.trains(one);
    const { promise, resolve } = Promise.withResolvers<void>();
    received = resolve;
    turns.end(rank);
    if (i < order.length - 1) await promise;
  }
  return await running;
}

Deno.test("ServerAsyncTop mixes in each update on arrival with its staleness, compared with a recurrence in float64", async () => {
  const order = [1, 1, 2, 3, 1, 2];
  const strategy = new FedAsync({ alpha: 0.5, staleness: polynomialStaleness(1) });
  const { report, parameters } = await inOrder(order, strategy, order.length);
  assertEquals(report.rounds.map(({ cohort }) => [...cohort]), order.map((rank) => [rank]));
  assertEquals(report.rounds.map(({ round }) => round), [1, 2, 3, 4, 5, 6]);
  let model = 0;
  const bases = [0, 0, 0, 0], versions = [0, 0, 0, 0];
  const staleness = order.map((rank, version) => {
    const age = version - (versions[rank] ?? NaN);
    const share = 0.5 / (age + 1);
    model = (1 - share) * model + share * ((bases[rank] ?? NaN) + 10 ** rank);
    bases[rank] = model;
    versions[rank] = version + 1;
    return [age];
  });
  assertEquals(report.rounds.map(({ staleness }) => staleness), staleness);
  assertAlmostEquals(parameters[0] ?? NaN, model, 1e-3);
  assertEquals(report.schema, "fedlab.run/1");
  assertEquals(report.strategy, "fedasync");
  assert(report.rounds.every(({ bytesUp, bytesDown }) => bytesUp > 0 && bytesDown >= 0));
  const again = await inOrder(order, strategy, order.length);
  assertEquals(again.report.modelDigest, report.modelDigest);
});

Deno.test("ServerAsyncTop with FedBuff makes a version of every K updates, to which a client may contribute several", async () => {
  const { report, parameters } = await inOrder([1, 1, 2, 3, 3, 3], new FedBuff({ size: 3 }), 2);
  assertEquals(report.rounds.map(({ cohort }) => [...cohort]), [[1, 1, 2], [3, 3, 3]]);
  assertEquals(report.rounds.map(({ staleness }) => staleness), [[0, 0, 0], [1, 0, 0]]);
  const first = (10 + 10 + 100) / 3;
  assertAlmostEquals(
    parameters[0] ?? NaN,
    first + 1000 * (1 / Math.sqrt(2) + 2) / 3,
    1e-3,
  );
});

Deno.test("ServerAsyncTop limits the clients that train at a time, and all have their turn", async () => {
  let active = 0, most = 0;
  // The first client trains until another one does.
  const two = Promise.withResolvers<void>();
  const clients = fakes(...Array.from({ length: 5 }, () => ({
    step: async (vector: Float32Array) => {
      most = Math.max(most, ++active);
      if (active === 2) two.resolve();
      await two.promise;
      vector.fill(1);
      active--;
    },
  })));
  const { report } = await runAsync({
    manifest: MANIFEST,
    clients,
    versions: 40,
    server: { concurrency: 2 },
  });
  assertEquals(most, 2);
  assertEquals(report.rounds.length, 40);
  assertEquals(clients.map(({ plans }) => plans.length > 0), Array(5).fill(true));
});

Deno.test("a client that never finishes its training does not delay the others", async () => {
  const { report, fates } = await runAsync({
    manifest: MANIFEST,
    clients: fakes({}, {}, { step: forever }),
    versions: 12,
  });
  const cohorts = report.rounds.flatMap(({ cohort }) => cohort);
  assertEquals(cohorts.length, 12);
  assert(cohorts.includes(1) && cohorts.includes(2) && !cohorts.includes(3));
  assertEquals(fates.map(({ status }) => status), Array(3).fill("fulfilled"));
});

Deno.test("a client that is silent for too long loses its task to another", async () => {
  const clients = fakes({}, { step: forever });
  const { report } = await runAsync({
    manifest: MANIFEST,
    clients,
    versions: 30,
    server: { concurrency: 1, timeouts: { roundSeconds: 1.5 } },
  });
  assertEquals(clients[1]?.plans.length, 1);
  const losses = report.rounds.flatMap(({ losses }) => losses);
  assertEquals(losses, [{ rank: 2, reason: "no answer within 1.5 seconds" }]);
  assertEquals(report.rounds.reduce((sum, { dropped }) => sum + dropped, 0), 1);
});

Deno.test("a client that fails leaves, and the run continues without it", async () => {
  const gone = Promise.withResolvers<void>();
  const { report, fates, events } = await runAsync({
    manifest: MANIFEST,
    clients: fakes({ step: () => gone.promise }, {
      step: () => {
        throw new Error("out of memory");
      },
    }),
    versions: 5,
    onEvent: ({ type }) => type === "client-lost" && gone.resolve(),
  });
  assertEquals(fates.map(({ status }) => status), ["fulfilled", "rejected"]);
  assertEquals(report.rounds.length, 5);
  const lost = events.find((event) => event.type === "client-lost");
  assertEquals(lost?.type === "client-lost" && lost.reason, "out of memory");
});

Deno.test("ServerAsyncTop stops when all clients are gone, and reports its progress", async () => {
  const error = await assertRejects(
    () =>
      runAsync({
        manifest: MANIFEST,
        clients: fakes({
          step: (_, { round }) => {
            if (round === 3) throw new Error("broken");
          },
        }),
        versions: 9,
        server: { timeouts: { joinSeconds: 2 } },
      }),
    DeadlineError,
  );
  assertMatch(error.message, /All clients are gone after 2 of 9 versions/);
});

Deno.test("ServerAsyncTop and its clients end when its signal is aborted", async () => {
  const stop = new AbortController();
  const run = runAsync({
    manifest: MANIFEST,
    clients: fakes({}, { step: forever }),
    versions: 1_000_000,
    signal: stop.signal,
    server: { evaluateEvery: 1000 },
    onEvent: (event) => {
      if (event.type === "round-ended" && event.report.round === 3) stop.abort(new Error("enough"));
    },
  });
  await assertRejects(() => run, Error, "enough");
});

Deno.test("an update that is not finite is refused and counted, and its client continues", async () => {
  let trainings = 0;
  const { report, parameters } = await runAsync({
    manifest: MANIFEST,
    clients: fakes({
      step: (vector, plan) => {
        vector.fill(trainings++ === 1 ? NaN : plan.round);
      },
    }),
    versions: 3,
    handler: { strategy: new FedAsync({ alpha: 1, staleness: constantStaleness() }) },
  });
  assertEquals(report.rounds.map(({ received, refused }) => [received, refused]), [
    [1, 0],
    [1, 1],
    [1, 0],
  ]);
  assertEquals(report.rounds[1]?.losses[0]?.rank, 1);
  assertEquals(parameters[0], 3);
});

Deno.test("idle clients evaluate if the server does not, and all of them at the end", async () => {
  const { report, fates } = await runAsync({
    manifest: MANIFEST,
    clients: fakes({ numSamples: 1 }, { numSamples: 2 }, { numSamples: 4, step: forever }),
    versions: 6,
    handler: {
      strategy: new FedAsync({ alpha: 1, staleness: constantStaleness() }),
    },
    evaluates: false,
    server: { evaluateEvery: 2 },
  });
  assertEquals(report.rounds.map(({ accuracy }) => accuracy), [
    undefined,
    0.5,
    undefined,
    0.5,
    undefined,
    0.5,
  ]);
  assertEquals(report.final?.samples, 7);
  assertEquals(fates.map(({ status }) => status), Array(3).fill("fulfilled"));
});

Deno.test("clients whose updates are too late for the last version evaluate it without a delay", async () => {
  const steps = [{ numSamples: 1 }, { numSamples: 2 }, { numSamples: 4 }, { numSamples: 8 }];
  for (const evaluateEvery of [1, 12]) {
    const { report, fates } = await runAsync({
      manifest: MANIFEST,
      // Some of the eight clients have sent an update when the last version is made.
      clients: fakes(...steps, ...steps),
      versions: 12,
      handler: { strategy: new FedAsync({ alpha: 1, staleness: constantStaleness() }) },
      evaluates: false,
      server: { evaluateEvery, timeouts: { roundSeconds: 60 } },
    });
    assertEquals(report.final?.samples, 30);
    assertEquals(report.final?.clients?.loss?.count, 8);
    assert(report.seconds < 30, `${report.seconds} seconds`);
    assertEquals(fates.map(({ status }) => status), Array(8).fill("fulfilled"));
  }
});

Deno.test("a server evaluates after every evaluateEvery versions, and after the last one", async () => {
  let evaluations = 0;
  const { report } = await runAsync({
    manifest: MANIFEST,
    clients: fakes({}),
    versions: 7,
    handler: {
      evaluator: (parameters) => {
        evaluations++;
        return Promise.resolve({ numSamples: 3, loss: parameters[0] ?? NaN });
      },
    },
    server: { evaluateEvery: 3 },
  });
  assertEquals(evaluations, 3);
  assertEquals(
    report.rounds.flatMap(({ round, loss }) => loss === undefined ? [] : [round]),
    [3, 6, 7],
  );
  assertEquals(report.final?.samples, 3);
});

for (const strategy of [() => new FedAsync(), () => new FedBuff({ size: 2 })]) {
  const { name } = strategy();
  Deno.test(`a run of ${name} that resumes from a checkpoint ends like an uninterrupted one`, async () => {
    const folder = await Deno.makeTempDir();
    const step = (vector: Float32Array, { round }: TrainPlan) =>
      vector.forEach((x, i) => vector[i] = Math.fround(x * 0.9 + Math.sin(3 * round + i)));
    const run = (versions: number, more: { checkpoints?: CheckpointStore; resume?: Checkpoint }) =>
      runAsync({
        manifest: MANIFEST,
        clients: fakes({ step }),
        versions,
        handler: { strategy: strategy() },
        server: { ...more, timeouts: { joinSeconds: 10 } },
      });
    try {
      const unbroken = await run(8, {});
      const checkpoints = new CheckpointStore(folder);
      await run(5, { checkpoints });
      const resume = await checkpoints.latest();
      assert(resume !== undefined);
      assertEquals(resume.round, 5);
      const { report } = await run(8, { resume });
      assertEquals(report.modelDigest, unbroken.report.modelDigest);
      assertEquals(report.rounds.map(({ round }) => round), [1, 2, 3, 4, 5, 6, 7, 8]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** Runs over TCP, each client through a proxy that the test can interrupt. */
async function throughProxies(
  steps: ((vector: Float32Array, plan: TrainPlan, proxy: Proxy) => void | Promise<void>)[],
  more: { versions: number; joinSeconds?: number; onEvent?: (event: ServerEvent) => void },
): Promise<Awaited<ReturnType<typeof runAsync>> & { handlers: FakeHandler[] }> {
  const proxies: Proxy[] = [];
  const handlers = fakes(...steps.map((step, i) => ({
    step: async (vector: Float32Array, plan: TrainPlan) => {
      const proxy = proxies[i];
      if (proxy === undefined) throw new Error("there is no proxy");
      await step(vector, plan, proxy);
    },
  })));
  try {
    const run = await runAsync({
      manifest: MANIFEST,
      clients: handlers,
      versions: more.versions,
      handler: { strategy: new FedBuff({ size: 2 }) },
      server: { distBackend: "tcp", timeouts: { heartbeatSeconds: 0.1, drainSeconds: 0.5 } },
      client: { timeouts: { drainSeconds: 0.5, joinSeconds: more.joinSeconds ?? 30 } },
      addressOf: (rank, address) => {
        const proxy = proxies[rank - 1] = new Proxy(Number(address.split(":").at(-1)));
        return proxy.address;
      },
      ...(more.onEvent && { onEvent: more.onEvent }),
    });
    return { ...run, handlers };
  } finally {
    await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
  }
}

Deno.test("a client that loses its connection while it trains rejoins with its update, which is trained and counted once", async () => {
  const counts = [0, 0, 0];
  let received = () => {};
  const { report, handlers, events } = await throughProxies([
    async (vector) => {
      // The run does not end before the other client has rejoined.
      while ((counts[1] ?? 0) > (counts[2] ?? 0) + 2) {
        await new Promise<void>((resolve) => received = resolve);
      }
      vector.fill(1);
    },
    (vector, _, proxy) => {
      const count = counts[2] ?? 0;
      if (count === 2 || count === 5) proxy.cut();
      vector.fill(1);
    },
  ], {
    versions: 10,
    onEvent: (event) => {
      if (event.type !== "update-received") return;
      counts[event.rank] = (counts[event.rank] ?? 0) + 1;
      received();
    },
  });
  assert(events.filter(({ type }) => type === "client-away").length >= 2);
  assert(!events.some(({ type }) => type === "client-lost"));
  assertEquals(report.rounds.reduce((sum, { dropped }) => sum + dropped, 0), 0);
  const cohorts = report.rounds.flatMap(({ cohort }) => cohort);
  assertEquals(cohorts.length, 20);
  handlers.forEach(({ plans }, i) => {
    const rounds = plans.map(({ round }) => round);
    // No task is trained twice, and each counts except the one that is open at the end of the run.
    assertEquals([...new Set(rounds)], rounds);
    const counted = cohorts.filter((rank) => rank === i + 1).length;
    assert(rounds.length - counted <= 1, `${rounds.length} trained, ${counted} counted`);
  });
});

Deno.test("a client that stays away is dropped after six heartbeats, and the run continues", async () => {
  let isShut = false;
  const lost = Promise.withResolvers<void>();
  const { report, events } = await throughProxies([
    async (vector) => {
      if (isShut) await lost.promise;
      vector.fill(1);
    },
    (vector, _, proxy) => {
      isShut = proxy.isShut = true;
      vector.fill(1);
    },
  ], {
    versions: 20,
    joinSeconds: 3,
    onEvent: (event) => event.type === "client-lost" && lost.resolve(),
  });
  assertEquals(report.rounds.length, 20);
  const kinds = events.map(({ type }) => type);
  assert(kinds.indexOf("client-away") < kinds.indexOf("client-lost"));
  assertEquals(report.rounds.reduce((sum, { dropped }) => sum + dropped, 0), 1);
});

Deno.test("a synchronous client refuses an asynchronous server by name, and ClientFollowingTop joins it", async () => {
  const handler = new AsyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(5),
  });
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const server = new ServerAsyncTop(handler, {
    ...group,
    listen: "modes",
    worldSize: 2,
    versions: 2,
  });
  const running = server.run();
  const client = { ...group, serverAddr: "modes" };
  const error = await assertRejects(
    () => new ClientSyncTop(new FakeHandler(MANIFEST), client).run(),
    ProtocolError,
    "expected a server of the mode sync, got async",
  );
  assertEquals(error.fault, "mode-mismatch");
  await new ClientFollowingTop(new FakeHandler(MANIFEST), client).run();
  assertEquals((await running).rounds.length, 2);
});

Deno.test("ServerAsyncTop refuses options out of range", () => {
  const handler = new AsyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(5),
  });
  const options = { listen: "x", worldSize: 2, versions: 1 };
  for (const name of ["versions", "updates", "concurrency", "evaluateEvery"]) {
    assertThrows(
      () => new ServerAsyncTop(handler, { ...options, [name]: 0 }),
      RangeError,
      `expected ${name} of at least 1, got 0`,
    );
  }
  assertThrows(
    () => new ServerAsyncTop(handler, { listen: "x", worldSize: 2 }),
    RangeError,
    "expected versions of at least 1, got undefined",
  );
});

Deno.test("ServerAsyncTop accepts the former name of versions, updates", async () => {
  const handler = new AsyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(5),
  });
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const options = { ...group, listen: "former-name", worldSize: 2, updates: 3 };
  const [client] = fakes({});
  assert(client !== undefined);
  const [{ rounds }] = await Promise.all([
    new ServerAsyncTop(handler, options).run(),
    new ClientAsyncTop(client, { ...group, serverAddr: "former-name" }).run(),
  ]);
  assertEquals(rounds.length, 3);
});

Deno.test("the server accepts the answers that it asked for, and reports the errors of the others", async () => {
  const started = Promise.withResolvers<void>();
  const { handler, running, address } = await listen({ ...LATEST, ...EVALUATOR }, {
    onEvent: (event) => event.type === "round-started" && started.resolve(),
  });
  {
    await using peer = await Peer.connect(address);
    const fault = async () => {
      const { code, payload } = await peer.next();
      return code === MessageCode.Error && !payload.fatal && payload.fault;
    };
    const assignment = await peer.join();
    assertEquals([assignment.mode, assignment.rounds], ["async", 2]);
    // A message that is refused before the first round is counted in none.
    await started.promise;
    // No update is expected before the client asks.
    await peer.update(1);
    assertEquals(await fault(), "wrong-round");
    // Two requests give one task.
    await peer.ask();
    await peer.ask();
    const task = await peer.next();
    assert(task.code === MessageCode.ParameterUpdate);
    assertEquals(task.payload.round, 1);
    await peer.update(7);
    assertEquals(await fault(), "wrong-round");
    await peer.update(1);
    await peer.update(1);
    assertEquals(await fault(), "wrong-round");
    await peer.ask();
    const second = await peer.next();
    assert(second.code === MessageCode.ParameterUpdate);
    assertEquals([second.payload.round, second.payload.parameters[0]], [2, 1]);
    await peer.update(2);
    const exit = await peer.next();
    assert(exit.code === MessageCode.Exit);
    await peer.send(exit);
  }
  const report = await running;
  assertEquals(report.rounds.map(({ received }) => received), [1, 1]);
  // The answer that comes twice may be read before the first round has ended, or after.
  assertEquals(report.rounds.reduce((sum, { refused }) => sum + refused, 0), 3);
  assertEquals(handler.parameters[0], 2);
});

Deno.test("a client that trains again is not interrupted for figures that were lost with its connection", async () => {
  const away = Promise.withResolvers<void>();
  const { running, address } = await listen(LATEST, {
    onEvent: (event) => event.type === "client-away" && away.resolve(),
  });
  let token: string;
  {
    await using first = await Peer.connect(address);
    token = (await first.join()).token;
    await first.ask();
    assertEquals((await first.until(MessageCode.ParameterUpdate)).round, 1);
    await first.update(1);
    assertEquals((await first.until(MessageCode.EvaluateParams)).round, 1);
    await first.ask();
    assertEquals((await first.until(MessageCode.ParameterUpdate)).round, 2);
    first.connection.abort(new Error("broken"));
  }
  await away.promise;
  {
    await using again = await Peer.connect(address);
    assertEquals((await again.join({ token }, 2)).awaits, 2);
    await again.update(2, new Float32Array(5));
    assertEquals((await again.until(MessageCode.EvaluateParams)).round, 2);
    const figures = { round: 2, numSamples: 1, loss: 0.5 };
    await again.send({ code: MessageCode.EvaluateParams, payload: figures });
    const exit = await again.next();
    assertEquals(exit.code, MessageCode.Exit);
    await again.send(exit);
  }
  assertEquals((await running).rounds.map(({ loss }) => loss), [undefined, 0.5]);
});

Deno.test("a client that has evaluated is not dropped while its parameters are sent over a slow connection", async () => {
  const manifest = vectorManifest(4_000_000);
  const proxies: Proxy[] = [];
  try {
    const { report, events } = await runAsync({
      manifest,
      clients: [new FakeHandler(manifest, { step: (vector) => void vector.fill(1) })],
      versions: 2,
      evaluates: false,
      server: { distBackend: "tcp" },
      addressOf: (_, address) => {
        const proxy = new Proxy(Number(address.split(":").at(-1)));
        proxy.delayMillis = 1;
        proxies.push(proxy);
        return proxy.address;
      },
    });
    assertEquals(report.rounds.filter(({ loss }) => loss !== undefined).length, 2);
    assertEquals(events.filter(({ type }) => type === "client-away"), []);
  } finally {
    await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
  }
});

Deno.test("ServerAsyncTop stops when no client asks for work, and tells its clients", async () => {
  const { running, address } = await listen({}, { timeouts: { roundSeconds: 0.3 } });
  const failing = assertRejects(() => running, DeadlineError, "No client asks for work");
  await using peer = new Connection(await tcpTransport.connect(address));
  await peer.send({ code: MessageCode.Registration, payload: { agent: "test" } });
  for (;;) {
    const message = (await peer.receive())?.message;
    if (message === undefined) break;
    if (message.code === MessageCode.Exit) {
      assertMatch(message.payload.reason, /No client asks for work/);
      await peer.send(message);
    } else if (message.code === MessageCode.IdAssignment) {
      const { manifestDigest } = message.payload;
      await peer.send({ code: MessageCode.Ready, payload: { manifestDigest, numSamples: 1 } });
    }
  }
  await failing;
});

Deno.test("a client that loses its task while it rejoins gets another", async () => {
  const { running, address } = await listen(EVALUATOR, {
    worldSize: 3,
    concurrency: 1,
    timeouts: { roundSeconds: 2 },
  });
  {
    await using other = await Peer.connect(address);
    await using first = await Peer.connect(address);
    await other.join();
    const { token } = await first.join();
    await first.ask();
    await first.until(MessageCode.ParameterUpdate);
    first.connection.abort(new Error("broken"));
    await using again = await Peer.connect(address);
    await again.register({ token });
    const { awaits, manifestDigest } = await again.until(MessageCode.IdAssignment);
    assertEquals(awaits, 1);
    // The other client gets a task when the first one's time has passed.
    await other.ask();
    await other.until(MessageCode.ParameterUpdate);
    await again.send({ code: MessageCode.Ready, payload: { manifestDigest, numSamples: 1 } });
    await other.update(1);
    assertEquals((await again.until(MessageCode.ParameterUpdate)).round, 2);
    await again.update(2, new Float32Array(5));
    for (const peer of [again, other]) {
      await peer.send({ code: MessageCode.Exit, payload: await peer.until(MessageCode.Exit) });
    }
  }
  assertEquals((await running).rounds.map(({ cohort }) => cohort), [[1], [2]]);
});

Deno.test("messages that arrive while a version is saved are counted", async () => {
  const manifest = vectorManifest(10_000);
  const saved = () => new Promise<string>((resolve) => setTimeout(() => resolve("there"), 20));
  const { report } = await runAsync({
    manifest,
    clients: [new FakeHandler(manifest), new FakeHandler(manifest)],
    versions: 5,
    server: {
      checkpoints: {
        save: saved,
        latest: () => Promise.resolve(undefined),
        best: () => Promise.resolve(undefined),
      },
    },
  });
  const up = report.rounds.reduce((sum, { bytesUp }) => sum + bytesUp, 0);
  assert(up > 5 * 40_000, `expected the bytes of five updates, got ${up}`);
});
