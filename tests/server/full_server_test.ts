import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import {
  ClientSyncTop,
  type Logger,
  ProtocolError,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { optionsOf } from "../../src/cli/options/table.ts";
import {
  completePeerLimits,
  DEFAULT_PEER_LIMITS,
  limitFlag,
  type PeerLimits,
} from "../../src/server/sessions/peer_limits.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Logger that keeps its warnings. */
function keptWarnings(): { logger: Logger; warnings: string[] } {
  const warnings: string[] = [];
  return {
    logger: { ...silentLogger, warn: (text) => void warnings.push(String(text)) },
    warnings,
  };
}

for (
  const [distBackend, listen] of [["tcp", "127.0.0.1:0"], [
    "websocket",
    "ws://127.0.0.1:0/x",
  ]] as const
) {
  Deno.test(`a client that a limit refuses is told which option raises it, over ${distBackend}`, async () => {
    const manifest = vectorManifest(4);
    const handler = new SyncParameterServerHandler({
      manifest,
      parameters: new Float32Array(4),
      evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
    });
    const address = Promise.withResolvers<string>();
    const isFull = Promise.withResolvers<void>();
    const { logger, warnings } = keptWarnings();
    const stop = new AbortController();
    const refusals: string[] = [];
    const server = new ServerSyncTop(handler, {
      listen,
      distBackend,
      worldSize: 3,
      rounds: 1,
      limits: { connectionsPerAddress: 1 },
      logger,
      onEvent: (event) => {
        if (event.type === "listening") address.resolve(event.address);
        if (event.type === "client-joined") isFull.resolve();
        if (event.type === "client-refused") refusals.push(event.message);
      },
    });
    const run = server.run({ signal: stop.signal });
    const serverAddr = await address.promise;
    const common = { serverAddr, distBackend, logger: silentLogger };
    const first = new ClientSyncTop(new FakeHandler(manifest), common).run();
    first.catch(() => {});
    await isFull.promise;
    const told = keptWarnings();
    const error = await assertRejects(
      () =>
        new ClientSyncTop(new FakeHandler(manifest), {
          ...common,
          logger: told.logger,
          timeouts: { joinSeconds: 4 },
        }).run(),
      ProtocolError,
    );
    const text =
      "The server refused: Cannot join now: expected at most 1 connections from one address; the server's operator can raise that limit with --connections-per-address";
    assertEquals([error.fault, error.message], ["too-many-connections", text]);
    assertEquals(told.warnings[0], `${text}; trying again`);
    stop.abort(new Error("enough"));
    await assertRejects(() => run, Error, "enough");
    await first.catch(() => {});
    const reason = "expected at most 1 connections from one address (--connections-per-address)";
    assertEquals(refusals[0], reason);
    assertMatch(warnings[0] ?? "", /^Refused a client at \S+ 127\.0\.0\.1:\d+: /);
    assert(warnings[0]?.endsWith(reason));
    const summary = warnings.filter((text) => /^Refused \d+ more connections?: /.test(text));
    assertEquals(summary.length, 1);
    assert(summary[0]?.endsWith(reason));
  });
}

Deno.test("limitFlag() spells an option of the command server for each limit", () => {
  const flags = new Set(optionsOf("server").map(({ name }) => name));
  for (const limit of Object.keys(DEFAULT_PEER_LIMITS) as (keyof PeerLimits)[]) {
    assert(flags.has(limit), limit);
  }
  assertEquals(limitFlag("arrivalsAtOnce"), "--arrivals-at-once");
});

Deno.test("completePeerLimits() has room for a whole world that comes at once from one address", () => {
  const { connections, ...others } = completePeerLimits({}, 10_001);
  assertEquals(connections, 20_002);
  assertEquals([...new Set(Object.values(others))], [10_001]);
  assertEquals(completePeerLimits({ unregistered: 5 }, 10_001).unregistered, 5);
  assertEquals(completePeerLimits({}, 11), DEFAULT_PEER_LIMITS);
});

Deno.test("a server that admits fewer connections than it has clients is refused in one line", () => {
  const handler = new SyncParameterServerHandler({
    manifest: vectorManifest(4),
    parameters: new Float32Array(4),
  });
  const make = (connections: number) =>
    new ServerSyncTop(handler, {
      listen: "127.0.0.1:0",
      worldSize: 11,
      rounds: 1,
      limits: { connections },
    });
  make(10);
  const error = assertThrows(() => make(9), RangeError);
  assertEquals(
    error.message,
    "Cannot make a server: expected --connections of at least 10, the number of its clients, got 9",
  );
});
