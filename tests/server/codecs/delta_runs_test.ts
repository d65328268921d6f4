/** Whole runs whose parameters are sent as differences. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  CheckpointStore,
  ClientSyncTop,
  NativeSGDHandler,
  parseStrategy,
  type RunReport,
  ServerSyncTop,
  silentLogger,
  Simulation,
} from "../../../mod.ts";
import { codedBytes, parseCodec } from "../../../src/codec/mod.ts";
import { InProcessPool } from "../../../src/sim/mod.ts";
import {
  CLIENTS,
  handlerOf,
  live,
  partialOptions,
  parts,
  ROUNDS,
  simulated,
  train,
} from "../../helpers/codec_runs.ts";
import { Proxy } from "../../helpers/proxy.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Bytes that codecs have saved on the way down, by round. */
const savedDown = ({ rounds }: RunReport) =>
  rounds.map(({ bytesDown, bytesDownWhole = bytesDown }) => bytesDownWhole - bytesDown);

for (
  const [uplink, downlink, whole] of [
    [undefined, "delta", undefined],
    ["eden:bits=1", "int8+delta", "int8"],
    [undefined, "f16+delta", "f16"],
    ["int8", "int4:rounding=stochastic+delta", "int4:rounding=stochastic"],
    [undefined, "eden:bits=4+delta", "eden:bits=4"],
  ] as const
) {
  Deno.test(`up ${uplink}, down ${downlink}: the model of ${whole}, in fewer bytes, live and simulated`, async () => {
    const without = await simulated(await handlerOf(uplink, whole));
    const simulation = await simulated(await handlerOf(uplink, downlink));
    assertEquals(simulation.modelDigest, without.modelDigest);
    assertEquals(
      simulation.rounds.map(({ loss }) => loss),
      without.rounds.map(({ loss }) => loss),
    );
    assertEquals(simulation.downlink, downlink === "delta" ? "f32+delta" : downlink);
    for (const distBackend of ["memory", "tcp", "websocket"] as const) {
      const report = await live(await handlerOf(uplink, downlink), { distBackend });
      assertEquals(report.modelDigest, without.modelDigest, distBackend);
      assertEquals(savedDown(report), savedDown(simulation), distBackend);
    }
    const before = savedDown(without);
    savedDown(simulation).forEach((bytes, i) => {
      // EDEN rotates each model anew: only parameters that were evaluated are not sent again.
      const least = i === 0 && whole === "eden:bits=4" ? 0 : 1;
      assert(bytes >= (before[i] ?? 0) + least, `round ${i}`);
    });
  });
}

Deno.test("parameters that a client has evaluated are not sent again to train from", async () => {
  const handler = await handlerOf(undefined, "int8+delta"), { length } = handler.manifest;
  const { rounds } = await simulated(handler);
  const whole = codedBytes(parseCodec("int8"), length);
  // The first round sends the initial model whole; each later one only the change to evaluate.
  assert((rounds[0]?.bytesDown ?? 0) > CLIENTS * whole);
  for (const { bytesDown } of rounds.slice(1)) {
    assert(bytesDown < CLIENTS * whole * 0.7, `${bytesDown} of ${CLIENTS * whole} bytes`);
  }
});

for (const kind of ["frozen", "fedper"] as const) {
  Deno.test(`a ${kind} model has one result with differences, and its layers do not travel`, async () => {
    const more = await partialOptions(kind);
    const whole = await simulated(await handlerOf(undefined, undefined, more));
    for (const downlink of ["delta", "int8+delta"]) {
      const expected = await simulated(await handlerOf(undefined, downlink, more));
      const found = await live(await handlerOf(undefined, downlink, more));
      assertEquals(found.modelDigest, expected.modelDigest);
      if (downlink === "delta") assertEquals(found.modelDigest, whole.modelDigest);
      assert((expected.rounds[1]?.bytesDown ?? 0) < (whole.rounds[1]?.bytesDown ?? 0) / 2);
    }
  });
}

Deno.test("clients whose connections are cut in each round are sent differences, and the model stays", async () => {
  const rounds = 5, cuts = [100, 1000, 3000, 9000];
  const without = await simulated(await handlerOf("int8", "int8"), rounds);
  const proxies: Proxy[] = [];
  let clients: Promise<void>[] = [];
  const server = new ServerSyncTop(await handlerOf("int8", "int8+delta"), {
    ...{ listen: "127.0.0.1:0", worldSize: CLIENTS + 1, rounds, logger: silentLogger },
    onEvent: (event) => {
      // In the middle of frames, before and after they are read.
      if (event.type === "round-started" && event.round > 1) {
        proxies.forEach((proxy, i) => proxy.cutAfter(cuts[(event.round + i) % cuts.length] ?? 1));
      }
      if (event.type !== "listening") return;
      clients = parts.map(async (rows, i) => {
        const proxy = new Proxy(Number(event.address.split(":")[1]));
        proxies.push(proxy);
        await using handler = new NativeSGDHandler({ data: train, rows });
        const group = { logger: silentLogger, rank: i + 1 };
        await new ClientSyncTop(handler, { ...group, serverAddr: proxy.address }).run();
      });
      clients.forEach((client) => client.catch(() => {}));
    },
  });
  const report = await server.run();
  await Promise.all(clients);
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
  assertEquals(report.modelDigest, without.modelDigest);
});

for (
  const [before, after] of [["int8", "int8+delta"], ["int8+delta", "int8"], [
    undefined,
    "delta",
  ]] as const
) {
  Deno.test(`a run with ${before} is resumed with ${after}, and has the same model`, async () => {
    const whole = await simulated(await handlerOf(undefined, before));
    const folder = await Deno.makeTempDir();
    try {
      const checkpoints = new CheckpointStore(folder);
      const options = { train, parts, pool: InProcessPool.start };
      const handler = await handlerOf(undefined, before);
      await new Simulation(handler, { ...options, rounds: 2, checkpoints }).run();
      const resume = await checkpoints.latest();
      assert(resume);
      const again = await handlerOf(undefined, after);
      const { modelDigest } = await new Simulation(again, { ...options, rounds: ROUNDS, resume })
        .run();
      assertEquals(modelDigest, whole.modelDigest);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("codecs of differences are for parameters alone", async () => {
  for (const uplink of ["delta", "f32", "int8+delta"]) {
    await assertRejects(() => handlerOf(uplink, undefined), RangeError, "which is for parameters");
  }
  for (const downlink of ["topk+delta", "eden:bits=1,share=0.5+delta"]) {
    await assertRejects(() => handlerOf(undefined, downlink), RangeError, "which is for updates");
  }
  const strategy = parseStrategy("scaffold");
  await assertRejects(() => handlerOf(undefined, "delta", { strategy }), RangeError, "does not go");
});
