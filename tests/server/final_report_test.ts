import { meanOfClients } from "../../src/round/report/means.ts";
import { assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  AsyncParameterServerHandler,
  ClientFollowingTop,
  type RunReport,
  ServerAsyncTop,
  type ServerEvent,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

type Mode = "sync" | "async";

/** What a server with one client, whose updates add 1, reports after an evaluator or a signal has stopped it. */
async function stopped(
  mode: Mode,
  { evaluations, signal, onEvent = () => {} }: {
    /** So many succeed. */
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
    : new ServerAsyncTop(new AsyncParameterServerHandler(options), { ...topology, updates: 5 });
  await assertRejects(() => server.run(signal ? { signal } : {}), Error, "enough");
  await running?.catch(() => {});
  return { report: await server.report(), model: server.handler.parameters[0] };
}

for (const mode of ["sync", "async"] as const) {
  Deno.test(`a server, ${mode}, that is stopped while it evaluates reports the round, which the model has, without figures`, async () => {
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

Deno.test("meanOfClients() leaves out losses that are no finite numbers, as long as most are", () => {
  const result = (loss: number, accuracy = 0.5) => ({ numSamples: 2, loss, accuracy });
  assertEquals(meanOfClients([result(1), result(NaN, 1), result(3, 0)]), {
    ...result(2),
    numSamples: 6,
  });
  assertEquals(meanOfClients([result(1), result(NaN), result(Infinity)])?.loss, NaN);
  assertEquals(meanOfClients([]), undefined);
});
