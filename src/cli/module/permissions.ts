import { didYouMean } from "../../base/did_you_mean.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { errorMessage } from "../../base/errors.ts";
import { parseAddress } from "../../net/tcp.ts";
import { isWebSocketAddress, parseWebSocketAddress } from "../../net/websocket/address.ts";
import { PACKAGE } from "./code.ts";
import { InvalidArgumentError } from "../deps.ts";

/** Names of Deno's permissions. */
const KINDS = ["read", "write", "net", "env", "run", "sys", "ffi", "import"];

/**
 * Adds a permission to those of a module: `read=data.csv` stands for `--allow-read=data.csv`, and
 * `read` for `--allow-read`.
 *
 * @throws {InvalidArgumentError} If Deno has no such permission.
 */
export function addPermission(text: string, before: readonly string[] = []): string[] {
  if (!KINDS.includes(kindOf(text)) || text.endsWith("=")) {
    throw new InvalidArgumentError(
      `Expected one of ${KINDS.join(", ")}, and after = what it is for, as in read=data.csv${
        didYouMean(kindOf(text), KINDS)
      }.`,
    );
  }
  return [...before, text];
}

function kindOf(permission: string): string {
  return permission.split("=", 1)[0] ?? "";
}

/**
 * Lists the permissions of a client module's process as flags: the server's address, the module's
 * own code, and the granted permissions.
 */
export function permissionFlags(
  url: URL,
  serverAddr: string,
  { code, granted }: { code: readonly string[]; granted: readonly string[] },
): string[] {
  const { hostname, port } = isWebSocketAddress(serverAddr)
    ? addressOfUrl(serverAddr)
    : parseAddress(serverAddr);
  const remote = [PACKAGE, url].filter(({ protocol }) => /^https?:$/.test(protocol));
  const hosts = new Set(remote.map(({ host }) => host));
  const wanted = [
    `net=${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`,
    // Code from the network may be imported from its own hosts and from JSR.
    ...(hosts.size > 0 ? [`import=${[...hosts, "jsr.io"].join()}`] : []),
    ...(code.length > 0 ? [`read=${code.join()}`] : []),
    ...granted,
  ];
  // Deno ignores a flag without a list beside the same flag with one.
  return wanted.filter((one) => KINDS.includes(one) || !wanted.includes(kindOf(one)))
    .map((permission) => `--allow-${permission}`);
}

function addressOfUrl(address: string): { hostname: string; port: number } {
  const { hostname, port, protocol } = parseWebSocketAddress(address);
  return {
    hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(port) || (protocol === "wss:" ? 443 : 80),
  };
}

/** Rewrites an error about a missing permission to name the option that grants it. */
export function withModuleFlag(error: unknown): unknown {
  const message = errorMessage(error);
  const clear = message.replace(
    /Requires (\w+) access to "([^"]+)", run again with the --allow-\1 flag.*/,
    'the module requires $1 access to "$2": add --module-allow $1=$2',
  );
  return clear === message ? error : new runtime.errors.NotCapable(clear, { cause: error });
}
