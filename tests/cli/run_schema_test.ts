import { assertEquals } from "jsr:@std/assert@1.0.19";
import { initialParameters, logisticRegression, SyncParameterServerHandler } from "../../mod.ts";
import { RunFolder, writeRun } from "../../src/cli/run/run_folder.ts";
import { parseSchema } from "../../src/data/schema/parse.ts";
import { RunRecord } from "../../src/round/record/run_record.ts";
import { readModel } from "../../src/train/mod.ts";
import { inFolder } from "../helpers/command.ts";
import { NAMED } from "../helpers/schemas.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("writeRun() writes the schema of a run beside its model, and into the model's file", () =>
  inFolder(async (path) => {
    const model = logisticRegression({ inputShape: [2], numClasses: 2 });
    for (const schema of [NAMED, undefined]) {
      const handler = new SyncParameterServerHandler({
        ...await initialParameters(model, 1),
        model,
        ...(schema && { schema }),
      });
      const record = new RunRecord(handler, { transport: "memory", worldSize: 2, rounds: 1 });
      const into = `${path}/${schema ? "with" : "without"}`;
      await Deno.mkdir(into);
      await using folder = new RunFolder(into);
      assertEquals(await writeRun(folder, await record.report(), { handler }), []);
      assertEquals(folder.files.includes(`${into}/schema.json`), schema !== undefined);
      if (schema) {
        const text = await Deno.readTextFile(`${into}/schema.json`);
        assertEquals(parseSchema(JSON.parse(text)), NAMED);
      }
      const trained = await readModel(`${into}/model.safetensors`);
      assertEquals([trained.schema, trained.model], [schema, model]);
      assertEquals(trained.metadata.rounds, "0");
    }
  }));
