import { withDeadline } from "../../src/base/time/with_deadline.ts";

/** Links between clients and a server on this machine. */
export interface LinksOptions {
  readonly clients: number;
  /** Whether the clients share one link. */
  readonly isShared: boolean;
  /** Rate of each direction. */
  readonly bitsPerSecond: number;
  /** Half of the round trip. */
  readonly delayMillis: number;
}

/**
 * Runs the links in a process of their own while `work` runs.
 *
 * @param address Address of the server.
 * @param work Receives the addresses to which the clients connect, separated by commas.
 */
export async function withLinks<T>(
  address: string,
  { clients, isShared, bitsPerSecond, delayMillis }: LinksOptions,
  { signal }: { signal: AbortSignal },
  work: (addresses: string) => Promise<T>,
): Promise<T> {
  const module = new URL("../processes/links.ts", import.meta.url);
  const port = address.split(":").at(-1) ?? "";
  const args = [port, clients, Number(isShared), bitsPerSecond, delayMillis].map(String);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net", module.href, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    const { value = "" } = await lines.read();
    if (value === "") throw new Error("Cannot measure: the links did not begin");
    return await withDeadline(work(value.trim()), { signal });
  } finally {
    await lines.cancel();
    try {
      child.kill("SIGKILL");
    } catch { /* it has ended */ }
    await child.status;
  }
}
