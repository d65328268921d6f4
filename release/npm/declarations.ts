import { deno, ROOT, run } from "../deno_command.ts";
import { graphOf } from "../graph.ts";
import { ENTRIES } from "./entries.ts";
import { moduleOf, parseNpm } from "./specifiers.ts";

/** Compiler of declarations. It is no import: packages that name it as a peer would load it too. */
export const COMPILER = "typescript@7.0.2";

/** Quoted specifier of an import in a declaration, after what stands before it. */
const SPECIFIER = /((?:from|import)\s*\(?\s*)"([^"]+)"/g;

/** Specifier of another package in a source. */
const FOREIGN = /"((?:npm|jsr):[^"]+)"/g;

/**
 * Writes the declarations of all modules behind the entry points, laid out as the sources are.
 *
 * @throws {Error} If they cannot be made.
 */
export async function writeDeclarations(folder: string): Promise<void> {
  const entries = ENTRIES.map(([, path]) => path);
  const work = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${work}/deno.d.ts`, await deno("types"));
    const compilerOptions = {
      ...{ target: "esnext", module: "esnext", moduleResolution: "bundler", lib: ["esnext"] },
      ...{ types: [], paths: await foreignPaths(entries), rootDir: ROOT, outDir: folder },
      ...{ declaration: true, emitDeclarationOnly: true, allowImportingTsExtensions: true },
      ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
      // The sources are checked by `deno task check`.
      ...{ noCheck: true, skipLibCheck: true, stripInternal: true },
    };
    const files = [`${work}/deno.d.ts`, ...entries.map((path) => `${ROOT}${path}`)];
    await Deno.writeTextFile(
      `${work}/tsconfig.json`,
      JSON.stringify({ compilerOptions, files, include: [] }),
    );
    await run("npx", ["-y", "-p", COMPILER, "tsc", "-p", work], work);
    await rewrite(folder, folder);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** Tells where the compiler finds the modules of other packages. */
async function foreignPaths(entries: readonly string[]): Promise<Record<string, string[]>> {
  const { modules, npmPackages } = await graphOf(entries);
  const paths: Record<string, string[]> = {};
  for (const { local } of modules) {
    if (!local?.startsWith(ROOT)) continue;
    for (const [, specifier = ""] of (await Deno.readTextFile(local)).matchAll(FOREIGN)) {
      const found = parseNpm(specifier), module = moduleOf(specifier);
      const cached = found && npmPackages[`${found.name}@${found.version}`]?.localPath;
      if (module !== undefined) paths[specifier] = [module];
      else if (found && cached !== undefined) {
        paths[specifier] = [`${cached}${found.bare.slice(found.name.length)}`];
      }
    }
  }
  return paths;
}

/** Writes the specifiers in the declarations of a folder as compilers for Node read them. */
async function rewrite(folder: string, top: string): Promise<void> {
  const up = "../".repeat(folder.slice(top.length).split("/").length - 1) || "./";
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) {
      await rewrite(path, top);
      continue;
    }
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(
      path,
      text.replaceAll(SPECIFIER, (_, before, of) => `${before}"${nodeSpecifier(of, up)}"`),
    );
  }
}

/** Writes a specifier as Node has it; `up` leads to the top of the folder. */
function nodeSpecifier(specifier: string, up: string): string {
  const module = moduleOf(specifier);
  if (module !== undefined) return `${up}${module.slice(ROOT.length).replace(/\.ts$/, ".js")}`;
  return parseNpm(specifier)?.bare ??
    (specifier.startsWith(".") ? specifier.replace(/\.ts$/, ".js") : specifier);
}
