import { runtime } from "../../base/runtime/runtime.ts";
import type { ServerTopologyOptions } from "../options.ts";

/** File descriptors that a server has in use besides one for each client. */
const RESERVE = 32;
/** Transports whose connections have a file descriptor each. */
const WITH_DESCRIPTORS: readonly string[] = ["tcp", "tls", "websocket"];

/**
 * Reads the number of file descriptors that this process may have.
 *
 * @returns `undefined` where it is not known: outside of Linux, or without all permissions.
 */
export async function mostDescriptors(): Promise<number | undefined> {
  try {
    const limits = await runtime.files.readTextFile("/proc/self/limits");
    const most = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
    return Number.isNaN(most) ? undefined : most;
  } catch {
    return undefined;
  }
}

/**
 * Checks that the process may have a file descriptor for each client.
 *
 * @param transport Name of the transport.
 * @param warn Called with the warning that not all clients can join, when the run can begin without
 * some of them.
 * @throws {RangeError} If the run cannot begin.
 */
export async function checkDescriptors(
  { worldSize, minClients }: Pick<ServerTopologyOptions, "worldSize" | "minClients">,
  transport: string,
  warn: (text: string) => void,
): Promise<void> {
  const clients = worldSize - 1, needed = clients + RESERVE;
  const most = WITH_DESCRIPTORS.includes(transport) ? await mostDescriptors() : undefined;
  if (most === undefined || needed <= most) return;
  const text =
    `expected at least ${needed} file descriptors for ${clients} clients, got ${most}; raise the limit of the process (ulimit -n ${needed})`;
  if ((minClients ?? clients) + RESERVE > most) throw new RangeError(`Cannot begin: ${text}`);
  warn(`Not all clients can join: ${text}`);
}
