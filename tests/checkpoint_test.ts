import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import {
  type Checkpoint,
  CheckpointStore,
  Manifest,
  Random,
  readSafetensors,
  writeSafetensors,
} from "../mod.ts";
import { inFolder } from "./_command.ts";
import { checkpointOf } from "./fixtures/checkpoint_writer.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = Manifest.of([
  { name: "dense/kernel", shape: [3, 4] },
  { name: "bn/moving_mean", shape: [4], trainable: false },
  { name: "größe", shape: [] },
]);

function checkpoint(round: number, more: Partial<Checkpoint> = {}): Checkpoint {
  const parameters = new Float32Array(MANIFEST.length).fill(round);
  return { manifest: MANIFEST, parameters, round, state: { seed: 7, round }, ...more };
}

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

function fileOf(round: number): string {
  return `round-${String(round).padStart(6, "0")}.safetensors`;
}

/** A store whose warnings are kept. */
function watched(folder: string): { store: CheckpointStore; warnings: string[] } {
  const warnings: string[] = [];
  return {
    store: new CheckpointStore(folder, { onWarning: (message) => warnings.push(message) }),
    warnings,
  };
}

function bitsOf({ parameters }: Pick<Checkpoint, "parameters">): number[] {
  return [...new Uint32Array(parameters.buffer, parameters.byteOffset, parameters.length)];
}

function assertOneLine(message: string, ...parts: string[]): void {
  assertMatch(message, /^[A-Z][^\n]*[^.\n]$/);
  for (const part of parts) assertStringIncludes(message, part);
}

Deno.test("CheckpointStore gives back what was saved, bit for bit", () =>
  inFolder(async (folder) => {
    const bits = new Uint32Array(MANIFEST.length);
    // A quiet and a signalling NaN with payloads, -0, the infinities, the smallest subnormal.
    bits.set([0x7FC12345, 0x7F812345, 0x80000000, 0x7F800000, 0xFF800000, 1]);
    const saved = checkpoint(12, {
      parameters: new Float32Array(bits.buffer),
      state: { seed: 7, tokens: [[1, 'ü\n"\\\u2028']], nested: { none: null, "__proto__x": [] } },
      score: -1 / 3,
    });
    const store = new CheckpointStore(`${folder}/made/by save`);
    assertEquals(await store.latest(), undefined);
    assertEquals(await store.best(), undefined);
    const path = await store.save(saved);
    assertEquals(path, `${folder}/made/by save/round-000012.safetensors`);
    for (const found of [await store.latest(), await store.best()]) {
      assert(found !== undefined);
      assertEquals(bitsOf(found), [...bits]);
      assertEquals(found.manifest.tensors, MANIFEST.tensors);
      const { manifest: _m, parameters: _p, ...rest } = found;
      assertEquals(rest, { round: 12, state: saved.state, score: -1 / 3 });
    }
  }));

Deno.test("CheckpointStore writes a model that readSafetensors() opens, for its owner only", () =>
  inFolder(async (folder) => {
    const path = await new CheckpointStore(folder).save(checkpoint(3));
    const { parameters, metadata } = await readSafetensors(path);
    assertEquals(parameters, checkpoint(3).parameters);
    assertEquals(JSON.parse(metadata["fedlab.state"] ?? ""), { seed: 7, round: 3 });
    assertEquals(metadata["fedlab.round"], "3");
    const digest = await crypto.subtle.digest("SHA-256", parameters);
    assertEquals(metadata["fedlab.data_sha256"], new Uint8Array(digest).toHex());
    const { mode } = await Deno.stat(path);
    if (Deno.build.os !== "windows") assertEquals((mode ?? 0) & 0o777, 0o600);
  }));

Deno.test("CheckpointStore.save() writes a part of a larger buffer, in pieces", () =>
  inFolder(async (folder) => {
    const manifest = Manifest.of([{ name: "w", shape: [2_500_000] }]);
    const whole = Float32Array.from({ length: manifest.length + 9 }, (_, i) => i);
    const store = new CheckpointStore(folder);
    await store.save({ manifest, parameters: whole.subarray(5, -4), round: 1, state: {} });
    const found = await store.latest();
    assertEquals(found?.parameters.length, manifest.length);
    assert(found?.parameters.every((value, i) => value === i + 5));
  }));

Deno.test("CheckpointStore keeps the last ones and the best one, also after a restart", () =>
  inFolder(async (folder) => {
    const scores = [0.1, 0.9, 0.3, 0.9, 0.2, 0.5, 0.4];
    for (const [i, score] of scores.entries()) {
      // Each is a process of its own, as far as the folder is concerned.
      await new CheckpointStore(folder, { keep: 2 }).save(checkpoint(i + 1, { score }));
    }
    assertEquals(await namesIn(folder), [4, 6, 7].map(fileOf));
    const store = new CheckpointStore(folder, { keep: 2 });
    assertEquals((await store.best())?.round, 4);
    assertEquals((await store.latest())?.round, 7);
    await store.save(checkpoint(8, { score: 0.95 }));
    await store.save(checkpoint(9, { score: NaN }));
    await store.save(checkpoint(10));
    await store.save(checkpoint(11, { score: -Infinity }));
    assertEquals(await namesIn(folder), [8, 10, 11].map(fileOf));
    assertEquals((await store.best())?.round, 8);
  }));

Deno.test("CheckpointStore keeps three where nothing else is said, and no best one without scores", () =>
  inFolder(async (folder) => {
    const store = new CheckpointStore(folder);
    for (let round = 0; round < 6; round++) await store.save(checkpoint(round));
    assertEquals(await namesIn(folder), [3, 4, 5].map(fileOf));
    assertEquals(await store.best(), undefined);
  }));

Deno.test("CheckpointStore goes on from an earlier round: the newest is the one saved last", () =>
  inFolder(async (folder) => {
    for (const round of [7, 8, 9]) await new CheckpointStore(folder).save(checkpoint(round));
    const store = new CheckpointStore(folder, { keep: 2 });
    await store.save(checkpoint(2));
    assertEquals((await store.latest())?.round, 2);
    await store.save(checkpoint(8, { state: { again: true } }));
    assertEquals(await namesIn(folder), [2, 8].map(fileOf));
    assertEquals((await store.latest())?.state, { again: true });
  }));

Deno.test("CheckpointStore.latest() passes over a file cut at any place, and uses the one before", () =>
  inFolder(async (folder) => {
    const { store, warnings } = watched(folder);
    await store.save(checkpoint(1));
    const path = await store.save(checkpoint(2));
    const whole = await Deno.readFile(path);
    for (let length = 0; length < whole.length; length += 3) {
      await Deno.writeFile(path, whole.subarray(0, length));
      assertEquals((await store.latest())?.round, 1);
    }
    await Deno.writeFile(path, new Uint8Array([...whole, 0]));
    assertEquals((await store.latest())?.round, 1);
    assertEquals(warnings.length, Math.ceil(whole.length / 3) + 1);
    for (const warning of warnings) {
      assertOneLine(warning, `Cannot read checkpoint ${path}: expected`);
    }
    await Deno.writeFile(path, whole);
    assertEquals((await store.latest())?.round, 2);
  }));

Deno.test("CheckpointStore.latest() and best() refuse a file with any byte altered", () =>
  inFolder(async (folder) => {
    const { store, warnings } = watched(folder);
    await store.save(checkpoint(1, { score: 1 }));
    const path = await store.save(checkpoint(2, { score: 2 }));
    const whole = await Deno.readFile(path);
    const random = new Random(3, "test");
    for (let at = 0; at < whole.length; at++) {
      const altered = whole.slice();
      altered[at] = (whole[at] ?? 0) ^ (1 << random.below(8));
      await Deno.writeFile(path, altered);
      const found = at % 2 === 0 ? store.latest() : store.best();
      assertEquals((await found)?.round, 1, `byte ${at} of ${whole.length}`);
      assertEquals(warnings.length, at + 1);
    }
    for (const warning of warnings) assertOneLine(warning, `Cannot read checkpoint ${path}: `);
    assertStringIncludes(warnings.at(-1) ?? "", "digest differs; passing it over");
  }));

Deno.test("CheckpointStore leaves foreign files alone, whatever they are called", () =>
  inFolder(async (folder) => {
    const { store, warnings } = watched(folder);
    const text = fileOf(999), model = fileOf(998), renamed = fileOf(997);
    await Deno.writeTextFile(`${folder}/${text}`, "not a model at all, but text");
    await writeSafetensors(`${folder}/${model}`, checkpoint(1));
    await Deno.rename(await store.save(checkpoint(5)), `${folder}/${renamed}`);
    const silent = ["notes.txt", "round-12.safetensors", ".round-000001.tmp", "round-000001.bin"];
    for (const name of silent) await Deno.writeTextFile(`${folder}/${name}`, name);
    await Deno.mkdir(`${folder}/${fileOf(996)}`);
    assertEquals(await store.latest(), undefined);
    assertEquals(warnings.length, 3);
    assertOneLine(warnings[0] ?? "", renamed, "its name's round, got 5");
    assertOneLine(warnings[1] ?? "", model, "got another safetensors file");
    assertOneLine(warnings[2] ?? "", text, "expected a header");
    for (let round = 1; round < 7; round++) await store.save(checkpoint(round));
    assertEquals((await store.latest())?.round, 6);
    assertEquals(
      await namesIn(folder),
      [...silent, fileOf(996), renamed, model, text, ...[4, 5, 6].map(fileOf)].sort(),
    );
  }));

Deno.test("CheckpointStore removes what a killed process left, and not what a living one writes", () =>
  inFolder(async (folder) => {
    const left = () => `${folder}/.round-000003.${crypto.randomUUID()}.tmp`;
    const store = new CheckpointStore(folder);
    const first = left(), second = left(), living = left();
    await Deno.writeTextFile(first, "half");
    await store.save(checkpoint(1));
    assertEquals(await namesIn(folder), [fileOf(1)]);
    await Deno.writeTextFile(second, "half");
    {
      using file = await Deno.open(living, { write: true, createNew: true });
      await file.lock(true);
      assertEquals((await store.latest())?.round, 1);
      assertEquals((await namesIn(folder)).map((name) => `${folder}/${name}`), [
        living,
        `${folder}/${fileOf(1)}`,
      ]);
    }
    await store.latest();
    assertEquals(await namesIn(folder), [fileOf(1)]);
  }));

Deno.test("CheckpointStore.save() by two stores at once leaves whole checkpoints", () =>
  inFolder(async (folder) => {
    const stores = [watched(folder), watched(folder)];
    const saves: Promise<string>[] = [];
    for (let i = 0; i < 20; i++) {
      for (const { store } of stores) saves.push(store.save(checkpointOf(1 + i % 4)));
    }
    // A save that another one's cleaning hit in the instant before its lock may fail, but only with its own error.
    for (const result of await Promise.allSettled(saves)) {
      if (result.status === "rejected") {
        assertOneLine(result.reason.message, "Cannot save checkpoint");
      }
    }
    const { store, warnings } = watched(folder);
    const found = await store.latest();
    assert(found !== undefined);
    assertEquals(bitsOf(found), bitsOf(checkpointOf(found.round)));
    assertEquals(warnings, []);
    assertEquals((await namesIn(folder)).filter((name) => name.endsWith(".tmp")), []);
  }));

Deno.test("CheckpointStore.save() that cannot write says so in a line, and leaves the others", () =>
  inFolder(async (folder) => {
    const { store, warnings } = watched(folder);
    await store.save(checkpoint(1));
    await Deno.mkdir(`${folder}/${fileOf(2)}/in the way`, { recursive: true });
    const error = await assertRejects(() => store.save(checkpoint(2)), Error);
    assertOneLine(error.message, `Cannot save checkpoint ${folder}/${fileOf(2)}: `);
    assertEquals(await namesIn(folder), [1, 2].map(fileOf));
    assertEquals((await store.latest())?.round, 1);
    assertEquals(warnings, []);

    const file = `${folder}/file`;
    await Deno.writeTextFile(file, "");
    const inFile = new CheckpointStore(file);
    assertOneLine(
      (await assertRejects(() => inFile.save(checkpoint(1)), Error)).message,
      `Cannot save checkpoint ${file}/${fileOf(1)}: `,
    );
    assertOneLine(
      (await assertRejects(() => inFile.latest(), Error)).message,
      `Cannot read checkpoints in ${file}: `,
    );
  }));

Deno.test("CheckpointStore without permission names the file, and does not pass for an empty one", () =>
  inFolder(async (folder) => {
    const store = new CheckpointStore(folder);
    await store.save(checkpoint(1));
    const run = async (call: string, ...permissions: string[]) => {
      const module = JSON.stringify(new URL("../src/store/checkpoint.ts", import.meta.url).href);
      const fixture = JSON.stringify(
        new URL("./fixtures/checkpoint_writer.ts", import.meta.url).href,
      );
      const code = `import { CheckpointStore } from ${module};
        import { checkpointOf } from ${fixture};
        const store = new CheckpointStore(${JSON.stringify(folder)});
        console.log(await ${call}.then(() => "done", (error) => error.message));`;
      const program = `${folder}/program.ts`;
      await Deno.writeTextFile(program, code);
      const { stdout } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-lock", "--no-prompt", "--no-check", ...permissions, program],
      }).output();
      await Deno.remove(program);
      return new TextDecoder().decode(stdout).trim();
    };
    const saved = await run("store.save(checkpointOf(2))", `--allow-read=${folder}`);
    assertOneLine(saved, `Cannot save checkpoint ${folder}/${fileOf(2)}: Requires write access`);
    assertOneLine(
      await run("store.latest()"),
      `Cannot read checkpoints in ${folder}: Requires read access`,
    );
    assertEquals(await run("store.latest()", `--allow-read=${folder}`), "done");
    assertEquals(await namesIn(folder), [fileOf(1)]);
  }));

Deno.test("CheckpointStore refuses what is no checkpoint with an error of the right kind", () =>
  inFolder(async (folder) => {
    assertThrows(() => new CheckpointStore(folder, { keep: 0 }), RangeError, "at least 1, got 0");
    const store = new CheckpointStore(folder);
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const cases: [Checkpoint, typeof TypeError | typeof RangeError, string][] = [
      [checkpoint(-1), RangeError, "a round that is a whole number from 0, got -1"],
      [checkpoint(1.5), RangeError, "got 1.5"],
      [checkpoint(1, { parameters: new Float32Array(2) }), RangeError, "expected 17 values, got 2"],
      [checkpoint(1, { state: circular }), TypeError, "as a JSON object: Converting circular"],
      [checkpoint(1, { state: { big: 1n } }), TypeError, "BigInt"],
      [checkpoint(1, { state: { toJSON: () => "text" } }), TypeError, 'got "text"'],
    ];
    for (const [bad, kind, message] of cases) {
      assertOneLine((await assertRejects(() => store.save(bad), kind, message)).message);
    }
    assertEquals(await namesIn(folder), []);
  }));

Deno.test("CheckpointStore holds a whole checkpoint whenever its process is killed", () =>
  inFolder(async (folder) => {
    const random = new Random(5, "test");
    const { store, warnings } = watched(folder);
    let before = 0, halfWritten = 0;
    for (let kill = 0; kill < 20; kill++) {
      const writer = new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--no-lock",
          "--no-prompt",
          "--no-check",
          `--allow-read=${folder}`,
          `--allow-write=${folder}`,
          new URL("./fixtures/checkpoint_writer.ts", import.meta.url).href,
          folder,
        ],
        stdout: "piped",
      }).spawn();
      const output = writer.stdout.pipeThrough(new TextDecoderStream()).getReader();
      let said = (await output.read()).value ?? "";
      // The instant of the kill is the point of this test, and nothing waits for it.
      await new Promise((resolve) => setTimeout(resolve, random.uniform() * 40));
      writer.kill("SIGKILL");
      for (let next = await output.read(); !next.done; next = await output.read()) {
        said += next.value;
      }
      await writer.status;
      const last = Number(said.slice(0, said.lastIndexOf("\n")).split("\n").at(-1));
      if ((await namesIn(folder)).some((name) => name.endsWith(".tmp"))) halfWritten++;
      const found = await store.latest();
      assert(found !== undefined && last > before);
      assertGreaterOrEqual(found.round, last);
      const expected = checkpointOf(found.round);
      assertEquals(found.state, expected.state);
      assert(found.parameters.every((value, i) => value === expected.parameters[i]));
      before = found.round;
    }
    assert(halfWritten > 0, "expected some of the kills to fall into a save");
    assertEquals(warnings, []);
    assertEquals((await namesIn(folder)).filter((name) => name.endsWith(".tmp")), []);
  }));

Deno.test("CheckpointStore keeps further vectors beside the model's tensors", () =>
  inFolder(async (folder) => {
    const vectors = {
      "strategy/momentum": Float32Array.from({ length: MANIFEST.length }, (_, i) => i / 3),
      "strategy/few": new Float32Array([-0, 7]),
    };
    const store = new CheckpointStore(folder);
    const path = await store.save(checkpoint(1, { vectors }));
    await store.save(checkpoint(0));
    const found = await new CheckpointStore(folder).best() ?? await store.latest();
    assertEquals(found?.vectors, undefined);
    await Deno.remove(`${folder}/${fileOf(0)}`);
    const read = await new CheckpointStore(folder).latest();
    assertEquals(read?.vectors, vectors);
    assertEquals(read?.parameters, checkpoint(1).parameters);
    assertEquals(await read?.manifest.digest(), await MANIFEST.digest());
    const { manifest } = await readSafetensors(path);
    assertEquals(manifest.tensors.map(({ name }) => name).slice(-2), Object.keys(vectors));
    await assertRejects(
      () => store.save(checkpoint(2, { vectors: { "dense/kernel": new Float32Array(1) } })),
      RangeError,
      "stands twice",
    );
  }));
