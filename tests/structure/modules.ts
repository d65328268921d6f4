/** Modules of the package, and what each imports, as `deno info --json` tells it. */

/** The folder of the package. */
export const ROOT = new URL("../../", import.meta.url);

/** A module that another one imports. */
export interface Import {
  /** Path of the importing module, from the root of the package. */
  readonly from: string;
  /** Path of the imported module. */
  readonly to: string;
  /** Whether it is loaded only when it is needed. */
  readonly isDynamic: boolean;
  /** Whether only types are imported. */
  readonly isType: boolean;
}

interface Info {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly isDynamic?: boolean;
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
    }[];
  }[];
}

/** Reads what a module imports, directly and through others. */
export async function infoOf(path: string): Promise<Info> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", new URL(path, ROOT).href],
    cwd: ROOT,
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder();
  if (code !== 0) throw new Error(`Cannot read the imports of ${path}: ${text.decode(stderr)}`);
  return JSON.parse(text.decode(stdout));
}

/** The files of a folder of the package with one of the extensions, in order. */
export async function filesOf(folder: string, extensions: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    if (isDirectory) files.push(...await filesOf(`${folder}${name}/`, extensions));
    else if (extensions.some((extension) => name.endsWith(extension))) files.push(folder + name);
  }
  return files.sort();
}

/** Reads a file of the package. */
export function read(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, ROOT));
}

/** The imports among the modules of the package that its entry points lead to. */
export async function importsOf(entries: readonly string[]): Promise<Import[]> {
  const found = new Map<string, Import>();
  for (const entry of entries) {
    for (const { specifier, dependencies = [] } of (await infoOf(entry)).modules) {
      const from = inPackage(specifier);
      if (from === undefined) continue;
      for (const { code, type, isDynamic = false } of dependencies) {
        const to = inPackage(code?.specifier ?? type?.specifier);
        if (to === undefined) continue;
        found.set(`${from} ${to}`, { from, to, isDynamic, isType: code === undefined });
      }
    }
  }
  return [...found.values()].sort((a, b) =>
    a.from < b.from || (a.from === b.from && a.to < b.to) ? -1 : 1
  );
}

/** The room of a path; `undefined` for what lies outside of `src/`. */
export function roomOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

function inPackage(specifier: string | undefined): string | undefined {
  return specifier?.startsWith(ROOT.href) ? specifier.slice(ROOT.href.length) : undefined;
}
