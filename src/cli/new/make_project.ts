import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { errorMessage } from "../../base/errors.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { VERSION } from "../../base/version.ts";
import { TEMPLATES } from "../../generated/templates.ts";

/** Name of the configuration among the files of a template: a `deno.json` there would be one. */
const PROJECT = "project.json";

/** Folder or address of the package that runs. */
const PACKAGE = new URL("../../../", import.meta.url);

/**
 * Writes the files of a template into a folder that is new or empty.
 *
 * @param folder Path of the folder.
 * @param template Name of the template.
 * @returns The paths of the files in the folder.
 * @throws {Error} If there is something in the folder, or it cannot be written.
 */
export async function makeProject(folder: string, template: string): Promise<string[]> {
  const files = Object.entries(TEMPLATES[template] ?? {});
  try {
    await runtime.files.mkdir(folder, { recursive: true });
    for await (const { name } of runtime.files.readDir(folder)) {
      throw new Error(`there is ${name} in it already; name a new folder`);
    }
    const isCheckout = PACKAGE.protocol === "file:";
    const more = isCheckout ? await checkoutFields() : undefined;
    for (const [path, text] of files) {
      const target = `${folder}/${path === PROJECT ? "deno.json" : path}`;
      await runtime.files.mkdir(dirname(target), { recursive: true });
      const filled = filledIn(text, basename(resolve(folder)));
      await runtime.files.writeTextFile(target, path === PROJECT ? linked(filled, more) : filled, {
        createNew: true,
      });
    }
    // The versions that the checkout is tested with; without them each start asks for new ones.
    if (isCheckout) await copyText(new URL("deno.lock", PACKAGE), `${folder}/deno.lock`);
  } catch (cause) {
    throw new Error(`Cannot make a project in ${folder}: ${errorMessage(cause)}`, { cause });
  }
  return files.map(([path]) => path === PROJECT ? "deno.json" : path);
}

function filledIn(text: string, name: string): string {
  return text.replaceAll("{{cli}}", `jsr:@fedlab/core@${VERSION}/cli`)
    .replaceAll("{{version}}", VERSION)
    .replaceAll("{{name}}", () => name);
}

/** Makes the fields of a project's configuration by which it uses this checkout. */
async function checkoutFields(): Promise<object> {
  const checkout = fileURLToPath(PACKAGE).replace(/[\\/]$/, "");
  const links = ["", "/links/log", "/links/assert"].map((path) => checkout + path);
  const { minimumDependencyAge } = JSON.parse(
    await runtime.files.readTextFile(new URL("deno.json", PACKAGE)),
  );
  return { links, minimumDependencyAge };
}

async function copyText(from: URL, to: string): Promise<void> {
  await runtime.files.writeTextFile(to, await runtime.files.readTextFile(from), {
    createNew: true,
  });
}

/** Completes a project's configuration with the place of the package, where it is not JSR. */
function linked(text: string, more: object | undefined): string {
  if (more !== undefined) return `${JSON.stringify({ ...JSON.parse(text), ...more }, null, 2)}\n`;
  if (PACKAGE.host === "jsr.io") return text;
  return text.replaceAll(`jsr:@fedlab/core@${VERSION}/cli`, `${PACKAGE}src/cli/main.ts`)
    .replaceAll(`jsr:@fedlab/core@${VERSION}`, `${PACKAGE}mod.ts`);
}
