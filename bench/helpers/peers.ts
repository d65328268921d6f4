/** Task of federated averaging on MNIST, one epoch of batches of ten in each client. */
export interface PeerTask {
  readonly model: string;
  readonly clients: number;
  /** Clients in each round. */
  readonly cohort: number;
  readonly learningRate: number;
  readonly rounds: number;
  /** Rounds between evaluations. */
  readonly every: number;
}

/** Figures of one run. */
export interface PeerRun {
  /** Name and version of the program. */
  readonly name: string;
  /** Time from the start of the command to its end. */
  readonly wholeMillis: number;
  /** Time of the rounds at the pace of those after the first one. */
  readonly steadyMillis: number;
}

/** Accuracy below which a run has not learned: all reach more within ten rounds. */
const LEAST_ACCURACY = 0.5;

const FEDLAB_DATA = Deno.env.get("FEDLAB_DATA") ??
  new URL("../../../shared/data", import.meta.url).pathname;
const ROOT = new URL("../..", import.meta.url);

/**
 * Runs the command `simulate`, as `deno task` does.
 *
 * @throws {Error} If it fails or does not learn.
 */
export async function ownRun(task: PeerTask, seed: number, signal: AbortSignal): Promise<PeerRun> {
  const folder = `runs/bench-${Deno.pid}`;
  const options = {
    ...{ dataset: "mnist", "data-dir": FEDLAB_DATA, model: task.model, clients: task.clients },
    ...{ fraction: task.cohort / task.clients, lr: task.learningRate, rounds: task.rounds },
    ...{ "evaluate-every": task.every, seed, json: "-", out: folder },
  };
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  try {
    const { stdout, millis } = await timed(
      Deno.execPath(),
      ["task", "-q", "simulate", ...flags],
      { signal },
    );
    const { rounds, final } = JSON.parse(stdout);
    checkLearned("simulate", final.accuracy);
    const times: number[] = rounds.map(({ seconds }: { seconds: number }) => seconds * 1000);
    const later = times.slice(1).reduce((sum, time) => sum + time, 0);
    const steadyMillis = later / (times.length - 1) * times.length;
    return { name: "FedLab", wholeMillis: millis, steadyMillis };
  } finally {
    await Deno.remove(new URL(folder, ROOT), { recursive: true }).catch(() => {});
  }
}

/**
 * Runs a program of `bench/peers` by the Python that FEDLAB_PYTHON names, or `python3`.
 *
 * @returns `undefined` where that Python or a package is missing.
 * @throws {Error} If the program fails otherwise, or does not learn.
 */
export async function peerRun(
  program: string,
  { model, clients, cohort, learningRate, rounds, every }: PeerTask,
  signal: AbortSignal,
): Promise<PeerRun | undefined> {
  const file = new URL(`../peers/${program}.py`, import.meta.url).pathname;
  let run: Timed;
  try {
    run = await timed(
      Deno.env.get("FEDLAB_PYTHON") ?? "python3",
      [file, ...[model, clients, cohort, learningRate, rounds, every].map(String)],
      { signal, env: { FEDLAB_DATA, PYTHONDONTWRITEBYTECODE: "1" } },
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Error && error.message.includes("ModuleNotFoundError")) return undefined;
    throw error;
  }
  const { name, steadySeconds, accuracy } = JSON.parse(run.stdout.trim().split("\n").at(-1) ?? "");
  checkLearned(name, accuracy);
  return { name, wholeMillis: run.millis, steadyMillis: steadySeconds * 1000 };
}

function checkLearned(name: string, accuracy: number): void {
  if (accuracy >= LEAST_ACCURACY) return;
  throw new Error(`Cannot compare with ${name}: its model has an accuracy of ${accuracy}`);
}

interface Timed {
  readonly stdout: string;
  readonly millis: number;
}

async function timed(
  program: string,
  args: string[],
  options: { signal: AbortSignal; env?: Record<string, string> },
): Promise<Timed> {
  const start = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    ...options,
    cwd: ROOT,
    stdin: "null",
  }).output();
  const millis = performance.now() - start;
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) {
    const why = text(stderr).trim().split("\n").at(-1);
    throw new Error(`Cannot measure ${args.join(" ")}: ${why}`);
  }
  return { stdout: text(stdout), millis };
}
