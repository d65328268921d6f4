import { assertEquals } from "jsr:@std/assert@1.0.19";
import { Random } from "../../mod.ts";
import { schemaDigest } from "../../src/data/schema/digest.ts";
import { parseSchema } from "../../src/data/schema/parse.ts";
import type { InputSchema, Schema } from "../../src/data/schema/schema.ts";
import { decodeBody, MessageCode } from "../../src/wire/mod.ts";
import { assignmentFor } from "../helpers/assignment.ts";
import { vectorManifest } from "../helpers/fake_handler.ts";
import { bodyOf } from "../helpers/frame.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ASSIGNMENT = await assignmentFor(vectorManifest(3));

/** Numbers that encoders treat differently. */
const NUMBERS = [
  ...[0, -0, 1, -1, 23, 24, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -(2 ** 32)],
  ...[2 ** 53 - 1, 2 ** 53, -(2 ** 53), 2 ** 63, 2 ** 64, 1e20, 1e21, 1e300, 5e-324],
  ...[0.1, -1.5, 1 / 3, 65_504, 65_505.5, 1e-7, 3.4028234663852886e38],
];

function schemaOf(mean: number, random: Random): Schema {
  const inputs: InputSchema[] = [
    { name: "größe\u2028 𝒳", kind: "number", unit: "m²", standardize: { mean, deviation: 1e-300 } },
    { name: "chol", kind: "number", missing: { policy: "mean", fill: mean, indicator: true } },
    { name: "k", kind: "category", categories: ["", "1", "true", "ü"].slice(1), unknown: "other" },
    { name: "b", kind: "boolean", missing: { policy: "constant", fill: random.below(2) === 0 } },
  ];
  return {
    format: "fedlab.schema/1",
    inputs,
    target: { name: "y", task: "regression", outputs: [{ name: "z", unit: "€" }] },
  };
}

Deno.test("a schema has the same digest after its way over the wire, whatever its numbers", async () => {
  const random = new Random(1, "test");
  const drawn = Array.from(
    { length: 200 },
    () => random.normal() * 10 ** (random.below(600) - 300),
  );
  for (const mean of [...NUMBERS, ...drawn]) {
    const schema = schemaOf(mean, random), digest = await schemaDigest(schema);
    const code = MessageCode.IdAssignment;
    const payload = { ...ASSIGNMENT, schema: { ...schema }, schemaDigest: digest };
    const message = decodeBody(code, bodyOf({ code, payload }));
    if (message.code !== code) throw new Error("another message");
    assertEquals(await schemaDigest(parseSchema(message.payload.schema)), digest, `${mean}`);
  }
});
