/** The templates of `new`, as a module: the files of a folder, which the package has as texts. */
import { ROOT } from "./modules.ts";

/** Path of the module. */
export const TEMPLATES = "src/generated/templates.ts";

/** Examples whose files a template has besides its own, by the name of the template. */
const EXAMPLES: Readonly<Record<string, string>> = { "own-training": "examples/own_handler/" };

const FOLDER = new URL("src/cli/new/templates/", ROOT);

/** Writes the module. */
export async function templatesText(): Promise<string> {
  const templates: Record<string, Record<string, string>> = {};
  for await (const path of filesIn(FOLDER, "")) {
    const [, template = "", name = ""] = /^([^/]+)\/(.+)$/.exec(path) ?? [];
    (templates[template] ??= {})[name] = await Deno.readTextFile(new URL(path, FOLDER));
  }
  for (const [template, example] of Object.entries(EXAMPLES)) {
    const folder = new URL(example, ROOT), files = templates[template] ??= {};
    for await (const name of filesIn(folder, "")) {
      files[name] = withoutCommands(await Deno.readTextFile(new URL(name, folder)));
    }
  }
  const sorted = Object.entries(templates).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, files]) => [
      name,
      Object.fromEntries(Object.entries(files).sort(([a], [b]) => a < b ? -1 : 1)),
    ]);
  return `// deno-fmt-ignore-file
/** Templates of \`new\`, by name and path; written by tests/structure/main.ts. */
export const TEMPLATES: Readonly<Record<string, Readonly<Record<string, string>>>> = ${
    JSON.stringify(Object.fromEntries(sorted), null, 1)
  };
`;
}

/** Leaves out the commands at a module's top: its README.md has those of a project. */
function withoutCommands(text: string): string {
  return text.replace(/^( \*\n( \* {5}deno .+\n)+)+/m, "");
}

async function* filesIn(folder: URL, prefix: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* filesIn(new URL(`${name}/`, folder), `${prefix}${name}/`);
    else yield `${prefix}${name}`;
  }
}
