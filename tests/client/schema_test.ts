import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import {
  type ClientBackendHandler,
  ClientFollowingTop,
  type ClientTopologyOptions,
  MessageCode,
  ProtocolError,
  silentLogger,
} from "../../mod.ts";
import { schemaDigest } from "../../src/data/schema/digest.ts";
import type { Schema } from "../../src/data/schema/schema.ts";
import { Connection, memoryTransport } from "../../src/net/mod.ts";
import type { IdAssignmentPayload, Message } from "../../src/wire/mod.ts";
import { assignmentFor } from "../helpers/assignment.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { ArrangingHandler, NAMED, SWAPPED, UNNAMED } from "../helpers/schemas.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(3);
const ASSIGNMENT = await assignmentFor(MANIFEST);

async function withSchema(schema: Schema): Promise<Partial<IdAssignmentPayload>> {
  return { schema: { ...schema }, schemaDigest: await schemaDigest(schema) };
}

/**
 * Runs a client against a server that assigns it that, and then ends the run.
 *
 * @param losses Connections that the server loses before.
 * @returns The client's answers to the assignments, and its error.
 */
async function join(
  handler: ClientBackendHandler,
  fields: Partial<IdAssignmentPayload>,
  options: Partial<ClientTopologyOptions> = {},
  losses = 0,
): Promise<{ answers: readonly (Message | undefined)[]; error: unknown }> {
  const listener = await memoryTransport.listen(`schema-${crypto.randomUUID()}`);
  const answers: (Message | undefined)[] = [];
  const serving = (async () => {
    for (let left = losses;; left--) {
      const channel = await listener.accept();
      if (channel === null) return;
      const connection = new Connection(channel);
      await connection.receive();
      await connection.send({
        code: MessageCode.IdAssignment,
        payload: { ...ASSIGNMENT, ...fields },
      });
      answers.push((await connection.receive())?.message);
      if (left > 0) {
        connection.abort(new Error("lost"));
        continue;
      }
      const exit = { code: MessageCode.Exit, payload: { reason: "over", over: true } } as const;
      await connection.send(exit).catch(() => {});
      while (await connection.receive().catch(() => null) !== null);
      await connection.close(0.1);
    }
  })();
  let error: unknown;
  try {
    await new ClientFollowingTop(handler, {
      serverAddr: listener.address,
      distBackend: "memory",
      logger: silentLogger,
      ...options,
    }).run();
  } catch (thrown) {
    error = thrown;
  }
  listener.close();
  await serving;
  return { answers, error };
}

/** Digest with which a client said that it is ready; fails if it did not. */
function readyDigest({ answers, error }: Awaited<ReturnType<typeof join>>): string | undefined {
  const answer = answers.at(-1);
  assert(answer?.code === MessageCode.Ready, `${error}`);
  return answer.payload.schemaDigest;
}

/** Line with which a client refused the assignment; checks that the server was told the same. */
function refusal({ answers, error }: Awaited<ReturnType<typeof join>>): string {
  assert(error instanceof ProtocolError, `${error}`);
  assertEquals(error.fault, "schema-mismatch");
  const [answer] = answers;
  assert(answer?.code === MessageCode.Error);
  assertEquals(answer.payload, { fault: error.fault, message: error.message, fatal: true });
  return error.message;
}

Deno.test("a client arranges its data by the server's schema and says by which", async () => {
  const handler = new ArrangingHandler(MANIFEST);
  assertEquals(
    readyDigest(await join(handler, await withSchema(NAMED))),
    await schemaDigest(NAMED),
  );
  assertEquals(handler.given, [NAMED]);
});

Deno.test("a client that reconnects says the same digest again, without arranging its data anew", async () => {
  const handler = new ArrangingHandler(MANIFEST);
  const { answers } = await join(handler, await withSchema(NAMED), {}, 2);
  const digests = answers.map((answer) =>
    answer?.code === MessageCode.Ready && answer.payload.schemaDigest
  );
  const digest = await schemaDigest(NAMED);
  assertEquals(digests, [digest, digest, digest]);
  assertEquals(handler.given.length, 1);
});

Deno.test("a client refuses a schema of another version of the format", async () => {
  const fields = await withSchema(NAMED);
  const schema = { ...fields.schema, format: "fedlab.schema/2" };
  const line = refusal(await join(new ArrangingHandler(MANIFEST), { ...fields, schema }));
  assertMatch(line, /^Cannot read the server's schema: .*fedlab\.schema\/1.*fedlab\.schema\/2/);
});

Deno.test("a client refuses a schema with another digest than the server says, or none", async () => {
  const { schema } = await withSchema(NAMED);
  for (const fields of [{ schema, schemaDigest: "0".repeat(64) }, { schema }]) {
    const line = refusal(await join(new ArrangingHandler(MANIFEST), fields as typeof ASSIGNMENT));
    assertMatch(line, /^Cannot read the server's schema: expected the digest /);
  }
});

Deno.test("a client with a schema of its own names the first difference from the server's", async () => {
  const fields = await withSchema(NAMED);
  assertEquals(
    refusal(await join(new ArrangingHandler(MANIFEST), fields, { schema: SWAPPED })),
    "Cannot join: the server has another schema than this client was given: expected the column smoker, got age",
  );
  const same = await join(new ArrangingHandler(MANIFEST), fields, { schema: NAMED });
  assertEquals(readyDigest(same), await schemaDigest(NAMED));
});

Deno.test("a client with data without names joins a server without a schema, as before", async () => {
  assertEquals(readyDigest(await join(new FakeHandler(MANIFEST), {})), undefined);
  assertEquals(readyDigest(await join(new ArrangingHandler(MANIFEST, UNNAMED), {})), undefined);
});

Deno.test("a client with named data refuses a server without a schema, unless it was given one", async () => {
  assertEquals(
    refusal(await join(new ArrangingHandler(MANIFEST, NAMED), {})),
    "Cannot train by the server's schema: expected a schema for the columns age, smoker, got a server without; update the server, or give this client the schema",
  );
  const handler = new ArrangingHandler(MANIFEST, SWAPPED);
  const joined = await join(handler, {}, { schema: NAMED });
  assertEquals(readyDigest(joined), await schemaDigest(NAMED));
  assertEquals(handler.given, [NAMED]);
});

Deno.test("a client whose handler keeps another schema than the server's names the first difference", async () => {
  class Fixed extends FakeHandler {
    override get schema(): Schema {
      return SWAPPED;
    }
  }
  assertEquals(
    refusal(await join(new Fixed(MANIFEST), await withSchema(NAMED))),
    "Cannot train by the server's schema: expected the column age, got smoker",
  );
});
