/** Finds a Python that has the packages: the one that the variable names, or `python3`. */
export async function findPython(
  variable: string,
  packages: readonly string[],
): Promise<string | undefined> {
  const python = Deno.env.get(variable) ?? "python3";
  try {
    const { success } = await new Deno.Command(python, {
      args: ["-c", `import ${packages.join(", ")}`],
      env: { KERAS_BACKEND: "jax" },
      stdout: "null",
      stderr: "null",
    }).output();
    return success ? python : undefined;
  } catch {
    return undefined;
  }
}

/** Runs a Python program with arguments, and gives the JSON that it prints. */
export async function runPython(
  python: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const { success, stdout, stderr } = await new Deno.Command(python, {
    args: ["-c", program, ...args],
    env: { KERAS_BACKEND: "jax", ...env },
  }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(text.decode(stderr));
  return JSON.parse(text.decode(stdout));
}
