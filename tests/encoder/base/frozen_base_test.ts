import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@1.0.19";
import { sha256Hex } from "../../../src/base/hash.ts";
import { replaceRuntime } from "../../../src/base/runtime/runtime.ts";
import { writeBase } from "../../../src/encoder/base/convert.ts";
import { FrozenBase } from "../../../src/encoder/base/frozen_base.ts";
import { storedBase } from "../../../src/encoder/base/stored_base.ts";
import { makeDigests } from "../../../src/encoder/base/digest.ts";
import { sha256 as slowSha256 } from "../../../src/encoder/deps.ts";
import { fakeStorage } from "../../helpers/fake_storage.ts";
import { serveFiles } from "../../helpers/file_server.ts";
import { hasMinilm, MINILM, MINILM_SHA256 } from "../../helpers/minilm.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Tensor of a file with its bytes. */
type Part = readonly [
  name: string,
  dtype: string,
  shape: readonly number[],
  bytes: ArrayBufferView,
];

/** Encodes a safetensors file. */
function safetensors(parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  let at = 0;
  const header = JSON.stringify(Object.fromEntries(parts.map(([name, dtype, shape, bytes]) => [
    name,
    { dtype, shape, data_offsets: [at, at += bytes.byteLength] },
  ])));
  const text = new TextEncoder().encode(header.padEnd(Math.ceil(header.length / 8) * 8));
  const file = new Uint8Array(8 + text.length + at);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  let end = 8 + text.length;
  for (const [, , , { buffer, byteOffset, byteLength }] of parts) {
    file.set(new Uint8Array(buffer, byteOffset, byteLength), end);
    end += byteLength;
  }
  return file;
}

// Values without order: a sine of large steps.
const KERNEL = Float32Array.from({ length: 300 * 40 }, (_, i) => Math.sin(i * i + 1));
const BIAS = Float32Array.of(0.1, -2, 3e-5);
const CONTENT = safetensors([
  ["position_ids", "I64", [1, 2], BigInt64Array.of(0n, 1n)],
  ["dense.weight", "F32", [300, 40], KERNEL],
  ["dense.bias", "F32", [3], BIAS],
]);
const SHA256 = await sha256Hex(CONTENT);
const BYTES = CONTENT.length;
const QUICK = { retrySeconds: 0, tries: 3 };

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function kernelOf(base: FrozenBase): Promise<Float32Array> {
  const kernel = new Float32Array(KERNEL.length);
  await base.read("dense.weight", kernel);
  return kernel;
}

Deno.test("FrozenBase reads tensors of floats in any order, and leaves out whole numbers", async () => {
  using base = await FrozenBase.open({ content: CONTENT, sha256: SHA256, precision: "f32" });
  assertEquals([...base.shapes], [["dense.weight", [300, 40]], ["dense.bias", [3]]]);
  assertEquals(base.reference, { sha256: SHA256, bytes: BYTES, format: "safetensors" });
  const bias = new Float32Array(3), kernel = new Float32Array(KERNEL.length);
  // Both at once: reads follow one another.
  await Promise.all([base.read("dense.bias", bias), base.read("dense.weight", kernel)]);
  assertEquals([bias, kernel], [BIAS, KERNEL]);
  await assertRejects(
    () => base.read("dense.bias", kernel),
    RangeError,
    "expected 3 values, got room for 12000",
  );
  await assertRejects(() => base.read("position_ids", bias), RangeError, "a tensor of that name");
});

Deno.test("FrozenBase.open() names a digest, size, precision or format that differs", () =>
  inFolder(async (folder) => {
    const path = `${folder}/model.safetensors`;
    await Deno.writeFile(path, CONTENT);
    for (
      const [options, kind, message] of [
        [{ sha256: "0".repeat(64) }, RangeError, `Cannot use ${path}: expected the SHA-256 000`],
        [{ sha256: "abc" }, TypeError, "expected a SHA-256 of 64 hexadecimal digits, got abc"],
        [{ bytes: 12 }, RangeError, `${path}: expected 12 bytes, got ${BYTES}`],
        [{ precision: "f16" }, RangeError, `${path}: expected the precision f16, got f32`],
        [{ path: `${folder}/none` }, Deno.errors.NotFound, "there is no such file"],
      ] as const
    ) {
      await assertRejects(
        () => FrozenBase.open({ path, sha256: SHA256, ...options }),
        kind,
        message,
      );
    }
    const others: [Uint8Array<ArrayBuffer>, string][] = [
      [new TextEncoder().encode("PK"), "got a file of 2 bytes"],
      [new TextEncoder().encode("a pickled model"), "got a header of"],
      [CONTENT.slice(0, -4), "bytes of data"],
      [safetensors([["a", "I64", [1], BigInt64Array.of(1n)]]), "got no tensor of floats"],
      [safetensors([["a", "I8", [2, 1], Int8Array.of(1, 2)]]), "to have 2 scales of type F32"],
    ];
    for (const [content, message] of others) {
      await assertRejects(
        async () => await FrozenBase.open({ content, sha256: await sha256Hex(content) }),
        SyntaxError,
        message,
      );
    }
  }));

Deno.test("FrozenBase.open() fetches once, and goes on where a download broke off", () =>
  inFolder(async (cache) => {
    await using server = serveFiles({
      files: { "hub/model.safetensors": CONTENT },
      cutAfter: (count) => count === 1 ? 20_000 : undefined,
    });
    const url = `${server.url}hub/model.safetensors`;
    const options = { url, sha256: SHA256, bytes: BYTES, cache, ...QUICK };
    {
      using base = await FrozenBase.open(options);
      assertEquals(await kernelOf(base), KERNEL);
    }
    const [, second] = server.requests;
    assert(Number(/^bytes=(\d+)-$/.exec(second?.range ?? "")?.[1]) > 0);
    using _again = await FrozenBase.open(options);
    assertEquals([server.requests.length, server.sent], [2, BYTES]);
    // A kept file that was changed is not used.
    await Deno.writeFile(`${cache}/${SHA256}.safetensors`, CONTENT.with(BYTES - 1, 1));
    const error = await assertRejects(() => FrozenBase.open(options), RangeError);
    assertStringIncludes(error.message, `${cache}/${SHA256}.safetensors: expected the SHA-256`);
  }));

Deno.test("FrozenBase.open() refuses what a server sends of another digest or size", () =>
  inFolder(async (cache) => {
    await using server = serveFiles({ files: { model: CONTENT } });
    const options = { url: `${server.url}model`, sha256: SHA256, bytes: BYTES, cache, ...QUICK };
    await assertRejects(
      () => FrozenBase.open({ ...options, bytes: 100 }),
      Error,
      `expected 100 bytes, the server has ${BYTES}`,
    );
    await assertRejects(
      () => FrozenBase.open({ ...options, sha256: "1".repeat(64) }),
      Error,
      `expected SHA-256 ${"1".repeat(64)}, got ${SHA256}`,
    );
  }));

Deno.test("FrozenBase.open() fetches from a plan's mirrors on hosts that are allowed alone", () =>
  inFolder(async (cache) => {
    await using server = serveFiles({ files: { model: CONTENT } });
    const mirrors = ["http://evil.test/model", `${server.url}model`];
    const options = { mirrors, sha256: SHA256, bytes: BYTES, cache, ...QUICK };
    await assertRejects(
      () => FrozenBase.open({ ...options, hosts: ["hub.test"] }),
      RangeError,
      "expected an address on a host that is allowed (hub.test), got http://evil.test/model, http",
    );
    await assertRejects(() => FrozenBase.open(options), RangeError, "allowed (none)");
    assertEquals(server.requests, []);
    using base = await FrozenBase.open({ ...options, hosts: [new URL(server.url).host] });
    assertEquals(await kernelOf(base), KERNEL);
  }));

Deno.test("storedBase() keeps a part of a download in a browser's files, and goes on", async () => {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const folder = fakeStorage(files);
  using _storage = replaceRuntime({
    storage: { folder: () => Promise.resolve(folder), exclusive: (_, use) => use() },
  });
  const name = `${SHA256}.safetensors`, facts = { sha256: SHA256, bytes: BYTES };
  await using server = serveFiles({
    files: { model: CONTENT },
    cutAfter: (count) => count === 1 ? 20_000 : undefined,
    // A browser sends no `If-Range`: the digest tells a file of another version.
    intercept(request, count) {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
      if (count === 1 || from === 0) return undefined;
      const headers = { "content-range": `bytes ${from}-${BYTES - 1}/${BYTES}` };
      return new Response(CONTENT.subarray(from), { status: 206, headers });
    },
  });
  const makeDigest = await makeDigests();
  const settings = { urls: [`${server.url}model`], makeDigest, ...QUICK };
  const once = { ...settings, tries: 1 };
  await assertRejects(() => storedBase(facts, once), Error, "Cannot open the base: http");
  const kept = files.get(name)?.length ?? 0;
  assert(kept > 0 && kept <= 20_000, `${kept}`);
  const blob = await storedBase(facts, settings);
  assertEquals(await blob.bytes(), CONTENT);
  assertEquals(server.requests[1]?.range, `bytes=${kept}-`);
  // A second start asks for nothing.
  await storedBase(facts, settings);
  assertEquals(server.requests.length, 2);
  // What was damaged is fetched again.
  files.set(name, CONTENT.with(BYTES - 1, 1));
  assertEquals(await (await storedBase(facts, settings)).bytes(), CONTENT);
  await assertRejects(
    () => storedBase({ sha256: "1".repeat(64), bytes: BYTES }, settings),
    Error,
    `expected the SHA-256 ${"1".repeat(64)}, got ${SHA256}`,
  );
});

Deno.test("digests of browsers and of Deno are the same", async () => {
  const hash = slowSha256.create();
  for (let at = 0; at < BYTES; at += 1_000) hash.update(CONTENT.subarray(at, at + 1_000));
  assertEquals(new Uint8Array(hash.digest()).toHex(), SHA256);
  await Promise.resolve();
});

Deno.test("writeBase() stores 16-bit floats, and 8-bit numbers with a scale for each output", () =>
  inFolder(async (folder) => {
    using base = await FrozenBase.open({ content: CONTENT, sha256: SHA256 });
    const path = `${folder}/small.safetensors`;
    const half = await writeBase(path, base, "f16");
    using f16 = await FrozenBase.open({ path, ...half, precision: "f16" });
    assertEquals(await kernelOf(f16), new Float32Array(new Float16Array(KERNEL)));
    const eighth = await writeBase(path, base, "int8");
    assert(eighth.bytes < BYTES / 3);
    using int8 = await FrozenBase.open({ path, ...eighth, precision: "int8" });
    assertEquals([...int8.shapes], [...base.shapes]);
    const kernel = await kernelOf(int8), bias = new Float32Array(3);
    await int8.read("dense.bias", bias);
    assertEquals(bias, BIAS);
    for (let row = 0; row < 300; row++) {
      const own = KERNEL.subarray(row * 40, row * 40 + 40);
      const step = Math.max(...own.map(Math.abs)) / 127;
      own.forEach((value, i) => {
        const error = Math.abs((kernel[row * 40 + i] ?? NaN) - value);
        assert(error <= step * 0.5001, `row ${row}: ${error} of ${step}`);
      });
    }
    // Once more, in the form of 32-bit floats: values stay.
    const whole = await writeBase(`${folder}/whole.safetensors`, int8, "f32");
    using f32 = await FrozenBase.open({ path: `${folder}/whole.safetensors`, ...whole });
    assertEquals(await kernelOf(f32), kernel);
    const wide = safetensors([["a", "F32", [2], Float32Array.of(1, 70_000)]]);
    using large = await FrozenBase.open({ content: wide, sha256: await sha256Hex(wide) });
    await assertRejects(() => writeBase(path, large, "f16"), RangeError, "got 70000");
  }));

Deno.test({
  name: "FrozenBase.open() reads all-MiniLM-L6-v2",
  ignore: !await hasMinilm("the base of all-MiniLM-L6-v2"),
  async fn() {
    using base = await FrozenBase.open({
      path: `${MINILM}/model.safetensors`,
      sha256: MINILM_SHA256.model,
      bytes: 90_868_376,
    });
    assertEquals([base.shapes.size, base.precision], [103, "f32"]);
    assertEquals(base.shapes.get("embeddings.word_embeddings.weight"), [30_522, 384]);
    assertEquals(base.shapes.has("embeddings.position_ids"), false);
    const name = "encoder.layer.5.output.dense.weight";
    const file = await Deno.readFile(`${MINILM}/model.safetensors`);
    const start = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, start)));
    const [from, to] = header[name].data_offsets;
    const values = new Float32Array(384 * 1536);
    await base.read(name, values);
    assertEquals(values, new Float32Array(file.slice(start + from, start + to).buffer));
  },
});
