import { fileURLToPath } from "node:url";

/** Folder of this checkout. */
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** Parts of this checkout that a copy has: the program and the world. */
const PARTS = ["deno.json", "deno.lock", "mod.ts", "src", "links", "tests/world"];

/** Change of the program that is a fault, in a patch beside this file. */
export interface Mutant {
  /** Name of the file without its extension. */
  readonly name: string;
  /** Path of the patch. */
  readonly path: string;
  /** Fault in one line, as the patch begins with it. */
  readonly fault: string;
}

/** Reads the mutants, by name. */
export async function readMutants(): Promise<readonly Mutant[]> {
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const mutants: Mutant[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".patch")) continue;
    const path = `${folder}${name}`, text = await Deno.readTextFile(path);
    mutants.push({ name: name.slice(0, -".patch".length), path, fault: text.split("\n")[0] ?? "" });
  }
  return mutants.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Copies the program to a temporary folder, which is removed when it is disposed of. */
export async function copyOfProgram(): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await Deno.makeTempDir({ prefix: "fedlab-mutant-" });
  const { workspace } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const members = workspace.map((member: string) => `${member}/deno.json`);
  for (const part of [...PARTS, ...members]) await copy(`${ROOT}${part}`, `${folder}/${part}`);
  return { folder, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

async function copy(from: string, to: string): Promise<void> {
  const { isDirectory } = await Deno.stat(from);
  if (!isDirectory) {
    await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
    return await Deno.copyFile(from, to);
  }
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) await copy(`${from}/${name}`, `${to}/${name}`);
}

/**
 * Applies a mutant to a copy of the program.
 *
 * @param isCheck Set to find out only if it applies.
 * @throws {Error} If the patch does not apply.
 */
export async function apply(
  { name, path }: Mutant,
  folder: string,
  { isCheck = false } = {},
): Promise<void> {
  const args = ["apply", "--whitespace=nowarn", ...(isCheck ? ["--check"] : []), path];
  // The folder is no part of a repository that may lie above it.
  const env = { GIT_CEILING_DIRECTORIES: folder.slice(0, folder.lastIndexOf("/")) };
  const git = new Deno.Command("git", { args, cwd: folder, env, stderr: "piped" });
  const { success, stderr } = await git.output();
  if (success) return;
  throw new Error(`Cannot apply ${name}: ${new TextDecoder().decode(stderr).trim()}`);
}

/** Applies a mutant to this checkout without changing it: throws if it does not apply. */
export async function checkApplies(mutant: Mutant): Promise<void> {
  await apply(mutant, ROOT.replace(/\/$/, ""), { isCheck: true });
}
