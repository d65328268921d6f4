import config from "../../deno.json" with { type: "json" };

const ROOT = import.meta.dirname + "/../..";

/** What a command came to. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Commands that run. */
const running = new Set<RunningCommand>();

/** A command that runs as a process of its own, with the permissions of its task. */
export class RunningCommand {
  readonly process: Deno.ChildProcess;
  /** Folder that it runs in. */
  readonly folder: string;
  readonly outcome: Promise<Outcome>;
  /** What it has said so far, on both. */
  #said = { stdout: "", stderr: "" };
  readonly #watchers = new Set<() => void>();

  constructor(process: Deno.ChildProcess, folder: string) {
    this.process = process;
    this.folder = folder;
    running.add(this);
    const followed = [this.#follow("stdout"), this.#follow("stderr")];
    this.outcome = Promise.all([process.status, ...followed]).then(([{ code }]) => {
      running.delete(this);
      return { code, ...this.#said };
    });
  }

  /**
   * Resolves with what the pattern matched, once standard output or standard error has it; rejects
   * when the process ends without it.
   */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    let ended = false;
    this.outcome.then(() => ended = true);
    for (;;) {
      const { stdout, stderr } = this.#said;
      const match = pattern.exec(stdout) ?? pattern.exec(stderr);
      if (match !== null) return match;
      if (ended) throw new Error(`The command never said ${pattern}, but:\n${stdout}${stderr}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.add(resolve);
      await Promise.race([promise, this.outcome]);
      this.#watchers.delete(resolve);
    }
  }

  /** Ends the process at once, if it runs. */
  kill(): void {
    try {
      this.process.kill("SIGKILL");
    } catch { /* it has ended */ }
  }

  async #follow(stream: "stdout" | "stderr"): Promise<void> {
    for await (const text of this.process[stream].pipeThrough(new TextDecoderStream())) {
      this.#said[stream] += text;
      for (const wake of this.#watchers) wake();
    }
  }
}

/** The arguments of the `deno` that a task runs, its variables taken from the environment. */
export function taskArguments(
  task: keyof typeof config.tasks,
  env: Readonly<Record<string, string>> = {},
): string[] {
  const text = config.tasks[task].command;
  const [program, ...args] = text.split(" ").map((word) =>
    word.replaceAll('"', "").replaceAll(
      /\$(\w+)/g,
      (_, name) => env[name] ?? Deno.env.get(name) ?? "",
    )
  );
  if (program !== "deno") throw new Error(`expected the task to run deno, got ${text}`);
  return args;
}

/**
 * The same from a folder other than the checkout, whose sources its workers read; it may write all
 * that the folder has.
 */
function argumentsElsewhere(task: CommandName, env: Readonly<Record<string, string>>): string[] {
  const args = taskArguments(task, env).map((arg) =>
    arg.startsWith("src/") ? `${ROOT}/${arg}` : arg === "--allow-read=." ? `${arg},${ROOT}` : arg
  );
  const [run = "", ...others] = args;
  return [run, "--allow-write=.,..", ...others];
}

/** Folder of Deno's cache, for a command whose cache folder is another one. */
export async function denoDir(): Promise<string> {
  const info = new Deno.Command(Deno.execPath(), { args: ["info", "--json"] });
  return JSON.parse(new TextDecoder().decode((await info.output()).stdout)).denoDir;
}

/** A command that is a task of its own. */
export type CommandName =
  | "demo"
  | "server"
  | "client"
  | "client:module"
  | "keygen"
  | "partition"
  | "schema"
  | "simulate"
  | "reproduce"
  | "stats"
  | "plot"
  | "predict"
  | "generate"
  | "evaluate"
  | "export"
  | "dashboard"
  | "runs"
  | "runs:cluster"
  | "worker"
  | "demo:cluster"
  | "cluster-config"
  | "doctor"
  | "new"
  | "completions";

/** Starts a task's command in a folder of its own, where it may write whatever it is told to. */
export function startCommand(
  task: CommandName,
  args: string[],
  cwd: string,
  env: Record<string, string> = {},
): RunningCommand {
  const process = new Deno.Command(Deno.execPath(), {
    args: [...argumentsElsewhere(task, env), ...args],
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1", ...env },
  }).spawn();
  return new RunningCommand(process, cwd);
}

/** Starts the task of an example, wherever it is run from; its files are those of the checkout. */
export function startExample(
  task: keyof typeof config.tasks,
  args: readonly string[],
  { cwd = ROOT, env = {}, writes }: {
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string>>;
    /** Folder that it may write to, besides those of the task. */
    readonly writes?: string;
  } = {},
): RunningCommand {
  const [run = "", ...others] = taskArguments(task, env).map((arg) =>
    arg.startsWith("examples/") ? `${ROOT}/${arg}` : arg
  );
  const more = writes === undefined ? [] : [`--allow-write=${writes}`];
  const process = new Deno.Command(Deno.execPath(), {
    args: [run, ...more, ...others, ...args],
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return new RunningCommand(process, cwd);
}

/** Runs a task's command to its end. */
export function runCommand(
  task: CommandName,
  args: string[],
  cwd: string,
): Promise<Outcome> {
  return startCommand(task, args, cwd).outcome;
}

/**
 * Runs a test in a folder of its own, which is removed afterwards. When the test fails, the commands
 * that still run in the folder are ended, so that the next test is not blamed for them.
 */
export async function inFolder<T>(test: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    return await test(folder);
  } catch (error) {
    const left = [...running].filter((command) => command.folder.startsWith(folder));
    for (const command of left) command.kill();
    await Promise.all(left.map(({ outcome }) => outcome));
    throw error;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
