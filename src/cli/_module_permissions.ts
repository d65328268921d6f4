import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { errorMessage } from "../errors.ts";
import { parseAddress } from "../net/tcp.ts";
import { isWebSocketAddress, parseWebSocketAddress } from "../net/websocket.ts";
import { exists } from "./_checkpoints.ts";
import { InvalidArgumentError } from "./deps.ts";

/** Where the package lies. */
const PACKAGE = new URL("../../", import.meta.url);

/** Deno's permissions by name. */
const KINDS = ["read", "write", "net", "env", "run", "sys", "ffi", "import"];

/** Reads a permission of a module: `read=data.csv` stands for `--allow-read=data.csv`, `read` for all of it. */
export function addPermission(text: string, before: readonly string[] = []): string[] {
  if (!KINDS.includes(kindOf(text)) || text.endsWith("=")) {
    throw new InvalidArgumentError(
      `Expected one of ${KINDS.join(", ")}, and after = what it is for, as in read=data.csv.`,
    );
  }
  return [...before, text];
}

function kindOf(permission: string): string {
  return permission.split("=", 1)[0] ?? "";
}

/** The URL of a module that is given as a URL or a path. */
export function moduleUrl(path: string): URL {
  const url = URL.parse(path);
  // A letter is a drive of Windows.
  return url === null || url.protocol.length === 2 ? pathToFileURL(resolve(path)) : url;
}

/** The flags of a process for a client's module: its server's address, what is granted, and nothing else. */
export async function moduleFlags(
  url: URL,
  serverAddr: string,
  granted: readonly string[],
): Promise<string[]> {
  const { hostname, port } = isWebSocketAddress(serverAddr)
    ? addressOfUrl(serverAddr)
    : parseAddress(serverAddr);
  const remote = [PACKAGE, url].filter(({ protocol }) => /^https?:$/.test(protocol));
  const hosts = new Set(remote.map(({ host }) => host));
  const wanted = [
    `net=${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`,
    // Where code comes from addresses, from these and from JSR.
    ...(hosts.size > 0 ? [`import=${[...hosts, "jsr.io"].join()}`] : []),
    ...granted,
  ];
  return [
    ...["--quiet", "--no-prompt"],
    // Beside a flag with a list Deno takes one without to mean nothing.
    ...wanted.filter((one) => KINDS.includes(one) || !wanted.includes(kindOf(one)))
      .map((permission) => `--allow-${permission}`),
    ...await configFlags(url),
  ];
}

function addressOfUrl(address: string): { hostname: string; port: number } {
  const { hostname, port, protocol } = parseWebSocketAddress(address);
  return {
    hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(port) || (protocol === "wss:" ? 443 : 80),
  };
}

/** A module beside a `deno.json` of its own runs with that one, as Deno does; any other with that of this checkout, whose lock file stays as it is. */
async function configFlags(url: URL): Promise<string[]> {
  if (PACKAGE.protocol !== "file:") return [];
  const own = fileURLToPath(new URL("deno.json", PACKAGE));
  const config = url.protocol === "file:" ? await configAbove(url) : undefined;
  if (config !== undefined && config !== own) return [];
  return await isThere(own) ? [`--config=${own}`, "--frozen"] : [];
}

/** The configuration that Deno finds for a module, as far as it may be looked for. */
async function configAbove(url: URL): Promise<string | undefined> {
  for (let folder = new URL(".", url);; folder = new URL("..", folder)) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const path = fileURLToPath(new URL(name, folder));
      if (await isThere(path)) return path;
    }
    if (folder.pathname === new URL("..", folder).pathname) return undefined;
  }
}

async function isThere(path: string): Promise<boolean> {
  const { state } = await Deno.permissions.query({ name: "read", path });
  return state === "granted" && await exists(path);
}

/** The same error; one about a permission that the module lacks names the option that grants it. */
export function withModuleFlag(error: unknown): unknown {
  const message = errorMessage(error);
  const clear = message.replace(
    /Requires (\w+) access to "([^"]+)", run again with the --allow-\1 flag.*/,
    'the module requires $1 access to "$2": add --module-allow $1=$2',
  );
  return clear === message ? error : new Deno.errors.NotCapable(clear, { cause: error });
}
