import { assertEquals } from "@std/assert";
import { compare, contentOf, isLinux, list } from "./compare.ts";

Deno.test({
  name: "VirtualDisk: names are made, changed and removed as by Deno, with the same errors",
  ignore: !isLinux,
  fn: async () => {
    const lines = await compare(async (files, folder, note) => {
      const at = (name: string) => `${folder}/${name}`;
      const text = (name: string, options?: Deno.WriteFileOptions) =>
        note(`write ${name}`, () => files.writeTextFile(at(name), "hello", options));
      await note("mkdir", () => files.mkdir(at("d")));
      await note("mkdir", () => files.mkdir(at("d")));
      await note("mkdir", () => files.mkdirSync(at("d"), { recursive: true }));
      await note("mkdir", () => files.mkdirSync(at("d/e/f/"), { recursive: true, mode: 0o700 }));
      await note("mkdir", () => files.mkdirSync(at("empty/")));
      for (const name of ["f", "d/x", "no/x", "d", "f/x", "g/", "f/"]) await text(name);
      await text("f", { createNew: true });
      await text("none", { create: false });
      await text("moded", { mode: 0o606 });
      await text("moded", { append: true, mode: 0o640 });
      for (const name of ["f", "f/x", "no/x", "f/x/y", "moded/"]) {
        for (const recursive of [false, true]) {
          await note(`mkdir ${name}`, () => files.mkdir(at(name), { recursive }));
        }
      }
      const pairs = [
        ...["no q", "f empty", "empty f", "empty d", "d d/y", "f no/y", "d f/x", "f f", "d d"],
        ...["d/x d", "d/e d", "f g/", "empty g/", "g empty", "d/x y", "y d/x", "d/e empty"],
        ...["empty/f d/f", "d/f f", "moded f", ". z", "f ."],
      ];
      for (const pair of pairs) {
        const [from = "", to = ""] = pair.split(" ").map(at);
        await note(`rename ${pair}`, () => files.rename(from, to));
        await note(`rename ${pair}`, () => files.renameSync(from, to));
      }
      for (const pair of ["f l", "f l", "no m", "d m", "f no/m", "f l/m", "f f", "f n/"]) {
        const [from = "", to = ""] = pair.split(" ").map(at);
        await note(`link ${pair}`, () => files.link(from, to));
      }
      await note("rename a link", () => files.rename(at("f"), at("l")));
      for (const name of ["f", "l", "d", "no", "f/", "f/../d", "no/../d", "./d/../l", "d/", ""]) {
        await note(`stat ${name}`, async () => contentOf(await files.stat(at(name))));
        await note(`lstat ${name}`, () => contentOf(files.lstatSync(at(name))));
        await note(`list ${name}`, () => list(files, at(name)));
        await note(`read ${name}`, () => files.readTextFile(at(name)));
        await note(
          `realPath ${name}`,
          async () => (await files.realPath(at(name))).slice(folder.length),
        );
      }
      await note("list", () => [...files.readDirSync(at("no"))]);
      await note("chmod", () => files.chmod(at("no"), 0o600));
      await note("chmod", () => files.chmod(at("f"), 0o600));
      await note("chmod", () => files.chmod(at("d"), 0o711));
      await note(
        "stat",
        () => [at("f"), at("l"), at("d")].map((path) => files.statSync(path).mode),
      );
      for (const name of ["no", "f/x", "d", "f/", "d/.", "d/.."]) {
        await note(`remove ${name}`, () => files.remove(at(name)));
      }
      await note("truncate", () => files.truncateSync(at("f"), 2));
      await note("truncate", () => files.truncateSync(at("f"), 9));
      await note("read", () => files.readTextFile(at("f")));
      await note("truncate", () => files.truncateSync(at("d")));
      await note("truncate", () => files.truncateSync(at("no")));
      await note("long", () => files.stat(at("x".repeat(256))));
      await note("none", () => files.stat(""));
      await note("url", () => files.stat(new URL(`file://${at("no%20x")}`)));
      await note("url", () => files.stat(new URL("https://example.com/")));
      await note("temporary", () => files.makeTempFileSync({ dir: at("no") }));
      await note("temporary", () => files.makeTempFileSync({ dir: folder, prefix: "a/b" }));
      const path = files.makeTempFileSync({ dir: folder, prefix: "a-", suffix: ".tmp" });
      await note("temporary", () => [/\/a-[0-9a-f]+\.tmp$/.test(path), files.statSync(path).mode]);
      await note("remove", () => files.removeSync(path));
      await note("remove", () => files.remove(at("d"), { recursive: true }));
      await note("all", () => list(files, folder));
      await note("signal", () => files.readTextFile(at("f"), { signal: AbortSignal.abort() }));
    });
    // Not the same nothing.
    assertEquals(lines.filter((line) => line.includes("!!")).length > 60, true);
  },
});
