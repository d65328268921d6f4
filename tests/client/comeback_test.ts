import { assert, assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  ClientSyncTop,
  DeadlineError,
  type RunReport,
  type ServerEvent,
  ServerSyncTop,
  type ServerTopologyOptions,
  silentLogger,
  SyncParameterServerHandler,
  type SyncParameterServerHandlerOptions,
  type TrainPlan,
} from "../../mod.ts";
import { websocketsSettled } from "../../src/net/websocket/transport.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { Proxy } from "../helpers/proxy.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(100_000);

type Step = (vector: Float32Array, plan: TrainPlan, proxy: Proxy) => void | Promise<void>;

/** Runs a server whose clients connect through a proxy each. */
async function throughProxies(
  steps: Step[],
  options: {
    rounds?: number;
    handler?: Partial<SyncParameterServerHandlerOptions>;
    server?: Partial<ServerTopologyOptions>;
    joinSeconds?: number;
    distBackend?: "tcp" | "websocket";
    onEvent?: (event: ServerEvent, proxies: Proxy[]) => void;
    /** Called when the server's run has ended; the clients may be busy. */
    onEnd?: () => void;
  } = {},
): Promise<
  { report: RunReport; handlers: FakeHandler[]; events: ServerEvent[]; first: number | undefined }
> {
  const { distBackend = "tcp" } = options;
  const urlOf = (address: string) => distBackend === "tcp" ? address : `ws://${address}/`;
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
    ...options.handler,
  });
  const events: ServerEvent[] = [];
  const proxies: Proxy[] = [];
  const handlers: FakeHandler[] = [];
  let running: Promise<void>[] = [];
  const server = new ServerSyncTop(handler, {
    listen: urlOf("127.0.0.1:0"),
    distBackend,
    worldSize: steps.length + 1,
    rounds: options.rounds ?? 3,
    logger: silentLogger,
    ...options.server,
    onEvent: (event) => {
      events.push(event);
      options.onEvent?.(event, proxies);
      if (event.type !== "listening") return;
      running = steps.map(async (step, i) => {
        const proxy = new Proxy(Number(/:(\d+)\/?$/.exec(event.address)?.[1]));
        proxies.push(proxy);
        const client = new FakeHandler(MANIFEST, {
          numSamples: i + 1,
          step: (vector, plan) => step(vector, plan, proxy),
        });
        handlers.push(client);
        await new ClientSyncTop(client, {
          serverAddr: urlOf(proxy.address),
          distBackend,
          rank: i + 1,
          logger: silentLogger,
          timeouts: { drainSeconds: 1, joinSeconds: options.joinSeconds ?? 30 },
        }).run();
      });
      for (const client of running) client.catch(() => {});
    },
  });
  try {
    const report = await server.run();
    if (options.joinSeconds === undefined) await Promise.all(running);
    return { report, handlers, events, first: handler.parameters[0] };
  } finally {
    options.onEnd?.();
    await Promise.allSettled(running);
    await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
    await websocketsSettled();
  }
}

/**
 * Training step that depends on round and rank, so that an update that is lost or counted twice
 * changes the result.
 */
const step: Step = (vector, { round, rank }) =>
  vector.forEach((x, i) => vector[i] = Math.fround(x + Math.sin(round * 7 + rank * 3 + i)));

const undisturbed = await throughProxies([step, step, step], { rounds: 5 });

for (const distBackend of ["tcp", "websocket"] as const) {
  const test = (claim: string, run: () => Promise<void>) =>
    Deno.test(`${distBackend}: ${claim}`, run);

  test("a client that is cut off in its training comes back with its update, and nothing is trained or counted twice", async () => {
    const { report, handlers } = await throughProxies([
      step,
      (vector, plan, proxy) => {
        if (plan.round === 2 || plan.round === 4) proxy.cut();
        step(vector, plan, proxy);
      },
      step,
    ], { rounds: 5, distBackend });
    assertEquals(report.modelDigest, undisturbed.report.modelDigest);
    assertEquals(
      report.rounds.map(({ received, dropped, tries }) => [received, dropped, tries]),
      Array(5).fill([3, 0, 1]),
    );
    assertEquals(
      handlers.map(({ plans }) => plans.map(({ round }) => round)),
      Array(3).fill([1, 2, 3, 4, 5]),
    );
  });

  test("clients that are cut off while their updates are on the way send them again", async () => {
    let cuts = 0;
    const { report, handlers } = await throughProxies([step, step, step], {
      rounds: 5,
      distBackend,
      onEvent: (event, proxies) => {
        // The first update of a round was accepted; the others are on their way.
        if (event.type === "update-received" && event.received === 1 && event.round % 2 === 0) {
          cuts++;
          for (const proxy of proxies) proxy.cut();
        }
      },
    });
    assertEquals(cuts, 2);
    assertEquals(report.modelDigest, undisturbed.report.modelDigest);
    assertEquals(handlers.map(({ plans }) => plans.length), [5, 5, 5]);
  });

  test("clients that are cut off between rounds are in the next cohort all the same", async () => {
    const { report } = await throughProxies([step, step, step], {
      rounds: 5,
      distBackend,
      onEvent: (event, proxies) => {
        if (event.type === "round-ended") { for (const proxy of proxies) proxy.cut(); }
      },
    });
    assertEquals(report.modelDigest, undisturbed.report.modelDigest);
  });
}

Deno.test("a client that stays away is dropped after six heartbeats, without further delay of the others", async () => {
  const { report, events } = await throughProxies([
    step,
    (vector, plan, proxy) => {
      if (plan.round === 2) proxy.isShut = true;
      if (plan.round > 2) throw new Error("it came back");
      step(vector, plan, proxy);
    },
  ], {
    rounds: 4,
    server: { timeouts: { heartbeatSeconds: 0.1, drainSeconds: 0.5 } },
    joinSeconds: 3,
  });
  assertEquals(report.rounds.map(({ received }) => received), [2, 1, 1, 1]);
  const kinds = events.map(({ type }) => type);
  assert(kinds.indexOf("client-away") < kinds.indexOf("client-lost"));
});

Deno.test("a round below its quorum is tried again, then the run stops", async () => {
  const silent = Promise.withResolvers<void>();
  const events: ServerEvent[] = [];
  const error = await assertRejects(
    () =>
      throughProxies([step, (_, { round }) => round === 2 ? silent.promise : undefined], {
        server: { quorum: 1, roundTries: 2, timeouts: { roundSeconds: 1.5 } },
        onEvent: (event) => events.push(event),
        onEnd: silent.resolve,
      }),
    DeadlineError,
  );
  assertMatch(error.message, /Round 2 has 1 of 2 updates, below the quorum of 2, after 2 tries/);
  assertEquals(events.filter(({ type }) => type === "round-retried").length, 1);
});

Deno.test("a repeated round keeps the updates that have arrived", async () => {
  const late = Promise.withResolvers<void>();
  const { report, handlers } = await throughProxies(
    [step, async (vector, plan, proxy) => {
      if (plan.round === 2) await late.promise;
      step(vector, plan, proxy);
    }, step],
    {
      rounds: 5,
      // On a slow machine a round may be repeated more often; the clients answer all the same.
      server: { quorum: 1, roundTries: 100, timeouts: { roundSeconds: 1 } },
      onEvent: (event) => {
        if (event.type === "round-retried") late.resolve();
      },
    },
  );
  assert((report.rounds[1]?.tries ?? 1) >= 2);
  assertEquals(report.modelDigest, undisturbed.report.modelDigest);
  assertEquals(handlers.map(({ plans }) => plans.length), [5, 5, 5]);
});

Deno.test("over-selection ends a round with the first updates; the late ones are refused and counted", async () => {
  const slow = Promise.withResolvers<void>();
  const { report } = await throughProxies([step, step, () => slow.promise], {
    rounds: 2,
    handler: { fraction: 2 / 3, overSelection: 0.5 },
    onEvent: (event) => {
      if (event.type === "round-ended" && event.report.round === 1) slow.resolve();
    },
  });
  assertEquals(report.rounds[0]?.cohort, [1, 2, 3]);
  assertEquals(report.rounds[0]?.received, 2);
  assertEquals(report.rounds[0]?.losses, [{ rank: 3, reason: "2 others were first" }]);
});

for (const [distBackend, scheme] of [["tcp", ""], ["websocket", "ws://"]] as const) {
  Deno.test(`${distBackend}: a client ends after the join time-out at something that listens and says nothing`, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const accepted: Deno.Conn[] = [];
    const accepting = (async () => {
      for await (const connection of listener) accepted.push(connection);
    })();
    const said: string[] = [];
    const log = (text: string) => void said.push(text);
    const client = new ClientSyncTop(new FakeHandler(MANIFEST, { numSamples: 1, step: () => {} }), {
      serverAddr: `${scheme}127.0.0.1:${listener.addr.port}`,
      distBackend,
      logger: { debug: log, info: log, warn: log, error: log },
      timeouts: { joinSeconds: 0.5, drainSeconds: 60 },
    });
    const began = performance.now();
    const error = await assertRejects(() => client.run(), DeadlineError);
    const seconds = (performance.now() - began) / 1000;
    assert(seconds < 30, `it took ${seconds} seconds, which is nearer to the drain time-out`);
    assertMatch(error.message, /^Cannot (join|connect to) .*FedLab server.* within 0\.5 seconds$/);
    assertEquals(said.filter((text) => text.includes("coming back")), []);
    if (distBackend === "tcp") assertMatch(error.message, /something listens there/);
    listener.close();
    await accepting;
    for (const connection of accepted) connection.close();
    await websocketsSettled();
  });
}
