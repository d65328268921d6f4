import { ROOT } from "./deno_command.ts";

/** Permissions of the command, as `deno install` gives them. */
const PERMISSIONS = ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"];

/** Modules that the command starts as workers, which are no imports. */
export const WORKERS: readonly string[] = [
  "src/cli/run/client_worker.ts",
  "src/sim/pool_worker.ts",
  "src/sim/warm_pool_worker.ts",
];

/** Machines for which the command is compiled. */
export const TARGETS: readonly string[] = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

/**
 * Compiles the command `fedlab` to a program that needs no Deno.
 *
 * @returns Why it could not be compiled, in a line; `undefined` if it was.
 */
export async function compileCommand(target: string, file: string): Promise<string | undefined> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["compile", "--quiet", "--frozen", "--no-prompt", "--no-check", "--target", target],
      ...PERMISSIONS,
      ...WORKERS.flatMap((module) => ["--include", module]),
      ...["--output", file, "src/cli/main.ts"],
    ],
    env: { NO_COLOR: "1" },
    cwd: ROOT,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return undefined;
  const lines = new TextDecoder().decode(stderr).trim().split("\n").map((line) => line.trim());
  // The causes are numbered from the nearest one; the longest one says most.
  const causes = lines.flatMap((line) => /^\d+: (.*)$/.exec(line)?.[1] ?? []);
  return causes.sort((a, b) => b.length - a.length)[0] ?? lines[0] ?? "no reason is known";
}
