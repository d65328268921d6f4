/** Properties of a link between two network namespaces. */
export interface TunLinkOptions {
  /** Rate of each direction. */
  readonly bitsPerSecond: number;
  /** Half of the round trip. */
  readonly delayMillis: number;
  /** Share of the packets that are lost. */
  readonly loss: number;
  /** Seed of the losses. */
  readonly seed: number;
}

/** Address of the first side. */
export const FIRST_ADDRESS = "192.0.2.1";

/** Reports whether this machine lets the process make links: Linux, as root, with Python. */
export async function canMakeLinks(): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  try {
    await Deno.stat("/dev/net/tun");
    const commands = ["python3", "ip"].map((name) =>
      new Deno.Command(name, { args: ["-V"], stdout: "null", stderr: "null" }).output()
    );
    return (await Promise.all(commands)).every(({ success }) => success);
  } catch {
    return false;
  }
}

/**
 * Runs `work` while two network namespaces are linked.
 *
 * @param work Receives the functions that make a command of the first and of the second side.
 */
export async function withTunLink<T>(
  { bitsPerSecond, delayMillis, loss, seed }: TunLinkOptions,
  work: (
    first: (module: URL, args: readonly string[]) => Deno.Command,
    second: (module: URL, args: readonly string[]) => Deno.Command,
  ) => Promise<T>,
): Promise<T> {
  const name = `fl${Deno.pid}`;
  const script = new URL("tun_link.py", import.meta.url).pathname;
  const link = new Deno.Command("python3", {
    args: [script, name, ...[bitsPerSecond, delayMillis, loss, seed].map(String)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = link.stdout.getReader();
  const side = (space: string) => (module: URL, args: readonly string[]) =>
    new Deno.Command("ip", {
      args: [
        ...["netns", "exec", `${name}-${space}`, Deno.execPath(), "run", "--allow-all"],
        ...[module.pathname, ...args],
      ],
      stdout: "piped",
      stderr: "inherit",
    });
  try {
    if ((await lines.read()).done) throw new Error("Cannot measure: the link did not begin");
    return await work(side("a"), side("b"));
  } finally {
    await link.stdin.close();
    await lines.cancel();
    await link.status;
  }
}
