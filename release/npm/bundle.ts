import config from "../../deno.json" with { type: "json" };
import { build, type Plugin } from "../deps.ts";
import { ROOT } from "../deno_command.ts";
import { ADDED_PACKAGES, writeAdditions } from "./additions.ts";
import { ENTRIES, fileOf } from "./entries.ts";
import { moduleOf, parseNpm } from "./specifiers.ts";

/** Target syntax; `using` and other newer syntax is converted. */
const TARGET = "node20";

/** Reads specifiers as Deno does: packages of npm stay imports, and the others are bundled. */
function denoSpecifiers(versions: Map<string, string>): Plugin {
  return {
    name: "deno-specifiers",
    setup({ onResolve }) {
      onResolve({ filter: /^npm:/ }, ({ path }) => {
        const found = parseNpm(path);
        if (found === undefined) throw new Error(`Cannot read the specifier ${path}`);
        versions.set(found.name, found.version);
        return { path: found.bare, external: true };
      });
      onResolve({ filter: /^jsr:/ }, ({ path }) => {
        const module = moduleOf(path);
        if (module === undefined) {
          throw new Error(`Cannot replace ${path}: links has no such folder`);
        }
        return { path: module };
      });
      onResolve({ filter: /^node:/ }, ({ path }) => ({ path, external: true }));
    },
  };
}

/**
 * Bundles the entry points into a folder: a module for each, and modules that they share.
 *
 * @returns The versions of the packages that they import, by name.
 */
export async function bundleEntries(folder: string): Promise<Map<string, string>> {
  const versions = new Map(Object.entries(ADDED_PACKAGES));
  const additions = await Deno.makeTempDir();
  await build({
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(ENTRIES.map(([name, path]) => [fileOf(name), path])),
    inject: await writeAdditions(additions),
    external: ["core-js/*", "ws"],
    outdir: folder,
    chunkNames: "shared/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    target: TARGET,
    plugins: [denoSpecifiers(versions)],
  }).finally(() => Deno.remove(additions, { recursive: true }));
  return versions;
}

/** Bundles a module that imports the package as a program of Node does, by its name. */
export async function bundleProgram(module: string, file: string): Promise<void> {
  const entries = new Map(
    ENTRIES.map(([name, path]) => [new URL(path, `file://${ROOT}`).pathname, name]),
  );
  await build({
    entryPoints: [module],
    outfile: file,
    bundle: true,
    format: "esm",
    platform: "node",
    target: TARGET,
    plugins: [{
      name: "own-package",
      setup({ onResolve }) {
        onResolve({ filter: /mod\.ts$/ }, ({ path, resolveDir }) => {
          const name = entries.get(new URL(path, `file://${resolveDir}/`).pathname);
          return name === undefined
            ? undefined
            : { path: `${config.name}${name.slice(1)}`, external: true };
        });
      },
    }, denoSpecifiers(new Map())],
  });
}
