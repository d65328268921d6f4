import { assertEquals, assertMatch, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  CheckpointStore,
  ClientSGDHandler,
  type Dataset,
  initialParameters,
  logisticRegression,
  ServerSyncTop,
  silentLogger,
  Simulation,
  type SimulationOptions,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { schemaDigest } from "../../src/data/schema/digest.ts";
import type { Schema } from "../../src/data/schema/schema.ts";
import { tableOf } from "../../src/data/schema/table_of.ts";
import { savedSchema } from "../../src/round/record/saved_run.ts";
import { WorkerPool } from "../../src/sim/mod.ts";
import { spawn } from "../../src/worker/mod.ts";
import { inFolder } from "../helpers/command.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { ArrangingHandler, NAMED, sourceOf, SWAPPED } from "../helpers/schemas.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MODULE = new URL("../fixtures/schema_client.ts", import.meta.url);
const MODEL = logisticRegression({ inputShape: [2], numClasses: 2 });
const WARD = tableOf("ward.csv", {
  age: [0.1, 0.9, 0.2, 0.8],
  smoker: [0, 1, 0, 1],
  ill: ["no", "yes", "no", "yes"],
});

async function wardBy(schema: Schema): Promise<Dataset> {
  return (await sourceOf(WARD).arrange(schema)).train;
}

async function serverOf(schema?: Schema): Promise<SyncParameterServerHandler> {
  return new SyncParameterServerHandler({
    ...await initialParameters(MODEL, 1),
    model: MODEL,
    ...(schema && { schema }),
  });
}

const PARTS = { parts: [[0, 1], [2, 3]], rounds: 2, workers: 1 } as const;

Deno.test("Simulation has the schema of its data in report and checkpoints", () =>
  inFolder(async (folder) => {
    const train = await wardBy(NAMED), checkpoints = new CheckpointStore(folder);
    const options = { ...PARTS, train, test: train, checkpoints };
    const report = await new Simulation(await serverOf(), options).run();
    assertEquals(report.schemaDigest, await schemaDigest(NAMED));
    assertEquals(report.final?.classes, ["no", "yes"]);
    const resume = await checkpoints.latest();
    assertEquals(resume && savedSchema(resume), NAMED);
    const other = await wardBy(SWAPPED);
    const again = new Simulation(await serverOf(), {
      ...{ ...options, train: other, test: other, rounds: 3 },
      ...(resume && { resume }),
    });
    await assertRejects(
      () => again.run(),
      RangeError,
      "its run has another schema: expected the column age, got smoker",
    );
  }));

Deno.test("Simulation refuses data of another schema than the server's, or than each other's", async () => {
  const train = await wardBy(NAMED), test = await wardBy(SWAPPED);
  const line = "Cannot use the data: expected the column age, got smoker";
  const named = await serverOf(NAMED);
  assertThrows(() => new Simulation(named, { ...PARTS, train: test }), RangeError, line);
  assertThrows(() => new Simulation(named, { ...PARTS, train, test }), RangeError, line);
  const bare = await serverOf();
  assertThrows(() => new Simulation(bare, { ...PARTS, train, test }), RangeError, line);
});

Deno.test("Simulation sets the handlers of its clients up with the schema", async () => {
  const manifest = vectorManifest(3);
  const handler = (schema?: Schema) =>
    new SyncParameterServerHandler({
      manifest,
      parameters: new Float32Array(3),
      ...(schema && { schema }),
    });
  const made: ArrangingHandler[] = [];
  const options: SimulationOptions = {
    clients: 2,
    rounds: 1,
    handler: () => {
      const one = new ArrangingHandler(manifest);
      made.push(one);
      return one;
    },
  };
  const report = await new Simulation(handler(NAMED), options).run();
  assertEquals(report.schemaDigest, await schemaDigest(NAMED));
  assertEquals(new Set(made.flatMap(({ given }) => given)), new Set([NAMED]));
  // Nobody knows by which schema such a handler reads data of its own.
  const reads = new Simulation(handler(NAMED), {
    ...options,
    handler: () => new FakeHandler(manifest),
  });
  await assertRejects(() => reads.run(), Error, "got a handler that reads no schema");
});

/** Handler that says of no schema that it has arranged its data by it. */
class Silent extends ClientSGDHandler {
  override get schema(): undefined {
    return undefined;
  }
}

Deno.test("Simulation leaves its own data to a handler that reads no schema: they are arranged", async () => {
  const train = await wardBy(NAMED);
  const report = await new Simulation(await serverOf(), {
    ...PARTS,
    train,
    handler: ({ data = train, rows }) => new Silent({ data, ...(rows && { rows }) }),
  }).run();
  assertEquals(report.rounds.map(({ received }) => received), [2, 2]);
});

Deno.test("a client's module gets the schema in the workers of a simulation, and in spawn()", async () => {
  const manifest = vectorManifest(3);
  const parts = { manifest, parameters: new Float32Array(3) };
  const simulate = (schema: Schema) =>
    new Simulation(new SyncParameterServerHandler({ ...parts, schema }), {
      ...{ clients: 2, rounds: 1, workers: 1, handler: MODULE, pool: WorkerPool.start },
    }).run();
  assertEquals((await simulate(NAMED)).rounds[0]?.received, 2);
  await assertRejects(
    () => simulate(SWAPPED),
    Error,
    "Cannot use ward.csv: expected the column age, got smoker",
  );
  for (const [schema, line] of [[NAMED, undefined], [SWAPPED, /got smoker$/]] as const) {
    const stop = new AbortController();
    let running: Promise<unknown> | undefined;
    const server = new ServerSyncTop(new SyncParameterServerHandler({ ...parts, schema }), {
      ...{ listen: "127.0.0.1:0", worldSize: 2, rounds: 1, logger: silentLogger },
      onEvent: (event) => {
        if (event.type !== "listening") return;
        const client = spawn(MODULE, {
          serverAddr: event.address,
          loggerFile: "",
          log: { level: "CRITICAL" },
        });
        client.start();
        running = client.join().then(() => undefined, (error: Error) => {
          stop.abort(error);
          return error.message;
        });
      },
    });
    const report = await server.run({ signal: stop.signal }).catch(() => undefined);
    const message = await running;
    if (line) assertMatch(`${message}`, line);
    else assertEquals([message, report?.rounds.length], [undefined, 1]);
  }
});
