import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { flagOf } from "../../src/cli/options/option.ts";
import { optionsOf } from "../../src/cli/options/table.ts";
import { inFolder, runCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Runs a shell with a program; `undefined` where the shell is not at hand. */
async function runShell(shell: string, program: string): Promise<string | undefined> {
  try {
    const { code, stdout, stderr } = await new Deno.Command(shell, { args: ["-c", program] })
      .output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals([code, text(stderr)], [0, ""]);
    return text(stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Program in each shell that prints the completions of a command line, one in a line. */
const PROGRAMS = {
  bash: (script: string, words: readonly string[]) =>
    `source ${script}; COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); ` +
    `COMP_CWORD=${words.length - 1}; _fedlab; printf '%s\\n' "\${COMPREPLY[@]}"`,
  fish: (script: string, words: readonly string[]) =>
    `source ${script}; complete -C '${words.join(" ")}' | string replace -r '\\t.*' ''; true`,
};

Deno.test("completions prints scripts that complete commands, options, choices and paths", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/some-table.csv`, "");
    const flags = optionsOf("simulate").map(({ name }) => flagOf(name))
      .filter((flag) => flag.startsWith("--check"));
    assert(flags.length > 0);
    for (const shell of ["bash", "zsh", "fish"] as const) {
      const { code, stdout, stderr } = await runCommand("completions", [shell], folder);
      assertEquals([code, stderr], [0, ""]);
      const path = `${folder}/script`;
      await Deno.writeTextFile(path, stdout);
      if (shell === "zsh") {
        await runShell("zsh", `zsh -n ${path}`);
        continue;
      }
      const complete = async (...words: string[]) => {
        const found = await runShell(shell, PROGRAMS[shell](path, ["fedlab", ...words]));
        return found?.trimEnd().split("\n").sort();
      };
      if (await complete("sim") === undefined) continue;
      assertEquals(await complete("sim"), ["simulate"]);
      assertEquals(await complete("simulate", "--check"), flags.toSorted());
      assertEquals(await complete("simulate", "--engine", ""), ["auto", "native", "tfjs"]);
      assertEquals(await complete("completions", "f"), ["fish"]);
      assertEquals(await complete("simulate", "--data", `${folder}/some`), [
        `${folder}/some-table.csv`,
      ]);
    }
    const { code, stderr } = await runCommand("completions", ["tcsh"], folder);
    assertEquals(code, 2);
    assertMatch(stderr, /expected one of bash, zsh, fish, got tcsh/);
  }));
