import { runtime } from "../../base/runtime/runtime.ts";
import { TextGenerator } from "../../predict/generation/text_generator.ts";
import type { CommandContext } from "../context.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import type { Flags } from "../options/table.ts";
import { writeText } from "../output/terminal.ts";
import { chooseKernels } from "../run/engine.ts";
import { readTrained } from "../run/trained_model.ts";

/** `generate`: a text that a language model goes on with. */
export function generateCommand({ signal }: CommandContext): Command {
  return makeCommand("generate", {
    description: "Goes on with a text by the language model of a run, and prints it.",
    example: "deno task generate --run runs/one --prompt 'To be, or ' --seed 1",
  }).action((flags: Flags<"generate">) => runGenerate(flags, signal));
}

async function runGenerate(flags: Flags<"generate">, signal: AbortSignal): Promise<void> {
  const { length, temperature, topK, seed } = flags;
  chooseKernels(flags);
  const generator = new TextGenerator(await readTrained(flags, signal));
  const prompt = withLineFeeds(flags.prompt);
  const stop = flags.stop === undefined ? undefined : withLineFeeds(flags.stop);
  generator.feed(prompt);
  const pieces = generator.sample({
    ...{ length, temperature, topK, seed },
    ...(stop !== undefined && { stop }),
  });
  const print = (text: string) => writeText(runtime.process.stdout, text);
  // The first piece is drawn before anything is printed: an error stands alone.
  let text = `${prompt}${pieces.next().value ?? ""}`;
  for (const piece of pieces) {
    signal.throwIfAborted();
    text += piece;
    if (text.length < PRINTED) continue;
    await print(text);
    text = "";
  }
  await print(`${text}\n`);
}

/** Number of characters that are printed at once. */
const PRINTED = 64;

/** Puts line feeds in the place of `\\n`. */
function withLineFeeds(text: string): string {
  return text.replaceAll("\\n", "\n");
}
