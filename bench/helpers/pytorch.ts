import { createInterface } from "node:readline";
import { Readable } from "node:stream";

/** PyTorch in a process of its own. */
export interface PyTorch extends AsyncDisposable {
  /** Version, such as `"2.13.0"`. */
  readonly version: string;
  /** Measures the milliseconds of a number of steps, or of evaluations, of batches of `rows`. */
  time(
    kind: "step" | "evaluate",
    model: string,
    { rows, count }: { readonly rows: number; readonly count: number },
  ): Promise<number>;
}

/** Programs of this folder that time PyTorch. */
export type PyTorchProgram = "pytorch.py" | "pytorch_sequences.py" | "pytorch_encoder.py";

/**
 * Starts a program on the Python that the environment variable FEDLAB_PYTHON names, or else on
 * `python3`.
 *
 * @returns `undefined` if there is no such Python or it has no PyTorch.
 */
export async function startPyTorch(
  program: PyTorchProgram = "pytorch.py",
): Promise<PyTorch | undefined> {
  const script = await Deno.readTextFile(new URL(program, import.meta.url));
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
    time: async (kind, model, { rows, count }) => {
      await writer.write(new TextEncoder().encode(`${kind} ${model} ${rows} ${count}\n`));
      const answer = Number(await next());
      if (!Number.isFinite(answer)) throw new Error("Cannot measure: PyTorch failed");
      return answer;
    },
    [Symbol.asyncDispose]: close,
  };
}
