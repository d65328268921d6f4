import { assertEquals } from "@std/assert";
import { needsEncoder } from "../../src/wire/cbor.ts";
import { preload } from "../../src/world/preload.ts";

const SRC = new URL("../../src/", import.meta.url);
/** Rooms whose code runs in a world. */
const ROOMS = [
  ...["base", "params", "codec", "secure", "plan", "wire", "auth", "store", "strategy", "train"],
  ...["privacy", "round", "client", "server"],
];
/** Modules that no program of a world loads: pictures of notebooks, descriptions of data sets. */
const LEFT_OUT = ["round/display/report.ts", "train/describe_data.ts"];

/** Returns the modules that a file loads by `import()`, relative to `src/`. */
async function loadedBy(file: URL): Promise<string[]> {
  const code = (await Deno.readTextFile(file)).replace(/^\s*(\*|\/\/).*$/gm, "");
  return [...code.matchAll(/(?<!typeof )\bimport\(\s*"([^"]+)"/g)].map(([, name = ""]) =>
    name.startsWith(".") ? new URL(name, file).href.slice(SRC.href.length) : name
  );
}

async function* filesIn(folder: URL): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* filesIn(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts")) yield new URL(name, folder);
  }
}

Deno.test("preload() loads all that servers and clients load while they run", async () => {
  const needed = new Set<string>();
  for (const room of ROOMS) {
    for await (const file of filesIn(new URL(`${room}/`, SRC))) {
      for (const name of await loadedBy(file)) needed.add(name);
    }
  }
  for (const name of LEFT_OUT) needed.delete(name);
  const loaded = await loadedBy(new URL("world/preload.ts", SRC));
  assertEquals(loaded.toSorted(), [...needed].toSorted());
});

Deno.test("preload() loads the encoder, so that the first world of a thread is like the next", async () => {
  const nested = { settings: { a: 1 } };
  assertEquals(needsEncoder(nested), true);
  await preload();
  assertEquals(needsEncoder(nested), false);
});
