import { MeanLoss } from "../../src/round/report/means.ts";
import { meanOfClients } from "../../src/round/report/means.ts";
import { RunRecord } from "../../src/round/record/run_record.ts";
import { readSavedRun } from "../../src/round/record/saved_run.ts";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  AsyncParameterServerHandler,
  CheckpointStore,
  ClientFollowingTop,
  type RunReport,
  ServerAsyncTop,
  type ServerEvent,
  ServerSyncTop,
  type ServerTopologyOptions,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { inFolder } from "../helpers/command.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

type Mode = "sync" | "async";

/** Runs a server with one client, whose updates add 1, until an evaluator or a signal stops it. */
async function stopped(
  mode: Mode,
  { evaluations, signal, onEvent = () => {} }: {
    /** Number of evaluations that succeed. */
    evaluations: number;
    signal?: AbortSignal;
    onEvent?: (event: ServerEvent) => void;
  },
): Promise<{ report: RunReport; model: number | undefined }> {
  const manifest = vectorManifest(3);
  let done = 0;
  const options = {
    manifest,
    parameters: new Float32Array(manifest.length),
    evaluator: ([loss = NaN]: Float32Array) =>
      ++done > evaluations
        ? Promise.reject(new Error("enough"))
        : Promise.resolve({ numSamples: 1, loss }),
  };
  const listen = `final-${mode}-${crypto.randomUUID()}`;
  let running: Promise<void> | undefined;
  const topology = {
    ...{ listen, worldSize: 2, distBackend: "memory", logger: silentLogger } as const,
    onEvent: (event: ServerEvent) => {
      onEvent(event);
      if (event.type !== "listening") return;
      running = new ClientFollowingTop(new FakeHandler(manifest), {
        ...{ serverAddr: event.address, distBackend: "memory", logger: silentLogger } as const,
      }).run();
    },
  };
  const server = mode === "sync"
    ? new ServerSyncTop(new SyncParameterServerHandler(options), { ...topology, rounds: 5 })
    : new ServerAsyncTop(new AsyncParameterServerHandler(options), { ...topology, versions: 5 });
  await assertRejects(() => server.run(signal ? { signal } : {}), Error, "enough");
  await running?.catch(() => {});
  return { report: await server.report(), model: server.handler.parameters[0] };
}

for (const mode of ["sync", "async"] as const) {
  Deno.test(`a server, ${mode}, that is stopped while it evaluates reports the round of the model without figures`, async () => {
    const { report, model = 0 } = await stopped(mode, { evaluations: 1 });
    assertEquals(report.rounds.map(({ round }) => round), [1, 2]);
    assertEquals(model > (report.rounds[0]?.loss ?? NaN), true);
    assertEquals(report.rounds[1]?.loss, undefined);
    assertEquals(report.final, undefined);
  });

  Deno.test(`a server, ${mode}, that is stopped while its clients train reports the last model's evaluation`, async () => {
    const stop = new AbortController();
    const { report, model } = await stopped(mode, {
      evaluations: Infinity,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === "round-started" && event.round === 3) stop.abort(new Error("enough"));
      },
    });
    assertEquals(report.rounds.length, 2);
    assertEquals(report.final, { loss: model ?? NaN, samples: 1 });
  });
}

Deno.test("meanOfClients() leaves out losses that are not finite, if most are finite", () => {
  const result = (loss: number, accuracy = 0.5) => ({ numSamples: 2, loss, accuracy });
  assertEquals(meanOfClients([result(1), result(NaN, 1), result(3, 0)]), {
    ...result(2),
    numSamples: 6,
  });
  assertEquals(meanOfClients([result(1), result(NaN), result(Infinity)])?.loss, NaN);
  assertEquals(meanOfClients([]), undefined);
});

Deno.test("means of clients are finite and serializable for any claim of a client", async () => {
  const [most, samples] = [Number.MAX_VALUE, Number.MAX_SAFE_INTEGER];
  const huge = { numSamples: samples, loss: most, accuracy: 1 };
  const mean = meanOfClients([{ numSamples: 10, loss: 1, accuracy: 0 }, huge, huge]);
  assertEquals(mean?.numSamples, samples);
  assertAlmostEquals(mean?.accuracy ?? NaN, 1);
  assertAlmostEquals((mean?.loss ?? NaN) / most, 1);
  const losses = new MeanLoss();
  for (const { numSamples, loss } of [{ numSamples: 1, loss: 1 }, huge, huge]) {
    losses.add({ numSamples, loss });
  }
  assertAlmostEquals((losses.mean ?? NaN) / most, 1);

  for (const mode of ["sync", "async"] as const) {
    await inFolder(async (folder) => {
      const checkpoints = new CheckpointStore(folder);
      const manifest = vectorManifest(3);
      const parts = { manifest, parameters: new Float32Array(3) };
      const listen = `means-${crypto.randomUUID()}`;
      const clients: Promise<void>[] = [];
      const options: ServerTopologyOptions = {
        listen,
        distBackend: "memory",
        worldSize: 3,
        rounds: 2,
        checkpoints,
        logger: silentLogger,
        onEvent: ({ type }) => {
          if (type !== "listening") return;
          for (const numSamples of [10, samples]) {
            const handler = new FakeHandler(manifest, { numSamples });
            clients.push(
              new ClientFollowingTop(handler, {
                serverAddr: listen,
                distBackend: "memory",
                logger: silentLogger,
              }).run(),
            );
          }
        },
      };
      const handler = mode === "sync"
        ? new SyncParameterServerHandler(parts)
        : new AsyncParameterServerHandler(parts);
      const server = handler instanceof SyncParameterServerHandler
        ? new ServerSyncTop(handler, options)
        : new ServerAsyncTop(handler, { ...options, versions: 2 });
      const report = await server.run();
      await Promise.all(clients);
      assertEquals(report.final?.samples, samples);
      const checkpoint = await checkpoints.latest();
      assert(checkpoint);
      assertEquals((await readSavedRun(checkpoint, handler)).rounds.length, report.rounds.length);
    });
  }
});

Deno.test("a run resumes with its own model, and with no other of the same shapes", () =>
  inFolder(async (folder) => {
    const checkpoints = new CheckpointStore(folder);
    const manifest = vectorManifest(3);
    const handlerOf = (activation: string | undefined) =>
      new SyncParameterServerHandler({
        manifest,
        parameters: new Float32Array(3),
        ...(activation !== undefined && {
          model: {
            format: "tfjs-layers" as const,
            topology: { class_name: "Sequential", config: { activation } },
            loss: "meanSquaredError" as const,
          },
        }),
      });
    const record = new RunRecord(handlerOf("relu"), {
      transport: "memory",
      worldSize: 2,
      rounds: 2,
      checkpoints,
    });
    await record.begin();
    await record.save(() => ({ tokens: [] }));
    const checkpoint = await checkpoints.latest();
    assert(checkpoint);
    await readSavedRun(checkpoint, handlerOf("relu"));
    // A model without a description has no digest.
    await readSavedRun(checkpoint, handlerOf(undefined));
    await assertRejects(
      () => readSavedRun(checkpoint, handlerOf("linear")),
      RangeError,
      "expected the description of this server's model, got another of the same shapes",
    );
  }));
