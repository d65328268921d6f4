import { errorMessage } from "../errors.ts";

/** Makes sure, before a run that may be long, that its report can be written. On a terminal Deno asks for the permission. */
export async function mayWrite(path: string): Promise<void> {
  const { state } = await Deno.permissions.request({ name: "write", path });
  if (state !== "granted") {
    throw new Deno.errors.NotCapable(`Cannot write ${path}: run Deno with --allow-write=${path}`);
  }
}

/** The message of anything that was thrown, on one line; where Deno itself refused something, with the narrowest flag that grants it. */
export function messageWithFlag(error: unknown): string {
  return errorMessage(error).replace(
    /Requires (\w+) access to "([^"]+)", run again with the --allow-\1 flag/,
    (_, kind: string, what: string) => {
      // Each run has a folder of its own there: the flag must hold for the next.
      const scope = what.replace(/^runs\/.+/, "runs");
      return `Requires ${kind} access to "${what}": run Deno with --allow-${kind}=${scope}`;
    },
  );
}
