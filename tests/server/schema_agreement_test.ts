import { assert, assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  ClientSyncTop,
  DeadlineError,
  MessageCode,
  ProtocolError,
  ServerSyncTop,
  silentLogger,
  websocketMount,
} from "../../mod.ts";
import { SyncParameterServerHandler, type SyncParameterServerHandlerOptions } from "../../mod.ts";
import { schemaDigest } from "../../src/data/schema/digest.ts";
import type { Schema } from "../../src/data/schema/schema.ts";
import { websocketsSettled } from "../../src/net/websocket/transport.ts";
import { runAsync } from "../helpers/async_run.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { Peer } from "../helpers/peer.ts";
import {
  ArrangingHandler,
  federate,
  NAMED,
  recordingLogger,
  SWAPPED,
  UNNAMED,
} from "../helpers/schemas.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(3);
const DIGEST = await schemaDigest(NAMED);

function parts(schema?: Schema): SyncParameterServerHandlerOptions {
  return {
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    evaluator: () =>
      Promise.resolve({ numSamples: 4, loss: 0, accuracy: 1, confusion: [[3, 0], [0, 1]] }),
    ...(schema && { schema }),
  };
}

/** Answer of a server to a client that is ready with such a digest, after others. */
async function answerTo(
  schema: Schema | undefined,
  digests: readonly (string | undefined)[],
): Promise<{ fault: string; message: string; fatal: boolean } | "joined"> {
  const handler = new SyncParameterServerHandler(parts(schema));
  const stop = new AbortController();
  const address = Promise.withResolvers<string>();
  const lastIn = Promise.withResolvers<"joined">();
  let joined = 0;
  const server = new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: digests.length + 1,
    rounds: 1,
    timeouts: { drainSeconds: 0.1 },
    logger: silentLogger,
    onEvent: (event) => {
      if (event.type === "listening") address.resolve(event.address);
      if (event.type === "client-joined" && ++joined === digests.length) lastIn.resolve("joined");
    },
  });
  const running = server.run({ signal: stop.signal }).catch(() => {});
  const peers: Peer[] = [];
  let answer: Awaited<ReturnType<typeof answerTo>> = "joined";
  for (const digest of digests) {
    const peer = await Peer.connect(await address.promise);
    peers.push(peer);
    await peer.register();
    const { manifestDigest } = await peer.until(MessageCode.IdAssignment);
    await peer.send({
      code: MessageCode.Ready,
      payload: {
        manifestDigest,
        numSamples: 1,
        ...(digest !== undefined && { schemaDigest: digest }),
      },
    });
    if (peers.length < digests.length) continue;
    answer = await Promise.race([lastIn.promise, peer.error()]);
  }
  stop.abort(new Error("enough"));
  for (const peer of peers) await peer[Symbol.asyncDispose]();
  await running;
  return answer;
}

Deno.test("a server with a schema refuses a client that knows none", async () => {
  assertEquals(await answerTo(NAMED, [undefined]), {
    fault: "schema-mismatch",
    message:
      "Cannot join: expected a client that arranges its data by the server's schema, got one that knows no schemas; update the client",
    fatal: true,
  });
});

Deno.test("a server with a schema refuses a client that has arranged its data by another", async () => {
  const other = await schemaDigest(SWAPPED);
  assertEquals(await answerTo(NAMED, [other]), {
    fault: "schema-mismatch",
    message: `Cannot join: expected data of the schema ${DIGEST.slice(0, 12)}, got ${
      other.slice(0, 12)
    }; update the client, or its handler`,
    fatal: true,
  });
  assertEquals(await answerTo(NAMED, [DIGEST]), "joined");
});

Deno.test("a server without a schema holds its clients to the one that the first of them has", async () => {
  const other = await schemaDigest(SWAPPED);
  assertEquals(await answerTo(undefined, [undefined]), "joined");
  assertEquals(await answerTo(undefined, [DIGEST, undefined, DIGEST]), "joined");
  const answer = await answerTo(undefined, [DIGEST, other]);
  assert(answer !== "joined");
  assertEquals([answer.fault, answer.fatal], ["schema-mismatch", true]);
  assertMatch(answer.message, /of a client before; give the server a schema$/);
});

Deno.test("a run with a schema reports its digest, and its classes beside the confusion", async () => {
  const clients = [1, 2].map(() => new ArrangingHandler(MANIFEST));
  const { report, fates } = await federate(parts(NAMED), clients);
  assertEquals(fates, [undefined, undefined]);
  assertEquals(clients.map(({ given }) => given), [[NAMED], [NAMED]]);
  assertEquals(report?.schemaDigest, DIGEST);
  assertEquals([report?.final?.classes, report?.final?.perClass], [["no", "yes"], [1, 1]]);
  const without = await federate(parts(), [new ArrangingHandler(MANIFEST)]);
  assertEquals([without.report?.schemaDigest, without.report?.final?.classes], [
    undefined,
    undefined,
  ]);
});

Deno.test("a client whose handler reads no schema joins only where no column has a name", async () => {
  const fine = await federate(parts(UNNAMED), [new FakeHandler(MANIFEST)]);
  assertEquals(fine.fates, [undefined]);
  const { fates: [error], lines } = await federate(parts(NAMED), [new FakeHandler(MANIFEST)]);
  assert(error instanceof ProtocolError);
  assertEquals([error.fault, error.message], [
    "schema-mismatch",
    "Cannot train by the server's schema: expected data with the columns age, smoker, got a handler that reads no schema; override setUp(model, schema) and its getter schema",
  ]);
  const line = lines.find((text) => text.startsWith("Refused a client"));
  assertMatch(line ?? "", /, rank 1: it said: Cannot train by the server's schema: expected data/);
});

Deno.test("a client that says no to the schema is logged by the server with its rank and its line", async () => {
  class Stubborn extends FakeHandler {
    override setUp(): Promise<void> {
      return Promise.reject(
        new RangeError("Cannot use wards.csv: expected the column age, got sex"),
      );
    }
  }
  const { fates: [error], lines } = await federate(parts(NAMED), [new Stubborn(MANIFEST)]);
  assertEquals((error as Error).message, "Cannot use wards.csv: expected the column age, got sex");
  assertMatch(
    lines.find((text) => text.startsWith("Refused a client")) ?? "",
    /, rank 1: it said: Cannot use wards\.csv: expected the column age, got sex$/,
  );
});

Deno.test("an asynchronous server has its clients arrange their data by its schema", async () => {
  const arranging = new ArrangingHandler(MANIFEST);
  const { report } = await runAsync({
    manifest: MANIFEST,
    clients: [arranging],
    versions: 2,
    handler: { schema: NAMED },
  });
  assertEquals([report.schemaDigest, arranging.given], [DIGEST, [NAMED]]);
});

Deno.test("a server that is mounted in an HTTP server holds its clients to its schema", async () => {
  const mount = websocketMount();
  const web = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request, info) => mount.handler(request, info),
  );
  const options = {
    server: { distBackend: mount, listen: "/federation" },
    client: {
      distBackend: "websocket" as const,
      serverAddr: `ws://127.0.0.1:${web.addr.port}/federation`,
    },
  };
  const arranging = new ArrangingHandler(MANIFEST);
  const fine = await federate(parts(NAMED), [arranging], options);
  assertEquals([fine.fates, fine.report?.schemaDigest], [[undefined], DIGEST]);
  const { fates: [error] } = await federate(parts(NAMED), [new FakeHandler(MANIFEST)], options);
  assert(error instanceof ProtocolError && error.fault === "schema-mismatch", `${error}`);
  await web.shutdown();
  await websocketsSettled();
});

Deno.test("a server whose schema does not fit into a message says so when its run begins", async () => {
  const categories = Array.from({ length: 200_000 }, (_, i) => `${i}`);
  const inputs = [{ name: "town", kind: "category", categories }] as const;
  const handler = new SyncParameterServerHandler(parts({ ...NAMED, inputs }));
  const server = new ServerSyncTop(handler, {
    listen: `schemas-${crypto.randomUUID()}`,
    distBackend: "memory",
    worldSize: 2,
    rounds: 1,
    logger: silentLogger,
  });
  await assertRejects(
    () => server.run(),
    RangeError,
    "Cannot send model and schema to the clients: expected at most 1048512 bytes, got ",
  );
});

Deno.test("SyncParameterServerHandler refuses what is no schema", () => {
  const schema = { ...NAMED, inputs: [] };
  let error: unknown;
  try {
    new SyncParameterServerHandler(parts(schema));
  } catch (thrown) {
    error = thrown;
  }
  assert(error instanceof TypeError && error.message.includes("inputs"), `${error}`);
});

Deno.test("a server that waits in vain says that the rank it waits for was refused, and the log why", async () => {
  const lines: string[] = [];
  const listen = `refused-${crypto.randomUUID()}`;
  class Unfit extends FakeHandler {
    override setUp(): Promise<void> {
      return Promise.reject(new RangeError("Cannot use w.csv: expected rows, got none"));
    }
  }
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const ended: Promise<unknown>[] = [];
  const server = new ServerSyncTop(new SyncParameterServerHandler(parts(NAMED)), {
    ...{ ...group, listen, worldSize: 3, rounds: 1, logger: recordingLogger(lines) },
    timeouts: { joinSeconds: 3, drainSeconds: 1 },
    onEvent: (event) => {
      if (event.type !== "listening") return;
      const handlers = [new ArrangingHandler(MANIFEST), new Unfit(MANIFEST)];
      ended.push(
        ...handlers.map((handler, i) =>
          new ClientSyncTop(handler, { ...group, serverAddr: listen, rank: i + 1 }).run().catch((
            error: unknown,
          ) => error)
        ),
      );
    },
  });
  await assertRejects(
    () => server.run(),
    DeadlineError,
    "Cannot begin: 1 of 2 clients joined; waiting for rank 2; gave up after 3 seconds; refused rank 2: it said: Cannot use w.csv: expected rows, got none",
  );
  await Promise.all(ended);
  const refused = lines.filter((line) => line.includes("Refused a client"));
  assertEquals(refused.length, 1, lines.join("\n"));
  assertMatch(refused[0] ?? "", /rank 2: it said: Cannot use w\.csv: expected rows, got none$/);
});
