import { runtime } from "../../base/runtime/runtime.ts";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { exists } from "../run/checkpoints.ts";

/** Folder of the package. */
export const PACKAGE = new URL("../../../", import.meta.url);

/** Media types of code; JSON and text are data. */
const CODE = new Set([
  "JavaScript",
  "Mjs",
  "Cjs",
  "JSX",
  "TypeScript",
  "Mts",
  "Cts",
  "TSX",
  "Wasm",
]);

/** Fields of `deno info --json` that are read. */
interface Info {
  readonly modules?: readonly {
    readonly specifier: string;
    readonly mediaType?: string;
    readonly error?: string;
  }[];
}

/** Resolves a module that is given as a URL or a path. */
export function moduleUrl(path: string): URL {
  const url = URL.parse(path);
  // A single letter is a Windows drive.
  return url === null || url.protocol.length === 2 ? pathToFileURL(resolve(path)) : url;
}

/**
 * Chooses the configuration of a module, as flags: the `deno.json` that Deno finds for it, else
 * that of this checkout, whose lock file is not changed.
 */
export async function configFlags(url: URL): Promise<string[]> {
  const own = PACKAGE.protocol === "file:"
    ? fileURLToPath(new URL("deno.json", PACKAGE))
    : undefined;
  const config = url.protocol === "file:" ? await configAbove(url) : undefined;
  if (config !== undefined && config !== own) return [`--config=${config}`];
  return own === undefined ? [] : [`--config=${own}`, "--frozen"];
}

/** Finds the configuration of a module in the folders that may be read. */
async function configAbove(url: URL): Promise<string | undefined> {
  for (let folder = new URL(".", url);; folder = new URL("..", folder)) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const path = fileURLToPath(new URL(name, folder));
      const { state } = await runtime.process.permissions.query({ name: "read", path });
      if (state === "granted" && await exists(path)) return path;
    }
    if (folder.pathname === new URL("..", folder).pathname) return undefined;
  }
}

/**
 * Lists the code files that a module imports, as far as Deno knows them without running it. The
 * package's own files are listed as its folder of sources. Imported data, such as JSON, is left
 * out.
 *
 * @throws {Error} If a path has a comma, which Deno's flags cannot express.
 */
export async function codeFiles(program: string, url: URL, flags: string[]): Promise<string[]> {
  const { stdout } = await runtime.process.command(program, {
    args: ["info", "--json", ...flags, url.href],
    stdin: "null",
    stderr: "null",
  }).output();
  const sources = new URL("src/", PACKAGE).href;
  const files = new Set<string>();
  for (const { specifier, mediaType = "" } of parse(stdout).modules ?? []) {
    if (!specifier.startsWith("file:") || !CODE.has(mediaType)) continue;
    const isOwn = specifier.startsWith(sources);
    files.add(fileURLToPath(isOwn ? sources : new URL(specifier)));
  }
  // A module that cannot be loaded reports that itself when it runs.
  if (url.protocol === "file:") files.add(fileURLToPath(new URL(url.pathname, url)));
  const strange = [...files].find((path) => path.includes(","));
  if (strange !== undefined) {
    throw new Error(
      `expected paths without commas, which Deno's flags cannot name, got ${strange}`,
    );
  }
  return [...files];
}

function parse(output: Uint8Array): Info {
  try {
    return JSON.parse(new TextDecoder().decode(output));
  } catch {
    return {};
  }
}
