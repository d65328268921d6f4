import { createInterface } from "node:readline";
import { Readable } from "node:stream";

/** PyTorch at work in a process of its own. */
export interface PyTorch extends AsyncDisposable {
  /** Such as `"2.13.0"`. */
  readonly version: string;
  /** Milliseconds that so many steps took. */
  time(model: string, batch: number, steps: number): Promise<number>;
}

/**
 * Starts `bench/helpers/pytorch.py` on the Python that the environment variable FEDLAB_PYTHON names, or else `python3`; `undefined`
 * where there is no such program or it has no PyTorch.
 */
export async function startPyTorch(): Promise<PyTorch | undefined> {
  // By its text: the package may come from the network.
  const script = await (await fetch(new URL("./pytorch.py", import.meta.url))).text();
  const command = new Deno.Command(Deno.env.get("FEDLAB_PYTHON") ?? "python3", {
    args: ["-c", script],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  });
  let child: Deno.ChildProcess;
  try {
    child = command.spawn();
  } catch {
    return undefined;
  }
  const writer = child.stdin.getWriter();
  const lines = createInterface({ input: Readable.from(child.stdout) })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    return done ? undefined : String(value);
  };
  const close = async () => {
    await writer.close().catch(() => {});
    await child.status;
  };
  const version = await next();
  if (version === undefined) {
    await close();
    return undefined;
  }
  return {
    version,
    time: async (model, batch, steps) => {
      await writer.write(new TextEncoder().encode(`${model} ${batch} ${steps}\n`));
      const answer = Number(await next());
      if (!Number.isFinite(answer)) throw new Error("Cannot measure: PyTorch failed");
      return answer;
    },
    [Symbol.asyncDispose]: close,
  };
}
