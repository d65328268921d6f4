import { generateKeyPair, writePrivateKey } from "../../auth/key_pair.ts";
import type { CommandContext } from "../context.ts";
import { UsageError } from "../options/options.ts";
import { printError, writeText } from "../output/terminal.ts";
import { Command } from "../deps.ts";

interface KeygenFlags {
  out: string;
  name?: string;
}

/** `keygen`: a client's key. The public line is all that goes to the standard output, so that `>> allowed.keys` takes it. */
export function keygenCommand(_context: CommandContext): Command {
  return new Command("keygen")
    .description("a client's key: writes the private one, prints the line for the server's list")
    .requiredOption("--out <file>", "where the private key goes; a file that exists is left alone")
    .option("--name <text>", "name of the client, after its key on the line")
    .option("--verbose", "show the stack of an error", false)
    .action(runKeygen);
}

async function runKeygen({ out, name }: KeygenFlags): Promise<void> {
  if (name !== undefined && (/\p{Cc}/u.test(name) || name.trim() === "")) {
    throw new UsageError("expected --name to be a line of text");
  }
  if (name?.includes("=")) {
    throw new UsageError("expected --name without =, which stands for options on the list's line");
  }
  const { privateKeyPem, publicKey } = await generateKeyPair();
  await writePrivateKey(out, privateKeyPem);
  printError(`The private key is in ${out}, for this client alone. For the server's list:`);
  const line = name === undefined ? publicKey : `${publicKey} ${name.trim()}`;
  writeText(Deno.stdout, `${line}\n`);
}
