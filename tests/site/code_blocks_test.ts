import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { parseArgs } from "node:util";
import { load } from "../../src/cli/config/deps.ts";
import { type CommandName, flagOf } from "../../src/cli/options/option.ts";
import { optionsOf } from "../../src/cli/options/table.ts";
import { ROOT, sources } from "../../docs/site/sources.ts";

/** A block of code in a page. */
interface Block {
  /** Path of the page with the line of the block. */
  readonly place: string;
  /** Language, as after the marks of the block. */
  readonly language: string;
  readonly code: string;
}

async function blocks(): Promise<Block[]> {
  const pages = (await sources()).map(({ path }) => path).filter((path) => path !== "CHANGELOG.md");
  const found = await Promise.all(pages.map(async (path) => {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    return Array.from(
      text.matchAll(/^( *)```(\w+)[^\n]*\n([^]*?)^ *```$/gm),
      ([whole, indent = "", language = "", code = ""]): Block => ({
        place: `${path}:${text.slice(0, text.indexOf(whole)).split("\n").length}`,
        language,
        code: code.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      }),
    );
  }));
  return found.flat();
}

const BLOCKS = await blocks();

Deno.test("blocks of JSON and YAML in the docs can be read", () => {
  let read = 0;
  for (const { place, language, code } of BLOCKS) {
    if (language !== "json" && language !== "yaml") continue;
    try {
      if (language === "json") JSON.parse(code);
      else load(code);
    } catch (cause) {
      throw new Error(`Cannot read the block at ${place}`, { cause });
    }
    read++;
  }
  assert(read > 5, `${read}`);
});

/** Commands in a block for a shell: without comments and prompts, continued lines joined. */
function commandsIn(code: string): string[] {
  return code.replaceAll(/\\\n\s*/g, " ").split("\n")
    .map((line) => line.replace(/(^|\s)#.*$/, "").trim());
}

Deno.test("commands in the docs are tasks, and have the options that are given to them", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const wrong: string[] = [];
  let checked = 0;
  for (const { place, language, code } of BLOCKS) {
    if (language !== "sh") continue;
    for (const command of commandsIn(code)) {
      // One of several commands of a line, up to what the shell does with it.
      for (const [, task = "", rest = ""] of command.matchAll(/deno task ([\w:-]+)([^|&;>)]*)/g)) {
        if (!(task in tasks)) wrong.push(`${place}: no task ${task}`);
        const known = optionsOf(task as CommandName)
          .flatMap(({ name, alsoCalled }) => [flagOf(name), ...alsoCalled ? [alsoCalled] : []]);
        if (known.length === 0) continue;
        const { tokens } = parseArgs({ args: rest.split(/\s+/), strict: false, tokens: true });
        for (const token of tokens) {
          if (token.kind !== "option" || !token.rawName.startsWith("--")) continue;
          checked++;
          if (["--help", "--all", ...known].includes(token.rawName)) continue;
          wrong.push(`${place}: ${task} has no option ${token.rawName}`);
        }
      }
    }
  }
  assertEquals(wrong, []);
  assert(checked > 100, `${checked}`);
});
