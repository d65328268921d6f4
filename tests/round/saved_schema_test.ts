import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  type Checkpoint,
  CheckpointStore,
  Manifest,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { RunRecord } from "../../src/round/record/run_record.ts";
import { savedSchema } from "../../src/round/record/saved_run.ts";
import { schemaDigest } from "../../src/data/schema/digest.ts";
import type { Schema } from "../../src/data/schema/schema.ts";
import { inFolder } from "../helpers/command.ts";
import { vectorManifest } from "../helpers/fake_handler.ts";
import { ArrangingHandler, federate, NAMED, SWAPPED } from "../helpers/schemas.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(3);
const FIXTURES = `${import.meta.dirname}/../fixtures/checkpoints_2`;

function handlerOf(schema?: Schema): SyncParameterServerHandler {
  return new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(3),
    ...(schema && { schema }),
  });
}

/** Begins to resume a run with that server. */
async function resume(checkpoint: Checkpoint, handler: SyncParameterServerHandler) {
  const record = new RunRecord(handler, {
    ...{ transport: "memory", worldSize: 2, rounds: 3, resume: checkpoint },
  });
  await record.begin();
  return record;
}

Deno.test("a checkpoint has the schema of its run, which a server that resumes it must have", () =>
  inFolder(async (folder) => {
    const checkpoints = new CheckpointStore(folder);
    const parts = { manifest: MANIFEST, parameters: new Float32Array(3), schema: NAMED };
    const { report } = await federate(parts, [new ArrangingHandler(MANIFEST)], {
      server: { checkpoints },
    });
    assertEquals(report?.schemaDigest, await schemaDigest(NAMED));
    const checkpoint = await checkpoints.latest();
    assert(checkpoint);
    assertEquals(savedSchema(checkpoint), NAMED);
    const record = await resume(checkpoint, handlerOf(structuredClone(NAMED)));
    assertEquals((await record.report()).schemaDigest, await schemaDigest(NAMED));
    await assertRejects(
      () => resume(checkpoint, handlerOf(SWAPPED)),
      RangeError,
      "Cannot resume from the checkpoint: its run has another schema: expected the column age, got smoker",
    );
    await assertRejects(
      () => resume(checkpoint, handlerOf()),
      RangeError,
      "Cannot resume from the checkpoint: expected a server with the schema of its run, got one without",
    );
    const torn = { ...checkpoint, state: { ...checkpoint.state, schema: { format: "other/1" } } };
    await assertRejects(() => resume(torn, handlerOf(NAMED)), TypeError, "Cannot read the schema");
  }));

Deno.test("a checkpoint of the version before has no schema, and is resumed with one or without", () =>
  inFolder(async (folder) => {
    for (const schema of [undefined, NAMED]) {
      await Deno.mkdir(`${folder}/${schema ? "with" : "without"}`);
      const into = `${folder}/${schema ? "with" : "without"}`;
      for await (const { name } of Deno.readDir(FIXTURES)) {
        await Deno.copyFile(`${FIXTURES}/${name}`, `${into}/${name}`);
      }
      const checkpoints = new CheckpointStore(into);
      const checkpoint = await checkpoints.latest();
      assert(checkpoint);
      assertEquals(savedSchema(checkpoint), undefined);
      const record = await resume(checkpoint, handlerOf(schema));
      assertEquals(record.rounds.map(({ round }) => round), [1, 2]);
      await record.save(() => ({ tokens: [] }));
    }
  }));

Deno.test("a client of a server that is resumed with its schema comes back with the same digest", () =>
  inFolder(async (folder) => {
    const checkpoints = new CheckpointStore(folder);
    const parts = { manifest: MANIFEST, parameters: new Float32Array(3), schema: NAMED };
    await federate(parts, [new ArrangingHandler(MANIFEST)], { server: { checkpoints } });
    const checkpoint = await checkpoints.latest();
    assert(checkpoint);
    const again = new ArrangingHandler(MANIFEST);
    const { report, fates } = await federate(parts, [again], {
      server: { checkpoints, rounds: 2, resume: checkpoint },
    });
    assertEquals(fates, [undefined]);
    assertEquals([report?.rounds.length, report?.schemaDigest], [2, await schemaDigest(NAMED)]);
    assertEquals(again.given, [NAMED]);
  }));

Deno.test("a checkpoint with tensors of the same shapes in another order is refused by their names", async () => {
  const tensors = [{ name: "a", shape: [2] }, { name: "b", shape: [2] }];
  const ordered = (some: typeof tensors) =>
    new SyncParameterServerHandler({
      manifest: Manifest.of(some),
      parameters: new Float32Array(4),
    });
  let saved: Checkpoint | undefined;
  const checkpoints = {
    save: (checkpoint: Checkpoint) => Promise.resolve(`${(saved = checkpoint).round}`),
    latest: () => Promise.resolve(saved),
    best: () => Promise.resolve(saved),
  };
  const record = new RunRecord(ordered(tensors), {
    ...{ transport: "memory", worldSize: 2, rounds: 1, checkpoints },
  });
  await record.begin();
  await record.save(() => ({ tokens: [] }));
  const checkpoint = saved;
  assert(checkpoint);
  await assertRejects(
    () => resume(checkpoint, ordered(tensors.toReversed())),
    RangeError,
    "Cannot resume from the checkpoint: it is of another model: expected tensor 0 to be b [2], got a [2]",
  );
});
