import { assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  initialParameters,
  logisticRegression,
  readSafetensors,
  writeSafetensors,
} from "../../mod.ts";
import { readModel, writeModel } from "../../src/train/mod.ts";
import type { Schema } from "../../src/data/schema/schema.ts";
import { inFolder } from "../helpers/command.ts";
import { NAMED } from "../helpers/schemas.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MODEL = logisticRegression({ inputShape: [2], numClasses: 2 });
const { manifest, parameters } = await initialParameters(MODEL, 1);

Deno.test("readModel() gives back description and schema that writeModel() wrote", () =>
  inFolder(async (folder) => {
    const path = `${folder}/m.safetensors`;
    const metadata = { strategy: "fedavg" };
    await writeModel(path, { manifest, parameters, model: MODEL, schema: NAMED, metadata });
    for (const place of [path, new URL(`file://${path}`)]) {
      const trained = await readModel(place);
      assertEquals(trained.manifest.tensors, manifest.tensors);
      assertEquals(trained.parameters, parameters);
      assertEquals([trained.model, trained.schema], [MODEL, NAMED]);
      assertEquals(trained.metadata, metadata);
    }
    // Other programs read the schema from the metadata.
    const stored = await readSafetensors(path);
    assertEquals(JSON.parse(stored.metadata["fedlab.schema"] ?? ""), NAMED);
    await writeModel(path, { manifest, parameters });
    const bare = await readModel(path);
    assertEquals(["model" in bare, "schema" in bare], [false, false]);
  }));

Deno.test("readModel() reads the folder of a run, also of one before models had a schema", () =>
  inFolder(async (folder) => {
    await writeSafetensors(`${folder}/model.safetensors`, { manifest, parameters });
    assertEquals((await readModel(folder)).model, undefined);
    await Deno.writeTextFile(`${folder}/model.json`, JSON.stringify(MODEL));
    const older = await readModel(`${folder}`);
    assertEquals([older.model, older.schema], [MODEL, undefined]);
    await Deno.writeTextFile(`${folder}/schema.json`, JSON.stringify(NAMED));
    for (const place of [folder, new URL(`file://${folder}`), new URL(`file://${folder}/`)]) {
      assertEquals((await readModel(place)).schema, NAMED);
    }
    // That of the model itself counts: the file beside it may be of another run.
    const { target } = NAMED;
    const own: Schema = { ...NAMED, target: { ...target, name: "sick" } };
    await writeModel(`${folder}/model.safetensors`, { manifest, parameters, schema: own });
    assertEquals((await readModel(folder)).schema, own);
  }));

Deno.test("readModel() names the file that has no schema or description", () =>
  inFolder(async (folder) => {
    const path = `${folder}/model.safetensors`;
    const metadata = { "fedlab.schema": JSON.stringify({ ...NAMED, format: "fedlab.schema/9" }) };
    await writeSafetensors(path, { manifest, parameters, metadata });
    await assertRejects(() => readModel(path), TypeError, `Cannot read ${path}: `);
    await writeSafetensors(path, { manifest, parameters, metadata: { "fedlab.model": "{" } });
    await assertRejects(() => readModel(path), SyntaxError, `Cannot read ${path}: `);
    await writeSafetensors(path, { manifest, parameters });
    await Deno.writeTextFile(`${folder}/schema.json`, "[]");
    await assertRejects(() => readModel(folder), TypeError, `Cannot read ${folder}/schema.json: `);
    await assertRejects(() => readModel(`${folder}/none`), Deno.errors.NotFound);
  }));

Deno.test("writeModel() refuses a schema that the header has no room for", () =>
  inFolder(async (folder) => {
    const long = "x".repeat(1000);
    const categories = Array.from({ length: 100_000 }, (_, i) => `${long}${i}`);
    const inputs = [{ name: "town", kind: "category", categories }] as const;
    await assertRejects(
      () => writeModel(`${folder}/m`, { manifest, parameters, schema: { ...NAMED, inputs } }),
      RangeError,
      "expected a header of at most 100000000 bytes, got ",
    );
  }));
