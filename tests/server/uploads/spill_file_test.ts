import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { Random } from "../../../mod.ts";
import { onSmallDisk } from "../../helpers/small_disk.ts";
import { SpillFile } from "../../../src/server/uploads/spill_file.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MODULE = new URL("../../../src/server/uploads/spill_file.ts", import.meta.url).href;

function spillFile(folder: string): SpillFile {
  return new SpillFile({ folder, placeBytes: 1000, onFailure: (line) => assert(false, line) });
}

Deno.test("SpillFile gives back what was written at any place, in any order", async () => {
  const folder = await Deno.makeTempDir();
  const random = new Random(1, "test");
  {
    await using file = spillFile(folder);
    const bytes = Array.from(
      { length: 8 },
      () => Uint8Array.from({ length: 1000 }, () => random.below(256)),
    );
    const places = bytes.map(() => file.take());
    await Promise.all(
      [7, 3, 0, 1, 2, 6, 5, 4].flatMap((i) => {
        const [place = 0, content = new Uint8Array()] = [places[i], bytes[i]];
        return [
          file.write(place, 600, content.slice(600)),
          file.write(place, 0, content.slice(0, 600)),
        ];
      }),
    );
    const read = await Promise.all(places.map(async (place) => {
      const into = new Uint8Array(1000);
      await file.read(place, 0, into);
      return into;
    }));
    assertEquals(read, bytes);
    assertEquals(file.bytesWritten, 8000);
    for (const place of places) file.giveBack(place);
    await assertRejects(() => file.read(0, 0, new Uint8Array(1)), Error, "it was cut short");
  }
  assertEquals([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});

Deno.test("SpillFile removes the file of a process that was killed, and not of one that is alive", async () => {
  const folder = await Deno.makeTempDir();
  const source = `
    import { SpillFile } from ${JSON.stringify(MODULE)};
    const file = new SpillFile({ folder: Deno.args[0], placeBytes: 9, onFailure: console.error });
    await file.write(file.take(), 0, new Uint8Array(9));
    console.log("written");
    setInterval(() => {}, 1000);`;
  const script = `${folder}/program.ts`;
  await Deno.writeTextFile(script, source);
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, folder],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await spillFile(folder).cleanUp();
  assertEquals(files().length, 1);
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  await spillFile(folder).cleanUp();
  assertEquals(files(), []);
  await Deno.remove(folder, { recursive: true });

  function files(): string[] {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) =>
      name !== "program.ts"
    );
  }
});

Deno.test("SpillFile makes the folder that it needs, and cleans up none that does not exist", async () => {
  const parent = await Deno.makeTempDir(), folder = `${parent}/checkpoints`;
  {
    await using file = spillFile(folder);
    await file.cleanUp();
    assert(await file.write(file.take(), 0, new Uint8Array(5)));
    const [{ mode } = {}] = [...Deno.readDirSync(folder)].map(({ name }) =>
      Deno.statSync(`${folder}/${name}`)
    );
    if (Deno.build.os !== "windows") assertEquals((mode ?? 0) & 0o777, 0o600);
  }
  await Deno.remove(parent, { recursive: true });
});

Deno.test("SpillFile without a folder is in that of temporary files, and is removed", async () => {
  const file = new SpillFile({ placeBytes: 10, onFailure: (line) => assert(false, line) });
  const path = Deno.makeTempFileSync();
  const folder = path.replace(/[\\/][^\\/]*$/, "");
  await Deno.remove(path);
  const own = () =>
    new Set(
      [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) =>
        /^fedlab-updates-.*\.tmp$/.test(name)
      ),
    );
  const before = own();
  assert(await file.write(file.take(), 0, new Uint8Array(10)));
  assertEquals([...own()].filter((name) => !before.has(name)).length, 1);
  await file[Symbol.asyncDispose]();
  assertEquals([...own()].filter((name) => !before.has(name)), []);
});

Deno.test("SpillFile that has filled the disk leaves room for the logs, and is used again", async () => {
  const folder = await Deno.makeTempDir();
  await onSmallDisk(`${folder}/disk`, async ({ path }) => {
    const lines: string[] = [], bytes = new Uint8Array(2 ** 16).fill(1);
    const placeBytes = bytes.length;
    const log = async () => {
      await Deno.writeFile(`${path}/log`, new Uint8Array(2 ** 18));
      await Deno.remove(`${path}/log`);
    };
    await using file = new SpillFile({ folder: path, placeBytes, onFailure: (l) => lines.push(l) });
    for (const _ of ["first", "second"]) {
      const places: number[] = [];
      do places.push(file.take()); while (await file.write(places.at(-1) ?? 0, 0, bytes));
      await log();
      const [first = 0] = places, into = new Uint8Array(placeBytes);
      await file.read(first, 0, into);
      assertEquals(into, bytes);
      assertEquals(file.isUsable, false);
      for (const place of places) file.giveBack(place);
      await assertRejects(() => file.read(0, 0, into), Error, "it was cut short");
      assertEquals(file.isUsable, true);
    }
    assertEquals(lines.length, 1);
  });
  await Deno.remove(folder, { recursive: true });
});
