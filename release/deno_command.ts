/** Folder of the checkout. */
export const ROOT = new URL("../", import.meta.url).pathname;

/**
 * Runs a program, and returns what it prints.
 *
 * @throws {Error} If it fails. What it writes to standard error is shown.
 */
export async function run(program: string, args: readonly string[], cwd = ROOT): Promise<string> {
  const { success, stdout } = await new Deno.Command(program, {
    ...{ args: [...args], cwd, stderr: "inherit" },
  }).output();
  if (!success) throw new Error(`Cannot run ${program} ${args.join(" ")}`);
  return new TextDecoder().decode(stdout);
}

/** Runs Deno in the checkout, and returns what it prints. */
export async function deno(...args: string[]): Promise<string> {
  return await run(Deno.execPath(), args);
}
