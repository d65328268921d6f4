/**
 * Builds the page into `examples/browser/dist/`: four files that any static file server can serve.
 *
 *     deno task build:browser
 */
import { stop, transform } from "./deps.ts";

const HERE = import.meta.dirname ?? ".";
const DIST = `${HERE}/dist`;
/** Target syntax; `using` and other newer syntax is converted. */
const TARGET = "es2022";
/** Symbols that the converted `using` needs, defined if the engine lacks them. */
const BANNER = `for (const name of ["dispose", "asyncDispose"]) Symbol[name] ?? ` +
  `Object.defineProperty(Symbol, name, { value: Symbol.for("Symbol." + name) });`;

/** Bundles a module with all of its imports. */
async function bundle(module: string): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform=browser", `${HERE}/${module}`],
    stderr: "inherit",
  });
  const { success, stdout } = await command.output();
  if (!success) throw new Error(`Cannot bundle ${module}: deno bundle failed`);
  return new TextDecoder().decode(stdout);
}

async function gzipSize(text: string): Promise<number> {
  const zipped = new Response(text).body?.pipeThrough(new CompressionStream("gzip"));
  return (await new Response(zipped).bytes()).length;
}

await Deno.mkdir(DIST, { recursive: true });
try {
  for (const [module, name] of [["client.ts", "client.js"], ["page/page.ts", "page.js"]] as const) {
    const options = { target: TARGET, minify: true, format: "esm" } as const;
    const { code } = await transform(`${BANNER}\n${await bundle(module)}`, options);
    await Deno.writeTextFile(`${DIST}/${name}`, code);
    const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;
    console.log(`${name}: ${kilobytes(code.length)}, in gzip ${kilobytes(await gzipSize(code))}`);
  }
} finally {
  await stop();
}
for (const name of ["index.html", "styles.css"]) {
  await Deno.copyFile(`${HERE}/page/${name}`, `${DIST}/${name}`);
}
