import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertRejects,
  assertStringIncludes,
} from "jsr:@std/assert@1.0.19";
import { CheckpointStore, Random, readSafetensors, writeSafetensors } from "../../mod.ts";
import { inFolder } from "../helpers/command.ts";
import { assertOneLine, checkpoint, historyOf } from "../../src/testing/checkpoints/samples.ts";
import { testCheckpoints } from "../../src/testing/mod.ts";
import { largeCheckpoint } from "../../src/testing/checkpoints/large.ts";

Deno.test.sanitizer({ ops: true, resources: true });

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

const HISTORY = "history.jsonl";

function fileOf(round: number): string {
  return `round-${String(round).padStart(6, "0")}.safetensors`;
}

/** Makes a store that collects its warnings. */
function watched(folder: string): { store: CheckpointStore; warnings: string[] } {
  const warnings: string[] = [];
  return {
    store: new CheckpointStore(folder, { onWarning: (message) => warnings.push(message) }),
    warnings,
  };
}

async function flip(path: string, at = -1): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  const byte = new Uint8Array(1);
  await file.seek(at, Deno.SeekMode.End);
  await file.read(byte);
  await file.seek(at, Deno.SeekMode.End);
  await file.write(byte.map((value) => value ^ 1));
}

testCheckpoints("CheckpointStore", (test) =>
  inFolder((folder) => {
    const made = `${folder}/made/by save`;
    return test({
      open: (options) => new CheckpointStore(made, options),
      rounds: async () =>
        (await namesIn(made)).filter((name) => name.startsWith("round-"))
          .map((name) => Number(name.slice(6, 12))),
      pathOf: (round) => `${made}/${fileOf(round)}`,
      alter: (round) => flip(`${made}/${fileOf(round)}`),
      alterHistory: () => flip(`${made}/${HISTORY}`, -2),
    });
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
      const module = JSON.stringify(
        new URL("../../src/store/checkpoint/files/checkpoint_store.ts", import.meta.url).href,
      );
      const fixture = JSON.stringify(
        new URL("../../src/testing/checkpoints/large.ts", import.meta.url).href,
      );
      const code = `import { CheckpointStore } from ${module};
        import { largeCheckpoint } from ${fixture};
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
    const saved = await run("store.save(largeCheckpoint(2))", `--allow-read=${folder}`);
    assertOneLine(saved, `Cannot save checkpoint ${folder}/${fileOf(2)}: Requires write access`);
    assertOneLine(
      await run("store.latest()"),
      `Cannot read checkpoints in ${folder}: Requires read access`,
    );
    assertEquals(await run("store.latest()", `--allow-read=${folder}`), "done");
    assertEquals(await namesIn(folder), [fileOf(1)]);
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
          new URL("../fixtures/checkpoint_writer.ts", import.meta.url).href,
          folder,
        ],
        stdout: "piped",
      }).spawn();
      const output = writer.stdout.pipeThrough(new TextDecoderStream()).getReader();
      let said = (await output.read()).value ?? "";
      // The process is killed at a random moment, which is the point of this test.
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
      const expected = largeCheckpoint(found.round);
      assertEquals(found.state, expected.state);
      assert(found.parameters.every((value, i) => value === expected.parameters[i]));
      before = found.round;
    }
    assert(halfWritten > 0, "expected some of the kills to fall into a save");
    assertEquals(warnings, []);
    assertEquals((await namesIn(folder)).filter((name) => name.endsWith(".tmp")), []);
  }));

Deno.test("CheckpointStore shows further vectors as tensors after the model's", () =>
  inFolder(async (folder) => {
    const vectors = { "strategy/momentum": new Float32Array([0.5, 7]) };
    const path = await new CheckpointStore(folder).save(checkpoint(1, { vectors }));
    const { manifest, parameters } = await readSafetensors(path);
    assertEquals(manifest.tensors.at(-1)?.name, "strategy/momentum");
    assertEquals([...parameters.subarray(-2)], [0.5, 7]);
  }));

/** Saves rounds one after the other in a store, with a growing history. */
async function saveRounds(store: CheckpointStore, rounds: number): Promise<unknown[]> {
  const history: unknown[] = [];
  for (const entry of historyOf(rounds)) {
    history.push(entry);
    await store.save(checkpoint(history.length, { history }));
  }
  return history;
}

Deno.test("CheckpointStore writes and reads nothing of the rounds before when it saves the next", () =>
  inFolder(async (folder) => {
    const { store, warnings } = watched(folder);
    const history = await saveRounds(store, 30);
    const path = `${folder}/${HISTORY}`;
    const lines = (await Deno.readTextFile(path)).split("\n");
    assertEquals(lines.slice(0, -1).map((line) => JSON.parse(line)), history);
    // What is there is neither read nor written again: it stays as this test has left it.
    await Deno.writeTextFile(path, "x", { append: false, create: false });
    await Deno.truncate(path, new TextEncoder().encode(lines.join("\n")).length);
    const { size } = await Deno.stat(path);
    history.push({ round: 31 });
    await store.save(checkpoint(31, { history }));
    assertEquals((await Deno.stat(path)).size, size + '{"round":31}\n'.length);
    assertEquals((await Deno.readTextFile(path)).slice(0, 2), "x\0");
    assertEquals(await store.latest(), undefined);
    assertEquals(warnings.length, 3);
    const sizes = [30, 31].map((round) => Deno.statSync(`${folder}/${fileOf(round)}`).size);
    assertEquals(sizes[0], sizes[1]);
    if (Deno.build.os !== "windows") {
      assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
    }
  }));

Deno.test("CheckpointStore passes over checkpoints whose history is cut at any place, is missing, or is no regular file", () =>
  inFolder(async (folder) => {
    const { store, warnings } = watched(folder);
    const history = await saveRounds(store, 3);
    const path = `${folder}/${HISTORY}`;
    const whole = await Deno.readFile(path);
    const ends = [...whole.keys()].filter((i) => whole[i] === 10).map((i) => i + 1);
    for (let length = 0; length < whole.length; length++) {
      await Deno.writeFile(path, whole.subarray(0, length));
      const rounds = ends.filter((end) => end <= length).length;
      const found = await store.latest();
      assertEquals(found?.round, rounds === 0 ? undefined : rounds);
      if (found) assertEquals(found.history, history.slice(0, rounds));
      assertEquals(warnings.length, 3 - rounds);
      for (const warning of warnings.splice(0)) {
        assertOneLine(warning, "bytes of history in", "passing it over");
      }
    }
    // More history than the checkpoint's is no fault: a save may have been interrupted.
    await Deno.writeFile(path, new Uint8Array([...whole, 123, 10, 7]));
    assertEquals((await store.latest())?.history, history);

    await Deno.rename(path, `${folder}/elsewhere`);
    assertEquals(await store.latest(), undefined);
    await Deno.symlink(`${folder}/elsewhere`, path);
    assertEquals(await store.latest(), undefined);
    assertOneLine(warnings[0] ?? "", "expected the run's history in", "got no such file");
    assertOneLine(warnings[3] ?? "", "to be a regular file, got a link");
    const error = await assertRejects(() => store.save(checkpoint(4, { history })), Error);
    assertOneLine(error.message, "to be a regular file, got a link");
    assertEquals((await Deno.readFile(`${folder}/elsewhere`)).length, whole.length + 3);
  }));

Deno.test("CheckpointStore.latest() refuses a history with any byte altered", () =>
  inFolder(async (folder) => {
    const { store, warnings } = watched(folder);
    await saveRounds(store, 3);
    const path = `${folder}/${HISTORY}`;
    const whole = await Deno.readFile(path);
    const random = new Random(4, "test");
    for (let at = 0; at < whole.length; at++) {
      await Deno.writeFile(path, whole.with(at, (whole[at] ?? 0) ^ (1 << random.below(8))));
      const rounds = [...whole.subarray(0, at)].filter((byte) => byte === 10).length;
      assertEquals((await store.latest())?.round, rounds === 0 ? undefined : rounds, `byte ${at}`);
      assertEquals(warnings.splice(0).length, 3 - rounds);
    }
  }));

Deno.test("CheckpointStore neither reads nor writes through a link in the place of a checkpoint", () =>
  inFolder(async (folder) => {
    const { store, warnings } = watched(`${folder}/kept`);
    const path = await store.save(checkpoint(1));
    await store.save(checkpoint(2));
    const other = `${folder}/other`;
    await Deno.rename(path, other);
    await Deno.symlink(other, path);
    assertEquals((await store.latest())?.round, 2);
    assertOneLine(warnings[0] ?? "", path, "expected a regular file, got a link; passing it over");
    const before = await Deno.readFile(other);
    await store.save(checkpoint(1, { state: { again: true } }));
    assertEquals((await Deno.lstat(path)).isFile, true);
    assertEquals(await Deno.readFile(other), before);
    assertEquals((await store.latest())?.state, { again: true });
  }));
