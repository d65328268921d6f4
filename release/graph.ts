import { deno, ROOT } from "./deno_command.ts";

/** Package of npm in a graph of modules. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** Packages that it needs, as `name@version`. */
  readonly dependencies: readonly string[];
  /** Folder of Deno's cache that has it. */
  readonly localPath?: string;
}

/** Modules that some modules import, themselves or by others. */
export interface Graph {
  readonly modules: readonly { readonly local?: string; readonly npmPackage?: string }[];
  readonly npmPackages: Readonly<Record<string, NpmPackage>>;
}

/** Finds all that some modules import. The paths begin at the checkout: `"./mod.ts"`. */
export async function graphOf(paths: readonly string[]): Promise<Graph> {
  const module = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const imports = paths.map((path) =>
      `import ${JSON.stringify(`${new URL(path, `file://${ROOT}`)}`)};`
    );
    await Deno.writeTextFile(module, imports.join("\n"));
    return JSON.parse(await deno("info", "--json", "--config", `${ROOT}deno.json`, module));
  } finally {
    await Deno.remove(module);
  }
}
