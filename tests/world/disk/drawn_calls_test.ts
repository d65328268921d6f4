import { assertEquals } from "@std/assert";
import { Random } from "../../../src/base/random.ts";
import { compare, contentOf, isLinux, list, type Script } from "./compare.ts";

/** Draws calls on few names and few open files. */
function drawn(seed: number, calls: number): Script {
  return async (files, folder, note) => {
    const random = new Random(seed, "test");
    const pick = <Item>(items: readonly Item[]): Item => items[random.below(items.length)] as Item;
    const name = () =>
      pick(["a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "e", "a/b", "d/..", "d/"]);
    const open: Deno.FsFile[] = [], chance = () => random.below(2) === 0;
    const fill = () => new Uint8Array(random.below(2000)).fill(random.below(256));
    for (let i = 0; i < calls; i++) {
      const [first, second] = [name(), name()],
        [from, to] = [first, second].map((n) => `${folder}/${n}`) as [string, string];
      const file = open.length > 0 ? pick(open) : undefined;
      const kinds: Record<string, () => unknown> = {
        mkdir: () => files.mkdir(from, { recursive: random.below(4) === 0 }),
        remove: () => {
          const recursive = random.below(4) === 0 && !first.endsWith("..");
          return files.remove(from, { recursive });
        },
        rename: () => files.rename(from, to),
        link: () => files.link(from, to),
        stat: () => files.stat(from).then(contentOf),
        list: () => list(files, from),
        text: () => files.readTextFile(from),
        write: () =>
          files.writeTextFile(from, "x".repeat(random.below(50)), {
            append: chance(),
            createNew: chance(),
          }),
        open: async () => {
          const opened = await files.open(from, {
            read: chance(),
            write: chance(),
            append: chance(),
            create: chance(),
            truncate: random.below(4) === 0,
          });
          open.push(opened);
          return open.length;
        },
        close: () => open.splice(random.below(open.length + 1), 1).forEach((file) => file.close()),
        put: () => file?.write(fill()),
        get: async () => {
          const into = new Uint8Array(random.below(3000));
          return [await file?.read(into), into.reduce((sum, byte) => sum + byte, 0)];
        },
        seek: () =>
          file?.statSync().isFile && file.seek(random.below(4000) - 1000, random.below(3)),
        size: () => file?.truncate(random.below(3000)),
        info: () => file?.stat().then(contentOf),
        lock: () => file?.tryLock(chance()),
        unlock: () => file?.unlock(),
      };
      const kind = pick(Object.keys(kinds));
      await note(`${i} ${kind} ${first} ${second}`, () => kinds[kind]?.());
    }
    for (const file of open) file.close();
  };
}

Deno.test({
  name: "VirtualDisk: 8,000 calls that are drawn give what they give on Deno",
  ignore: !isLinux,
  fn: async () => {
    let failed = 0;
    for (let seed = 1; seed <= 10; seed++) {
      failed += (await compare(drawn(seed, 800), seed)).filter((line) =>
        line.includes("!!")
      ).length;
    }
    assertEquals(failed > 1000 && failed < 7000, true);
  },
});
