import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@1.0.19";
import { Manifest, readSafetensors, writeSafetensors } from "../../mod.ts";
import { writePrivateKey } from "../../src/auth/mod.ts";
import { splitPath } from "../../src/base/files/path.ts";
import { replaceFile, replaceTextFile, writeBytes } from "../../src/base/files/whole_file.ts";
import { inFolder, runCommand } from "../helpers/command.ts";
import { onSmallDisk } from "../helpers/small_disk.ts";

Deno.test.sanitizer({ ops: true, resources: true });

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

async function modeOf(path: string): Promise<number> {
  return ((await Deno.stat(path)).mode ?? 0) & 0o777;
}

Deno.test("replaceFile() that fails leaves the former file whole, and nothing beside it", () =>
  inFolder(async (folder) => {
    const path = `${folder}/report.json`;
    await replaceTextFile(path, "former");
    await assertRejects(
      () =>
        replaceFile(path, async (file) => {
          await writeBytes(file, new Uint8Array(10));
          throw new Error("it broke off");
        }),
      Error,
      "it broke off",
    );
    assertEquals(await Deno.readTextFile(path), "former");
    assertEquals(await namesIn(folder), ["report.json"]);
    await replaceTextFile(path, "new");
    assertEquals(await Deno.readTextFile(path), "new");
    assertEquals(await namesIn(folder), ["report.json"]);
  }));

Deno.test("replaceFile() keeps the permissions of the file that it replaces, and gives a new one its own", () =>
  inFolder(async (folder) => {
    if (Deno.build.os === "windows") return;
    const path = `${folder}/model`;
    await replaceTextFile(path, "a", { mode: 0o600 });
    assertEquals(await modeOf(path), 0o600);
    for (const mode of [0o644, 0o666, 0o640]) {
      await Deno.chmod(path, mode);
      await replaceTextFile(path, "b", { mode: 0o600 });
      assertEquals(await modeOf(path), mode);
    }
  }));

Deno.test("replaceFile() removes what a process that died has left of that file, and not what a living one writes", () =>
  inFolder(async (folder) => {
    const path = `${folder}/r.json`;
    const left = `.r.json.${crypto.randomUUID()}.tmp`,
      living = `.r.json.${crypto.randomUUID()}.tmp`;
    const others = [".r.json.tmp", `.other.${crypto.randomUUID()}.tmp`, "r.json.tmp"].sort();
    for (const name of [left, ...others]) await Deno.writeTextFile(`${folder}/${name}`, "half");
    using file = await Deno.open(`${folder}/${living}`, { write: true, createNew: true });
    await file.lock(true);
    await replaceTextFile(path, "whole");
    assertEquals(await namesIn(folder), [...others, living, "r.json"].sort());
  }));

Deno.test("replaceFile() replaces what a link names, and the link stays", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/far`);
    await Deno.writeTextFile(`${folder}/far/real`, "former");
    await Deno.symlink("far/real", `${folder}/link`);
    await Deno.symlink("far/later", `${folder}/dangling`);
    await replaceTextFile(`${folder}/link`, "new");
    await replaceTextFile(`${folder}/dangling`, "made");
    assertEquals(await Deno.readTextFile(`${folder}/far/real`), "new");
    assertEquals(await Deno.readTextFile(`${folder}/far/later`), "made");
    assertEquals((await Deno.lstat(`${folder}/link`)).isSymlink, true);
    assertEquals(await namesIn(`${folder}/far`), ["later", "real"]);
  }));

Deno.test("replaceFile() writes to devices and pipes as they are", () =>
  inFolder(async (folder) => {
    if (Deno.build.os !== "linux") return;
    await replaceTextFile("/dev/null", "gone");
    assertEquals((await Deno.stat("/dev/null")).isCharDevice, true);
    await assertRejects(() => replaceTextFile("/dev/full", "no room"), Error, "No space left");
    assertEquals((await Deno.stat("/dev/full")).isCharDevice, true);
    await Deno.symlink("/dev/null", `${folder}/null`);
    await replaceTextFile(`${folder}/null`, "gone");
    const fifo = `${folder}/fifo`;
    const { success } = await new Deno.Command("mkfifo", { args: [fifo] }).output();
    assert(success);
    const [text] = await Promise.all([Deno.readTextFile(fifo), replaceTextFile(fifo, "through")]);
    assertEquals(text, "through");
    assertEquals((await Deno.lstat(fifo)).isFifo, true);
    assertEquals(await namesIn(folder), ["fifo", "null"]);
  }));

Deno.test("replaceFile() with createNew leaves a file that is there alone, and makes a new one whole", () =>
  inFolder(async (folder) => {
    const path = `${folder}/client.key`;
    await writePrivateKey(path, "first");
    if (Deno.build.os !== "windows") assertEquals(await modeOf(path), 0o600);
    const error = await assertRejects(() => writePrivateKey(path, "second"), Error);
    assertStringIncludes(error.message, "there is such a file");
    assertEquals(await Deno.readTextFile(path), "first");
    assertEquals(await namesIn(folder), ["client.key"]);
  }));

Deno.test("replaceFile() with permission for the file alone writes it in its place", () =>
  inFolder(async (folder) => {
    const path = `${folder}/r.json`;
    const module = JSON.stringify(
      new URL("../../src/base/files/whole_file.ts", import.meta.url).href,
    );
    await Deno.writeTextFile(
      `${folder}/program.ts`,
      `import { replaceTextFile } from ${module};
      await replaceTextFile(${JSON.stringify(path)}, Deno.args[0]);`,
    );
    for (const [text, ...flags] of [["a"], ["bb"], ["c", `--allow-read=${path}`]]) {
      const { success, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "--no-prompt", "--no-lock", "--no-check", `--allow-write=${path}`, ...flags],
          ...[`${folder}/program.ts`, text ?? ""],
        ],
      }).output();
      assert(success, new TextDecoder().decode(stderr));
      assertEquals(await Deno.readTextFile(path), text);
    }
    assertEquals(await namesIn(folder), ["program.ts", "r.json"]);
  }));

const MANIFEST = Manifest.of([{ name: "w", shape: [300_000] }]);

Deno.test("writeSafetensors() leaves a whole model whenever its process is killed", () =>
  inFolder(async (folder) => {
    const path = `${folder}/model.safetensors`;
    for (let kill = 0; kill < 8; kill++) {
      const writer = new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "-A",
          "--no-lock",
          "--no-check",
          `${import.meta.dirname}/../fixtures/model_writer.ts`,
          path,
        ],
        stdout: "piped",
      }).spawn();
      const output = writer.stdout.pipeThrough(new TextDecoderStream()).getReader();
      await output.read();
      // The instant of the kill is the point of this test, and nothing waits for it.
      await new Promise((resolve) => setTimeout(resolve, kill * 3.7));
      writer.kill("SIGKILL");
      while (!(await output.read()).done);
      await writer.status;
      const { manifest, parameters } = await readSafetensors(path);
      assertEquals(await manifest.digest(), await MANIFEST.digest());
      assert(parameters.every((value) => value === parameters[0]));
    }
    await writeSafetensors(path, { manifest: MANIFEST, parameters: new Float32Array(300_000) });
    assertEquals(await namesIn(folder), ["model.safetensors"]);
  }));

Deno.test("outputs of a run leave the former ones whole on a full disk, and no temporary files", () =>
  inFolder((folder) =>
    onSmallDisk(`${folder}/disk`, async (disk) => {
      const path = `${disk.path}/model.safetensors`;
      const model = (value: number) => ({
        manifest: MANIFEST,
        parameters: new Float32Array(MANIFEST.length).fill(value),
      });
      await writeSafetensors(path, model(1));
      await replaceTextFile(`${disk.path}/report.json`, "former");
      await disk.fill();
      await assertRejects(() => writeSafetensors(path, model(2)), Error, "No space left");
      const report = () => replaceTextFile(`${disk.path}/report.json`, "x".repeat(100_000));
      await assertRejects(report, Error, "No space left");
      assertEquals((await readSafetensors(path)).parameters[0], 1);
      assertEquals(await Deno.readTextFile(`${disk.path}/report.json`), "former");
      assertEquals(await namesIn(disk.path), ["filler", "model.safetensors", "report.json"]);
      await disk.empty();
      await writeSafetensors(path, model(2));
      assertEquals((await readSafetensors(path)).parameters[0], 2);
    })
  ));

const SHORT = ["--clients", "2", "--rounds", "2", "--workers", "1", "--model", "lr"];

Deno.test("a run's model is for its owner's eyes, unless the file was there with another mode", () =>
  inFolder(async (folder) => {
    if (Deno.build.os === "windows") return;
    const keep = ["--checkpoint-every", "1", "--out", "run"];
    const { code, stderr } = await runCommand("simulate", [...SHORT, ...keep], folder);
    assertEquals(code, 0, stderr);
    const path = `${folder}/run/model.safetensors`;
    assertEquals(await modeOf(path), 0o600);
    await Deno.chmod(path, 0o640);
    const again = ["--resume", "run", "--rounds", "3"];
    assertEquals((await runCommand("simulate", again, folder)).code, 0);
    assertEquals(await modeOf(path), 0o640);
    assertEquals((await readSafetensors(path)).metadata.rounds, "3");
  }));

/** Runs a command whose standard output nobody reads. */
async function unread(args: string[], folder: string): Promise<{ code: number; stderr: string }> {
  const main = new URL("../../src/cli/main.ts", import.meta.url).pathname;
  const command = [Deno.execPath(), "run", "-A", main, ...args].map((arg) => `'${arg}'`).join(" ");
  const { code, stderr } = await new Deno.Command("bash", {
    args: ["-c", `${command} | true; exit \${PIPESTATUS[0]}`],
    cwd: folder,
    env: { NO_COLOR: "1" },
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test("a command whose tables nobody reads ends well, and one whose report nobody reads does not", () =>
  inFolder(async (folder) => {
    if (Deno.build.os === "windows") return;
    const tables = await unread(["simulate", ...SHORT, "--out", "a"], folder);
    assertEquals(tables.code, 0, tables.stderr);
    assert(JSON.parse(await Deno.readTextFile(`${folder}/a/report.json`)).rounds.length === 2);
    assertEquals((await unread(["--help"], folder)).code, 0);
    const report = await unread(["simulate", ...SHORT, "--out", "b", "--json", "-"], folder);
    assertEquals(report.code, 1);
    assertStringIncludes(report.stderr, "error: Cannot write -: Broken pipe");
    assert(JSON.parse(await Deno.readTextFile(`${folder}/b/report.json`)).rounds.length === 2);
    const key = await unread(["keygen", "--out", "client.key"], folder);
    assertEquals(key.code, 1, "its public line is lost");
  }));

Deno.test("splitPath() gives the folder and the last step of a path", () => {
  const cases: [string, string, string][] = [
    ["a", ".", "a"],
    ["a/b", "a", "b"],
    ["/a", "/", "a"],
    ["a//b", "a", "b"],
    ["a/b/", "a", "b"],
    ["./a/..", "./a", ".."],
    ["/", "/", ""],
  ];
  for (const [path, folder, name] of cases) assertEquals(splitPath(path), { folder, name });
});
