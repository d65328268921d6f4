import { assert, assertEquals, assertRejects } from "@std/assert";
import { Random } from "../../../src/base/random.ts";
import { runtime } from "../../../src/base/runtime/runtime.ts";
import { DiskMachine } from "./on_disk.ts";

/** Change of a file, as the test draws it. */
interface Change {
  readonly at: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Length to cut or fill the file to instead of a write. */
  readonly length?: number;
}

/** Returns a file's bytes after a change, of which a number of bytes is written. */
function after(before: Uint8Array, { at, bytes, length }: Change, count = bytes.length) {
  const end = length ?? Math.max(before.length, at + count), result = new Uint8Array(end);
  result.set(before.subarray(0, end));
  if (length === undefined) result.set(bytes.subarray(0, count), at);
  return result;
}

function drawChange(random: Random): Change {
  const at = random.below(3000);
  if (random.below(5) === 0) return { at, bytes: new Uint8Array(0), length: random.below(4000) };
  const bytes = new Uint8Array(1 + random.below(2500));
  return { at, bytes: bytes.map(() => 1 + random.below(255)) };
}

Deno.test("VirtualDisk: a crash leaves what was synced, and of the writes after it the first, the last one perhaps torn", async () => {
  const counts = { none: 0, some: 0, all: 0, torn: 0 };
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed, "test"), machine = new DiskMachine(seed);
    /** Contents that may be found: after the sync, and after each change since then. */
    let whole: Uint8Array[] = [new Uint8Array(0)], changes: Change[] = [];
    await machine.get(async () => {
      const file = await runtime.files.open("/file", { write: true, create: true });
      using folder = runtime.files.openSync("/");
      folder.syncSync();
      for (let i = random.below(12); i >= 0; i--) {
        const change = drawChange(random);
        if (change.length === undefined) {
          await file.seek(change.at, runtime.files.SeekMode.Start);
          assertEquals(await file.write(change.bytes), change.bytes.length);
        } else {
          await file.truncate(change.length);
        }
        changes.push(change);
        whole.push(after(whole.at(-1) ?? new Uint8Array(0), change));
        if (random.below(4) > 0) continue;
        await file.sync();
        [whole, changes] = [whole.slice(-1), []];
      }
      file.close();
    });
    assertEquals(machine.disk.read("/file"), whole.at(-1));
    machine.disk.crash();
    const found = machine.disk.read("/file") ?? new Uint8Array(0);
    const place = whole.findIndex((bytes) => isEqual(bytes, found));
    if (place >= 0) {
      counts[place === whole.length - 1 ? "all" : place === 0 ? "none" : "some"]++;
      continue;
    }
    const isTorn = changes.some((change, i) => {
      const end = change.at + change.bytes.length;
      for (let cut = 512; cut < end; cut += 512) {
        const before = whole[i] ?? found;
        if (cut > change.at && isEqual(found, after(before, change, cut - change.at))) return true;
      }
      return false;
    });
    assert(isTorn, `seed ${seed}: ${found.length} bytes that no part of the writes leaves`);
    counts.torn++;
  }
  for (const [kind, count] of Object.entries(counts)) assert(count > 15, `${kind}: ${count}`);
});

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

Deno.test("VirtualDisk: a crash leaves of each folder a state that it had, and a renamed file once", async () => {
  let lost = 0, moved = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed, "test"), machine = new DiskMachine(seed);
    const folders = ["/a", "/b"] as const;
    /** States of each folder since it was synced: names with the text of their file. */
    const states = new Map<string, Map<string, string>[]>();
    let ids = 0;
    const pick = <Item>(items: readonly Item[]): Item => items[random.below(items.length)] as Item;
    await machine.get(async () => {
      const { files } = runtime;
      for (const folder of folders) {
        await files.mkdir(folder);
        states.set(folder, [new Map()]);
      }
      await sync("/");
      const now = (folder: string) => states.get(folder)?.at(-1) ?? new Map<string, string>();
      const change = (folder: string, act: (state: Map<string, string>) => void) => {
        const state = new Map(now(folder));
        act(state);
        states.get(folder)?.push(state);
      };
      for (let i = 0; i < 12; i++) {
        const folder = pick(folders), name = pick(["1", "2", "3"]), path = `${folder}/${name}`;
        const [old] = now(folder).keys(), target = pick(folders);
        const kind = random.below(4), id = now(folder).get(old ?? "");
        if (kind === 0 && !now(folder).has(name)) {
          await files.writeTextFile(path, `${++ids}`);
          using file = await files.open(path);
          await file.sync();
          change(folder, (state) => state.set(name, `${ids}`));
        } else if (kind === 1 && old !== undefined && id !== undefined) {
          if (now(target).has(name)) continue;
          await files.rename(`${folder}/${old}`, `${target}/${name}`);
          if (folder === target) {
            change(folder, (state) => state.delete(old) && state.set(name, id));
          } else {
            change(folder, (state) => state.delete(old));
            change(target, (state) => state.set(name, id));
            moved++;
          }
        } else if (kind === 2) {
          await sync(folder);
          // The other half of a rename is kept with it: then all that came before it there.
          for (const one of folders) {
            if (one === folder) states.set(one, [now(one)]);
          }
        }
      }
    });
    const count = ids;
    machine.disk.crash();
    const texts: string[] = [];
    for (const folder of folders) {
      const found = new Map<string, string>();
      for (const path of machine.disk.paths.filter((path) => path.startsWith(`${folder}/`))) {
        const text = new TextDecoder().decode(machine.disk.read(path));
        found.set(path.slice(3), text);
        texts.push(text);
      }
      const known = states.get(folder) ?? [];
      const place = known.findLastIndex((state) => isSame(state, found));
      assert(place >= 0, `seed ${seed}: ${folder} has ${JSON.stringify([...found])}`);
      if (place < known.length - 1) lost++;
    }
    assertEquals(new Set(texts).size, texts.length, `seed ${seed}: a file is there twice`);
    assert(texts.length <= count);
    assertEquals(machine.disk.usedBytes, texts.join("").length);
  }
  assert(lost > 50 && moved > 50, `${lost} of the states are older, ${moved} renames`);
});

async function sync(folder: string): Promise<void> {
  using file = await runtime.files.open(folder);
  await file.sync();
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, text]) => b.get(name) === text);
}

/** Writes a file whose name is kept for sure, and tries to sync it. */
async function writeSynced(text: string): Promise<void> {
  using file = await runtime.files.open("/file", { write: true, create: true, truncate: true });
  await sync("/");
  await file.write(new TextEncoder().encode(text));
  await file.sync();
}

Deno.test("VirtualDisk: nothing is sure that was synced while the disk lied", async () => {
  let lost = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const machine = new DiskMachine(seed);
    await machine.get(() => writeSynced("sure"));
    const lie = machine.disk.impose({ liesAboutSync: true });
    await machine.get(() => writeSynced("told"));
    assertEquals(machine.events, [
      "does not sync /, and says it does",
      "does not sync /file, and says it does",
    ]);
    lie[Symbol.dispose]();
    machine.disk.crash();
    const text = new TextDecoder().decode(machine.disk.read("/file"));
    // The file was emptied, and written then: each may be undone.
    assert(["sure", "", "told"].includes(text), text);
    if (text !== "told") lost++;
  }
  assert(lost > 10 && lost < 40, `${lost}`);
});

Deno.test("VirtualDisk: a sync that follows a failed one keeps nothing of the file, as on Linux", async () => {
  let lost = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const machine = new DiskMachine(seed);
    await machine.get(() => writeSynced("sure"));
    await machine.get(async () => {
      using file = await runtime.files.open("/file", { write: true });
      await file.write(new TextEncoder().encode("next"));
      {
        using _ = machine.disk.impose({ syncErrors: 1 });
        await assertRejects(() => file.sync(), Error, "Input/output error (os error 5)");
      }
      await file.sync();
    });
    machine.disk.crash();
    if (new TextDecoder().decode(machine.disk.read("/file")) === "sure") lost++;
    // A new file is not concerned.
    await machine.get(() => writeSynced("anew"));
    machine.disk.crash();
    assertEquals(new TextDecoder().decode(machine.disk.read("/file")), "anew");
  }
  assert(lost > 10 && lost < 40, `${lost}`);
});
