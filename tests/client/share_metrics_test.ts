import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  ClientBackendHandler,
  type ClientEvent,
  ClientSyncTop,
  type ClientTopologyOptions,
  type EvaluateResult,
  Manifest,
  ProtocolError,
  QFedAvg,
  type RunReport,
  type ServerEvent,
  ServerSyncTop,
  silentLogger,
  type Strategy,
  SyncParameterServerHandler,
  type TrainResult,
} from "../../mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = Manifest.of([{ name: "w", shape: [2] }]);

/** Client of fixed figures. */
class Figures extends ClientBackendHandler {
  readonly manifest = MANIFEST;
  readonly numSamples = 4;
  parameters = new Float32Array(2);

  train(): Promise<TrainResult> {
    return Promise.resolve({ numSamples: 4, steps: 1, loss: 0.5, metrics: { f1: 0.75 } });
  }

  evaluate(): Promise<EvaluateResult> {
    const metrics = { f1: 0.25 };
    return Promise.resolve({ numSamples: 2, loss: 1, accuracy: 0.5, metrics });
  }

  override evaluateTraining(): Promise<EvaluateResult> {
    return this.evaluate();
  }
}

type Share = NonNullable<ClientTopologyOptions["shareMetrics"]>;

async function run(
  shares: readonly Share[],
  strategy?: Strategy,
): Promise<{ report: RunReport; events: ServerEvent[]; own: ClientEvent[] }> {
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const serverAddr = `share-${crypto.randomUUID()}`;
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(2),
    ...(strategy && { strategy }),
  });
  const events: ServerEvent[] = [], own: ClientEvent[] = [];
  const server = new ServerSyncTop(handler, {
    ...group,
    listen: serverAddr,
    worldSize: shares.length + 1,
    rounds: 1,
    onEvent: (event) => events.push(event),
  });
  const stop = new AbortController();
  const clients = shares.map((shareMetrics, i) =>
    new ClientSyncTop(new Figures(), {
      ...group,
      serverAddr,
      rank: i + 1,
      shareMetrics,
      onEvent: (event) => own.push(event),
    }).run()
  );
  const running = server.run({ signal: stop.signal });
  running.catch(() => {});
  try {
    await Promise.all(clients);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled([...clients, running]);
    throw error;
  }
  return { report: await running, events, own };
}

Deno.test("a client shares all figures, the loss alone or none, and the round counts those that are shared", async () => {
  const { report: { rounds: [round], final }, events, own } = await run(["all", "loss", "none"]);
  assertEquals(round?.trainByRank, [
    { rank: 1, samples: 4, steps: 1, loss: 0.5, metrics: { f1: 0.75 } },
    { rank: 2, samples: 4, steps: 1, loss: 0.5 },
    { rank: 3, samples: 4, steps: 1 },
  ]);
  assertEquals(round?.clients?.byRank, [
    { rank: 1, samples: 2, loss: 1, accuracy: 0.5, metrics: { f1: 0.25 } },
    { rank: 2, samples: 2, loss: 1 },
  ]);
  assertEquals([round?.loss, round?.accuracy, round?.metrics], [1, 0.5, { f1: 0.25 }]);
  assertEquals([round?.trainLoss, round?.trainMetrics], [0.5, { f1: 0.75 }]);
  assertEquals([final?.metrics, final?.samples], [{ f1: 0.25 }, 4]);
  assertEquals(
    events.filter(({ type }) => type === "evaluated").length,
    2,
  );
  const received = events.filter((event) => event.type === "update-received");
  assertEquals(received.map(({ loss, metrics }) => [loss, metrics]), [
    [0.5, { f1: 0.75 }],
    [0.5, undefined],
    [undefined, undefined],
  ]);
  // The client itself has its figures, whatever it shares.
  const evaluated = own.filter((event) => event.type === "evaluated");
  assertEquals(evaluated.map(({ result }) => result.metrics), new Array(3).fill({ f1: 0.25 }));
});

Deno.test("a run whose clients share nothing has no figures, and goes on", async () => {
  const { report: { rounds: [round], final } } = await run(["none", "none"]);
  assertEquals([round?.received, round?.loss, round?.clients, final], [
    2,
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("q-FedAvg works with clients that share the loss, and one that shares none does not join", async () => {
  const { report } = await run(["loss", "all"], new QFedAvg({ q: 1 }));
  assertEquals(report.rounds[0]?.received, 2);
  const names = Object.keys(report.rounds[0]?.trainByRank?.[0]?.metrics ?? {});
  assertEquals(names, ["initialLoss"]);
  const error = await assertRejects(() => run(["none"], new QFedAvg({ q: 1 })), ProtocolError);
  assert(error.message.startsWith("Cannot join: expected a client that shares its loss"));
});
