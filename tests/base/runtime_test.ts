import { assert, assertEquals, assertInstanceOf } from "jsr:@std/assert@1.0.19";
import { isDeno, replaceRuntime, runtime } from "../../src/base/runtime/runtime.ts";
import { delay } from "../../src/base/time/delay.ts";

Deno.test("runtime has the services of Deno", async () => {
  assert(isDeno());
  const before = performance.now();
  assert(runtime.clock.now() >= before);
  assert(Math.abs(runtime.clock.unixMillis() - Date.now()) < 60_000);
  assertEquals(runtime.process.pid, Deno.pid);
  assertEquals(runtime.process.os, Deno.build.os);
  assertEquals(runtime.errors.NotFound, Deno.errors.NotFound);
  assertEquals(runtime.files.SeekMode.Start, Deno.SeekMode.Start);
  assertEquals(runtime.random.getRandomValues(new Uint8Array(4)).length, 4);
  const missing = await runtime.files.stat("/no such folder").catch((error) => error);
  assertInstanceOf(missing, runtime.errors.NotFound);
});

Deno.test("replaceRuntime() replaces parts until it is disposed of, in any order", () => {
  const { clock, random } = runtime;
  const still = replaceRuntime({ clock: { ...clock, now: () => 7 } });
  const fixed = replaceRuntime({ random: { ...random, randomUUID: () => "fixed" } });
  assertEquals([runtime.clock.now(), runtime.random.randomUUID()], [7, "fixed"]);
  still[Symbol.dispose]();
  assertEquals([runtime.clock, runtime.random.randomUUID()], [clock, "fixed"]);
  fixed[Symbol.dispose]();
  assertEquals([runtime.clock, runtime.random], [clock, random]);
});

Deno.test("replaceRuntime() takes effect in code that was loaded before", async () => {
  const waited: (number | undefined)[] = [];
  using _ = replaceRuntime({
    timers: {
      ...runtime.timers,
      setTimeout(callback, millis) {
        waited.push(millis);
        return setTimeout(callback, 0);
      },
    },
  });
  await delay(86_400_000);
  assertEquals(waited, [86_400_000]);
});

Deno.test("runtime loads without Deno, and its errors are classes there too", async () => {
  const source = `
    delete globalThis.Deno;
    const { isDeno, runtime } = await import(${
    JSON.stringify(import.meta.resolve("../../src/base/runtime/runtime.ts"))
  });
    const { errors, process, random } = runtime;
    const isIdentical = errors.NotFound === errors.NotFound;
    const isOther = new Error("x") instanceof errors.NotFound;
    const { length } = random.randomUUID();
    postMessage([isDeno(), process.os, isIdentical, isOther, length]);`;
  const worker = new Worker(`data:application/javascript,${encodeURIComponent(source)}`, {
    type: "module",
  });
  const said = await new Promise<unknown>((resolve) =>
    worker.onmessage = ({ data }) => resolve(data)
  );
  worker.terminate();
  assertEquals(said, [false, undefined, true, false, 36]);
});

/**
 * Folders of `src/` that may take things from Deno or the browser themselves: suites of tests,
 * pages of browsers, and what users get as their own.
 */
const EXCEPTIONS = ["testing/", "generated/", "dashboard/page/", "cli/new/templates/"];

/** Globals that `runtime` stands for. Types of Deno may be named, and `net` opens sockets. */
const GLOBALS = new RegExp(
  String
    .raw`(?<![\w$.#])(?:(?<!typeof )(?:set|clear)(?:Timeout|Interval)\(|performance\.|Date\.now` +
    String.raw`|new Date\(\)|crypto\.|navigator\.|new Worker\(|new \w*CompressionStream\(` +
    String
      .raw`|Deno\??\.(?=\w)(?!FsFile|FileInfo|DirEntry|\w*Options\b|Signal|ChildProcess|\w*Addr\b` +
    String
      .raw`|\w*Conn\b|Listener\b|PermissionState\b|PermissionOptionsObject\b|serve\b|WebSocketUpgrade\b|listen\b|connect\b|startTls\b` +
    String.raw`|createHttpClient\b|upgradeWebSocket\b))`,
  "g",
);

Deno.test("src takes time, files, randomness and workers from base/runtime alone", () => {
  const found: string[] = [];
  const src = new URL("../../src/", import.meta.url);
  const search = (folder: URL) => {
    for (const { name, isDirectory } of Deno.readDirSync(folder)) {
      const url = new URL(isDirectory ? `${name}/` : name, folder);
      const path = url.href.slice(src.href.length);
      if (path === "base/runtime/" || EXCEPTIONS.includes(path)) continue;
      if (isDirectory) search(url);
      else {
        const code = Deno.readTextFileSync(url).replaceAll(
          /\/\*[\s\S]*?\*\/|(?<!:)\/\/[^\n]*|"data:[^"]*"/g,
          "",
        );
        for (const [match] of code.matchAll(GLOBALS)) found.push(`${url.pathname}: ${match}`);
      }
    }
  };
  search(src);
  assertEquals(found, []);
});
