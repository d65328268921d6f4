import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
} from "jsr:@std/assert@1.0.19";
import {
  CannotTrainError,
  type Checkpoint,
  type Checkpoints,
  ClientSyncTop,
  type ClientTopologyOptions,
  DeadlineError,
  type DistBackendName,
  type Manifest,
  ProtocolError,
  type RunReport,
  type ServerEvent,
  ServerSyncTop,
  type ServerTopologyOptions,
  silentLogger,
  type Strategy,
  SyncParameterServerHandler,
  type SyncParameterServerHandlerOptions,
  type Transport,
} from "../../mod.ts";
import { DIST_BACKEND_NAMES, memoryTransport } from "../../src/net/mod.ts";
import { websocketsSettled } from "../../src/net/websocket/transport.ts";
import { FakeHandler, type FakeOptions, vectorManifest } from "../helpers/fake_handler.ts";
import { freePort } from "../helpers/free_port.ts";
import { Peer } from "../helpers/peer.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(5);

interface Federation {
  manifest?: Manifest;
  clients: FakeOptions[];
  rounds?: number;
  distBackend?: DistBackendName;
  handler?: Partial<SyncParameterServerHandlerOptions>;
  server?: Partial<ServerTopologyOptions>;
  client?: Partial<ClientTopologyOptions>;
  onEvent?: (event: ServerEvent) => void;
}

const LISTEN: Readonly<Record<DistBackendName, string>> = {
  tcp: "127.0.0.1:0",
  websocket: "ws://127.0.0.1:0/federation",
  memory: "federation",
};

/** Runs a server and its clients in this thread until all have ended. */
async function federate(
  federation: Federation,
): Promise<
  {
    report: RunReport;
    parameters: number[];
    fates: PromiseSettledResult<void>[];
    events: ServerEvent[];
  }
> {
  const { manifest = MANIFEST, clients, rounds = 3, distBackend = "tcp" } = federation;
  const handler = new SyncParameterServerHandler({
    manifest,
    parameters: new Float32Array(manifest.length),
    ...federation.handler,
  });
  const events: ServerEvent[] = [];
  let running: Promise<void>[] = [];
  const server = new ServerSyncTop(handler, {
    listen: LISTEN[distBackend],
    worldSize: clients.length + 1,
    rounds,
    distBackend,
    logger: silentLogger,
    ...federation.server,
    onEvent: (event) => {
      events.push(event);
      federation.onEvent?.(event);
      if (event.type !== "listening") return;
      running = clients.map((options, i) =>
        new ClientSyncTop(new FakeHandler(manifest, options), {
          serverAddr: event.address,
          rank: i + 1,
          distBackend,
          logger: silentLogger,
          ...federation.client,
        }).run()
      );
      for (const client of running) client.catch(() => {});
    },
  });
  let report: RunReport | undefined;
  let fates: PromiseSettledResult<void>[] = [];
  try {
    report = await server.run();
  } finally {
    fates = await Promise.allSettled(running);
    await websocketsSettled();
  }
  return { report, parameters: [...handler.parameters], fates, events };
}

for (const distBackend of DIST_BACKEND_NAMES) {
  Deno.test(`ServerSyncTop and ClientSyncTop run a federation to its end over ${distBackend}`, async () => {
    const add = (step: number) => (vector: Float32Array) =>
      vector.forEach((x, i) => vector[i] = x + step);
    const { report, parameters, fates } = await federate({
      distBackend,
      clients: [{ numSamples: 1, step: add(1) }, { numSamples: 3, step: add(5) }],
    });
    // Each round adds (1·1 + 3·5) / 4.
    assertEquals(parameters, [12, 12, 12, 12, 12]);
    assertEquals(fates.map(({ status }) => status), ["fulfilled", "fulfilled"]);
    assertEquals(
      report.rounds.map(({ round, cohort, received }) => ({ round, cohort, received })),
      [
        { round: 1, cohort: [1, 2], received: 2 },
        { round: 2, cohort: [1, 2], received: 2 },
        { round: 3, cohort: [1, 2], received: 2 },
      ],
    );
    assertEquals(report.transport, distBackend);
    // The clients evaluate, since the server does not: the loss is w[0], over 4 samples.
    const { clients, ...final } = report.final ?? {};
    assertEquals(final, { loss: 12, accuracy: 0.5, samples: 4 });
    assertEquals([clients?.loss?.count, clients?.loss?.mean, clients?.loss?.variance], [2, 12, 0]);
    assertEquals(report.rounds[0]?.clients?.loss?.largest, 4);
    assertAlmostEquals(report.rounds[1]?.trainLoss ?? 0, 1 / 2);
    assert(report.rounds.every(({ bytesUp, bytesDown }) => bytesUp > 0 && bytesDown > 0));
  });
}

Deno.test("the final vector is the same bit for bit for each transport and order of arrival", async () => {
  const manifest = vectorManifest(4099);
  const run = async (distBackend: DistBackendName, order: number[]) => {
    // Clients answer in the given order: each waits for the one before it.
    const gates = new Map(order.map((rank) => [rank, Promise.withResolvers<void>()]));
    const { report } = await federate({
      manifest,
      distBackend,
      rounds: 1,
      clients: [7, 1, 300, 42].map((numSamples, i) => ({
        numSamples,
        step: async (vector, { rank }) => {
          const before = order[order.indexOf(rank) - 1];
          if (before !== undefined) await gates.get(before)?.promise;
          for (let j = 0; j < vector.length; j++) {
            vector[j] = Math.fround(Math.sin(j * (i + 1)) / 3);
          }
          gates.get(rank)?.resolve();
        },
      })),
    });
    return report.modelDigest;
  };
  const first = await run("tcp", [1, 2, 3, 4]);
  assertEquals(await run("tcp", [4, 3, 2, 1]), first);
  assertEquals(await run("memory", [3, 1, 4, 2]), first);
  assertEquals(await run("websocket", [4, 1, 3, 2]), first);
});

Deno.test("staging is bounded: 12 clients of a 2 MB model run over one staging buffer", async () => {
  const manifest = vectorManifest(500_000);
  const { report } = await federate({
    manifest,
    rounds: 2,
    clients: Array.from({ length: 12 }, () => ({})),
    handler: { stagingBuffers: 1 },
  });
  assertEquals(report.rounds.map(({ received }) => received), [12, 12]);
});

Deno.test("the plan reaches the clients with round, rank and seed", async () => {
  const plans: unknown[] = [];
  await federate({
    rounds: 2,
    clients: [{ step: (_, plan) => void plans.push(plan) }],
    handler: { seed: 9, plan: { epochs: 4, batchSize: 0, learningRate: 0.25 } },
  });
  const plan = {
    epochs: 4,
    batchSize: 0,
    learningRate: 0.25,
    momentum: 0,
    weightDecay: 0,
    keepMomentum: false,
  };
  assertEquals(plans, [
    { ...plan, seed: 9, rank: 1, round: 1 },
    { ...plan, seed: 9, rank: 1, round: 2 },
  ]);
});

Deno.test("selectClients() takes max(1, round(C·N)), seeded, in rank order", () => {
  const make = (fraction: number, seed = 0) =>
    new SyncParameterServerHandler({
      manifest: MANIFEST,
      parameters: new Float32Array(5),
      fraction,
      seed,
    });
  const ranks = [4, 2, 1, 3, 5];
  assertEquals(make(0.01).selectClients(1, ranks, 5).length, 1);
  assertEquals(make(0.5).selectClients(1, ranks, 5).length, 3);
  assertEquals(make(1).selectClients(1, ranks, 5), [1, 2, 3, 4, 5]);
  assertEquals(make(0.8).selectClients(1, [2, 3], 5).length, 2);
  const cohorts = (seed: number) =>
    [1, 2, 3, 4, 5, 6].map((round) => make(0.4, seed).selectClients(round, ranks, 5));
  assertEquals(cohorts(3), cohorts(3));
  assert(JSON.stringify(cohorts(3)) !== JSON.stringify(cohorts(4)));
  assert(cohorts(3).every((cohort) => cohort.join() === [...cohort].sort((a, b) => a - b).join()));
});

Deno.test("a client outside the cohort waits, and is sent Exit at the end like the others", async () => {
  const { report, fates } = await federate({
    clients: [{}, {}, {}],
    handler: { fraction: 1 / 3 },
    rounds: 4,
  });
  assert(report.rounds.every(({ cohort }) => cohort.length === 1));
  assertEquals(fates.map(({ status }) => status), ["fulfilled", "fulfilled", "fulfilled"]);
});

Deno.test("a client whose training fails is dropped with its reason, and the run continues", async () => {
  const { report, parameters, fates, events } = await federate({
    clients: [{}, {
      step: (_, { round }) => {
        if (round === 2) throw new Error("no more data on this machine");
      },
    }],
  });
  assertEquals(report.rounds.map(({ received, dropped }) => [received, dropped]), [[2, 0], [1, 1], [
    1,
    0,
  ]]);
  assertMatch(report.rounds[1]?.losses[0]?.reason ?? "", /no more data on this machine/);
  assertEquals(parameters[0], 0.5 + 1 + 1);
  assertEquals(fates[1]?.status, "rejected");
  assert(events.some((event) => event.type === "client-lost" && event.rank === 2));
});

Deno.test("a run without clients waits for one to rejoin, then ends with an error", async () => {
  const fail = () => {
    throw new Error("broken");
  };
  await assertRejects(
    () =>
      federate({
        clients: [{ step: fail }, { step: fail }],
        server: { timeouts: { joinSeconds: 2 } },
      }),
    DeadlineError,
    "All clients are gone after 0 of 3 rounds: 0 of 2 clients joined; waiting for ranks 1, 2; gave up after 2 seconds",
  );
});

Deno.test("a client that does not answer by the deadline is left out of the round, and takes part again later", async () => {
  const late = Promise.withResolvers<void>();
  const { report, fates } = await federate({
    rounds: 4,
    clients: [{}, { step: (_, { round }) => round === 1 ? late.promise : undefined }],
    server: { timeouts: { roundSeconds: 1.5 } },
    onEvent: (event) => {
      if (event.type === "round-ended" && event.report.round === 1) late.resolve();
    },
  });
  assertEquals(report.rounds[0]?.received, 1);
  assertEquals(report.rounds[0]?.losses, [{ rank: 2, reason: "no answer within 1.5 seconds" }]);
  assertEquals(report.rounds.slice(1).map(({ received }) => received), [2, 2, 2]);
  assertEquals(fates.map(({ status }) => status), ["fulfilled", "fulfilled"]);
});

Deno.test("joining fails at the deadline, and lists the missing ranks", async () => {
  await assertRejects(
    () => federate({ clients: [{}, {}], server: { worldSize: 5, timeouts: { joinSeconds: 2 } } }),
    DeadlineError,
    "2 of 4 clients joined; waiting for ranks 3, 4",
  );
});

Deno.test("the run begins with minClients when the join time-out has passed", async () => {
  const { report } = await federate({
    clients: [{}, {}],
    server: { worldSize: 4, minClients: 2, timeouts: { joinSeconds: 2 } },
  });
  assertEquals(report.rounds.map(({ cohort }) => cohort), [[1, 2], [1, 2], [1, 2]]);
});

Deno.test("joining reports its progress", async () => {
  const { events } = await federate({ clients: [{}, {}] });
  const progress = events.flatMap((event) => event.type === "joining" ? [event.progress] : []);
  assertMatch(progress[0] ?? "", /^1 of 2 clients joined; waiting for rank [12]$/);
  assertEquals(progress.at(-1), "2 of 2 clients joined");
});

Deno.test("a client with another model is refused with the first tensor that differs", async () => {
  const events: ServerEvent[] = [];
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(5),
  });
  const stop = new AbortController();
  let client: Promise<void> = Promise.resolve();
  const server = new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: 2,
    rounds: 1,
    logger: silentLogger,
    onEvent: (event) => {
      events.push(event);
      if (event.type !== "listening") return;
      client = new ClientSyncTop(new FakeHandler(vectorManifest(6)), {
        serverAddr: event.address,
        logger: silentLogger,
      }).run().finally(() => stop.abort(new Error("done")));
      client.catch(() => {});
    },
  });
  await assertRejects(() => server.run({ signal: stop.signal }), Error, "done");
  const error = await assertRejects(() => client, ProtocolError);
  assertEquals(error.fault, "manifest-mismatch");
  assertMatch(error.message, /expected tensor 0 to be w \[5\], got w \[6\]/);
});

Deno.test("run() rejects with the signal's reason, on the server and on its clients", async () => {
  const stop = new AbortController();
  const reason = new Error("stopped by hand");
  const { fates } = await federate({
    clients: [{ step: () => stop.abort(reason) }],
    rounds: 1000,
  }).catch(() => ({ fates: [] }));
  assertEquals(fates.length, 1);

  const halted = new AbortController();
  let clientFate: Promise<void> = Promise.resolve();
  const server = new ServerSyncTop(
    new SyncParameterServerHandler({ manifest: MANIFEST, parameters: new Float32Array(5) }),
    {
      listen: "127.0.0.1:0",
      worldSize: 2,
      rounds: 1_000_000,
      logger: silentLogger,
      onEvent: (event) => {
        if (event.type === "listening") {
          clientFate = new ClientSyncTop(new FakeHandler(MANIFEST), {
            serverAddr: event.address,
            logger: silentLogger,
          }).run();
        } else if (event.type === "round-ended" && event.report.round === 3) halted.abort(reason);
      },
    },
  );
  assertEquals(await assertRejects(() => server.run({ signal: halted.signal })), reason);
  // The client was told Exit, which is no failure of its own.
  await clientFate;
});

Deno.test("a client that is stopped sends its reason of any length, and the run continues", async () => {
  for (const more of [0, 1000, 1024, 5000]) {
    const reason = `closing time${"!".repeat(more)}`;
    const stop = new AbortController();
    let fate: Promise<void> = Promise.resolve();
    const { report } = await federate({
      clients: [{}],
      server: { worldSize: 3 },
      onEvent: (event) => {
        if (event.type !== "listening") return;
        const client = new ClientSyncTop(
          new FakeHandler(MANIFEST, {
            step: (_, { round }, signal) => {
              if (round !== 2) return;
              stop.abort(new Error(reason));
              signal?.throwIfAborted();
            },
          }),
          { serverAddr: event.address, rank: 2, logger: silentLogger },
        );
        fate = client.run({ signal: stop.signal });
        fate.catch(() => {});
      },
    });
    await assertRejects(() => fate, Error, "closing time");
    assertEquals(report.rounds.map(({ received }) => received), [2, 1, 1]);
    assertMatch(report.rounds[1]?.losses[0]?.reason ?? "", /the client was stopped: closing time/);
  }
});

Deno.test("a client without a server gives up at its join time-out and names the address", async () => {
  const client = new ClientSyncTop(new FakeHandler(MANIFEST), {
    serverAddr: "127.0.0.1:1",
    timeouts: { joinSeconds: 0.3 },
    logger: silentLogger,
  });
  await assertRejects(
    () => client.run(),
    DeadlineError,
    "Cannot connect to 127.0.0.1:1: no server answers there",
  );
});

Deno.test("a client that starts before its server waits for it", async () => {
  const address = `127.0.0.1:${freePort()}`;
  const client = new ClientSyncTop(new FakeHandler(MANIFEST), {
    serverAddr: address,
    logger: silentLogger,
  }).run();
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(5),
  });
  await new ServerSyncTop(handler, {
    listen: address,
    worldSize: 2,
    rounds: 1,
    logger: silentLogger,
  }).run();
  await client;
  assertEquals(handler.parameters[0], 1);
});

Deno.test("topologies and handlers refuse options out of range in one line", () => {
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(5),
  });
  const faults: [() => unknown, RegExp][] = [
    [
      () => new ServerSyncTop(handler, { listen: "x", worldSize: 1, rounds: 1 }),
      /worldSize of at least 2, got 1/,
    ],
    [
      () => new ServerSyncTop(handler, { listen: "x", worldSize: 2, rounds: 0 }),
      /rounds of at least 1, got 0/,
    ],
    [
      () => new ServerSyncTop(handler, { listen: "x", worldSize: 2, rounds: 1, minClients: 2 }),
      /minClients of 1 to 1, got 2/,
    ],
    [
      () => new ClientSyncTop(new FakeHandler(MANIFEST), { serverAddr: "x", rank: 0 }),
      /at least 1, got 0/,
    ],
    [
      () =>
        new ClientSyncTop(new FakeHandler(MANIFEST), { serverAddr: "x", rank: 3, worldSize: 3 }),
      /1 to 2, got 3/,
    ],
    [
      () =>
        new ClientSyncTop(new FakeHandler(MANIFEST), {
          serverAddr: "x",
          timeouts: { roundSeconds: 0 },
        }),
      /roundSeconds: expected a number of seconds above 0/,
    ],
    [
      () => new SyncParameterServerHandler({ manifest: MANIFEST, parameters: new Float32Array(4) }),
      /expected 5 values, got 4/,
    ],
    [
      () =>
        new SyncParameterServerHandler({
          manifest: MANIFEST,
          parameters: new Float32Array([1, 2, NaN, 4, 5]),
        }),
      /expected finite values, got 1/,
    ],
    [
      () =>
        new SyncParameterServerHandler({
          manifest: MANIFEST,
          parameters: new Float32Array(5),
          fraction: 0,
        }),
      /fraction above 0 and at most 1, got 0/,
    ],
  ];
  for (const [make, message] of faults) {
    let thrown: unknown;
    try {
      make();
    } catch (error) {
      thrown = error;
    }
    assert(thrown instanceof RangeError, `${message}`);
    assertMatch(thrown.message, message);
    assert(!thrown.message.includes("\n"));
  }
});

Deno.test("an unknown dist backend is an error that lists the known ones", async () => {
  const options = { serverAddr: "x", distBackend: "gloo" as DistBackendName, logger: silentLogger };
  await assertRejects(
    () => new ClientSyncTop(new FakeHandler(MANIFEST), options).run(),
    RangeError,
    'expected one of tcp, websocket, memory, got "gloo"',
  );
});

Deno.test("a repeated round reports the clients that were missing in any try", async () => {
  let tries = 0;
  const { report: { rounds: [round] } } = await federate({
    rounds: 1,
    distBackend: "memory",
    clients: [
      {},
      {
        step: () => {
          throw new Error("no memory");
        },
      },
      {
        step: () => {
          if (tries++ === 0) throw new CannotTrainError("not this time");
        },
      },
    ],
  });
  assertEquals([round?.tries, round?.cohort, round?.received, round?.dropped], [2, [1, 3], 2, 1]);
  assertEquals(round?.losses.map(({ rank }) => rank), [2]);
  assert(round?.losses.every(({ reason }) => reason.includes("no memory")));
});

Deno.test("a server without enough clients ends after the join and drain time-outs, also while a client is away", async () => {
  // A client that is away is waited for during six heartbeats, a minute, and no longer than the run.
  const timeouts = { joinSeconds: 1.5, drainSeconds: 0.6, heartbeatSeconds: 10 };
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
  });
  let visit: Promise<void> = Promise.resolve();
  const began = performance.now();
  await assertRejects(
    () =>
      new ServerSyncTop(handler, {
        listen: "127.0.0.1:0",
        worldSize: 3,
        rounds: 1,
        logger: silentLogger,
        timeouts,
        onEvent: (event) => {
          if (event.type !== "listening") return;
          visit = (async () => {
            // It joins and is disconnected: the server waits for it.
            const peer = await Peer.connect(event.address);
            await peer.join();
            peer.connection.abort(new Error("cut"));
          })();
        },
      }).run(),
    DeadlineError,
    "Cannot begin",
  );
  await visit;
  const seconds = (performance.now() - began) / 1000;
  assert(seconds >= 2 && seconds < 30, `it took ${seconds} seconds`);
});

Deno.test("the mean training loss is that of the clients that report one", async () => {
  const { report } = await federate({
    rounds: 2,
    distBackend: "memory",
    clients: [{ loss: 2 }, { loss: NaN, numSamples: 9 }],
  });
  assertEquals(report.rounds.map(({ trainLoss }) => trainLoss), [2, 2]);
});

Deno.test("a client whose loss is not finite stays, and its loss does not count", async () => {
  const { report: { rounds, final }, fates } = await federate({
    rounds: 2,
    distBackend: "memory",
    clients: [{}, { evaluation: NaN }, { evaluation: Infinity }],
  });
  for (const { received, loss, accuracy, clients } of [...rounds]) {
    assertEquals([received, loss, accuracy], [3, undefined, 0.5]);
    assertEquals([clients?.loss?.count, clients?.accuracy?.count], [1, 3]);
  }
  assertEquals([final?.loss, final?.accuracy, final?.samples], [undefined, 0.5, 3]);
  assertEquals(fates.map(({ status }) => status), Array(3).fill("fulfilled"));
});

Deno.test("an error in the strategy ends the run unchanged, and is attributed to no client", async () => {
  const strategy: Strategy = {
    name: "own",
    workingVectors: 0,
    begin: (global) => ({
      accept: ({ rank }) => {
        if (rank === 2) throw new Error("no such metric");
      },
      finish: () => global,
    }),
  };
  const events: ServerEvent[] = [];
  const options = { distBackend: "memory", clients: [{}, {}, {}], handler: { strategy } } as const;
  await assertRejects(
    () => federate({ ...options, clients: [...options.clients], onEvent: (e) => events.push(e) }),
    Error,
    "no such metric",
  );
  assertEquals(events.filter(({ type }) => type === "round-retried"), []);
});

Deno.test("a run in memory yields to timers with any handler", async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error("enough")), 60);
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
  });
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const server = new ServerSyncTop(handler, {
    ...group,
    listen: "timers",
    worldSize: 2,
    rounds: 20_000,
  });
  const client = new ClientSyncTop(new FakeHandler(MANIFEST), { ...group, serverAddr: "timers" });
  const ends = await Promise.allSettled(
    [server, client].map((one) => one.run({ signal: stop.signal })),
  );
  assertEquals(ends.map(({ status }) => status), ["rejected", "rejected"]);
  assert((await server.report()).rounds.length < 20_000);
});

Deno.test("a server whose listener fails for a while accepts clients again", async () => {
  let isFirst = true;
  const failing: Transport = {
    ...memoryTransport,
    listen: async (address) => {
      const listener = await memoryTransport.listen(address);
      return {
        address,
        close: () => listener.close(),
        accept: () => {
          if (!isFirst) return listener.accept();
          isFirst = false;
          return Promise.reject(new Error("Too many open files"));
        },
      };
    },
  };
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
  });
  const group = { distBackend: failing, logger: silentLogger };
  const server = new ServerSyncTop(handler, { ...group, listen: "full", worldSize: 2, rounds: 1 });
  const client = new ClientSyncTop(new FakeHandler(MANIFEST), { ...group, serverAddr: "full" });
  const [report] = await Promise.all([server.run(), client.run()]);
  assertEquals(report.rounds.length, 1);
});

Deno.test("a run that had ended before its report is reported without clients", async () => {
  const saved: Checkpoint[] = [];
  const checkpoints: Checkpoints = {
    save: (checkpoint) => {
      saved.push(checkpoint);
      return Promise.resolve("memory");
    },
    latest: () => Promise.resolve(saved.at(-1)),
    best: () => Promise.resolve(saved.at(-1)),
  };
  const { report } = await federate({
    distBackend: "memory",
    clients: [{}],
    server: { checkpoints },
  });
  const [resume] = saved.slice(-1);
  assert(resume);
  const server = new ServerSyncTop(
    new SyncParameterServerHandler({
      manifest: MANIFEST,
      parameters: new Float32Array(MANIFEST.length),
    }),
    {
      listen: "over",
      worldSize: 2,
      rounds: 3,
      distBackend: "memory",
      logger: silentLogger,
      resume,
      timeouts: { drainSeconds: 0.01 },
    },
  );
  assertEquals((await server.run()).modelDigest, report.modelDigest);
});
