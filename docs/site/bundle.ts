import { transform } from "./deps.ts";

/** Target syntax; `using` and other newer syntax is converted. */
const TARGET = "es2022";
/** Symbols that the converted `using` needs, defined if the engine lacks them. */
const BANNER = `for (const name of ["dispose", "asyncDispose"]) Symbol[name] ?? ` +
  `Object.defineProperty(Symbol, name, { value: Symbol.for("Symbol." + name) });`;

/**
 * Bundles a module for browsers.
 *
 * @param format `iife` for a script that also runs on pages opened from a disk.
 */
export async function bundle(module: string, format: "esm" | "iife"): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--platform=browser"],
      new URL(module, import.meta.url).pathname,
    ],
  }).output();
  if (!success) {
    throw new Error(`Cannot bundle ${module}: ${new TextDecoder().decode(stderr).trim()}`);
  }
  const text = new TextDecoder().decode(stdout);
  const { code } = await transform(`${BANNER}\n${text}`, { target: TARGET, minify: true, format });
  return code;
}
