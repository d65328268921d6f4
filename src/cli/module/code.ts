import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { exists } from "../run/checkpoints.ts";

/** Where the package lies. */
export const PACKAGE = new URL("../../../", import.meta.url);

/** What the files of modules have in them; JSON and texts are data. */
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

/** What is read of `deno info --json`. */
interface Info {
  readonly modules?: readonly {
    readonly specifier: string;
    readonly mediaType?: string;
    readonly error?: string;
  }[];
}

/** The URL of a module that is given as a URL or a path. */
export function moduleUrl(path: string): URL {
  const url = URL.parse(path);
  // A letter is a drive of Windows.
  return url === null || url.protocol.length === 2 ? pathToFileURL(resolve(path)) : url;
}

/**
 * A module beside a `deno.json` of its own runs with that one, as Deno does; any other with that of
 * this checkout, whose lock file stays as it is.
 */
export async function configFlags(url: URL): Promise<string[]> {
  const own = PACKAGE.protocol === "file:"
    ? fileURLToPath(new URL("deno.json", PACKAGE))
    : undefined;
  const config = url.protocol === "file:" ? await configAbove(url) : undefined;
  if (config !== undefined && config !== own) return [`--config=${config}`];
  return own === undefined ? [] : [`--config=${own}`, "--frozen"];
}

/** The configuration that Deno finds for a module, as far as it may be looked for. */
async function configAbove(url: URL): Promise<string | undefined> {
  for (let folder = new URL(".", url);; folder = new URL("..", folder)) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const path = fileURLToPath(new URL(name, folder));
      const { state } = await Deno.permissions.query({ name: "read", path });
      if (state === "granted" && await exists(path)) return path;
    }
    if (folder.pathname === new URL("..", folder).pathname) return undefined;
  }
}

/**
 * The files of code that a module is made of, as far as Deno can tell without running it: those of
 * the package are its folder of sources. Data that modules import, such as JSON, are not among
 * them. Rejects with an `Error` for a path that Deno's flags cannot name.
 */
export async function codeFiles(program: string, url: URL, flags: string[]): Promise<string[]> {
  const { stdout } = await new Deno.Command(program, {
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
  // A module that cannot be loaded is to say so itself.
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
