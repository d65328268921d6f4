import { withDeadline } from "../../src/base/time/with_deadline.ts";

/**
 * Runs a module in a process of its own while `work` runs, and ends it after that.
 *
 * @param work Receives a signal that is aborted when the process fails, and a promise of the
 * process's standard output.
 */
export async function withProcess<T>(
  module: URL,
  args: readonly (string | number)[],
  options: { signal: AbortSignal },
  work: (process: { signal: AbortSignal; output: Promise<string> }) => Promise<T>,
): Promise<T> {
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", module.href, ...args.map(String)],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const output = child.output().then(({ success, code, stdout, stderr }) => {
    if (success) return new TextDecoder().decode(stdout);
    const [, why = `status ${code}`] = /^error: (.+)$/m.exec(new TextDecoder().decode(stderr)) ??
      [];
    const error = new Error(`Cannot measure: the other process failed: ${why}`);
    failed.abort(error);
    throw error;
  });
  output.catch(() => {});
  try {
    return await withDeadline(work({ signal, output }), { signal });
  } finally {
    try {
      child.kill("SIGKILL");
    } catch { /* it has ended */ }
    await child.status;
  }
}
