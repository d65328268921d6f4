import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { Manifest, Random, readSafetensors, writeSafetensors } from "../../mod.ts";
import { encodeSafetensorsHeader } from "../../src/store/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = Manifest.of([
  { name: "dense/kernel", shape: [3, 5] },
  { name: "dense/bias", shape: [5] },
  { name: "bn/moving_mean", shape: [5], trainable: false },
  { name: "größe", shape: [] },
  { name: "empty", shape: [0, 4] },
]);

async function withFile(test: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".safetensors" });
  try {
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("readSafetensors() gives back what writeSafetensors() wrote", () =>
  withFile(async (path) => {
    const random = new Random(1, "test");
    const parameters = Float32Array.from({ length: MANIFEST.length }, () => random.normal());
    await writeSafetensors(path, { manifest: MANIFEST, parameters, metadata: { seed: "7" } });
    const stored = await readSafetensors(path);
    assertEquals(stored.parameters, parameters);
    assertEquals(stored.manifest.tensors, MANIFEST.tensors);
    assertEquals(stored.metadata, { seed: "7" });
  }));

Deno.test("writeSafetensors() writes the layout of the format", () =>
  withFile(async (path) => {
    const manifest = Manifest.of([{ name: "w", shape: [2] }, { name: "b", shape: [1] }]);
    await writeSafetensors(path, { manifest, parameters: new Float32Array([1, 2, 3]) });
    const bytes = await Deno.readFile(path);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    assertEquals(length % 8, 0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    assertEquals(header.w, { dtype: "F32", shape: [2], data_offsets: [0, 8] });
    assertEquals(header.b, { dtype: "F32", shape: [1], data_offsets: [8, 12] });
    assert(Object.values(header.__metadata__).every((value) => typeof value === "string"));
    assertEquals([...new Float32Array(bytes.slice(8 + length).buffer)], [1, 2, 3]);
  }));

Deno.test("readSafetensors() refuses a file cut at any place in one line that names it", () =>
  withFile(async (path) => {
    await writeSafetensors(path, {
      manifest: MANIFEST,
      parameters: new Float32Array(MANIFEST.length),
    });
    const whole = await Deno.readFile(path);
    for (let length = 0; length < whole.length; length += 3) {
      await Deno.writeFile(path, whole.subarray(0, length));
      const error = await assertRejects(
        () => readSafetensors(path),
        SyntaxError,
        `Cannot read ${path}: `,
      );
      assert(!error.message.includes("\n"));
    }
  }));

Deno.test("readSafetensors() refuses other element types, gaps, overlaps and foreign files", () =>
  withFile(async (path) => {
    const write = (header: unknown, dataBytes: number) => {
      const text = new TextEncoder().encode(JSON.stringify(header));
      const bytes = new Uint8Array(8 + text.length + dataBytes);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
      bytes.set(text, 8);
      return Deno.writeFile(path, bytes);
    };
    await write({ w: { dtype: "I32", shape: [1], data_offsets: [0, 4] } }, 4);
    await assertRejects(
      () => readSafetensors(path),
      TypeError,
      'of dtype F32, F64, F16, BF16, got "I32"',
    );
    await write({ w: { dtype: "F32", shape: [2], data_offsets: [4, 12] } }, 12);
    await assertRejects(() => readSafetensors(path), SyntaxError, "to follow the one before it");
    await write({
      a: { dtype: "F32", shape: [2], data_offsets: [0, 8] },
      b: { dtype: "F32", shape: [1], data_offsets: [4, 8] },
    }, 8);
    await assertRejects(() => readSafetensors(path), SyntaxError, "to follow the one before it");
    await write({ w: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }, 8);
    await assertRejects(
      () => readSafetensors(path),
      SyntaxError,
      "expected 4 bytes of data, got 8",
    );
    await write([1, 2], 0);
    await assertRejects(
      () => readSafetensors(path),
      SyntaxError,
      "expected the header to be an object",
    );
    await Deno.writeTextFile(path, "not a model at all, but text");
    await assertRejects(() => readSafetensors(path), SyntaxError, "expected a header of");
  }));

Deno.test("writeSafetensors() refuses a vector of another length", async () => {
  await assertRejects(
    () =>
      writeSafetensors("unused.safetensors", {
        manifest: MANIFEST,
        parameters: new Float32Array(3),
      }),
    RangeError,
    `expected ${MANIFEST.length} values, got 3`,
  );
});

Deno.test("encodeSafetensorsHeader() begins the data at a multiple of 8", () => {
  for (let n = 1; n < 9; n++) {
    const header = encodeSafetensorsHeader(Manifest.of([{ name: "x".repeat(n), shape: [1] }]));
    assertEquals(header.length % 8, 0);
  }
});
