/** Bundles of the examples' pages. */

import { stop, transform } from "./deps.ts";

/** Target syntax; `using` and other newer syntax is converted. */
const TARGET = "es2022";
/** Symbols that the converted `using` needs, defined if the engine lacks them. */
const BANNER = `for (const name of ["dispose", "asyncDispose"]) Symbol[name] ?? ` +
  `Object.defineProperty(Symbol, name, { value: Symbol.for("Symbol." + name) });`;

/** Parts of a page. */
export interface PageParts {
  /** Folder of the files, which any static file server can serve. */
  readonly dist: string;
  /** Path of each module, by the name of the file that it becomes with all of its imports. */
  readonly modules: Readonly<Record<string, string>>;
  /** Path of each other file, by its name. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * Builds a page, and prints the size of each module.
 *
 * @throws {Error} If a module cannot be bundled or a file cannot be copied.
 */
export async function buildPage({ dist, modules, files }: PageParts): Promise<void> {
  await Deno.mkdir(dist, { recursive: true });
  try {
    for (const [name, module] of Object.entries(modules)) {
      const options = { target: TARGET, minify: true, format: "esm" } as const;
      const { code } = await transform(`${BANNER}\n${await bundle(module)}`, options);
      await Deno.writeTextFile(`${dist}/${name}`, code);
      const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;
      console.log(`${name}: ${kilobytes(code.length)}, in gzip ${kilobytes(await gzipSize(code))}`);
    }
  } finally {
    await stop();
  }
  for (const [name, path] of Object.entries(files)) await Deno.copyFile(path, `${dist}/${name}`);
}

/** Bundles a module with all of its imports. */
async function bundle(module: string): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform=browser", module],
    // By the deno.json of this checkout, whatever the folder of now.
    cwd: import.meta.dirname ?? ".",
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
