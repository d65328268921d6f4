import { runtime } from "../../base/runtime/runtime.ts";
import { generateKeyPair, writePrivateKey } from "../../auth/key_pair.ts";
import type { CommandContext } from "../context.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import { UsageError } from "../options/option.ts";
import type { Flags } from "../options/table.ts";
import { printError, writeText } from "../output/terminal.ts";

/**
 * `keygen`: a key pair of a client. Only the line with the public key goes to standard output, so
 * that `>> allowed.keys` adds it to a server's list.
 */
export function keygenCommand(_context: CommandContext): Command {
  return makeCommand("keygen", {
    description: "Makes a client's key pair: writes the private key, prints the public one.",
    example: "deno task keygen --out one.key --name ward-1 >> allowed.keys",
  }).action(runKeygen);
}

async function runKeygen({ out, name }: Flags<"keygen">): Promise<void> {
  if (name !== undefined && (/\p{Cc}/u.test(name) || name.trim() === "")) {
    throw new UsageError("expected --name to be a line of text");
  }
  if (name?.includes("=")) {
    throw new UsageError("expected --name without =, which stands for options on the list's line");
  }
  const { privateKeyPem, publicKey } = await generateKeyPair();
  await writePrivateKey(out, privateKeyPem);
  printError(`The private key is in ${out}; keep it secret. Line for the server's list of keys:`);
  const line = name === undefined ? publicKey : `${publicKey} ${name.trim()}`;
  writeText(runtime.process.stdout, `${line}\n`);
}
